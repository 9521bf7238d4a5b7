"""Onset strength: how much new energy appears, a hundred times a second, in three registers.

The sound is seen through 24 bands spaced by the ear's scale; what counts is the rise of each band's logarithm
over two frames, averaged over low, middle and high bands. A running level keeps quiet and loud masters alike.
Called by `music_workflow.metadata.analysis`. It knows nothing of tempo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_workflow.metadata.spectra import Mono, SlidingSpectrum

RATE = 11_025
SIZE = 512
HOP = 110
FRAMES_PER_S = RATE / HOP
FIRST_FRAME_S = (SIZE / 2 + HOP) / RATE
"""Middle of the sound that the first onset value speaks of: a rise between the first and the third frame."""

BANDS = 24
LOWEST_HZ = 40.0
HIGHEST_HZ = 5000.0
REGISTERS = ((0, 6), (6, 14), (14, 24))
"""Bands of the low, middle and high register: kick and bass; voices and chords; hats and consonants."""

RISE_FRAMES = 2
COMPRESSION = 10.0
LEVEL_MEMORY_S = 45.0
FLATTENING_S = 1.0
SILENCE_POWER = 1e-8
"""Mean power of the stream (-80 dBFS) below which it is treated as silence and not amplified."""


@dataclass(frozen=True, slots=True)
class Onsets:
    """The onset strength of a whole piece."""

    strength: NDArray[np.float32]
    """Shape (3, frames): low, middle and high register; never negative."""
    energy: NDArray[np.float32]
    """Shape (3, frames): mean band power of each register; for the picture."""

    @property
    def seconds(self) -> float:
        """How much sound they cover."""
        return float(self.strength.shape[1] / FRAMES_PER_S)


class OnsetMeter:
    """Measures onset strength over a stream of mono blocks at 11.025 kHz."""

    def __init__(self) -> None:
        window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
        self._spectrum = SlidingSpectrum(SIZE, HOP, window)
        self._bands = band_filters() / np.float32(np.square(window).sum())
        self._before = np.zeros((0, BANDS), np.float32)
        self._power = 0.0
        self._heard_s = 0.0
        self._rises: list[NDArray[np.float32]] = []
        self._energies: list[NDArray[np.float32]] = []

    def feed(self, samples: Mono) -> None:
        """Take a block of samples."""
        if not len(samples):
            return
        self._follow_level(samples)
        gain = np.float32(COMPRESSION / max(self._power, SILENCE_POWER))
        for power in self._spectrum.feed(samples):
            bands = power @ self._bands
            self._energies.append(_by_register(bands))
            both = np.concatenate([self._before, bands])
            level = np.log(1 + gain * both)
            rise = np.maximum(level[RISE_FRAMES:] - level[:-RISE_FRAMES], 0)
            self._rises.append(_by_register(rise))
            self._before = both[-RISE_FRAMES:]

    def finish(self) -> Onsets:
        """The onset strength of everything heard, its slow course removed."""
        none = np.zeros((3, 0), np.float32)
        rises = np.concatenate([none, *self._rises], axis=1)
        energies = np.concatenate([none, *self._energies], axis=1)
        return Onsets(_flatten(rises), energies[:, RISE_FRAMES:])

    def _follow_level(self, samples: Mono) -> None:
        seconds = len(samples) / RATE
        self._heard_s = min(self._heard_s + seconds, LEVEL_MEMORY_S)
        share = seconds / max(self._heard_s, seconds)
        self._power += share * (float(np.mean(np.square(samples))) - self._power)


def band_filters() -> NDArray[np.float32]:
    """Triangular filters from spectrum bins to bands, each with weights that sum to one; shape (bins, bands)."""
    bin_hz = RATE / SIZE
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 2)
    for i in range(1, len(edges)):  # the low bands are narrower than a bin; give each its own
        edges[i] = max(edges[i], edges[i - 1] + bin_hz)
    hz = np.arange(SIZE // 2 + 1)[:, None] * bin_hz
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    weights = np.clip(np.minimum((hz - left) / (centre - left), (right - hz) / (right - centre)), 0, None)
    filters: NDArray[np.float32] = (weights / weights.sum(axis=0)).astype(np.float32)
    return filters


def _by_register(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([bands[:, low:high].mean(axis=1) for low, high in REGISTERS])


def _flatten(rises: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the mean of the second around each frame, so that only what stands out of it remains."""
    width = round(FLATTENING_S * FRAMES_PER_S)
    if rises.shape[1] < width:
        return np.maximum(rises - rises.mean(axis=1, keepdims=True), 0) if rises.shape[1] else rises
    sums = np.cumsum(np.pad(rises, ((0, 0), (width // 2 + 1, width // 2))), axis=1, dtype=np.float64)
    mean = (sums[:, width:] - sums[:, :-width]) / width
    flat: NDArray[np.float32] = np.maximum(rises - mean[:, : rises.shape[1]], 0).astype(np.float32)
    return flat
