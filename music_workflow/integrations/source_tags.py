"""What a foreign audio file says about itself, read from its first bytes.

Reads only, in any container mutagen knows; a file that says nothing gives empty tags, never an error, since the
prefix of a file may end anywhere. Our own tags are written elsewhere (`metadata.tags`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_KEYS: dict[str, tuple[str, ...]] = {
    "title": ("TIT2", "©nam", "title"),
    "artists": ("TPE1", "©ART", "artist"),
    "album": ("TALB", "©alb", "album"),
    "isrc": ("TSRC", "----:com.apple.iTunes:ISRC", "isrc"),
}
"""The same four things in ID3, MP4 and Vorbis/APE words."""


@dataclass(frozen=True, slots=True)
class SourceTags:
    """Tags of a file as found; None where it is silent."""

    title: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    isrc: str | None = None
    duration_s: float | None = None


def read_source_tags(prefix: bytes) -> SourceTags:
    """Read title, artists, album, ISRC and, when the header states it, the duration in seconds."""
    import mutagen  # noqa: PLC0415 - heavy, and only a direct file needs it

    try:
        found = mutagen.File(io.BytesIO(prefix))
    except (mutagen.MutagenError, EOFError, ValueError, KeyError, IndexError):
        return SourceTags()
    if found is None:
        return SourceTags()
    values = {name: _first(found.tags, keys) for name, keys in _KEYS.items()}
    isrc = "".join(values["isrc"]).replace("-", "").upper()
    return SourceTags(
        title=_one(values["title"]),
        artists=tuple(values["artists"]),
        album=_one(values["album"]),
        isrc=isrc if _ISRC.fullmatch(isrc) else None,
        duration_s=_stated_duration(found),
    )


def _stated_duration(found: Any) -> float | None:
    """Take the duration only from containers whose header states it; others are guessed from the file's length."""
    if type(found).__name__ not in {"MP4", "FLAC", "WAVE", "AIFF"}:
        return None
    length = float(getattr(found.info, "length", 0.0) or 0.0)
    return length if length > 0 else None


def _first(tags: Mapping[str, Any] | None, keys: Iterable[str]) -> list[str]:
    if tags is None:
        return []
    for key in keys:
        try:
            value = tags[key]
        except (KeyError, ValueError):  # Vorbis comments refuse keys that are not ASCII
            continue
        values = value if isinstance(value, list) else getattr(value, "text", [value])
        words = [_text(each) for each in values]
        if any(words):
            return [word for word in words if word]
    return []


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return " ".join(text.replace("\x00", " ").split())


def _one(values: list[str]) -> str | None:
    return values[0] if values else None
