"""Integrated loudness and true peak after ITU-R BS.1770-4, measured as a stream.

The K-weighting is the standard's two filters at 48 kHz; loudness is the mean over 400 ms blocks, three quarters
overlapped, above -70 LUFS and above 10 LU below the mean of those. True peak is the largest sample after fourfold
oversampling. Memory: one figure per 100 ms.
Called by `music_workflow.core.process` and `music_workflow.metadata.analysis`. It never changes the sound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, sosfilt, upfirdn

RATE = 48_000
STEP = RATE // 10
BLOCK_STEPS = 4
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OFFSET_LUFS = -0.691
"""The standard's constant: a 997 Hz sine at full scale in one channel reads -3.01 LUFS."""

K_WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
"""Stage 1, the shelf of the head, and stage 2, the high-pass; tables 1 and 2 of the standard."""

OVERSAMPLING = 4
TAPS_PER_PHASE = 12


class LoudnessMeter:
    """Measures a stream of 48 kHz blocks with one or two channels."""

    def __init__(self, channels: int) -> None:
        self._state = np.zeros((len(K_WEIGHTING), 2, channels))
        self._rest = np.zeros((0, channels))
        self._steps: list[NDArray[np.float64]] = []
        self._peak = TruePeakMeter(channels)

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take a block of shape (n, channels)."""
        self._peak.feed(samples)
        weighted, self._state = sosfilt(K_WEIGHTING, samples.astype(np.float64), axis=0, zi=self._state)
        weighted = np.concatenate([self._rest, weighted])
        whole = len(weighted) // STEP * STEP
        energy = np.square(weighted[:whole]).reshape(-1, STEP * weighted.shape[1]).sum(axis=1)
        self._steps.append(energy / STEP)
        self._rest = weighted[whole:]

    def integrated_lufs(self) -> float | None:
        """The integrated loudness; None when nothing rises above -70 LUFS or there is less than one block."""
        steps = np.concatenate(self._steps) if self._steps else np.zeros(0)
        if len(steps) < BLOCK_STEPS:
            return None
        blocks = np.lib.stride_tricks.sliding_window_view(steps, BLOCK_STEPS).mean(axis=1)
        blocks = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
        if not len(blocks):
            return None
        gate = _power(_loudness(float(blocks.mean())) + RELATIVE_GATE_LU)
        return _loudness(float(blocks[blocks > gate].mean()))

    def true_peak_db(self) -> float | None:
        """The true peak in dBTP; None for digital silence."""
        return self._peak.decibels()


class TruePeakMeter:
    """The largest fourfold oversampled sample of a stream.

    A block is oversampled only when it could hold a new maximum: the interpolator's output is bounded by the block's
    largest sample times the largest sum of the filter's absolute taps. The result is the same, the cost a fraction.
    """

    def __init__(self, channels: int) -> None:
        self._filter = firwin(
            OVERSAMPLING * TAPS_PER_PHASE + 1, 1 / OVERSAMPLING, window=("kaiser", 5.0), scale=True
        ).astype(np.float32) * np.float32(OVERSAMPLING)
        phases = [np.abs(self._filter[p::OVERSAMPLING]).sum() for p in range(OVERSAMPLING)]
        self._bound = float(max(phases))
        self._history = np.zeros((TAPS_PER_PHASE + 1, channels), np.float32)
        self._largest = 0.0

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take a block of shape (n, channels)."""
        block = np.concatenate([self._history, samples])
        sample_peak = float(np.abs(block).max(initial=0.0))
        if sample_peak * self._bound > self._largest:
            between = upfirdn(self._filter, block, up=OVERSAMPLING, axis=0)
            edge = OVERSAMPLING * TAPS_PER_PHASE  # there the filter sees a cut that is not in the sound
            inner = np.abs(between[edge:-edge]).max(initial=0.0)
            self._largest = max(self._largest, float(np.abs(samples).max(initial=0.0)), float(inner))
        self._history = block[-(TAPS_PER_PHASE + 1) :]

    def decibels(self) -> float | None:
        """The peak so far in dBTP; None when every sample was zero."""
        return 20 * math.log10(self._largest) if self._largest > 0 else None


def _loudness(power: float) -> float:
    return OFFSET_LUFS + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LUFS) / 10))
