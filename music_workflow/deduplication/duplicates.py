"""Which files of a collection are the same recording: groups of a kept copy and others, each proven against it.

Candidates are found by what they share: source, ISRC, sound, fingerprint, rough names. Then a copy is chosen to be
kept, and every other must be proven against that very copy; that A is like B and B like C makes nothing of A and C.
Pure: it reads no file and moves none. Called by `core.collection` and the benchmark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from music_workflow.deduplication import joins, keeping
from music_workflow.deduplication.copies import Copy
from music_workflow.deduplication.fingerprint import Likeness
from music_workflow.deduplication.proving import FINGERPRINT_S, NAMES_S, SAME_RECORDING, Proof, prove

LEAST_COVERAGE = 0.8
"""Share of files that must have been heard before sound and names are trusted: where most are unheard, names alone
would decide, and they take remixes for originals sooner or later."""
_SMALL = 30
"""Up to so many files with one mark, each is compared with each; beyond, with those next to it in length."""
_NEIGHBOURS = 4

Pair = tuple[int, int]
"""Places of two copies, the lower first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A copy that is a duplicate of the kept one."""

    copy: Copy
    of: Copy
    """The file of the kept unit that it was proven against."""
    proof: Proof
    why: str
    """What the kept one has over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Copies of one recording."""

    kept: tuple[Copy, ...]
    """The unit to keep: one file, or the formats of one track."""
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found."""

    groups: tuple[Group, ...]
    copies: int
    coverage: float
    """Share of the files that were heard, 0..1."""

    @property
    def by_sound(self) -> bool:
        """Whether enough was heard to use fingerprints and names."""
        return self.coverage >= LEAST_COVERAGE


def find(copies: Sequence[Copy]) -> Findings:
    """Find the duplicates among files."""
    coverage = sum(copy.heard for copy in copies) / len(copies) if copies else 1.0
    search = _Search(copies, by_sound=coverage >= LEAST_COVERAGE)
    groups = tuple(sorted(search.groups(), key=lambda group: group.kept[0].path))
    return Findings(groups=groups, copies=len(copies), coverage=coverage)


class _Search:
    def __init__(self, copies: Sequence[Copy], *, by_sound: bool) -> None:
        self._copies = copies
        self._siblings = _by_unit(copies)
        self._by_sound = by_sound
        self._likeness: dict[Pair, Likeness] = {}
        self._proofs: dict[Pair, Proof | None] = {}

    def groups(self) -> Iterator[Group]:
        for pair in self._candidates():
            self._proof(*pair)
        proven = [pair for pair, proof in self._proofs.items() if proof is not None]
        for places in _connected(proven):
            yield from self._settle(places)

    def _settle(self, places: set[int]) -> Iterator[Group]:
        """Choose what is kept, gather what is proven against it, and go on with the rest."""
        waiting = [self._siblings[unit] for unit in sorted({self._copies[place].unit for place in places})]
        while len(waiting) > 1:
            at = keeping.best([[self._copies[n] for n in unit] for unit in waiting])
            kept = waiting.pop(at)
            members = []
            rest = []
            for unit in waiting:
                proven = {n: found for n in unit if (found := self._against(n, kept))}
                members += [self._member(n, *found, kept, unit) for n, found in proven.items()]
                if unproven := [n for n in unit if n not in proven]:
                    rest.append(unproven)
            if members:
                yield Group(kept=tuple(self._copies[n] for n in kept), members=tuple(members))
            waiting = rest

    def _member(self, place: int, of: int, proof: Proof, kept: Sequence[int], unit: Sequence[int]) -> Member:
        why = keeping.why([self._copies[n] for n in kept], [self._copies[n] for n in unit])
        return Member(copy=self._copies[place], of=self._copies[of], proof=proof, why=why)

    def _against(self, place: int, kept: Sequence[int]) -> tuple[int, Proof] | None:
        """Prove a file against a kept unit: against which file of it, and the proof."""
        known = sorted(kept, key=lambda of: not self._proofs.get(_ordered(place, of)))
        return next(((of, proof) for of in known if (proof := self._proof(place, of))), None)

    def _proof(self, one: int, other: int) -> Proof | None:
        pair = _ordered(one, other)
        if pair not in self._proofs:
            first, second = self._copies[pair[0]], self._copies[pair[1]]
            self._proofs[pair] = prove(first, second, by_sound=self._by_sound, known=self._likeness.get(pair))
        return self._proofs[pair]

    def _candidates(self) -> Iterator[Pair]:
        for mark in (_by_key, _by_isrc, _by_sound):
            yield from _sharing(self._copies, mark)
        if self._by_sound:
            yield from self._alike()
            yield from _sharing(self._copies, _by_name)
            yield from _named_alike(self._copies)

    def _alike(self) -> Iterator[Pair]:
        lengths = np.array([copy.duration_s or np.nan for copy in self._copies])
        found = joins.alike(
            [copy.fingerprint for copy in self._copies],
            lengths,
            apart_s=FINGERPRINT_S,
            bit_error=SAME_RECORDING,
        )
        for each in found:
            self._likeness[each.first, each.second] = Likeness(each.bit_error, each.offset_s, each.overlap)
            yield each.first, each.second


def _by_key(copy: Copy) -> str | None:
    return copy.key


def _by_isrc(copy: Copy) -> str | None:
    return copy.isrc


def _by_name(copy: Copy) -> str | None:
    return copy.rough_name


def _by_sound(copy: Copy) -> str | None:
    return copy.audio_sha256


def _sharing(copies: Sequence[Copy], mark: Callable[[Copy], str | None]) -> Iterator[Pair]:
    """Pairs that carry the same mark."""
    carriers: dict[str, list[int]] = defaultdict(list)
    for place, copy in enumerate(copies):
        if found := mark(copy):
            carriers[found].append(place)
    for places in carriers.values():
        if len(places) <= _SMALL:
            yield from combinations(places, 2)
            continue
        by_length = sorted(places, key=lambda place: copies[place].duration_s or 0.0)
        for step in range(1, _NEIGHBOURS + 1):
            yield from (_ordered(a, b) for a, b in zip(by_length, by_length[step:], strict=False))


def _named_alike(copies: Sequence[Copy]) -> Iterator[Pair]:
    """Pairs of about the same name and length, of which not both were heard."""
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    unheard = {place for place, copy in enumerate(copies) if not copy.heard}
    if not unheard:
        return
    firsts = {copies[place].first_words[0] for place in unheard}
    for place, copy in enumerate(copies):
        word, people = copy.first_words
        if word in firsts and copy.duration_s:
            for name in people:
                blocks[word, name].append(place)
    seen: set[Pair] = set()
    for places in blocks.values():
        for pair in _near_in_length(copies, places):
            if (pair[0] in unheard or pair[1] in unheard) and pair not in seen:
                seen.add(pair)
                yield pair


def _near_in_length(copies: Sequence[Copy], places: Sequence[int]) -> Iterator[Pair]:
    by_length = sorted(places, key=lambda place: copies[place].duration_s or 0.0)
    for at, place in enumerate(by_length):
        longest = (copies[place].duration_s or 0.0) + NAMES_S
        for other in by_length[at + 1 :]:
            if (copies[other].duration_s or 0.0) > longest:
                break
            yield _ordered(place, other)


def _ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def _by_unit(copies: Sequence[Copy]) -> Mapping[str, list[int]]:
    units: dict[str, list[int]] = defaultdict(list)
    for place, copy in enumerate(copies):
        units[copy.unit].append(place)
    return units


def _connected(pairs: Iterable[Pair]) -> list[set[int]]:
    """Sets of places that pairs hold together; only where to look, never a proof."""
    neighbours: Mapping[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        neighbours[a].add(b)
        neighbours[b].add(a)
    found = []
    seen: set[int] = set()
    for start in neighbours:
        if start in seen:
            continue
        reached, waiting = {start}, [start]
        while waiting:
            fresh = neighbours[waiting.pop()] - reached
            reached |= fresh
            waiting += fresh
        seen |= reached
        found.append(reached)
    return found
