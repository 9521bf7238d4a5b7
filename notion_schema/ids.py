"""Notion ids out of whatever a person pastes.

An id is 32 hexadecimal digits, dashed or not, and stands at the end of what is pasted: a link, a title with
the id behind it, or the bare id. No version nibble is assumed: Notion's own ids carry an 8 where a random
one has a 4. Settings, rows and the command line parse ids here; nothing here asks Notion.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

_DASHED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.IGNORECASE)
_COMPACT = re.compile(r"[0-9a-f]{32}\Z", re.IGNORECASE)
_HEX = frozenset("0123456789abcdefABCDEF")
_WRAPPING = " \t\r\n<>()[]{}\"'`,;"
_SHOWN = 80


class BadId(ValueError):  # noqa: N818  the project's errors are named for the fact, not for their kind
    """The text holds no Notion id; the message says what to paste instead."""


def parse_id(text: str, *, peek: bool = True) -> str:
    """Find the Notion id in a link, a bare id or a title that ends with one.

    Args:
        text: What was pasted.
        peek: In a link to a database with a row opened beside it (``?p=``), take the row. A setting that
            names a database passes ``False`` and gets the database.

    Returns:
        The id with dashes, in lower case.

    Raises:
        BadId: When there is none, or when it cannot be told where it begins.
    """
    cleaned = text.strip(_WRAPPING)
    if "://" not in cleaned and not cleaned.lower().startswith(("www.", "notion.so/", "app.notion.com/")):
        return _trailing_id(cleaned, text)
    parts = urlsplit(cleaned if "://" in cleaned else f"https://{cleaned}")
    opened = parse_qs(parts.query).get("p", []) if peek else []
    if opened:
        return _trailing_id(opened[0], text)
    return _trailing_id(unquote(parts.path or parts.netloc).rstrip("/") or parts.netloc, text)


def _trailing_id(candidate: str, pasted: str) -> str:
    match = _DASHED.search(candidate) or _COMPACT.search(candidate)
    if match is None:
        raise BadId(
            f"“{_shorten(pasted)}” holds no Notion id. Paste the page's or database's link (Share, Copy link) or the "
            "32 digits at its end."
        )
    before = candidate[match.start() - 1] if match.start() else ""
    if before in _HEX and before:
        raise BadId(
            f"“{_shorten(pasted)}” ends with more than 32 hexadecimal digits, so that it is unclear where the id "
            "begins. Paste the id alone."
        )
    digits = match.group().replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"
