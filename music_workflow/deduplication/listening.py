"""A second ear: whether two files are one recording, by their very waveforms.

A fingerprint knows which notes sound when; songs of one key, tempo and progression can be close by it. Waveforms of
different recordings never agree, while encoders, loudness and equalising leave them much alike. Some short windows of
one file are looked for in the other, near where the fingerprints say, and the typical agreement counts. Called by
`planning`, for pairs that are not near-identical by their fingerprints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_workflow.core import decoding

RATE = 11_025
SAME = 0.8
"""Agreement from which on two files are one recording. Measured: .94 to 1.00 after encoding, trimming and limiting; up
to .73 between made-up songs of one key and tempo that the same synthesizer plays, and .66 after distorting the bass:
there a person has to listen."""
_HEARD_S = 100.0
_WINDOW_S = 1.5
_WINDOWS = 12
_SEARCH_S = 0.4
"""Around the place that the fingerprints give, whose steps are 0.124 s."""

Sound = NDArray[np.float32]
"""Shape (n,): mono, with the bass held back, which would speak for everything."""


def agreement(first: str, second: str, offset_s: float) -> float:
    """How much two files agree, 0..1: the median, over windows, of the best correlation near the expected place.

    Args:
        first: A file.
        second: Another.
        offset_s: How much later the music starts in the first.

    Raises:
        BadLink: One of them cannot be decoded.
    """
    return _agreement(_sound(first), _sound(second), offset_s)


def _agreement(one: Sound, other: Sound, offset_s: float) -> float:
    window, reach = round(_WINDOW_S * RATE), round(_SEARCH_S * RATE)
    offset = round(offset_s * RATE)
    begin = max(reach - min(offset, 0), reach)
    end = min(len(other) - window, len(one) - offset - window - reach)
    if end <= begin:
        return 0.0
    found = []
    for start in np.linspace(begin, end, _WINDOWS).astype(int).tolist():
        part = other[start : start + window]
        near = one[max(0, start + offset - reach) : start + offset + window + reach]
        found.append(_best(part, near))
    return float(np.median(found))


def _best(part: Sound, near: Sound) -> float:
    """Largest normalised correlation of a window at any place of a longer stretch."""
    size = 1 << (len(near) + len(part) - 1).bit_length()
    spectrum = np.fft.rfft(near, size) * np.conj(np.fft.rfft(part, size))
    products = np.fft.irfft(spectrum, size)[: len(near) - len(part) + 1]
    sums = np.concatenate([[0.0], np.cumsum(np.square(near, dtype=np.float64))])
    energy = sums[len(part) :] - sums[: -len(part)]
    scale = np.sqrt(energy * float(np.square(part, dtype=np.float64).sum()))
    return float(np.max(np.abs(products) / np.maximum(scale, 1e-9), initial=0.0))


def _sound(path: str) -> Sound:
    blocks = [np.zeros(1, np.float32)]
    heard = 0
    with decoding.opened(path) as source:
        tap = decoding.Tap(RATE, "mono", taps=16)
        for frame in source.frames():
            for block in tap.push(frame):
                blocks.append(block[:, 0])
                heard += len(block)
            if heard > _HEARD_S * RATE:
                break
        blocks += [block[:, 0] for block in tap.flush()]
    return np.diff(np.concatenate(blocks))
