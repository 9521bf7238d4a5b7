"""Which of several copies is kept, and why. Pure; called by `duplicates`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from music_workflow.deduplication.copies import Copy

_LOSSLESS = frozenset({"flac", "alac", "wavpack", "ape", "tta"})
_WORTH = {"opus": 1.4, "aac": 1.2, "vorbis": 1.2}
"""How much more a codec makes of its bits than MP3 does, roughly."""
_STEP = 24_000
"""Bit rates that differ by less are as good as equal."""


@dataclass(frozen=True, slots=True)
class _Merit:
    of: Callable[[Sequence[Copy]], float]
    """Larger is better; of the files of one unit."""
    says: Callable[[Sequence[Copy], Sequence[Copy]], str]


def best(units: Sequence[Sequence[Copy]]) -> int:
    """Return the place of the unit to keep."""
    return max(
        range(len(units)), key=lambda n: (*(merit.of(units[n]) for merit in _MERITS), _earliest(units[n]))
    )


def why(kept: Sequence[Copy], other: Sequence[Copy]) -> str:
    """Say what the kept unit has over another, in a few words."""
    for merit in _MERITS:
        if merit.of(kept) > merit.of(other):
            return merit.says(kept, other)
    return (
        "as good in everything; it is the older one"
        if _oldest(kept) < _oldest(other)
        else "as good in everything"
    )


def quality(copy: Copy) -> str:
    """Describe a file's sound: ``FLAC 24 bit 48 kHz``, ``MP3 192 kbit/s``."""
    if copy.codec is None:
        return copy.path.rpartition(".")[2].upper()
    name = "PCM" if copy.codec.startswith("pcm") else copy.codec.upper()
    if _lossless(copy):
        bits = f" {copy.bits} bit" if copy.bits else ""
        return f"{name}{bits} {(copy.sample_rate or 0) / 1000:g} kHz"
    return f"{name} {(copy.bit_rate or 0) / 1000:.0f} kbit/s"


def _lossless(copy: Copy) -> bool:
    return copy.codec is not None and (copy.codec.startswith("pcm") or copy.codec in _LOSSLESS)


def _rate(copy: Copy) -> float:
    worth = _WORTH.get(copy.codec or "", 1.0)
    return round((copy.bit_rate or 0) * worth / _STEP)


def _depth(copy: Copy) -> float:
    return (copy.bits or 16) * (copy.sample_rate or 0) if _lossless(copy) else 0.0


def _tagged(copy: Copy) -> int:
    return sum(bool(value) for value in (copy.title, copy.artist, copy.album, copy.isrc))


def _oldest(unit: Sequence[Copy]) -> int:
    return min(copy.mtime_ns for copy in unit)


def _earliest(unit: Sequence[Copy]) -> tuple[int, tuple[int, ...]]:
    """Orders what is equal in all else: the older first, then by path, so that every run decides alike."""
    return -_oldest(unit), tuple(-ord(letter) for letter in min(copy.path for copy in unit))


def _referred(kept: Sequence[Copy], _other: Sequence[Copy]) -> str:
    return next(copy.referred for copy in kept if copy.referred) or ""


def _top(unit: Sequence[Copy]) -> str:
    return quality(max(unit, key=lambda copy: (_lossless(copy), _depth(copy), _rate(copy))))


_MERITS = (
    _Merit(lambda unit: any(copy.referred for copy in unit), _referred),
    _Merit(
        lambda unit: any(copy.filed for copy in unit),
        lambda _kept, _other: "filed by Segue, with a row in Music Tracks",
    ),
    _Merit(
        lambda unit: max(map(_lossless, unit)),
        lambda kept, other: f"lossless: {_top(kept)} instead of {_top(other)}",
    ),
    _Merit(lambda unit: max(map(_depth, unit)), lambda kept, other: f"{_top(kept)} instead of {_top(other)}"),
    _Merit(lambda unit: max(map(_rate, unit)), lambda kept, other: f"{_top(kept)} instead of {_top(other)}"),
    _Merit(len, lambda kept, other: f"{len(kept)} formats instead of {len(other)}"),
    _Merit(lambda unit: max(map(_tagged, unit)), lambda _kept, _other: "its tags say more"),
)
