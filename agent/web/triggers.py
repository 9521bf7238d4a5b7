"""Rows from outside Notion over HTTP: what a caller may say, and the row that comes of it.

For Shortcuts, IFTTT, CI jobs: whoever knows the secret may create task rows, and nothing else. A row is all that a
trigger makes; it is worked like a row that a person made. Pure but for filing the row; ``agent.web.webhooks`` calls it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from agent.rows.new_rows import GivenUpError, NewRow, NewRows
from handlers.registry import Registry
from notion_schema.vocabulary import Priority

_FIELDS = {"url": 2000, "title": 2000, "priority": 100, "description": 50_000}
"""What the body may hold, each with its greatest length."""
_SCHEMES = ("http://", "https://", "spotify:")
_LONGEST_KEY = 200
_PATIENCE_S = 8.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: HTTPStatus
    body: dict[str, Any]


class TriggerError(Exception):
    """The request is refused; the sentence tells its sender why."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Triggers:
    """Makes rows of requests.

    Args:
        secret: what callers must know; empty switches triggers off.
        types: the task types there are.
        rows: who files the rows.
        patience_s: for so long a request waits for its row.
    """

    def __init__(
        self, secret: str, types: Registry, rows: NewRows, *, patience_s: float = _PATIENCE_S
    ) -> None:
        self._secret = secret
        self._types = types
        self._rows = rows
        self._patience_s = patience_s

    def check(self, authorization: str) -> None:
        """Lets nobody in who does not know the secret.

        Raises:
            TriggerError: 404 where triggers are off, 401 for everybody else.
        """
        if not self._secret:
            raise TriggerError(
                HTTPStatus.NOT_FOUND, "Triggers are switched off: this worker has no TRIGGER_SECRET."
            )
        scheme, _, given = authorization.partition(" ")
        known = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._secret.encode())
        if scheme.casefold() != "bearer" or not known:
            raise TriggerError(
                HTTPStatus.UNAUTHORIZED, "Send the header “Authorization: Bearer” with the TRIGGER_SECRET."
            )

    def make(self, task_type: str, body: bytes, idempotency_key: str) -> Answer:
        """Files the row that a request asks for and waits a few seconds for it; blocks meanwhile.

        Args:
            task_type: as in the address: the name, with blanks, dashes or underscores, in any case.
            body: JSON, or nothing.
            idempotency_key: the caller's own; equal ones make one row. Empty for none.

        Raises:
            TriggerError: the request is not understood.
        """
        row = self._row(task_type, _read(body), idempotency_key)
        fresh = self._rows.file(row)
        if not fresh and self._rows.accepted(row.key) != row:
            raise TriggerError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "This Idempotency-Key was used for another request. Use a new key for a new row.",
            )
        try:
            filed = self._rows.filed(row.key, self._patience_s)
        except GivenUpError as error:
            raise TriggerError(HTTPStatus.BAD_GATEWAY, str(error)) from error
        if filed is None:
            return Answer(
                HTTPStatus.ACCEPTED,
                {
                    "status": "accepted",
                    "message": "Notion is slow or away; the row is created when it answers.",
                },
            )
        return Answer(
            HTTPStatus.CREATED if fresh else HTTPStatus.OK,
            {"status": "created" if fresh else "exists", "title": row.title, **asdict(filed)},
        )

    def _row(self, task_type: str, asked: Mapping[str, str], idempotency_key: str) -> NewRow:
        handler = next(
            (each for each in self._types.handlers.values() if _plain(task_type) in map(_plain, each.names)),
            None,
        )
        if handler is None:
            raise TriggerError(
                HTTPStatus.NOT_FOUND,
                f"There is no task type “{task_type[:100]}”. Segue does: {', '.join(self._types.handlers)}.",
            )
        if len(idempotency_key) > _LONGEST_KEY:
            raise _bad(f"The Idempotency-Key is longer than {_LONGEST_KEY} characters.")
        url = asked.get("url", "")
        if url and not url.startswith(_SCHEMES):
            raise _bad("“url” must begin with http://, https:// or spotify:.")
        priority = Priority.parse(asked["priority"]) if asked.get("priority") else None
        if asked.get("priority") and priority is None:
            raise _bad(f"“priority” must be one of {', '.join(Priority)}.")
        told_apart = (idempotency_key or secrets.token_hex(16)).encode("utf-8", "surrogateescape")
        return NewRow(
            key=f"trigger:{hashlib.sha256(told_apart).hexdigest()[:32]}",
            task_type=handler.task_type,
            title=asked.get("title") or (f"{handler.task_type}: {url}" if url else handler.task_type),
            link=url,
            description=asked.get("description", ""),
            priority=priority,
        )


def _read(body: bytes) -> dict[str, str]:
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise _bad("The body is no JSON.") from None
    if not isinstance(found, dict):
        raise _bad("The body must be a JSON object.")
    if unknown := found.keys() - _FIELDS.keys():
        raise _bad(f"Unknown field {', '.join(sorted(unknown))[:200]}; known are {', '.join(_FIELDS)}.")
    for name, value in found.items():
        if not isinstance(value, str):
            raise _bad(f"“{name}” must be a text.")
        if len(value) > _FIELDS[name]:
            raise _bad(f"“{name}” is longer than {_FIELDS[name]:,} characters.")
        if not _is_text(value):
            raise _bad(f"“{name}” holds half a character.")
    return {name: value.strip() for name, value in found.items()}


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("-", " ").replace("_", " ").split())


def _bad(sentence: str) -> TriggerError:
    return TriggerError(HTTPStatus.BAD_REQUEST, sentence)
