"""Audio files that stand plainly on the web: told by their content type or extension, streamed under guard.

Never runs a downloader or an extractor, never follows anything but HTTP redirects, and writes only into the
work folder it is given. Wired behind `core.ports.Source`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import httpx

from music_workflow.core.links import Link, parse_isrc, url_key
from music_workflow.core.ports import Download, LibrarySettings
from music_workflow.errors import BadLink, Unavailable, Unobtainable
from music_workflow.integrations.artwork import keep_artwork
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.transport import ConnectionLost, guarded_get, persist
from music_workflow.metadata import tags
from music_workflow.model import Identity, Progress

_EXTENSIONS = {
    "audio/mp4": ".m4a", "audio/x-m4a": ".m4a", "audio/m4a": ".m4a", "audio/aac": ".aac",
    "audio/aacp": ".aac", "audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav",
    "audio/wave": ".wav", "audio/vnd.wave": ".wav", "audio/aiff": ".aiff", "audio/x-aiff": ".aiff",
    "audio/flac": ".flac", "audio/x-flac": ".flac", "audio/ogg": ".ogg", "application/ogg": ".ogg",
    "audio/opus": ".opus", "audio/webm": ".webm", "audio/x-matroska": ".mka", "audio/x-caf": ".caf",
}  # fmt: skip
AUDIO_SUFFIXES = frozenset(_EXTENSIONS.values()) | {".aif", ".oga", ".alac", ".m4b", ".wma", ".wv"}
_VAGUE_TYPES = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/binary", "video/mp4"}
)
_PREFIX_BYTES = 1 << 20
"""How much of a file is read to see its tags before it is downloaded."""
_TAIL_BYTES = 1 << 19
"""And so much of its end, where some formats keep them."""
_FINDS_TRACK_NUMBER = re.compile(r"^\d{1,3}[.\s_-]+(?=\S)")


@dataclass(frozen=True, slots=True)
class DirectFiles:
    """The source for links that lead to an audio file."""

    settings: LibrarySettings
    guard: Guard

    def takes(self, link: Link) -> bool:
        """Take what no service claims, and short links never."""
        return link.service is None

    def identify(self, link: Link) -> Identity | None:
        """Look at the headers, the first megabyte and perhaps the end; None when it is no audio file."""
        try:
            return persist(lambda: self._probe(link), self.settings.pause_s)
        except (Unavailable, Unobtainable):
            if PurePosixPath(urlsplit(link.url).path).suffix.lower() in AUDIO_SUFFIXES:
                raise
            return None  # a page, which others know better how to ask for

    def _probe(self, link: Link) -> Identity | None:
        with self._open(link.url, "probe link", {"Range": f"bytes=0-{_PREFIX_BYTES - 1}"}) as response:
            if not _is_audio(response):
                return None
            size = _full_size(response)
            self._check_size(size)
            parts = {0: _read_at_most(response, _PREFIX_BYTES)}
            name, suffix = _file_name(response), _suffix(response)
            partial = response.status_code == httpx.codes.PARTIAL_CONTENT
        found = _tags_of(parts, suffix)
        if not found.title and partial and size is not None and size > _PREFIX_BYTES:
            start = max(_PREFIX_BYTES, size - _TAIL_BYTES)
            with self._open(link.url, "probe link", {"Range": f"bytes={start}-"}) as response:
                parts[start] = _read_at_most(response, _TAIL_BYTES)
            found = _tags_of(parts, suffix)
        return _identity(link, found, name)

    def fetch(self, identity: Identity, work_dir: str, progress: Progress) -> Download:
        """Stream the file, continuing a broken download where it stopped."""
        target = persist(lambda: self._download(identity, work_dir, progress), self.settings.pause_s)
        artwork = keep_artwork(_tags_of_file(target).artwork, work_dir)
        return Download(path=str(target), format_id="direct", artwork_path=artwork)

    def _download(self, identity: Identity, work_dir: str, progress: Progress) -> Path:
        part = _Part(Path(work_dir, "download.part"), identity.url)
        offset, headers = part.resume()
        with self._open(identity.url, "download", headers) as response:
            _forbid_page(response)
            total = _full_size(response)
            self._check_size(total)
            continued = response.status_code == httpx.codes.PARTIAL_CONTENT
            part.begin(response)
            self._stream(response, part.path, offset if continued else 0, total, progress)
            target = part.path.with_suffix(_suffix(response))
            return part.path.replace(target)

    def _open(
        self, url: str, operation: str, headers: dict[str, str]
    ) -> AbstractContextManager[httpx.Response]:
        return guarded_get(url, self.guard, self.settings.timeout_s, operation=operation, headers=headers)

    def _stream(
        self, response: httpx.Response, part: Path, start: int, total: int | None, progress: Progress
    ) -> None:
        done = start
        with part.open("ab" if start else "wb") as file:
            file.truncate(start)
            for chunk in response.iter_raw():
                done += len(chunk)
                self._check_size(done)
                file.write(chunk)
                progress(min(1.0, done / total) if total else 0.0, _amount(done, total))
            file.flush()
            os.fsync(file.fileno())
        if total is not None and done != total:
            raise ConnectionLost(
                f"The download broke off after {_amount(done, total)}.",
                service=_host(str(response.url)),
                operation="download",
            )

    def _check_size(self, size: int | None) -> None:
        if size is not None and size > self.settings.max_bytes:
            raise BadLink(
                f"The file is larger than the permitted {self.settings.max_bytes / 1e6:,.0f} MB.",
                service="link",
                operation="download",
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """A download under way, with a note beside it of which version of which file it is a part of."""

    path: Path
    url: str

    def resume(self) -> tuple[int, dict[str, str]]:
        """Say where to continue and how to ask: only when the server can tell that it is the same file."""
        try:
            noted = json.loads(self._note.read_text(encoding="utf-8"))
            size = self.path.stat().st_size
        except (FileNotFoundError, ValueError):
            return 0, {}
        if not size or noted.get("url") != self.url or not noted.get("validator"):
            return 0, {}
        if size >= noted.get("total", 0):
            return 0, {}
        return size, {"Range": f"bytes={size}-", "If-Range": noted["validator"]}

    def begin(self, response: httpx.Response) -> None:
        """Note the version that is being downloaded."""
        etag = response.headers.get("etag", "")
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("last-modified", "")
        note = {"url": self.url, "validator": validator, "total": _full_size(response) or 0}
        self._note.write_text(json.dumps(note), encoding="utf-8")

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".part.json")


def _identity(link: Link, found: tags.TrackTags, name: str) -> Identity:
    artists, title = split_name(name)
    return Identity(
        key=url_key(link.url),
        url=link.url,
        service="direct",
        title=found.title or title or _host(link.url),
        artists=found.artists or (artists if not found.title else ()),
        album=found.album,
        isrc=parse_isrc(found.isrc),
    )


def _tags_of(parts: dict[int, bytes], suffix: str) -> tags.TrackTags:
    """Read the tags of a file of which only some parts are at hand; the rest is a hole."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        for start, content in parts.items():
            file.seek(start)
            file.write(content)
        file.flush()
        return _tags_of_file(Path(file.name))


def _tags_of_file(path: Path) -> tags.TrackTags:
    """Read what a foreign file says of itself; one that cannot be read says nothing here."""
    try:
        return tags.read(str(path))
    except BadLink:
        return tags.TrackTags(title="")


def split_name(stem: str) -> tuple[tuple[str, ...], str]:
    """Read "Artist - Title" out of a file name without its extension.

    Returns:
        Artists (none when the name does not say) and the title.
    """
    clean = " ".join(stem.replace("_", " ").split())
    left, dash, right = clean.partition(" - ")
    if dash and left and right:
        artist = _FINDS_TRACK_NUMBER.sub("", left).strip()
        if artist and not artist.isdigit():
            return (artist,), right.strip()
        return (), right.strip()
    return (), _FINDS_TRACK_NUMBER.sub("", clean) or clean


def _is_audio(response: httpx.Response) -> bool:
    kind = _content_type(response)
    if kind in _EXTENSIONS or (kind.startswith("audio/") and "mpegurl" not in kind):
        return True
    return kind in _VAGUE_TYPES and _name_suffix(response) in AUDIO_SUFFIXES


def _forbid_page(response: httpx.Response) -> None:
    if not _is_audio(response):
        kind = _content_type(response) or "nothing it names"
        raise Unavailable(
            f"{_host(str(response.url))} serves {kind} where the audio was.",
            service=_host(str(response.url)),
            operation="download",
        )


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _suffix(response: httpx.Response) -> str:
    suffix = _name_suffix(response)
    return suffix if suffix in AUDIO_SUFFIXES else _EXTENSIONS.get(_content_type(response), ".audio")


def _name_suffix(response: httpx.Response) -> str:
    return PurePosixPath(_raw_name(response)).suffix.lower()


def _file_name(response: httpx.Response) -> str:
    path = PurePosixPath(_raw_name(response))
    return path.stem if path.suffix.lower() in AUDIO_SUFFIXES else path.name


def _raw_name(response: httpx.Response) -> str:
    message = Message()
    message["content-disposition"] = response.headers.get("content-disposition", "")
    name = message.get_filename() or unquote(PurePosixPath(urlsplit(str(response.url)).path).name)
    return PurePosixPath(name.replace("\\", "/")).name


def _full_size(response: httpx.Response) -> int | None:
    span = response.headers.get("content-range", "")
    size = span.rpartition("/")[2] if span else response.headers.get("content-length", "")
    return int(size) if size.isdigit() else None


def _read_at_most(response: httpx.Response, limit: int) -> bytes:
    read = bytearray()
    for chunk in response.iter_raw():
        read += chunk
        if len(read) >= limit:
            break
    return bytes(read[:limit])


def _amount(done: int, total: int | None) -> str:
    return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"


def _host(url: str) -> str:
    return urlsplit(url).hostname or "link"
