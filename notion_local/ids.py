"""Identifiers and times in the shapes that Notion gives them.

Pages, blocks, comments and views carry UUIDs whose version nibble is 8 and which grow with time; databases, data
sources, options and requests carry random version-4 UUIDs; properties carry four printable characters. Every function
here is pure apart from its randomness. Called by all other modules.
"""

from __future__ import annotations

import re
import secrets
import string
import uuid
from datetime import UTC, datetime
from urllib.parse import quote, unquote

MINUTE_MS = 60_000
_PROPERTY_ALPHABET = string.ascii_letters + "@:;<=>?[\\]^_`{|}~"
_UUID = re.compile(
    r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})", re.IGNORECASE
)
_UUID_VERSIONS = "12345678"
_UUID_VARIANTS = "89ab"
_NIL = "00000000-0000-0000-0000-000000000000"
# The characters that JavaScript's encodeURIComponent leaves alone, beyond letters, digits and "_.-~".
_URI_SAFE = "!*'()"


def new_record_id(now_ms: int) -> str:
    """Return an id for a page, block, comment or view, ordered by creation time."""
    stamp = f"{now_ms:012x}"
    tail = secrets.token_hex(8)
    variant = _UUID_VARIANTS[int(tail[0], 16) % 4]
    return f"{stamp[:8]}-{stamp[8:]}-8{tail[1:4]}-{variant}{tail[4:7]}-{secrets.token_hex(6)}"


def new_random_id() -> str:
    """Return an id for a database, data source, option, upload or request."""
    return str(uuid.uuid4())


def new_property_id(taken: set[str]) -> str:
    """Return a property id (not URL-encoded) that is not in `taken`."""
    while True:
        candidate = "".join(secrets.choice(_PROPERTY_ALPHABET) for _ in range(4))
        if candidate not in taken:
            return candidate


def encode_property_id(property_id: str) -> str:
    """Return the id as answers show it: URL-encoded."""
    return quote(property_id, safe=_URI_SAFE)


def decode_property_id(shown: str) -> str:
    """Return the stored id behind one that a request names, encoded or not."""
    return unquote(shown)


def parse_uuid(text: object) -> str | None:
    """Return the dashed lower-case form of an id, or None when it is not one that Notion takes."""
    if not isinstance(text, str):
        return None
    match = _UUID.fullmatch(text)
    if match is None:
        return None
    dashed = "-".join(match.groups()).lower()
    if dashed == _NIL:
        return dashed
    return dashed if dashed[14] in _UUID_VERSIONS and dashed[19] in _UUID_VARIANTS else None


def bare(dashed: str) -> str:
    """Return an id without its dashes, as URLs carry it."""
    return dashed.replace("-", "")


def floored(epoch_ms: int) -> str:
    """Return a time rounded down to the minute, as pages, blocks, comments and data sources show it."""
    return _moment(epoch_ms - epoch_ms % MINUTE_MS).strftime("%Y-%m-%dT%H:%M:00.000Z")


def precise(epoch_ms: int) -> str:
    """Return a time with milliseconds and a numeric zone, as databases and views show it."""
    return _moment(epoch_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}+00:00"


def zulu(epoch_ms: int) -> str:
    """Return a time with milliseconds and Z, as webhook events show it."""
    return _moment(epoch_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)


def slug(title: str) -> str:
    """Return the words of a title joined by dashes, as page URLs show them."""
    words = re.findall(r"[A-Za-z0-9_]+", title)
    return "-".join(words)
