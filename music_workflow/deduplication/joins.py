"""Which of very many fingerprints are of the same recording, without comparing each with each.

An inverted index joined with itself: words of all fingerprints are sorted, equal ones give pairs of tracks with an
offset, and pairs that share several words at one offset are compared bit by bit. The idea is AcoustID's; the choice of
words and the join are our own. Words that many tracks share tell little and are left out as far as the number of
pairs demands. Pure; called by `duplicates`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_workflow.deduplication.fingerprint import FARTHEST_OFFSET, HOP, RATE, SHORTEST_OVERLAP, Words

_FIRST, _WORDS = 80, 240
"""Which words are indexed: openings are often alike (silence, a count-in), two minutes are more than is needed."""
_TOLD_BITS = np.uint32(0xFFFF_FFF0)
"""The classifiers of the last bits turn over most easily."""
_PARTS = 4
"""The words are sorted in so many parts, for the sake of memory."""
_MOST_PAIRS = 10_000_000
"""From one part, before they are filtered."""
_SHARED_WORDS = 2
"""At one offset; one alone is chance."""
_SHARED_OVERLAP = 0.6
_LEAST_VARIETY = 24
"""Different words that a fingerprint must have: silence and test tones are all alike."""
_SHIFTS = 256
"""More than twice the farthest offset, for packing."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two fingerprints of one recording."""

    first: int
    second: int
    bit_error: float
    """0 identical, about 0.48 unrelated."""
    offset: int
    """Words by which the music starts later in the first; each lasts 0.124 s."""
    overlap: int
    """Words compared."""

    @property
    def offset_s(self) -> float:
        """The offset in seconds."""
        return self.offset * HOP / RATE


def tells(words: Words | None) -> bool:
    """Say whether a fingerprint is long and varied enough to prove anything."""
    return words is not None and len(words) >= SHORTEST_OVERLAP and len(np.unique(words)) >= _LEAST_VARIETY


def compare(first: Words, second: Words, offset: int) -> tuple[float, int]:
    """Bit error and overlap of two fingerprints at one offset; a short overlap counts as unrelated."""
    a, b = first[max(offset, 0) :], second[max(-offset, 0) :]
    overlap = min(len(a), len(b))
    if overlap < max(SHORTEST_OVERLAP, _SHARED_OVERLAP * min(len(first), len(second))):
        return 1.0, overlap
    return float(np.bitwise_count(a[:overlap] ^ b[:overlap]).sum(dtype=np.int64)) / (32 * overlap), overlap


def alike(
    prints: Sequence[Words | None], lengths: NDArray[np.float64], *, apart_s: float, bit_error: float
) -> Iterator[Alike]:
    """Find the pairs of one recording.

    Args:
        prints: A fingerprint for each track; those that tell nothing are never found.
        lengths: Seconds of each track, shape (n,); NaN where unknown, which no gate stops.
        apart_s: By how much two lengths may differ.
        bit_error: Up to which two fingerprints are of one recording.

    Yields:
        Each pair once, the lower number first.
    """
    told = [
        number for number, words in enumerate(prints) if words is not None and len(words) >= SHORTEST_OVERLAP
    ]
    for first, second, offset in _candidates(told, prints, lengths, apart_s):
        a, b = prints[first], prints[second]
        if a is None or b is None or not (tells(a) and tells(b)):
            continue
        found = min(
            (compare(a, b, near), near)
            for near in (offset - 1, offset, offset + 1)
            if abs(near) <= FARTHEST_OFFSET
        )
        (error, overlap), best = found
        if error <= bit_error:
            yield Alike(first, second, error, best, overlap)


def _candidates(
    told: Sequence[int], prints: Sequence[Words | None], lengths: NDArray[np.float64], apart_s: float
) -> Iterator[tuple[int, int, int]]:
    """Pairs that share words at one offset, each with the offset at which it shares most."""
    words, owners, places = _indexed(told, prints)
    found = [_pairs(part, words, owners, places, lengths, apart_s) for part in range(_PARTS)]
    packed = np.concatenate([np.zeros(0, np.uint64), *found])
    packed.sort()
    starts = (
        np.flatnonzero(np.concatenate([[True], packed[1:] != packed[:-1]]))
        if len(packed)
        else np.zeros(0, int)
    )
    counts = np.diff(np.append(starts, len(packed)))
    kept = counts >= _SHARED_WORDS
    packed, counts = packed[starts[kept]], counts[kept]
    pair = packed // np.uint64(_SHIFTS)
    order = np.lexsort((-counts, pair))
    best = order[np.concatenate([[True], pair[order][1:] != pair[order][:-1]])] if len(order) else order
    offsets = (packed[best] % np.uint64(_SHIFTS)).astype(np.int64) - _SHIFTS // 2
    yield from zip(
        (pair[best] >> np.uint64(32)).tolist(),
        (pair[best] & np.uint64(0xFFFF_FFFF)).tolist(),
        offsets.tolist(),
        strict=True,
    )


def _indexed(
    told: Sequence[int], prints: Sequence[Words | None]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int16]]:
    """The indexed words of all fingerprints in one row, with whose and which each is."""
    parts: list[Words] = []
    firsts = []
    for number in told:
        whole = prints[number]
        if whole is not None:
            first = _FIRST if len(whole) >= _FIRST + _WORDS else 0
            parts.append(whole[first : _FIRST + _WORDS])
            firsts.append(first)
    counts = np.array([len(part) for part in parts], np.int64)
    words = np.concatenate([np.zeros(0, np.uint32), *parts]) & _TOLD_BITS
    owners = np.repeat(np.array(told, np.uint32), counts)
    begins = np.cumsum(counts) - counts - np.array(firsts, np.int64)
    places = np.arange(len(words)) - np.repeat(begins, counts)
    return words, owners, places.astype(np.int16)


def _pairs(
    part: int,
    words: NDArray[np.uint32],
    owners: NDArray[np.uint32],
    places: NDArray[np.int16],
    lengths: NDArray[np.float64],
    apart_s: float,
) -> NDArray[np.uint64]:
    """Pairs of tracks with an offset, packed into one number, for each word of this part that both have."""
    chosen = np.flatnonzero((words >> np.uint32(8)) % _PARTS == part)
    keys = words[chosen].astype(np.uint64) << np.uint64(32) | chosen.astype(np.uint64)
    keys.sort()
    row = (keys & np.uint64(0xFFFF_FFFF)).astype(np.int64)
    sorted_words = (keys >> np.uint64(32)).astype(np.uint32)
    del keys, chosen
    after = _equal_after(sorted_words)
    found = []
    alive = np.flatnonzero(after)
    distance = 1
    while len(alive):
        a, b = row[alive], row[alive + distance]
        found.append(_packed(a, b, owners, places, lengths, apart_s))
        distance += 1
        alive = alive[after[alive] >= distance]
    return np.concatenate([np.zeros(0, np.uint64), *found])


def _equal_after(words: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many equal words follow each of the sorted ones; 0 for those so common that they give too many pairs."""
    ends = (
        np.flatnonzero(np.concatenate([words[1:] != words[:-1], [True]]))
        if len(words)
        else np.zeros(0, np.int64)
    )
    sizes = np.diff(ends, prepend=-1)
    common, how_many = np.unique(sizes, return_counts=True)
    pairs = np.cumsum(common * (common - 1) // 2 * how_many)
    most = common[np.searchsorted(pairs, _MOST_PAIRS, side="right") - 1] if len(pairs) else 0
    after = np.repeat(ends, sizes) - np.arange(len(words))
    after[np.repeat(sizes, sizes) > max(most, 2)] = 0
    return after


def _packed(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    owners: NDArray[np.uint32],
    places: NDArray[np.int16],
    lengths: NDArray[np.float64],
    apart_s: float,
) -> NDArray[np.uint64]:
    """Pack pairs of rows into (lower track, higher track, offset), without those that no gate lets through."""
    first, second = owners[a], owners[b]
    offset = places[a].astype(np.int64) - places[b]
    kept = (first != second) & (np.abs(offset) <= FARTHEST_OFFSET)
    first, second, offset = first[kept], second[kept], offset[kept]
    kept = ~(np.abs(lengths[first] - lengths[second]) > apart_s)
    first, second, offset = first[kept], second[kept], offset[kept]
    turned = first > second
    low, high = np.minimum(first, second).astype(np.uint64), np.maximum(first, second).astype(np.uint64)
    shift = (np.where(turned, -offset, offset) + _SHIFTS // 2).astype(np.uint64)
    packed: NDArray[np.uint64] = (low << np.uint64(32) | high) * np.uint64(_SHIFTS) + shift
    return packed
