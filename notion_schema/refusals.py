"""From HTTP's words to ours: which error an answer, or the lack of one, becomes.

Pure functions over status, code and message; called by ``client`` alone. The sentences are for the owner of
the workspace and carry the remedy.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from notion_schema.calls import Call, Repeat
from notion_schema.errors import NotionError, NotShared, Refused, Unavailable

OVERLOADED = 529
_TURNED_AWAY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT, OVERLOADED})
"""Answers that say the call was not carried out."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that is not a success.

    Attributes:
        status: HTTP status.
        body: The body as text; Notion's JSON, or a proxy's HTML.
        retry_after: The header's text, or ``None``.
        request_id: From the header; the body's own wins.
    """

    status: int
    body: str
    retry_after: str | None = None
    request_id: str | None = None


def error_for(call: Call, answer: Answer) -> NotionError:
    """The error a failed answer becomes."""
    told = _told(answer.body)
    code, message = told.get("code"), told.get("message", "")
    request_id = told.get("request_id") or answer.request_id
    wait = retry_after_s(answer.retry_after)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _TURNED_AWAY | {
        HTTPStatus.REQUEST_TIMEOUT
    }:
        landed = call.repeat is Repeat.DOUBLES and answer.status not in _TURNED_AWAY
        return Unavailable(
            _unavailable(call, answer.status, wait, maybe_landed=landed),
            operation=call.operation,
            status=answer.status,
            code=code,
            request_id=request_id,
            retry_after_s=wait,
            maybe_landed=landed,
        )
    kind, sentence = _final(call, answer.status, message)
    return kind(sentence, operation=call.operation, status=answer.status, code=code, request_id=request_id)


def no_answer(call: Call, why: str, *, sent: bool) -> Unavailable:
    """The error when no usable answer came.

    Args:
        call: What was tried.
        why: What happened instead, as a clause.
        sent: The request had left, so that it may have been carried out.
    """
    return Unavailable(
        f"Notion could not be asked to {call.operation}: {why}. Check the network; Segue tries again.",
        operation=call.operation,
        maybe_landed=sent and call.repeat is Repeat.DOUBLES,
    )


def retry_after_s(header: str | None) -> float | None:
    """Seconds to wait by a ``Retry-After`` header, in its seconds or its date form; ``None`` when it says nothing."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def _told(body: str) -> dict[str, str]:
    try:
        parsed = json.loads(body)
    except ValueError:  # a proxy's page, not Notion's JSON
        return {}
    if not isinstance(parsed, dict):
        return {}
    return {
        key: value for key in ("code", "message", "request_id") if isinstance(value := parsed.get(key), str)
    }


def _unavailable(call: Call, status: int, wait: float | None, *, maybe_landed: bool) -> str:
    wanted = f" and asks to wait {wait:.0f} seconds" if wait else ""
    reasons: dict[int, str] = {
        HTTPStatus.TOO_MANY_REQUESTS: "has had too many requests from this token",
        HTTPStatus.CONFLICT: "was saving the same thing at the same moment",
    }
    reason = reasons.get(status, "is overloaded or down")
    unknown = " Whether it was done all the same is not known." if maybe_landed else ""
    return f"Notion {reason}{wanted}; it did not {call.operation}.{unknown}"


def _final(call: Call, status: int, message: str) -> tuple[type[NotionError], str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return NotShared, (
            f"Notion does not accept the token, so Segue cannot {call.operation}. Put a valid NOTION_TOKEN into the "
            "settings (Notion: Settings, Connections, Develop or manage integrations)."
        )
    if status == HTTPStatus.FORBIDDEN:
        return NotShared, (
            f"The integration may not {call.operation}. Give it the capability in its settings, and share the page "
            f"or database with it (••• menu, Connections). Notion says: {message or 'forbidden'}"
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotShared, (
            f"Notion shows this integration nothing under that id, so Segue cannot {call.operation}. Share the page "
            "or database with the integration (••• menu, Connections), or correct the id. "
            f"Notion says: {message or 'not found'}"
        )
    if "is archived" in message:
        return NotShared, (
            f"The page is in Notion's trash, so Segue cannot {call.operation}. Restore it there to go on."
        )
    return Refused, f"Notion refused to {call.operation}: {message or f'status {status}'}"
