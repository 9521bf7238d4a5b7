"""Who, what and how long, straight from a file's headers, for scans of whole volumes.

Reads a few words and the length and skips everything else, several times faster than a reader that understands all of
a tag (`metadata.tags`, which stays the judge: whatever is not plain here, None is returned and it is asked). After
ID3v2.3 and 2.4 (id3.org), ISO 14496-12 with iTunes' item list, FLAC and Ogg (RFC 9639, 3533, 7845), RIFF and AIFF
chunks, and the frame counts that MP3 encoders write. Called by `index.scan`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

_BLOCK = 8192
_MAX_TEXT = 1 << 20
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
"""ID3's four text encodings, by their number."""
_ID3_WORDS = {b"TIT2": "title", b"TPE1": "artist", b"TALB": "album", b"TSRC": "isrc"}
_MP4_WORDS = {b"\xa9nam": "title", b"\xa9ART": "artist", b"\xa9alb": "album", b"\xa9cmt": "comment"}
_NAMED_WORDS = {"ISRC": "isrc", "SEGUE_KEY": "key"}
"""Fields that each format lets a program name; the second is `metadata.tags.IDENTITY`, not imported for its weight."""
_VORBIS_WORDS = {"title": "title", "artist": "artist", "album": "album", "isrc": "isrc", "comment": "comment"}
_OPUS_RATE = 48_000
_OGG_PAGE = 65_307
"""The largest page of an Ogg file, in bytes."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a scan keeps of a file's tags; None where it is silent."""

    title: str | None = None
    artist: str | None = None
    """Several are joined with commas."""
    album: str | None = None
    isrc: str | None = None
    key: str | None = None
    """The source's key, which Segue writes into its files."""
    url: str | None = None
    """The comment, when that is a link: where the file says it came from."""
    duration_s: float | None = None


@dataclass(slots=True)
class _Found:
    words: dict[str, list[str]] = field(default_factory=dict)
    duration_s: float | None = None


class _NotPlainError(Exception):
    """The file is built in a way that this reader leaves to the full one."""


class _Bytes:
    """A file as an array of bytes, of which a window is kept."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self._start = 0
        self._window = b""

    def at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`; a file that ends before that is not plain."""
        begin = offset - self._start
        if begin < 0 or begin + count > len(self._window):
            self._start, begin = offset, 0
            self._window = os.pread(self._descriptor, max(count, _BLOCK), offset)
            if len(self._window) < count:
                raise _NotPlainError
        return self._window[begin : begin + count]


def read_words(path: str) -> Words | None:
    """Read a file's words; None when it has to be asked of a full reader."""
    reader = _READERS.get(PurePath(path).suffix.lower())
    if reader is None:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = reader(_Bytes(descriptor))
    except (_NotPlainError, struct.error, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)
    words = {name: ", ".join(values) for name, values in found.words.items() if any(values)}
    comment = words.pop("comment", "").strip()
    url = comment if comment.startswith(("https://", "http://")) and " " not in comment else None
    return Words(**words, url=url, duration_s=found.duration_s)


def _mp3(data: _Bytes) -> _Found:
    words, end = _id3(data, 0)
    return _Found(words, _mp3_length(data, end))


def _id3(data: _Bytes, offset: int) -> tuple[dict[str, list[str]], int]:
    """The words of a tag, and where it ends."""
    magic, version, _revision, flags = struct.unpack(">3sBBB", data.at(offset, 6))
    if magic != b"ID3" or version not in {3, 4} or flags:
        raise _NotPlainError
    end = offset + 10 + _syncsafe(data.at(offset + 6, 4))
    found: dict[str, list[str]] = {}
    at = offset + 10
    while at + 10 <= end:
        name, raw, _status, form = struct.unpack(">4s4sBB", data.at(at, 10))
        if name == b"\0\0\0\0":
            break
        size = _syncsafe(raw) if version == 4 else int.from_bytes(raw, "big")  # noqa: PLR2004 - ID3 2.4
        if not size or at + 10 + size > end:
            raise _NotPlainError
        if word := _ID3_WORDS.get(name):
            if form or size > _MAX_TEXT or word in found:
                raise _NotPlainError
            found[word] = _id3_text(data.at(at + 10, size))
        elif name == b"TXXX" and not form and size <= _MAX_TEXT:
            described, *values = _id3_text(data.at(at + 10, size)) or [""]
            if word := _NAMED_WORDS.get(described):
                found.setdefault(word, values)
        elif name == b"COMM" and not form and size <= _MAX_TEXT:
            _id3_comment(data.at(at + 10, size), found)
        at += 10 + size
    return found, end


def _id3_comment(content: bytes, found: dict[str, list[str]]) -> None:
    """A comment without a description is the one that programs show; those of iTunes' own use have one."""
    encoding, described, text = content[:1], content[4:], b""
    mark = b"\0\0" if encoding in {b"\1", b"\2"} else b"\0"
    described, _, text = described.partition(mark)
    if described in {b"", b"\xff\xfe", b"\xfe\xff"}:
        found.setdefault("comment", _id3_text(encoding + text))


def _id3_text(content: bytes) -> list[str]:
    if content[0] >= len(_ENCODINGS):
        raise _NotPlainError
    text = content[1:].decode(_ENCODINGS[content[0]])
    return [part for each in text.split("\0") if (part := each.removeprefix("\ufeff"))]


def _syncsafe(raw: bytes) -> int:
    if any(byte & 0x80 for byte in raw):
        raise _NotPlainError
    return raw[0] << 21 | raw[1] << 14 | raw[2] << 7 | raw[3]


_MP3_RATES = (44_100, 48_000, 32_000)
_MP3_SAMPLES = 1152


def _mp3_length(data: _Bytes, start: int) -> float | None:
    """Seconds by the count of frames in the first frame, which most encoders write; None where there is none."""
    if start + 200 > data.size:
        return None
    head = data.at(start, 200)
    if head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[2] >> 2 & 3 == 3:  # noqa: PLR2004 - sync, layer III, rate
        return None
    version = head[1] >> 3 & 3
    rate = _MP3_RATES[head[2] >> 2 & 3] >> {3: 0, 2: 1}.get(version, 2)
    samples = _MP3_SAMPLES if version == 3 else _MP3_SAMPLES // 2  # noqa: PLR2004 - MPEG 1
    mono = head[3] >> 6 == 3  # noqa: PLR2004 - its number
    at = 4 + ((17 if mono else 32) if version == 3 else (9 if mono else 17))  # noqa: PLR2004 - MPEG 1
    if head[at : at + 4] not in {b"Xing", b"Info"} or not head[at + 7] & 1:
        return None
    return int.from_bytes(head[at + 8 : at + 12], "big") * samples / rate


def _mp4(data: _Bytes) -> _Found:
    start, end = _atom(data, 0, 1 << 62, b"moov")
    duration = _mp4_length(data, *_atom(data, start, end, b"mvhd"))
    for name, skip in ((b"udta", 0), (b"meta", 4), (b"ilst", 0)):
        start, end = _atom(data, start, end, name)
        start += skip
    words: dict[str, list[str]] = {}
    for name, begin, finish in _atoms(data, start, end):
        if word := _MP4_WORDS.get(name):
            words[word] = [
                _mp4_text(data, a, b) for kind, a, b in _atoms(data, begin, finish) if kind == b"data"
            ]
        elif name == b"----":
            parts = {kind: (a, b) for kind, a, b in _atoms(data, begin, finish)}
            a, b = parts.get(b"name", (0, 0))
            if 4 < b - a <= 20 and (word := _NAMED_WORDS.get(data.at(a + 4, b - a - 4).decode())):  # noqa: PLR2004
                words[word] = [_mp4_text(data, *parts[b"data"])]
    return _Found(words, duration)


def _atom(data: _Bytes, start: int, end: int, name: bytes) -> tuple[int, int]:
    for found, begin, finish in _atoms(data, start, end):
        if found == name:
            return begin, finish
    raise _NotPlainError


def _mp4_length(data: _Bytes, start: int, end: int) -> float | None:
    content = data.at(start, min(end - start, 32))
    scale, length = (
        struct.unpack_from(">IQ", content, 20) if content[0] else struct.unpack_from(">II", content, 12)
    )
    return length / scale if scale and length else None


def _atoms(data: _Bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        size, name = struct.unpack(">I4s", data.at(start, 8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", data.at(start + 8, 8))
            header = 16
        if size < header:
            raise _NotPlainError
        yield name, start + header, start + size
        start += size


def _mp4_text(data: _Bytes, start: int, end: int) -> str:
    if not 8 <= end - start <= _MAX_TEXT:  # noqa: PLR2004 - type and locale come first
        raise _NotPlainError
    return data.at(start, end - start)[8:].decode()


def _flac(data: _Bytes) -> _Found:
    if data.at(0, 4) != b"fLaC":
        raise _NotPlainError
    at, last = 4, False
    found = _Found()
    while not last:
        head = int.from_bytes(data.at(at, 4), "big")
        last, kind, size = bool(head >> 31), head >> 24 & 0x7F, head & 0xFFFFFF
        if kind == 0:
            facts = int.from_bytes(data.at(at + 4 + 10, 8), "big")
            rate, samples = facts >> 44, facts & 0xF_FFFF_FFFF
            found.duration_s = samples / rate if rate and samples else None
        elif kind == 4:  # noqa: PLR2004 - VORBIS_COMMENT
            found.words = _vorbis(data.at(at + 4, size))
        at += 4 + size
    return found


def _ogg(data: _Bytes) -> _Found:
    packets = _ogg_packets(data)
    first, second = next(packets), next(packets)
    if first.startswith(b"OpusHead") and second.startswith(b"OpusTags"):
        (skipped,) = struct.unpack_from("<H", first, 10)
        return _Found(_vorbis(second[8:]), _ogg_length(data, _OPUS_RATE, skipped))
    if first.startswith(b"\x01vorbis") and second.startswith(b"\x03vorbis"):
        (rate,) = struct.unpack_from("<I", first, 12)
        return _Found(_vorbis(second[7:]), _ogg_length(data, rate, 0))
    raise _NotPlainError


def _ogg_length(data: _Bytes, rate: int, skipped: int) -> float | None:
    """Seconds up to the last page, by its sample count."""
    start = max(0, data.size - _OGG_PAGE)
    tail = data.at(start, data.size - start)
    at = tail.rfind(b"OggS")
    if at < 0 or at + 14 > len(tail) or not rate:
        return None
    (samples,) = struct.unpack_from("<q", tail, at + 6)
    return (samples - skipped) / rate if samples > skipped else None


def _ogg_packets(data: _Bytes) -> Iterator[bytes]:
    at, packet = 0, b""
    while len(packet) < 1 << 24:
        magic, count = struct.unpack(">4s22xB", data.at(at, 27))
        if magic != b"OggS":
            raise _NotPlainError
        lengths = data.at(at + 27, count)
        at += 27 + count
        for length in lengths:
            packet += data.at(at, length)
            at += length
            if length < 255:  # noqa: PLR2004 - a full segment goes on in the next
                yield packet
                packet = b""
    raise _NotPlainError


def _vorbis(content: bytes) -> dict[str, list[str]]:
    (vendor,) = struct.unpack_from("<I", content)
    (count,) = struct.unpack_from("<I", content, 4 + vendor)
    at = 8 + vendor
    found: dict[str, list[str]] = {}
    for _ in range(count):
        (size,) = struct.unpack_from("<I", content, at)
        if size <= _MAX_TEXT:
            name, _, value = content[at + 4 : at + 4 + size].partition(b"=")
            word = name.decode("ascii", "replace").lower()
            if known := _VORBIS_WORDS.get(word):
                found.setdefault(known, []).append(value.decode())
        at += 4 + size
    return {word: values if word == "artist" else values[:1] for word, values in found.items()}


def _chunks(order: str, form: bytes, name: bytes) -> Callable[[_Bytes], _Found]:
    def read(data: _Bytes) -> _Found:
        magic, size = struct.unpack(f"{order}4sI", data.at(0, 8))
        if magic != form:
            raise _NotPlainError
        at = 12
        found = _Found()
        rate = 0
        while at + 8 <= min(size + 8, data.size):
            chunk, length = struct.unpack(f"{order}4sI", data.at(at, 8))
            if chunk.lower() == name:
                found.words, _ = _id3(data, at + 8)
            elif chunk == b"fmt ":
                (rate,) = struct.unpack("<I", data.at(at + 16, 4))
            elif chunk == b"data" and rate:
                found.duration_s = length / rate
            elif chunk == b"COMM":
                found.duration_s = _aiff_length(data.at(at + 8, 18))
            at += 8 + length + length % 2
        if found.duration_s is None:
            raise _NotPlainError
        return found

    return read


def _aiff_length(content: bytes) -> float | None:
    """Seconds by the count of samples and the rate, which is an 80-bit number."""
    (samples,) = struct.unpack_from(">I", content, 2)
    exponent, mantissa = struct.unpack_from(">HQ", content, 8)
    power = exponent - 16_383
    rate = mantissa * 2.0 ** (power - 63) if 0 < power < 32 else 0.0  # noqa: PLR2004 - no rate is beyond 4 GHz
    return samples / rate if rate and samples else None


_READERS: dict[str, Callable[[_Bytes], _Found]] = {
    ".mp3": _mp3,
    ".m4a": _mp4,
    ".alac": _mp4,
    ".flac": _flac,
    ".ogg": _ogg,
    ".opus": _ogg,
    ".wav": _chunks("<", b"RIFF", b"id3 "),
    ".aif": _chunks(">", b"FORM", b"id3 "),
    ".aiff": _chunks(">", b"FORM", b"id3 "),
}
