"""Short-time spectra of a stream, block by block. Called by the tempo, key and fingerprint stages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Mono = NDArray[np.float32]
"""Shape (n,)."""

FRAMES_AT_ONCE = 128
"""Frames transformed together: enough for numpy, few enough to stay in the processor's cache."""


class SlidingSpectrum:
    """Cuts a stream into overlapping frames and yields their power spectra."""

    def __init__(self, size: int, hop: int, window: Mono) -> None:
        self._size = size
        self._hop = hop
        self._window = window
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: Mono) -> Iterator[NDArray[np.float32]]:
        """Take samples; yield power spectra of shape (frames, size // 2 + 1) for the frames that are complete."""
        self._rest = np.concatenate([self._rest, samples])
        count = (len(self._rest) - self._size) // self._hop + 1
        if count <= 0:
            return
        frames = np.lib.stride_tricks.sliding_window_view(self._rest, self._size)[:: self._hop]
        for start in range(0, count, FRAMES_AT_ONCE):
            spectrum = fft.rfft(frames[start : start + FRAMES_AT_ONCE] * self._window, axis=1)
            yield spectrum.real**2 + spectrum.imag**2
        self._rest = self._rest[count * self._hop :].copy()
