"""Hashing and fingerprinting what scans found: the slow part, which follows in the background and can stop anywhere.

Each file heard is kept at once, so that a kill loses one file's work. A file that changes while it is heard is left
for the next round. Called by `core.collection`; it changes no file.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from music_workflow.core import decoding
from music_workflow.core.acquire import file_digest
from music_workflow.deduplication.fingerprint import LENGTH_S, RATE, FingerprintMeter
from music_workflow.deduplication.fingerprint import Words as Fingerprint
from music_workflow.errors import BadLink
from music_workflow.index.lookup import coverage
from music_workflow.index.report import HearReport
from music_workflow.index.volume import VolumeIndex
from music_workflow.model import Progress

_WAITING = """
SELECT files.path, inode, size, mtime FROM files JOIN roots ON roots.path = files.root
WHERE mounted AND NOT EXISTS (SELECT 1 FROM audio WHERE audio.path = files.path) ORDER BY files.path
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What hearing one file told."""

    sha256: str
    """Of the whole file."""
    audio_sha256: str | None = None
    """Of the sound as it is encoded: equal whatever the tags, and for PCM whatever the order of bytes."""
    fingerprint: Fingerprint | None = None
    """None: too short for one, or no sound."""
    duration_s: float | None = None
    codec: str | None = None
    sample_rate: int | None = None
    bits: int | None = None
    bit_rate: int | None = None
    """Bits per second of the sound alone."""
    trouble: str | None = None
    """Why it could not be heard."""


def hear_all(index: VolumeIndex, *, seconds: float, progress: Progress) -> HearReport:
    """Hear the files not heard yet, for so many seconds at most.

    Args:
        index: The index.
        seconds: No file is begun after that; infinity for all.
        progress: Told how far it is.
    """
    waiting = index.connection.execute(_WAITING).fetchall()
    begun = time.monotonic()
    heard = troubled = 0
    for number, (path, *mark) in enumerate(waiting):
        if time.monotonic() - begun > seconds:
            break
        progress(number / len(waiting), f"{number:,} of {len(waiting):,} files heard")
        found = _hear_unchanged(path, tuple(mark))
        if found is not None:
            _keep(index, path, found)
            heard += 1
            troubled += found.trouble is not None
    return HearReport(heard=heard, troubled=troubled, coverage=coverage(index))


def hear(path: str) -> Heard:
    """Hash and fingerprint one file.

    Raises:
        OSError: It cannot be read.
    """
    digest = file_digest(path)
    try:
        fingerprint, header = _fingerprint(path)
        audio_sha256, duration_s, size = _sound(path)
    except BadLink as error:
        return Heard(sha256=digest, trouble=str(error))
    return Heard(
        sha256=digest,
        audio_sha256=audio_sha256,
        fingerprint=fingerprint if len(fingerprint) else None,
        duration_s=duration_s,
        codec=header.codec,
        sample_rate=header.sample_rate,
        bits=header.bits,
        bit_rate=round(size * 8 / duration_s) if duration_s else None,
    )


def _hear_unchanged(path: str, mark: tuple[int, int, int]) -> Heard | None:
    """Hear a file, if it is, before and after, the one that was scanned."""
    try:
        before = Path(path).stat()
        if (before.st_ino, before.st_size, before.st_mtime_ns) != mark:
            return None
        found = hear(path)
        after = Path(path).stat()
    except OSError:
        return None  # gone, or not to be read now: the next scan says which
    return found if (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns) else None


def _fingerprint(path: str) -> tuple[Fingerprint, decoding.Header]:
    """Decode the first two minutes."""
    meter = FingerprintMeter()
    with decoding.opened(path) as source:
        tap = decoding.Tap(RATE, "mono", taps=16)
        for frame in source.frames():
            for block in tap.push(frame):
                meter.feed(block[:, 0])
            if source.seconds > LENGTH_S + 1:
                break
        else:
            source.finish()
        for block in tap.flush():
            meter.feed(block[:, 0])
        return meter.words(), source.header


def _sound(path: str) -> tuple[str, float, int]:
    """Digest of the encoded sound, its length in seconds, its size in bytes; nothing is decoded."""
    with decoding.opened(path) as source:
        stream = source.stream
        name = source.header.codec
        width = _bytes_per_sample(name)
        digest = hashlib.sha256(f"{name.removesuffix('le').removesuffix('be')}:{_shape(stream)}".encode())
        size = ticks = 0
        try:
            for packet in _container(stream).demux(stream):
                content = bytes(packet)
                digest.update(_little_endian(content, width) if name.endswith("be") else content)
                size += len(content)
                ticks += packet.duration or 0
        except av.FFmpegError as error:
            message = f"“{Path(path).name}” breaks off ({error.strerror})."
            raise BadLink(message, service="audio", operation="hash") from error
        base = stream.time_base
        return digest.hexdigest(), float(ticks * base) if base else 0.0, size


def _container(stream: AudioStream) -> InputContainer:
    assert isinstance(stream.container, InputContainer)  # noqa: S101 - narrowing: it was opened for reading
    return stream.container


def _shape(stream: AudioStream) -> str:
    return f"{stream.codec_context.sample_rate}:{stream.codec_context.channels}"


def _bytes_per_sample(codec: str) -> int:
    digits = "".join(character for character in codec if character.isdigit())
    return int(digits) // 8 if codec.startswith("pcm_") and digits else 1


def _little_endian(content: bytes, width: int) -> bytes:
    whole = len(content) // width * width
    return np.frombuffer(content[:whole], np.uint8).reshape(-1, width)[:, ::-1].tobytes() + content[whole:]


def _keep(index: VolumeIndex, path: str, heard: Heard) -> None:
    words = None if heard.fingerprint is None else heard.fingerprint.astype("<u4").tobytes()
    with index.connection as db:
        db.execute(
            "INSERT OR REPLACE INTO audio SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
            "WHERE EXISTS (SELECT 1 FROM files WHERE path = ?)",
            (
                path,
                heard.sha256,
                heard.audio_sha256,
                words,
                heard.duration_s,
                heard.codec,
                heard.sample_rate,
                heard.bits,
                heard.bit_rate,
                heard.trouble,
                path,
            ),
        )
