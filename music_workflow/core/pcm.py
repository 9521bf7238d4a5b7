"""Writing PCM files: WAV and AIFF, 24 bit, from one stream of samples.

Both writers take the same quantised integers, so that the two files agree in every sample by construction.
The WAV header is the plain 16-byte PCM one: CD players of the DJ booth refuse the extensible one, and 24-bit
stereo needs none of its fields. There is no INFO chunk: tags are the business of
`music_workflow.metadata.tags`. Called by `music_workflow.core.process`. Neither writer ever scales, dithers
or mixes.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from music_workflow.core.decoding import Samples
from music_workflow.errors import BadLink

BITS = 24
FULL_SCALE = 1 << (BITS - 1)
BYTES = BITS // 8
LARGEST_DATA = (1 << 32) - (1 << 20)
"""Bytes of sound that fit under a 32-bit chunk size with room for the tags."""

Quantised = NDArray[np.int32]
"""Shape (n, channels), 24-bit integers."""

Words = NDArray[np.uint32]


def quantise(samples: Samples) -> Quantised:
    """Round float samples to 24-bit integers; what lies beyond full scale is clipped.

    No dither: 24 bits are the resolution of the float32 stream itself, and a 16- or 24-bit source at the same
    rate comes through bit for bit.
    """
    scaled = samples * np.float32(FULL_SCALE)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    return np.asarray(scaled.astype(np.int32))


class PcmWriter(Protocol):
    """A PCM file being written."""

    def write(self, samples: Quantised) -> None:
        """Append samples."""

    def close(self) -> None:
        """Complete the header; without it the file is not valid."""


class _ChunkedFile:
    """A file whose header is written first with sizes of zero and again, with the true ones, at the end."""

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._frames = 0
        self._path = path
        self._file = path.open("wb")
        self._file.write(self._header())

    @property
    def _data_size(self) -> int:
        return self._frames * self._channels * BYTES

    def _append(self, raw: bytes, frames: int) -> None:
        self._frames += frames
        if self._data_size > LARGEST_DATA:
            hours = LARGEST_DATA / (self._rate * self._channels * BYTES) / 3600
            raise BadLink(
                f"The recording is longer than the {hours:.1f} hours that a {self._path.suffix} file can hold.",
                service="audio",
                operation="convert",
            )
        self._file.write(raw)

    def close(self) -> None:
        """Pad, write the true sizes and close; closing twice does nothing."""
        if self._file.closed:
            return
        if self._data_size % 2:
            self._file.write(b"\0")
        self._file.seek(0)
        self._file.write(self._header())
        self._file.close()

    def _header(self) -> bytes:
        raise NotImplementedError


class WavWriter(_ChunkedFile):
    """RIFF WAVE, little-endian PCM."""

    def write(self, samples: Quantised) -> None:
        """Append samples."""
        self._append(pack_little(samples), len(samples))

    def _header(self) -> bytes:
        frame = self._channels * BYTES
        form = struct.pack("<HHIIHH", 1, self._channels, self._rate, self._rate * frame, frame, BITS)
        size = self._data_size
        return (
            struct.pack("<4sI4s", b"RIFF", 36 + size + size % 2, b"WAVE")
            + struct.pack("<4sI", b"fmt ", len(form))
            + form
            + struct.pack("<4sI", b"data", size)
        )


class AiffWriter(_ChunkedFile):
    """AIFF, big-endian PCM."""

    def write(self, samples: Quantised) -> None:
        """Append samples."""
        self._append(pack_big(samples), len(samples))

    def _header(self) -> bytes:
        size = self._data_size
        common = struct.pack(">HIH", self._channels, self._frames, BITS) + _extended(self._rate)
        return (
            struct.pack(">4sI4s", b"FORM", 46 + size + size % 2, b"AIFF")
            + struct.pack(">4sI", b"COMM", len(common))
            + common
            + struct.pack(">4sIII", b"SSND", 8 + size, 0, 0)
        )


def pack_little(samples: Quantised) -> bytes:
    """24-bit samples as bytes, lowest first.

    Four samples are put together into three words, a few operations on whole arrays; picking three of every four bytes
    takes five times as long.
    """
    a, b, c, d, rest = _quarters(samples)
    words = np.empty((len(a), 3), "<u4")
    words[:, 0] = a | b << 24
    words[:, 1] = b >> 8 | c << 16
    words[:, 2] = c >> 16 | d << 8
    return words.tobytes() + b"".join(int(v).to_bytes(BYTES, "little") for v in rest)


def pack_big(samples: Quantised) -> bytes:
    """24-bit samples as bytes, highest first."""
    a, b, c, d, rest = _quarters(samples)
    words = np.empty((len(a), 3), ">u4")
    words[:, 0] = a << 8 | b >> 16
    words[:, 1] = b << 16 | c >> 8
    words[:, 2] = c << 24 | d
    return words.tobytes() + b"".join(int(v).to_bytes(BYTES, "big") for v in rest)


def _quarters(samples: Quantised) -> tuple[Words, Words, Words, Words, Words]:
    """Every fourth sample from the first to the fourth on, as 24 bits without sign; and up to three left over."""
    flat = samples.reshape(-1).view(np.uint32) & np.uint32((1 << BITS) - 1)
    whole = len(flat) // 4 * 4
    a, b, c, d = (np.ascontiguousarray(flat[i:whole:4]) for i in range(4))
    return a, b, c, d, flat[whole:]


def _extended(value: int) -> bytes:
    """An integer as the 80-bit IEEE float in which AIFF keeps its sample rate."""
    exponent = math.floor(math.log2(value))
    return struct.pack(">HQ", 16383 + exponent, value << (63 - exponent))
