"""Key from a stream of sound: a histogram of pitches, and a trained judgement of it.

Spectral peaks between 40 and 1600 Hz are located between bins and counted by pitch, five cents a step, frame
by frame with equal say. The histogram tells how far the recording is from A = 440 Hz, then gives the chroma,
each peak also counting a little for the notes it may be an overtone of, the chroma of the bass alone, and that of
the bass at the very end, where pieces come to rest: a key and its relative share all notes but that. A small network,
trained by ``benchmarks/train_analysis.py``, weighs the three for each of the 24 keys. Called by
`music_workflow.metadata.analysis`. It never names a key for sound without pitch.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from music_workflow.metadata import ranking
from music_workflow.metadata.keys import Key
from music_workflow.metadata.ranking import Ranking
from music_workflow.metadata.spectra import Mono, SlidingSpectrum

RATE = 11_025
SIZE = 8192
HOP = 4096
LOWEST_HZ = 40.0
HIGHEST_HZ = 1600.0
STEPS_PER_SEMITONE = 20
SUBHARMONICS = 4
SUBHARMONIC_DECAY = 0.6
BASS_HZ = 220.0
PEAK_FLOOR = 1e-3
"""A peak smaller than this share of its frame's largest is taken for noise."""
SILENCE_RMS = 1e-4
ENDING_FRAMES = 16
"""Six seconds."""
SHORTEST_S = 3.0
LEAST_TUNED = 0.05
"""How far the pitches gather at the steps of a scale, 0..1, below which there is no key: noise has at most 0.02, drums
alone about 0.03, music 0.09 and more."""

_ORIGIN = 12 * np.log2(LOWEST_HZ / 440) + 57
"""Pitch of the histogram's first step, in semitones above C0 (A4 = 57)."""
STEPS = int(np.ceil(12 * np.log2(HIGHEST_HZ / LOWEST_HZ) * STEPS_PER_SEMITONE)) + 1


@dataclass(frozen=True, slots=True)
class Tonality:
    """A key that was found."""

    key: Key
    confidence: float
    """0..1: the probability the ranking gives it."""


@dataclass(frozen=True, slots=True)
class Chroma:
    """Shares of the twelve pitch classes, C first."""

    full: NDArray[np.float64]
    bass: NDArray[np.float64]
    ending: NDArray[np.float64]
    """Of the bass in the last six seconds that hold any pitch."""
    tuning: float
    """Semitones above A = 440 Hz, -0.5..0.5."""
    tuned: float
    """How far the pitches gather at the steps of that scale: 1 exactly, 0 not at all."""


class PitchMeter:
    """Counts the pitches of a stream of mono blocks at 11.025 kHz."""

    def __init__(self) -> None:
        window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
        self._spectrum = SlidingSpectrum(SIZE, HOP, window)
        self._window_sum = float(window.sum())
        self._weights = np.zeros(STEPS)
        self._loudness = np.zeros(STEPS)
        self._samples = 0
        self._last: deque[tuple[NDArray[np.int64], NDArray[np.float64]]] = deque(maxlen=ENDING_FRAMES)
        """Steps and weights of the last frames with any pitch."""

    def feed(self, samples: Mono) -> None:
        """Take a block of samples."""
        self._samples += len(samples)
        for power in self._spectrum.feed(samples):
            self._count(power)

    def chroma(self) -> Chroma | None:
        """What was heard, by pitch class; None for less than three seconds or no pitch at all."""
        if self._samples < SHORTEST_S * RATE or not self._weights.any():
            return None
        pitch = _ORIGIN + np.arange(STEPS) / STEPS_PER_SEMITONE
        tuning = _tuning(pitch, self._loudness)
        full = np.zeros(12)
        for harmonic in range(1, SUBHARMONICS + 1):
            shifted = pitch - 12 * np.log2(harmonic)
            heard = shifted >= _ORIGIN
            full += SUBHARMONIC_DECAY ** (harmonic - 1) * _fold(shifted[heard] - tuning, self._weights[heard])
        low = pitch < _ORIGIN + 12 * np.log2(BASS_HZ / LOWEST_HZ)
        bass = _fold(pitch[low] - tuning, self._weights[low])
        ending = _fold(pitch[low] - tuning, self._ending()[low])
        return Chroma(
            full / full.sum(),
            bass / max(bass.sum(), 1e-12),
            ending / max(ending.sum(), 1e-12),
            tuning,
            _gathered(pitch, self._weights),
        )

    def _ending(self) -> NDArray[np.float64]:
        counted = np.zeros(STEPS)
        for step, weight in self._last:
            counted += np.bincount(step, weight, STEPS)
        return counted

    def _count(self, power: NDArray[np.float32]) -> None:
        first = int(LOWEST_HZ * SIZE / RATE)
        last = int(HIGHEST_HZ * SIZE / RATE)
        magnitude = np.sqrt(power[:, first - 1 : last + 1])
        middle, left, right = magnitude[:, 1:-1], magnitude[:, :-2], magnitude[:, 2:]
        largest = middle.max(axis=1, keepdims=True)
        peaks = (middle > left) & (middle >= right) & (middle > PEAK_FLOOR * largest)
        peaks &= largest > SILENCE_RMS * self._window_sum / 2
        frame, place = np.nonzero(peaks)
        a, b, c = (np.log(side[frame, place] + 1e-12) for side in (left, middle, right))
        offset = np.clip(0.5 * (a - c) / (a - 2 * b + c - 1e-12), -0.5, 0.5)
        hertz = (place + first + offset) * RATE / SIZE
        step = np.rint(12 * STEPS_PER_SEMITONE * np.log2(hertz / LOWEST_HZ)).astype(int)
        inside = (step >= 0) & (step < STEPS)
        frame, step, height = frame[inside], step[inside], np.exp(b[inside])
        total = np.bincount(frame, height, len(power)) + 1e-12
        # Each frame has the same say but for a mild preference of loud ones, so that one drop does not drown the rest.
        weight = height * total[frame] ** -0.85
        self._weights += np.bincount(step, weight, STEPS)
        for each in np.unique(frame)[-ENDING_FRAMES:]:
            own = frame == each
            self._last.append((step[own], weight[own]))
        self._loudness += np.bincount(step, np.sqrt(height), STEPS)


def estimate(chroma: Chroma | None) -> Tonality | None:
    """The key of a piece; None without a chroma or when its pitches belong to no scale."""
    if chroma is None or chroma.tuned < LEAST_TUNED:
        return None
    probability = _ranking().probabilities(key_features(chroma))
    best = int(np.argmax(probability))
    return Tonality(Key(best % 12, "major" if best < 12 else "minor"), float(probability[best]))  # noqa: PLR2004 - tonics


def key_features(chroma: Chroma) -> NDArray[np.float64]:
    """Each key's view of the chroma: rotated to its tonic, in the columns of its mode.

    Returns:
        Shape (24, 74): major keys from C, then minor keys from C; columns full 12, bass 12, ending 12 for major, the
        same for minor, and one that marks each mode.
    """
    views = [_standard(each) for each in (chroma.full, chroma.bass, chroma.ending)]
    width = 12 * len(views)
    rows = np.zeros((24, 2 * width + 2))
    for mode in (0, 1):
        for tonic in range(12):
            row = rows[12 * mode + tonic]
            row[width * mode : width * (mode + 1)] = np.concatenate([np.roll(view, -tonic) for view in views])
            row[2 * width + mode] = 1
    return rows


def _tuning(pitch: NDArray[np.float64], loudness: NDArray[np.float64]) -> float:
    """The mean deviation of the pitches from the tempered scale, as an angle so that +0.5 and -0.5 meet."""
    return float(np.angle(np.sum(loudness * np.exp(2j * np.pi * pitch))) / (2 * np.pi))


def _gathered(pitch: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float(np.abs(np.sum(weight * np.exp(2j * np.pi * pitch))) / weight.sum())


def _fold(pitch: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = np.rint(pitch)
    centred = weight * np.cos(np.pi * (pitch - nearest)) ** 2
    return np.bincount(nearest.astype(int) % 12, centred, 12).astype(np.float64)


def _standard(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((shares - shares.mean()) / (shares.std() + 1e-9))


@cache
def _ranking() -> Ranking:
    return ranking.load("key")
