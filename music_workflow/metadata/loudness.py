"""Integrated loudness and true peak after ITU-R BS.1770-4, measured as a stream.

The K-weighting is the standard's two filters at 48 kHz; loudness is the mean over 400 ms blocks, three
quarters overlapped, above -70 LUFS and above 10 LU below the mean of those. True peak is the largest sample
after fourfold oversampling. Memory: one figure per 100 ms. Called by `music_workflow.core.process` and
`music_workflow.metadata.analysis`. It never changes the sound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

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

RESPONSE = 4096
TRANSFORM = 65_536

OVERSAMPLING = 4
TAPS_PER_PHASE = 12
ROW = 32
"""Samples interpolated together: one row of a matrix product."""


class LoudnessMeter:
    """Measures a stream of 48 kHz blocks with one or two channels."""

    def __init__(self, channels: int) -> None:
        self._weighting = _KWeighting(channels)
        self._rest = np.zeros((channels, 0), np.float32)
        self._steps: list[NDArray[np.float64]] = []
        self._peak = TruePeakMeter(channels)

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take a block of shape (n, channels)."""
        self._peak.feed(samples)
        weighted = np.concatenate([self._rest, self._weighting.feed(samples)], axis=1)
        whole = weighted.shape[1] // STEP * STEP
        steps = weighted[:, :whole].reshape(len(weighted), -1, STEP)
        self._steps.append(np.einsum("csi,csi->s", steps, steps, dtype=np.float64) / STEP)
        self._rest = weighted[:, whole:]

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


class _KWeighting:
    """The two filters as one convolution by Fourier transforms, block after block.

    Their impulse response has died away to a billionth after 85 ms, so that the finite convolution is exact for every
    purpose; it needs less of scipy than a recursive filter, whose import alone costs more than a song's analysis.
    """

    def __init__(self, channels: int) -> None:
        self._spectrum = fft.rfft(impulse_response(RESPONSE).astype(np.float32), TRANSFORM)
        self._before = np.zeros((channels, RESPONSE - 1), np.float32)

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The weighted block, shape (channels, n)."""
        sound = np.concatenate([self._before, samples.T], axis=1)
        self._before = sound[:, -(RESPONSE - 1) :].copy()
        pieces = []
        hop = TRANSFORM - RESPONSE + 1
        for start in range(0, len(samples), hop):
            piece = sound[:, start : start + TRANSFORM]
            weighted = fft.irfft(fft.rfft(piece, TRANSFORM, axis=1) * self._spectrum, TRANSFORM, axis=1)
            pieces.append(weighted[:, RESPONSE - 1 : piece.shape[1]])
        return np.concatenate(pieces, axis=1) if pieces else sound[:, :0]


def impulse_response(length: int) -> NDArray[np.float64]:
    """What the K-weighting makes of a single full-scale sample."""
    signal = np.zeros(length)
    signal[0] = 1
    for b0, b1, b2, _, a1, a2 in K_WEIGHTING:
        x1 = x2 = y1 = y2 = 0.0
        for i, x in enumerate(signal.tolist()):
            y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            signal[i] = y
    return signal


class TruePeakMeter:
    """The largest fourfold oversampled sample of a stream.

    The interpolator is a windowed sinc of twelve taps a phase, applied to rows of samples as one matrix
    product. A row is interpolated only when it could hold a new maximum: what lies between samples is bounded
    by the row's largest sample times the largest sum of a phase's absolute taps. The result is the same, the
    cost a fraction.
    """

    def __init__(self, channels: int) -> None:
        taps = OVERSAMPLING * TAPS_PER_PHASE
        sinc = np.sinc((np.arange(taps + 1) - taps / 2) / OVERSAMPLING) * np.kaiser(taps + 1, 5.0)
        sinc *= OVERSAMPLING / sinc.sum()
        # The phase that falls on the samples themselves returns them; the other three are what lies between.
        between = np.stack([sinc[phase:taps:OVERSAMPLING][::-1] for phase in range(1, OVERSAMPLING)])
        self._bound = float(np.abs(between).sum(axis=1).max())
        self._matrix = np.zeros((ROW + TAPS_PER_PHASE - 1, ROW * len(between)), np.float32)
        for i in range(ROW):
            self._matrix[i : i + TAPS_PER_PHASE, i * len(between) : (i + 1) * len(between)] = between.T
        self._rest = np.zeros((TAPS_PER_PHASE - 1, channels), np.float32)
        self._largest = 0.0

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take a block of shape (n, channels)."""
        self._largest = max(self._largest, float(np.abs(samples).max(initial=0.0)))
        block = np.concatenate([self._rest, samples])
        width = len(self._matrix)
        if len(block) < width:
            self._rest = block
            return
        for channel in block.T:
            rows = np.lib.stride_tricks.sliding_window_view(channel, width)[::ROW]
            loud = np.abs(rows).max(axis=1) * self._bound > self._largest
            if loud.any():
                self._largest = max(self._largest, float(np.abs(rows[loud] @ self._matrix).max()))
        done = (len(block) - width) // ROW + 1
        self._rest = block[done * ROW :]

    def decibels(self) -> float | None:
        """The peak so far in dBTP; None when every sample was zero."""
        return 20 * math.log10(self._largest) if self._largest > 0 else None


def _loudness(power: float) -> float:
    return OFFSET_LUFS + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LUFS) / 10))
