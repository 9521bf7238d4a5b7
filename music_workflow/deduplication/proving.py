"""What proves that two files are the same recording: the ladder, rung by rung, for one pair.

The first rung that holds is the proof. Whatever else speaks for a pair, fingerprints that disagree speak against it,
and so do version words: "Remix", "VIP", "Live" or "Edit" are part of what a recording is. Pure; called by
`duplicates`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from music_workflow.deduplication import fingerprint, joins
from music_workflow.deduplication.copies import Copy
from music_workflow.deduplication.fingerprint import Likeness, Words
from music_workflow.deduplication.joins import tells
from music_workflow.deduplication.matching import same_artist
from music_workflow.index.lookup import ISRC_S

Rung = Literal["same sound", "source", "ISRC and length", "fingerprint", "names and length"]
AUTOMATIC: frozenset[Rung] = frozenset({"same sound", "source", "ISRC and length"})
"""Proof enough to say "already there" without asking; the others are for a person to look at."""

NAMES_S = 2.0
FINGERPRINT_S = 7.0
"""Trimmed ends change a length; more than that is an edit."""
SAME_RECORDING = 0.20
"""Bit error up to which fingerprints are of one recording, when the names agree; re-encodes reach .046, trimmed and
limited copies .173, different recordings begin at .369."""
NAMELESS = 0.10
"""The same where one of the two says nothing of who and what."""
SAME_MASTER = 0.05
"""The same where names contradict each other: then it must be the same master, as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Why two files are one recording."""

    rung: Rung
    says: tuple[str, ...]
    """Sentences with the figures."""
    bit_error: float | None = None
    offset_s: float | None = None
    apart_s: float | None = None
    """How much the lengths differ, in seconds."""

    @property
    def automatic(self) -> bool:
        """Whether it is one of the first three rungs."""
        return self.rung in AUTOMATIC


def prove(first: Copy, second: Copy, *, by_sound: bool = True, known: Likeness | None = None) -> Proof | None:
    """Prove that two files are the same recording; None when that cannot be done.

    Args:
        first: One file.
        second: The other.
        by_sound: Whether the rungs of fingerprint and names may be used; they may not where too few files were heard.
        known: How alike their fingerprints are, when that was worked out before.
    """
    if first.unit == second.unit or _formats_of_one(first, second):
        return None
    apart = abs(first.duration_s - second.duration_s) if first.duration_s and second.duration_s else None
    if first.audio_sha256 and first.audio_sha256 == second.audio_sha256:
        says = ("the encoded sound is the same, bit by bit",)
        return Proof(rung="same sound", says=says, bit_error=0.0, apart_s=apart)
    heard = _Heard.of(first, second, known)
    if heard.contradicts:
        return None
    proof = _by_source(first, second, heard, apart)
    if proof is None and first.version == second.version:
        proof = _by_isrc(first, second, heard, apart)
        if proof is None and by_sound:
            proof = _by_fingerprint(first, second, heard, apart) or _by_names(first, second, heard, apart)
    return proof


def _formats_of_one(first: Copy, second: Copy) -> bool:
    """Whether two files are the formats that Segue made of one source, kept in different folders."""
    return bool(first.key) and first.key == second.key and _suffix(first) != _suffix(second)


def _suffix(copy: Copy) -> str:
    return copy.path.rpartition(".")[2].lower()


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the two fingerprints say, if both are there and long enough."""

    likeness: Likeness | None

    @classmethod
    def of(cls, first: Copy, second: Copy, known: Likeness | None) -> _Heard:
        if known is not None:
            return cls(known)
        a, b = first.fingerprint, second.fingerprint
        if a is None or b is None or not (tells(a) and tells(b)):
            return cls(None)
        return cls(_quickly(a, b) or fingerprint.compare(a, b))

    @property
    def contradicts(self) -> bool:
        return self.likeness is not None and self.likeness.bit_error > SAME_RECORDING

    def proof(self, rung: Rung, says: str, apart: float | None) -> Proof:
        words = [says]
        if apart is not None:
            words.append("exactly as long" if apart < 0.05 else f"lengths differ by {apart:.1f} s")  # noqa: PLR2004
        likeness = self.likeness
        if likeness is not None:
            words.append(
                f"fingerprints differ in {likeness.bit_error:.1%} of {likeness.overlap * 32:,} bits"
                + (f", shifted by {abs(likeness.offset_s):.1f} s" if likeness.offset_s else "")
            )
        return Proof(
            rung=rung,
            says=tuple(words),
            bit_error=None if likeness is None else round(likeness.bit_error, 4),
            offset_s=None if likeness is None else round(likeness.offset_s, 2),
            apart_s=None if apart is None else round(apart, 3),
        )


def _quickly(a: Words, b: Words) -> Likeness | None:
    """Compare where copies mostly agree, at their very beginning; None when a search must tell."""
    error, overlap = min((joins.compare(a, b, offset) for offset in (0, -1, 1)), key=lambda found: found[0])
    return Likeness(error, 0.0, overlap) if error <= SAME_MASTER else None


def _by_source(first: Copy, second: Copy, heard: _Heard, apart: float | None) -> Proof | None:
    if not first.key or first.key != second.key or (apart is not None and apart > ISRC_S):
        return None
    return heard.proof("source", f"both come from {first.key}", apart)


def _by_isrc(first: Copy, second: Copy, heard: _Heard, apart: float | None) -> Proof | None:
    if not first.isrc or first.isrc != second.isrc or apart is None or apart > ISRC_S:
        return None
    return heard.proof("ISRC and length", f"both carry the ISRC {first.isrc}", apart)


def _by_fingerprint(first: Copy, second: Copy, heard: _Heard, apart: float | None) -> Proof | None:
    likeness = heard.likeness
    if likeness is None or apart is None or apart > FINGERPRINT_S:
        return None
    agree = names_agree(first, second)
    if agree:
        return heard.proof("fingerprint", "artist and title agree", apart)
    if agree is None:
        says = "one of them does not say who and what it is"
        return heard.proof("fingerprint", says, apart) if likeness.bit_error <= NAMELESS else None
    if likeness.bit_error <= SAME_MASTER and apart <= ISRC_S:
        says = f"named {_name(first)} and {_name(second)}, but it is the same master"
        return heard.proof("fingerprint", says, apart)
    return None


def _by_names(first: Copy, second: Copy, heard: _Heard, apart: float | None) -> Proof | None:
    if (first.heard and second.heard) or apart is None or apart > NAMES_S:
        return None  # what could be heard is not judged by its name, not even where it is too short to be compared
    if first.album_kinds != second.album_kinds or not names_agree(first, second):
        return None
    return heard.proof("names and length", f"both are {_name(first)}; not both were heard", apart)


def names_agree(first: Copy, second: Copy) -> bool | None:
    """Whether two files name the same artists and title; None when one of them is silent on either."""
    if not (first.artists and second.artists and first.parsed.words and second.parsed.words):
        return None
    titles = any(
        "".join(a) == "".join(b)
        for a in (first.parsed.words, *first.parsed.aliases)
        for b in (second.parsed.words, *second.parsed.aliases)
    )
    return titles and _same_people(first, second) and _same_people(second, first)


def _same_people(one: Copy, other: Copy) -> bool:
    """Whether every artist of the one has a place in the other, as artist or guest."""
    theirs = (*other.artists, *other.parsed.guests, other.named[0])
    return all(_among(name, theirs) for name in one.artists)


def _among(name: str, names: Iterable[str]) -> bool:
    return any(same_artist(name, each) for each in names)


def _name(copy: Copy) -> str:
    return f"“{' - '.join(filter(None, copy.named))}”"
