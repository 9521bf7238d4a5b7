"""Musical keys and their names. Pure; called by the analysis, the tags, the picture and the synthesizer.

One spelling per key, the one DJ software shows: ``C C# D Eb E F F# G Ab A Bb B`` with ``major`` or ``minor``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["major", "minor"]

PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "♯": 1, "b": -1, "♭": -1}


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic and a mode."""

    tonic: int
    """Pitch class, C = 0."""
    mode: Mode

    @property
    def name(self) -> str:
        """``A minor``, ``F# major``."""
        return f"{PITCH_NAMES[self.tonic]} {self.mode}"

    @property
    def short(self) -> str:
        """At most three characters, as ID3's TKEY wants it: ``Am``, ``F#``, ``Bbm``."""
        return PITCH_NAMES[self.tonic] + ("m" if self.mode == "minor" else "")

    @property
    def camelot(self) -> str:
        """Its place on the wheel of fifths that DJs mix by: A minor is 8A, C major 8B."""
        relative_major = self.tonic if self.mode == "major" else (self.tonic + 3) % 12
        return f"{(7 * relative_major + 7) % 12 + 1}{'B' if self.mode == 'major' else 'A'}"


def parse(text: str) -> Key:
    """Read a key from its name (``Db minor``, ``F# major``) or its short form (``C#m``, ``Bb``).

    Raises:
        ValueError: the text names no key.
    """
    word = text.strip()
    tonic = _LETTERS.get(word[:1].upper())
    if tonic is None:
        raise ValueError(f"“{text}” is not a key; a key reads like “A minor” or “F# major”.")
    rest = word[1:]
    while rest[:1] in _ACCIDENTALS:
        tonic += _ACCIDENTALS[rest[0]]
        rest = rest[1:]
    mode: Mode
    if rest.strip().lower() in {"", "maj", "major"}:
        mode = "major"
    elif rest.strip() == "m" or rest.strip().lower() in {"min", "minor"}:
        mode = "minor"
    else:
        raise ValueError(f"“{text}” is not a key; a key reads like “A minor” or “F# major”.")
    return Key(tonic % 12, mode)
