"""Events that Notion sends to a webhook: are they Notion's, are they news, do they concern the task databases?

Pure but for one small file, in which the verification token is kept. An event is never believed for what it says: it
carries no values, may be old, and at most makes the worker look. Used by ``agent.web.webhooks``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

_WAKING = frozenset(
    {
        "page.created",
        "page.properties_updated",
        "page.deleted",
        "page.undeleted",
        "page.moved",
        "data_source.schema_updated",
    }
)
"""What can make a row ready, cancel one or open a database; content and comments cannot."""
_REMEMBERED = 10_000
_LONGEST_TOKEN = 500


class Verdict(StrEnum):
    """What became of an event."""

    HANDSHAKE = "handshake"
    WOKE = "woke"
    OWN = "own"
    """Only Segue's own writes."""
    DUPLICATE = "duplicate"
    """Delivered before; Notion repeats what it thinks was missed."""
    IGNORED = "ignored"
    """Of a kind or a place that changes nothing for the worker."""
    REFUSED = "refused"
    """Not signed by Notion, or no event at all."""


class TokenFile:
    """The verification token, as Notion sent it: readable by the owner of the worker alone.

    The first handshake is kept and later ones are refused: else anybody who finds the address could put a token of
    theirs in its place. ``forget`` makes room for a new subscription.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str:
        """The token; empty when there is none yet."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    def keep(self, token: str) -> bool:
        """Keeps the first token; False when another one is kept already."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:  # made with mode 0600
                file.write(f"{token}\n")
            os.link(name, self.path)  # fails where one is: of two handshakes at once, one wins
        except FileExistsError:
            return hmac.compare_digest(self.read().encode(), token.encode())
        finally:
            Path(name).unlink()
        return True

    def forget(self) -> bool:
        """Deletes the token; False when there was none."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True


class Events:
    """Judges what arrives.

    Args:
        token: the verification token; empty while there is none.
        keep_token: keeps the token of a handshake, or says that there is one already.
        me: the id of Segue's own bot user, once it is known.
        places: ids of the task databases and their data sources, once they are known.
    """

    def __init__(
        self,
        *,
        token: Callable[[], str],
        keep_token: Callable[[str], bool],
        me: Callable[[], str | None],
        places: Callable[[], frozenset[str]],
    ) -> None:
        self._token = token
        self._keep_token = keep_token
        self._me = me
        self._places = places
        self._seen: OrderedDict[str, None] = OrderedDict()

    def judge(self, body: bytes, signature: str) -> Verdict:
        """What is to be done about a delivery.

        Args:
            body: the bytes as they came.
            signature: the header ``X-Notion-Signature``; empty without one.
        """
        token = self._token()
        if not signature:
            return self._shake_hands(body, token)
        if not token or not hmac.compare_digest(
            signed(body, token).encode(), signature.encode("utf-8", "surrogateescape")
        ):
            return Verdict.REFUSED
        event = _object(body)
        if event is None or not isinstance(event.get("id"), str) or not isinstance(event.get("type"), str):
            return Verdict.REFUSED
        if event["id"] in self._seen:
            return Verdict.DUPLICATE
        self._seen[event["id"]] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if not self._concerns_us(event):
            return Verdict.IGNORED
        return Verdict.OWN if self._is_own(event) else Verdict.WOKE

    def _shake_hands(self, body: bytes, known: str) -> Verdict:
        event = _object(body)
        offered = event.get("verification_token") if event else None
        if (
            not isinstance(offered, str)
            or not 0 < len(offered) <= _LONGEST_TOKEN
            or not offered.isprintable()
        ):
            return Verdict.REFUSED
        if known:
            same = hmac.compare_digest(known.encode(), offered.encode())
            return Verdict.HANDSHAKE if same else Verdict.REFUSED
        return Verdict.HANDSHAKE if self._keep_token(offered) else Verdict.REFUSED

    def _concerns_us(self, event: dict[str, Any]) -> bool:
        if event["type"] not in _WAKING:
            return False
        places = self._places()
        entity, data = _part(event, "entity"), _part(event, "data")
        parent = _part(data, "parent")
        named = {
            str(value)
            for value in (parent.get("id"), parent.get("data_source_id"), entity.get("id"))
            if value
        }
        return not places or bool(places & named)

    def _is_own(self, event: dict[str, Any]) -> bool:
        authors = event.get("authors")
        if not isinstance(authors, list) or not authors:
            return False
        return {author.get("id") if isinstance(author, dict) else None for author in authors} == {self._me()}


def signed(body: bytes, token: str) -> str:
    """What ``X-Notion-Signature`` says for these bytes."""
    return f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, dict) else {}
