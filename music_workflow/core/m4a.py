"""Writing M4A: AAC packets copied as they are, or samples encoded to AAC-LC or ALAC.

A source that is AAC already loses nothing and takes no time: its packets are put into a new M4A unchanged.
Everything else is encoded by FFmpeg's own encoders, with settings that were measured.
Called by `music_workflow.core.process`. It never changes the level and never writes tags.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

from music_workflow.core.decoding import Header, Samples
from music_workflow.core.pcm import Quantised

M4aCodec = Literal["aac256", "alac"]
AAC_BIT_RATE = 256_000
AAC_OPTIONS = {"aac_coder": "fast", "aac_pns": "0", "aac_is": "0", "aac_tns": "0", "cutoff": "22000"}
"""Noise substitution and intensity stereo stand in for bits that 256 kbit/s has; they, not its search, are what makes
the fast coder poor. Without them, and with the band above 20 kHz that it leaves out otherwise, it keeps more of the
signal than the two-loop search at the same size, in half the time: ``benchmarks/conversion.py`` measures both."""


class M4aWriter(Protocol):
    """An M4A file being written, fed with everything the decode yields; it takes what it needs."""

    def packet(self, packet: Packet[AudioStream]) -> None:
        """Take a packet of the source."""

    def samples(self, samples: Samples, quantised: Quantised) -> None:
        """Take a block of samples, as floats and as 24-bit integers."""

    def close(self) -> None:
        """Complete the file."""


def open_m4a(path: Path, source: AudioStream, header: Header, rate: int, codec: M4aCodec) -> M4aWriter:
    """Choose the way to M4A that loses least.

    Args:
        path: where the file is to be written.
        source: the stream being decoded.
        header: what the source's file says.
        rate: sample rate of the blocks that will come, in Hz.
        codec: what to encode to when the packets cannot be copied.

    Returns:
        A writer; close it.
    """
    layout = "mono" if header.channels == 1 else "stereo"
    if codec == "alac":
        return AlacWriter(path, rate, layout)
    if header.codec == "aac" and header.channels <= 2:  # noqa: PLR2004 - stereo
        return CopyWriter(path, source, from_adts=header.container not in {"mov", "matroska", "flv"})
    return AacWriter(path, rate, layout)


class CopyWriter:
    """The source's own AAC packets in a new container."""

    def __init__(self, path: Path, source: AudioStream, *, from_adts: bool) -> None:
        self._output = _container(path)
        self._stream = self._output.add_stream_from_template(source)
        # Bare AAC streams carry a header in each packet, MP4 wants one for the whole file.
        self._filter = BitStreamFilterContext("aac_adtstoasc", source, self._stream) if from_adts else None

    def packet(self, packet: Packet[AudioStream]) -> None:
        """Copy a packet; the empty one at the end is left out."""
        if packet.size == 0:
            return
        for each in [packet] if self._filter is None else self._filter.filter(packet):
            each.stream = self._stream
            self._output.mux(each)

    def samples(self, samples: Samples, quantised: Quantised) -> None:
        """Not needed."""

    def close(self) -> None:
        """Write the index of the file."""
        self._output.close()


class _EncodingWriter:
    """Samples through one of FFmpeg's encoders."""

    def __init__(
        self, path: Path, rate: int, layout: str, codec: str, sample_format: str, options: dict[str, str]
    ) -> None:
        self._rate = rate
        self._layout = layout
        self._format = sample_format
        self._position = 0
        self._output = _container(path)
        stream = self._output.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, AudioStream)  # noqa: S101 - narrowing: the codec is an audio codec
        self._stream = stream
        self._stream.layout = layout
        self._stream.format = sample_format

    def packet(self, packet: Packet[AudioStream]) -> None:
        """Not needed."""

    def close(self) -> None:
        """Flush the encoder and write the index of the file."""
        self._output.mux(self._stream.encode(None))
        self._output.close()

    def _encode(self, planar: Samples | Quantised) -> None:
        array: Any = np.ascontiguousarray(planar)
        frame = AudioFrame.from_ndarray(array, format=self._format, layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts = self._position
        self._position += frame.samples
        self._output.mux(self._stream.encode(frame))


class AacWriter(_EncodingWriter):
    """AAC-LC at 256 kbit/s."""

    def __init__(self, path: Path, rate: int, layout: str) -> None:
        super().__init__(path, rate, layout, "aac", "fltp", AAC_OPTIONS)
        self._stream.bit_rate = AAC_BIT_RATE

    def samples(self, samples: Samples, quantised: Quantised) -> None:  # noqa: ARG002 - one signature for all
        """Encode a block."""
        self._encode(samples.T)


class AlacWriter(_EncodingWriter):
    """Apple Lossless, 24 bit."""

    def __init__(self, path: Path, rate: int, layout: str) -> None:
        super().__init__(path, rate, layout, "alac", "s32p", {})

    def samples(self, samples: Samples, quantised: Quantised) -> None:  # noqa: ARG002 - one signature for all
        """Encode a block."""
        self._encode(quantised.T << 8)


def _container(path: Path) -> av.container.OutputContainer:
    # The index in front lets players start before all is read; no date, so that equal input gives equal bytes.
    return av.open(
        f"file:{path}", mode="w", format="ipod", options={"movflags": "+faststart", "fflags": "+bitexact"}
    )
