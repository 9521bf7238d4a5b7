"""Reading audio files: what a file is, and its samples as float32 blocks.

Every file that reaches this module came from the network, so it is opened with a written list of containers
and with the file protocol alone: a playlist dressed up as audio can make FFmpeg fetch neither a link nor
another file. Called by `music_workflow.core.process` and `music_workflow.metadata.analysis`. It never writes
anything.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet
from numpy.typing import NDArray

from music_workflow.errors import BadLink

Samples = NDArray[np.float32]
"""Shape (n, channels), full scale at 1.0; lossy sources may overshoot it."""

Shape = tuple[int, str, str]
"""Sample rate, sample format and channel layout of a frame."""

CONTAINERS = (
    "aac", "ac3", "aiff", "ape", "asf", "au", "avi", "caf", "dsf", "eac3", "flac", "flv", "matroska", "mov", "mp3",
    "mpegts", "ogg", "tak", "tta", "w64", "wav", "webm", "wv",
)  # fmt: skip
"""Containers that hold sound and nothing that points elsewhere."""

GATHERED = 131_072
"""Samples in a frame handed on: many enough that a call's overhead vanishes, few enough to stay in the cache."""

DAMAGE_TOLERANCE = 0.02
"""Share of undecodable packets above which a file counts as damaged; junk between MP3 frames is common and
harmless."""

SHORTEST_S = 0.01
"""Less than this is no sound: half a frame of AAC, of which no M4A can be made."""

UNKNOWN_SIZE = 0xFFFF_FFFF
OGG_PAGE = 65_307
"""The largest page of an Ogg file, in bytes."""

MISSING_TOLERANCE_S = 1.0
MISSING_TOLERANCE = 0.01
"""A decode shorter than the header promises by more than both of these is a truncated file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an audio file says of itself."""

    stated_s: float | None
    """Its duration; None when the header is silent or only guesses from the bit rate."""
    codec: str
    """FFmpeg's name of the codec: ``aac``, ``opus``, ``pcm_s24le``."""
    sample_rate: int
    channels: int
    bits: int | None
    """Bits per sample for PCM and lossless codecs; None for lossy ones."""
    container: str
    """FFmpeg's short name of the container: ``mov``, ``ogg``, ``wav``."""


class Source:
    """An open audio file: its header, its packets, its frames. Use it through `opened`."""

    def __init__(self, path: str, container: InputContainer, stream: AudioStream) -> None:
        self.path = path
        self.stream = stream
        self.header = _header(path, container, stream)
        self._container = container
        self._packets = 0
        self._damaged = 0
        self._seconds = 0.0
        self._fifo = AudioFifo()
        self._shape: Shape | None = None

    def read(self) -> Iterator[tuple[Packet[AudioStream], list[AudioFrame]]]:
        """Every packet, with the frames that are ready by then; the last packet is empty and brings the rest.

        Codecs decode some hundred samples at a time; the frames given here are gathered, since each costs the
        same to hand on however long it is.
        """
        try:
            for packet in self._container.demux(self.stream):
                ready = self._gather(self._decode(packet))
                if packet.size == 0:
                    ready += self._gathered()
                yield packet, ready
        except av.FFmpegError as error:
            raise _bad(self.path, f"breaks off after {self._seconds:.1f} s ({error.strerror})") from error

    def frames(self) -> Iterator[AudioFrame]:
        """Every decoded frame in turn."""
        for _packet, frames in self.read():
            yield from frames

    def finish(self) -> float:
        """Judge the decode after the last frame.

        Returns:
            The decoded duration in seconds.

        Raises:
            BadLink: nothing was decoded, much of the file is damaged, or it ends before its header says.
        """
        if self._seconds < SHORTEST_S:
            raise _bad(self.path, "holds no sound that can be decoded")
        if self._damaged > max(2, DAMAGE_TOLERANCE * self._packets):
            raise _bad(self.path, f"is damaged: {self._damaged} of {self._packets} packets cannot be decoded")
        if self.header.container == "ogg" and _last_page_is_cut(self.path):
            raise _bad(self.path, f"is truncated after {self._seconds:.1f} s")
        stated = self.header.stated_s
        if stated is not None:
            missing = stated - self._seconds
            if missing > max(MISSING_TOLERANCE_S, MISSING_TOLERANCE * stated):
                raise _bad(self.path, f"is truncated: {self._seconds:.1f} s of {stated:.1f} s are there")
        return self._seconds

    @property
    def seconds(self) -> float:
        """Seconds decoded so far."""
        return self._seconds

    def _decode(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        self._packets += 1
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            self._damaged += 1
            return []
        for frame in frames:
            self._seconds += frame.samples / frame.sample_rate
        return frames

    def _gather(self, frames: list[AudioFrame]) -> list[AudioFrame]:
        ready = []
        for frame in frames:
            frame.pts = None  # gaps between timestamps are the muxer's affair, the sample count is ours
            shape = _shape(frame)
            if shape != self._shape:  # chained streams change it; the queue would not notice
                ready += self._gathered()
                self._shape = shape
                self._fifo = AudioFifo()
            self._fifo.write(frame)
            if self._fifo.samples >= GATHERED:
                ready += self._gathered()
        return ready

    def _gathered(self) -> list[AudioFrame]:
        # The queue is kept: a new one faults in its megabyte anew, which took a quarter of an analysis.
        frame = self._fifo.read(partial=True) if self._fifo.samples else None
        return [] if frame is None else [frame]


class Tap:
    """A resampler from decoded frames to float32 blocks of one rate and one or two channels.

    The graph is built from the first frame rather than from the header, which for HE-AAC and chained Ogg
    states something else than what is decoded, and built anew when the frames change their shape midway.
    """

    def __init__(self, rate: int, layout: str, *, taps: int = 32) -> None:
        """Prepare a resampler.

        Args:
            rate: of the blocks, in Hz.
            layout: ``mono`` or ``stereo``.
            taps: length of the filter at the lower of the two rates; half the default is plenty where the
                sound is only looked at.
        """
        self.rate = rate
        self.layout = layout
        self._taps = taps
        self._graph: Graph | None = None
        self._shape: Shape | None = None

    def push(self, frame: AudioFrame) -> Iterator[Samples]:
        """Take one decoded frame; yield the blocks that it completes."""
        shape = _shape(frame)
        if shape != self._shape:
            yield from self.flush()
            self._graph = self._build(shape)
            self._shape = shape
        if self._graph is not None:
            self._graph.push(frame)
            yield from _pull(self._graph)

    def flush(self) -> Iterator[Samples]:
        """Yield what is still inside; the next frame starts a new graph."""
        if self._graph is not None:
            self._graph.push(None)
            yield from _pull(self._graph)
        self._graph = None
        self._shape = None

    def _build(self, shape: Shape) -> Graph:
        rate, sample_format, layout = shape
        graph = Graph()
        source = graph.add_abuffer(
            sample_rate=rate, format=sample_format, layout=layout, time_base=Fraction(1, rate)
        )
        # A downmix is scaled so that it cannot clip; stereo and mono pass unscaled.
        resample = graph.add(
            "aresample",
            f"{self.rate}:rematrix_maxval=1:out_chlayout={self.layout}:out_sample_fmt=flt:filter_size={self._taps}",
        )
        form = graph.add("aformat", f"sample_fmts=flt:channel_layouts={self.layout}:sample_rates={self.rate}")
        graph.link_nodes(source, resample, form, graph.add("abuffersink")).configure()
        return graph


def _pull(graph: Graph) -> Iterator[Samples]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield _array(frame)


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """Open an audio file for reading.

    Args:
        path: a file on disk.

    Yields:
        The open file.

    Raises:
        BadLink: the file is no audio, or breaks off before its first sample.
    """
    if not Path(path).is_file():
        raise _bad(path, "is not there")
    try:
        container = av.open(
            f"file:{path}",
            mode="r",
            metadata_errors="replace",
            options={"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS)},
        )
    except av.FFmpegError as error:
        raise _bad(path, f"is not an audio file that can be understood ({error.strerror})") from error
    with container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream) or not stream.codec_context.sample_rate:
            raise _bad(path, "holds no sound")
        # Frame threads add latency and copies; the machine's cores are shared out between tracks instead.
        stream.codec_context.thread_type = "NONE"
        yield Source(path, container, stream)


def _shape(frame: AudioFrame) -> Shape:
    return frame.sample_rate, frame.format.name, frame.layout.name


def _array(frame: object) -> Samples:
    assert isinstance(frame, AudioFrame)  # noqa: S101 - narrowing: the graph ends in an audio sink
    packed: Samples = frame.to_ndarray().astype(np.float32, copy=False)
    return packed.reshape(-1, frame.layout.nb_channels)


def _header(path: str, container: InputContainer, stream: AudioStream) -> Header:
    codec = stream.codec_context
    name = container.format.name.split(",")[0]
    return Header(
        stated_s=_stated_duration(path, name, container, stream),
        codec=_codec_name(codec.name),
        sample_rate=codec.sample_rate,
        channels=codec.channels,
        bits=_bits(codec.name, codec.format.name, codec.extradata),
        container=name,
    )


def _codec_name(decoder: str) -> str:
    """The codec's name where a decoder's differs (``mp3float``, ``libopus``)."""
    return {"mp3float": "mp3", "libopus": "opus", "libvorbis": "vorbis", "aac_fixed": "aac"}.get(
        decoder, decoder
    )


def _stated_duration(
    path: str, container_name: str, container: InputContainer, stream: AudioStream
) -> float | None:
    if container_name == "aac" or (container_name == "mp3" and not _has_frame_count(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base) * (
            _promised_share(path) if container_name == "wav" else 1
        )
    return container.duration / 1e6 if container.duration else None


def _promised_share(path: str) -> float:
    """How much more a WAV promises than is there; FFmpeg measures a cut one by what is left of it."""
    with Path(path).open("rb") as file:
        head = file.read(8)
    (size,) = struct.unpack("<I", head[4:]) if head[:4] == b"RIFF" else (0,)
    streamed = size == UNKNOWN_SIZE  # written to a pipe, whose length nobody knew
    return 1.0 if streamed else max(1.0, (size + 8) / Path(path).stat().st_size)


def _last_page_is_cut(path: str) -> bool:
    """Whether an Ogg file ends within a page: its length is read from the last page, so that a cut one looks whole."""
    with Path(path).open("rb") as file:
        file.seek(max(0, Path(path).stat().st_size - OGG_PAGE))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    lengths = page[27 : 27 + page[26]] if len(page) > 26 else b""  # noqa: PLR2004 - where the segment table is
    return len(page) < 27 + len(lengths) + sum(lengths) or len(page) <= 26  # noqa: PLR2004 - as above


def _has_frame_count(path: str) -> bool:
    """Whether an MP3 opens with a Xing, Info or VBRI header; without one its length is a guess."""
    with Path(path).open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            a, b, c, d = struct.unpack("4B", head[6:10])
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
        else:
            file.seek(0)
        first = file.read(4096)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _bits(codec: str, sample_format: str, extradata: bytes | None) -> int | None:
    if codec.startswith("pcm_"):
        digits = "".join(c for c in codec.removeprefix("pcm_") if c.isdigit())
        return int(digits) if digits else 8  # the lettered ones (A-law, mu-law) carry 8
    if codec == "flac" and extradata and len(extradata) >= 18:  # noqa: PLR2004 - length of STREAMINFO's first part
        return ((extradata[12] & 1) << 4 | extradata[13] >> 4) + 1
    if codec == "alac" and extradata and len(extradata) >= 24:  # noqa: PLR2004 - length of the magic cookie
        return extradata[17]
    if codec in {"wavpack", "ape", "tta", "tak"}:
        return 16 if sample_format.startswith("s16") else 24
    return None


def _bad(path: str, what: str) -> BadLink:
    return BadLink(f"“{Path(path).name}” {what}.", service="audio", operation="decode")
