"""How well and how fast duplicates are found: a made-up collection with planted copies and hard near-misses.

Run `python -m benchmarks.duplicates [--tracks N] [--seed N]`. Fingerprints drift from word to word as real ones do, and
are disturbed as much as real encoders, limiters and trims were measured to disturb them. Planted are re-encodes,
gain-shifted and trimmed copies, copies with other tags, with none, and such that were not heard; and as near-misses
remixes, VIPs, live takes, edits, instrumentals, re-recordings of equal name and length, songs of other artists of equal
name and length, and mixes that share half their sound. Beside it stands what comparing each with each would take.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_workflow.deduplication import fingerprint
from music_workflow.deduplication.copies import Copy
from music_workflow.deduplication.duplicates import find

_WORDS = 948
_SECOND = fingerprint.RATE / fingerprint.HOP
_SHARE = 0.02
"""Of the collection, so many tracks have a planted copy, and so many a near-miss."""


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_FIRST = _listed(
    "Amber Blue Cold Deep Even Far Grand High Iron Jade Kind Long Many New Old Pale Quick Rare Slow True"
)
_SECOND_WORD = _listed(
    "Bridge Coast Dawn Echo Field Garden Harbor Island Jungle Light Moon Night Ocean River Storm Tide"
)
_PEOPLE = _listed("Ada Ben Cleo Dan Eva Finn Gia Hugo Ida Jon Kai Lea Max Nora Oli Pia Quin Rio Sam Tess")
_FAMILY = _listed(
    "Loop Vance Moreau Stone Okafor Lindqvist Haddad Silva Novak Tanaka Weber Costa Dubois Rossi"
)


@dataclass(frozen=True)
class Planted:
    """A file that was put beside another, and whether it is the same recording."""

    kind: str
    original: str
    path: str
    same: bool


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    corpus = Corpus(wanted.tracks, wanted.seed)
    print(json.dumps({**measure(corpus), **each_with_each(corpus.copies)}, indent=2))


def measure(corpus: Corpus) -> dict[str, Any]:
    """Search the whole collection and hold what is found against what was planted."""
    begun = time.process_time()
    findings = find(corpus.copies)
    seconds = time.process_time() - begun
    unit = {each.path: each.original for each in corpus.planted if each.same}
    found = {
        frozenset((member.copy.path, kept.path))
        for group in findings.groups
        for member in group.members
        for kept in group.kept
    }
    wrong = [pair for pair in found if len({unit.get(path, path) for path in pair}) > 1]
    same = [each for each in corpus.planted if each.same]
    missed = [each for each in same if frozenset((each.path, each.original)) not in found]
    return {
        "files": len(corpus.copies),
        "CPU s": round(seconds, 2),
        "planted copies": len(same),
        "recall": round(1 - len(missed) / len(same), 4),
        "missed, by kind": dict(Counter(each.kind for each in missed)),
        "near-misses": len(corpus.planted) - len(same),
        "false": len(wrong),
        "false ones": sorted(map(sorted, wrong))[:5],
        "coverage": round(findings.coverage, 3),
        "peak MB, corpus included": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def each_with_each(copies: list[Copy]) -> dict[str, Any]:
    """How long the plain way would take: every fingerprint shifted against every other."""
    prints = [copy.fingerprint for copy in copies[:2_000] if copy.fingerprint is not None]
    begun = time.process_time()
    compared = 0
    while time.process_time() - begun < 1:
        fingerprint.compare(prints[compared], prints[compared + 1])
        compared += 1
    hours = len(copies) * (len(copies) - 1) / 2 / compared / 3600
    return {"each with each, CPU hours (extrapolated)": round(hours)}


class Corpus:
    """The collection."""

    def __init__(self, count: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.copies = [*self._originals(count)]
        self.planted: list[Planted] = []
        makers = [*_COPIES.items(), *_NEAR_MISSES.items()]
        chosen = self._random.choice(count, size=int(2 * _SHARE * count), replace=False).tolist()
        for number, place in enumerate(chosen):
            kind, make = makers[number % len(makers)]
            self._plant(self.copies[place], kind, make)

    def _originals(self, count: int) -> Iterator[Copy]:
        pick = self._random.integers
        lengths = self._random.normal(240, 60, count).clip(130, 600)
        for start in range(0, count, 4_000):
            for at, words in enumerate(self._prints(min(4_000, count - start)), start):
                title = f"{_FIRST[pick(len(_FIRST))]} {_SECOND_WORD[pick(len(_SECOND_WORD))]} {at // 50}"
                artist = f"{_PEOPLE[pick(len(_PEOPLE))]} {_FAMILY[pick(len(_FAMILY))]}"
                yield Copy(
                    path=f"/music/{at // 1000}/{artist} - {title}.m4a",
                    unit=f"/music/{at}",
                    size=8_000_000,
                    mtime_ns=at,
                    title=title,
                    artist=artist,
                    isrc=f"GBABC{at:07d}" if at % 3 else None,
                    duration_s=float(lengths[at]),
                    audio_sha256=f"{at:064x}",
                    fingerprint=words,
                    heard=True,
                    codec="aac",
                    sample_rate=48_000,
                    bit_rate=256_000,
                )

    def _prints(self, count: int) -> NDArray[np.uint32]:
        """Fingerprints whose words differ from the one before in an eighth of their bits, shape (count, 948)."""
        draws = [self._random.integers(0, 1 << 32, (count, _WORDS), dtype=np.uint32) for _ in range(3)]
        changes = draws[0] & draws[1] & draws[2]
        changes[:, 0] = draws[0][:, 0]
        walked: NDArray[np.uint32] = np.bitwise_xor.accumulate(changes, axis=1)
        return walked

    def _plant(self, original: Copy, kind: str, make: Any) -> None:
        number = len(self.copies)
        made = replace(
            make(self, original), path=f"/other/{number} {kind}.mp3", unit=f"/other/{number}", codec="mp3",
            bit_rate=192_000,
        )  # fmt: skip
        self.copies.append(made)
        self.planted.append(Planted(kind, original.path, made.path, kind in _COPIES))

    def disturbed(self, words: fingerprint.Words, share: float) -> fingerprint.Words:
        """Turn so many of the bits; as in real encodings, half of them in spells of several words."""
        noise = self._random.random((len(words), 32)) < share / 2
        spells = self._random.random((len(words) // 8 + 1, 32)) < share / 2
        turned = noise | np.repeat(spells, 8, axis=0)[: len(words)]
        masks = (turned.astype(np.uint32) << np.arange(32, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
        return words ^ masks

    def reencode(self, one: Copy, low: float = 0.002, high: float = 0.046, **more: Any) -> Copy:
        """A copy in another encoding: another hash, a few bits of the fingerprint, some hundredths of a second."""
        words = self.disturbed(_print(one), float(self._random.uniform(low, high)))
        values = {
            "audio_sha256": None,
            "isrc": None,
            "duration_s": _length(one) + float(self._random.uniform(-0.05, 0.05)),
            "fingerprint": words,
        }
        return replace(one, **{**values, **more})

    def trim(self, one: Copy) -> Copy:
        """A copy that begins up to six seconds later."""
        cut = float(self._random.uniform(0.5, 6.0))
        copy = self.reencode(one, 0.06, 0.09)
        return replace(copy, fingerprint=_print(copy)[round(cut * _SECOND) :], duration_s=_length(one) - cut)

    def other(self, one: Copy, **more: Any) -> Copy:
        """Another recording of the same length."""
        return replace(one, audio_sha256=None, isrc=None, fingerprint=self._prints(1)[0], **more)

    def related(self, one: Copy, title: str) -> Copy:
        """Another mix: parts of it are the same sound, and the length is."""
        words = self._prints(1)[0]
        words[300:700] = self.disturbed(_print(one), 0.04)[300:700]
        return replace(one, audio_sha256=None, fingerprint=words, title=title)


def _print(copy: Copy) -> fingerprint.Words:
    if copy.fingerprint is None:
        raise ValueError(f"{copy.path} was made without a fingerprint")
    return copy.fingerprint


def _length(copy: Copy) -> float:
    return copy.duration_s or 0.0


_COPIES: dict[str, Any] = {
    "re-encoded": Corpus.reencode,
    "gain-shifted": lambda corpus, one: corpus.reencode(one, 0.03, 0.15),
    "trimmed": Corpus.trim,
    "featured, official video": lambda corpus, one: corpus.reencode(
        one, title=f"{one.title} (Official Video)"
    ),
    "without tags": lambda corpus, one: corpus.reencode(one, title=None, artist=None),
    "same sound, other tags": lambda _corpus, one: replace(one, title="Track 01", artist="Unknown Artist"),
    "same ISRC": lambda corpus, one: corpus.reencode(one, 0.05, 0.15, isrc=one.isrc),
    "not heard": lambda corpus, one: corpus.reencode(one, fingerprint=None, heard=False),
}
_NEAR_MISSES: dict[str, Any] = {
    "remix": lambda corpus, one: corpus.related(one, f"{one.title} (Ossien Remix)"),
    "VIP": lambda corpus, one: corpus.related(one, f"{one.title} (VIP)"),
    "extended": lambda corpus, one: replace(
        corpus.reencode(one), title=f"{one.title} (Extended Mix)", duration_s=_length(one) + 60
    ),
    "edit without a word": lambda corpus, one: replace(corpus.reencode(one), duration_s=_length(one) - 25),
    "instrumental of the same master": lambda corpus, one: corpus.reencode(
        one, 0.05, 0.12, title=f"{one.title} (Instrumental)"
    ),
    "clean, nearly the same sound": lambda corpus, one: corpus.reencode(one, title=f"{one.title} (Clean)"),
    "live": lambda corpus, one: corpus.other(one, title=f"{one.title} (Live)"),
    "re-recorded, same name and length": lambda corpus, one: corpus.other(one),
    "same name, other artist, same length": lambda corpus, one: corpus.other(one, artist="Somebody Else"),
    "same ISRC, other sound": lambda corpus, one: replace(corpus.other(one), isrc=one.isrc),
    "unheard remix": lambda corpus, one: replace(
        corpus.other(one), title=f"{one.title} (Remix)", fingerprint=None, heard=False
    ),
    "shares half its sound, no word": lambda corpus, one: corpus.related(one, one.title or ""),
}


if __name__ == "__main__":
    main()
