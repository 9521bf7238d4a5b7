"""One decode of a source becomes everything: WAV, AIFF, M4A, the analysis, the picture.

Called by `music_workflow.core.library` inside a child process. Streaming: a two-hour mix takes no more memory
than a song, but for some kilobytes of onset curve a minute. Files are written under a temporary name in the
work folder and renamed when complete. Nothing is mixed down to mono, normalised or dithered; more than two
channels become stereo.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from av.audio.frame import AudioFrame

from music_workflow.core import decoding, pcm
from music_workflow.core.decoding import Samples, Source, Tap
from music_workflow.core.m4a import M4aCodec, open_m4a
from music_workflow.core.ports import AnalysisBackend
from music_workflow.deduplication import fingerprint
from music_workflow.deduplication.fingerprint import Words
from music_workflow.metadata import analysis as analyses
from music_workflow.metadata import waveform
from music_workflow.metadata.loudness import LoudnessMeter
from music_workflow.model import FORMATS, Analysis, AudioFile, AudioFormat, Progress, silent

RATE = 48_000
SUFFIXES: dict[AudioFormat, str] = {"M4A": ".m4a", "WAV": ".wav", "AIFF": ".aiff"}
CONVERSION_SHARE = 0.95
"""How much of the progress bar the decode fills; hashing and drawing take the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a file on disk is."""

    duration_s: float
    """As its header states; counted from the samples where the header is silent or guesses."""
    codec: str
    """FFmpeg's name of the codec: ``aac``, ``opus``, ``pcm_s24le``."""
    sample_rate: int
    channels: int
    bits: int | None
    """Bits per sample for PCM and lossless codecs; None for lossy ones."""
    container: str
    """FFmpeg's short name of the container: ``mov``, ``ogg``, ``wav``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What one decode gave."""

    files: tuple[AudioFile, ...]
    """M4A, WAV and AIFF, in this order, without tags."""
    analysis: Analysis
    waveform_path: str
    """A PNG."""
    fingerprint: str | None
    """Chromaprint's compressed text; None for less than three seconds."""


def probe(path: str) -> Probe:
    """Open a file and decode its first samples.

    Args:
        path: a file on disk.

    Returns:
        What the file is.

    Raises:
        BadLink: it is no audio, or nothing can be decoded.
    """
    with decoding.opened(path) as source:
        if next(source.frames(), None) is None:
            source.finish()
        header = source.header
    return Probe(
        duration_s=decode_check(path) if header.stated_s is None else header.stated_s,
        codec=header.codec,
        sample_rate=header.sample_rate,
        channels=header.channels,
        bits=header.bits,
        container=header.container,
    )


def decode_check(path: str) -> float:
    """Decode a whole file and throw the sound away.

    Returns:
        The duration in seconds, counted from the samples.

    Raises:
        BadLink: it is no audio, damaged or truncated.
    """
    with decoding.opened(path) as source:
        for _frame in source.frames():
            pass
        return source.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is in a file, by listening to it from beginning to end."""

    duration_s: float
    """Counted from the samples."""
    fingerprint: Words
    """Of the first two minutes; empty for less than three seconds."""


def listen(path: str) -> Heard:
    """Decode a whole file and fingerprint it.

    Raises:
        BadLink: it is no audio, damaged or truncated.
    """
    meter = fingerprint.FingerprintMeter()
    mono = Tap(analyses.MONO_RATE, "mono", taps=16)
    with decoding.opened(path) as source:
        for frame in source.frames():
            for block in mono.push(frame):
                meter.feed(block[:, 0])
        for block in mono.flush():
            meter.feed(block[:, 0])
        return Heard(duration_s=source.finish(), fingerprint=meter.words())


def measure(path: str, audio_format: AudioFormat) -> AudioFile:
    """Describe a file as it is on disk now; call it again after writing tags.

    Raises:
        BadLink: it is no audio.
    """
    seen = probe(path)
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return AudioFile(
        format=audio_format,
        path=path,
        size=Path(path).stat().st_size,
        sha256=digest,
        duration_s=round(seen.duration_s, 3),
        codec=seen.codec,
        sample_rate=seen.sample_rate,
        bits=seen.bits,
    )


def convert(
    source_path: str,
    work_dir: str,
    *,
    stem: str,
    title: str = "",
    m4a: M4aCodec = "aac256",
    backend: AnalysisBackend = "native",
    second_opinion_below: float = 0.0,
    progress: Progress = silent,
) -> Converted:
    """Decode a source once and write all that is kept of it.

    Args:
        source_path: the downloaded file.
        work_dir: an existing folder for the results; files of the same names are replaced.
        stem: the results' file name without its suffix.
        title: what the picture is headed with; the stem without one.
        m4a: what M4A holds when the source is not AAC already (its packets are copied): AAC at 256 kbit/s, or
            ALAC, which is then encoded always.
        backend: who has the say about tempo and key.
        second_opinion_below: native confidence below which librosa is asked, where it is installed.
        progress: told how far the work is.

    Returns:
        The three files, the analysis, the picture.

    Raises:
        BadLink: the source is no audio, damaged, truncated, or too long for a WAV file.
        NotReady: the backend is librosa, and it is not installed.
    """
    with contextlib.ExitStack() as unfinished:
        temporary = {f: Path(work_dir) / f".{os.getpid()}-{stem}{suffix}" for f, suffix in SUFFIXES.items()}
        for path in temporary.values():
            unfinished.callback(path.unlink, missing_ok=True)
        with decoding.opened(source_path) as source:
            outlets = _Outlets(source, temporary, m4a)
            with contextlib.closing(outlets):
                _run(source, outlets, progress)
            duration = source.finish()
        files = tuple(_keep(temporary[f], Path(work_dir), stem, f) for f in FORMATS)
    progress(CONVERSION_SHARE, "drawing the waveform")
    figures = analyses.consult(
        outlets.analyzer.finish(), source_path, backend=backend, below=second_opinion_below
    )
    analysis = analyses.summarize(figures, outlets.loudness, duration)
    picture = waveform.draw(outlets.envelope.finish(figures.registers), analysis, title=title or stem)
    waveform_path = Path(work_dir) / f"{stem}.png"
    _write(waveform_path, picture)
    words = outlets.fingerprint.words()
    progress(1.0, "converted")
    return Converted(
        files=files,
        analysis=analysis,
        waveform_path=str(waveform_path),
        fingerprint=fingerprint.encode(words) if len(words) else None,
    )


class _Outlets:
    """Everything the decoded sound flows into."""

    def __init__(self, source: Source, paths: dict[AudioFormat, Path], codec: M4aCodec) -> None:
        channels = min(source.header.channels, 2)
        self.analyzer = analyses.Analyzer()
        self.fingerprint = fingerprint.FingerprintMeter()
        self.loudness = LoudnessMeter(channels)
        self.envelope = waveform.EnvelopeMeter(RATE)
        self._full = Tap(RATE, "mono" if channels == 1 else "stereo")
        self._mono = Tap(analyses.MONO_RATE, "mono", taps=16)
        self._m4a = open_m4a(paths["M4A"], source.stream, source.header, RATE, codec)
        self._pcm: tuple[pcm.PcmWriter, ...] = (
            pcm.WavWriter(paths["WAV"], RATE, channels),
            pcm.AiffWriter(paths["AIFF"], RATE, channels),
        )
        self.packet = self._m4a.packet

    def frame(self, frame: AudioFrame) -> None:
        """Take a decoded frame."""
        for block in self._mono.push(frame):
            self._mono_block(block)
        for block in self._full.push(frame):
            self._block(block)

    def flush(self) -> None:
        """Take what the resamplers still hold."""
        for block in self._mono.flush():
            self._mono_block(block)
        for block in self._full.flush():
            self._block(block)

    def close(self) -> None:
        """Close the files, complete or not."""
        self._m4a.close()
        for each in self._pcm:
            each.close()

    def _mono_block(self, block: Samples) -> None:
        self.analyzer.feed(block[:, 0])
        self.fingerprint.feed(block[:, 0])

    def _block(self, block: Samples) -> None:
        quantised = pcm.quantise(block)
        for each in self._pcm:
            each.write(quantised)
        self._m4a.samples(block, quantised)
        self.loudness.feed(block)
        self.envelope.feed(block)


def _run(source: Source, outlets: _Outlets, progress: Progress) -> None:
    expected = source.header.stated_s
    told = 0.0
    for packet, frames in source.read():
        for frame in frames:
            outlets.frame(frame)
        outlets.packet(packet)
        if source.seconds - told >= 1:
            told = source.seconds
            share = min(told / expected, 1.0) if expected else 0.5
            progress(CONVERSION_SHARE * share, _so_far(told, expected))
    outlets.flush()


def _so_far(seconds: float, expected: float | None) -> str:
    return waveform.clock(seconds) + (f" of {waveform.clock(expected)}" if expected else "") + " converted"


def _keep(temporary: Path, folder: Path, stem: str, audio_format: AudioFormat) -> AudioFile:
    final = folder / f"{stem}{SUFFIXES[audio_format]}"
    temporary.replace(final)
    return measure(str(final), audio_format)


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    temporary.write_bytes(data)
    temporary.replace(path)
