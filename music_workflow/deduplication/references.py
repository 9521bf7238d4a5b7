"""Who else refers to a file: the libraries of Serato, Rekordbox, Traktor, djay, Apple Music, Eagle, and playlists.

A file that another program's library names must stay where it is, or that library breaks. Read as far as they can be
read: Serato's databases and crates, Rekordbox's and Apple Music's XML exports, Traktor's collection, djay's media
library, M3U playlists. What stands inside a library's own folder stays as well. A library that cannot be read is
named, so that nobody takes silence for safety. Nothing here is written. Called by `core.collection`.
"""

from __future__ import annotations

import html
import os
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from music_workflow.index.roots import is_below

_OWN = re.compile(
    r"/(?:[^/]*\.(?:library|musiclibrary|djaymedialibrary|tvlibrary)|_serato_|pioneer)/", re.IGNORECASE
)
"""Folders that are one program's own: of Eagle, Apple Music, djay, Serato and Rekordbox."""
_SEALED = {
    "master.db": "Rekordbox's own database is encrypted: export the collection as XML (File, Export Collection in xml"
    " format) and put that file into DJ_LIBRARY_PATHS",
    "exportlibrary.db": "Rekordbox's own database is encrypted",
    "library.musicdb": "Apple Music's own database is sealed: export it (File, Library, Export Library) and put the XML"
    " into DJ_LIBRARY_PATHS",
}
_USUAL = (
    "Music/_Serato_",
    "Music/rekordbox.xml",
    "Library/Pioneer/rekordbox",
    "Library/Application Support/Pioneer",
    "Music/Music/Music Library.musiclibrary",
    "Music/iTunes",
    "Music/djay",
    "Documents/Native Instruments",
)
"""Where these programs keep their libraries, below a home folder."""
_DEPTH = 6
_LOCATION = re.compile(rb'\bLocation="([^"]+)"')
_PLIST_LOCATION = re.compile(rb"<key>Location</key>\s*<string>([^<]+)</string>")
_TRAKTOR = re.compile(rb"<LOCATION\s([^>]*)>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_FILE_LINK = re.compile(rb"file://[^\x00-\x1f\"<>]+")


@dataclass(frozen=True, slots=True)
class References:
    """What other libraries refer to."""

    holders: dict[str, str] = field(default_factory=dict)
    """A path, folded -> the library that names it."""
    protected: tuple[str, ...] = ()
    """Folders in which nothing is moved."""
    read: tuple[str, ...] = ()
    """The library files that were read, each with how many files it names."""
    sealed: tuple[str, ...] = ()
    """Libraries that could not be read, and why."""

    def holder(self, path: str, *, resolve: bool = True) -> str | None:
        """Say who refers to a file, in words; None when nobody is known to.

        Args:
            path: The file.
            resolve: Also where links lead, which asks the disk.
        """
        for folder in self.protected:
            if is_below(path, folder):
                return f"it is in {folder}, which is protected"
        if _OWN.search(path):
            return f"it is part of {_OWN.findall(path)[0].strip('/')}"
        found = self.holders.get(_fold(path))
        if found is None and resolve:
            found = self.holders.get(_fold(os.path.realpath(path)))
        return f"{found} refers to it" if found else None


def usual_places(home: Path) -> tuple[str, ...]:
    """The places of known libraries in a home folder that are there."""
    return tuple(str(home / place) for place in _USUAL if (home / place).exists())


def gather(libraries: Iterable[str], protected: Iterable[str], roots: Iterable[str]) -> References:
    """Read what libraries refer to.

    Args:
        libraries: Library files, or folders that hold some.
        protected: Folders in which nothing may be moved.
        roots: The collection's folders; what Serato keeps in them or above them is read too.
    """
    holders: dict[str, str] = {}
    read: list[str] = []
    sealed: list[str] = []
    places = [*libraries, *_beside(roots)]
    for path in dict.fromkeys(found for place in places for found in _library_files(Path(place))):
        if path.name.casefold() in _SEALED:
            sealed.append(f"{path}: {_SEALED[path.name.casefold()]}")
            continue
        try:
            named = {_fold(each) for each in _reader(path)(path)}
        except OSError as error:
            sealed.append(f"{path}: it cannot be read ({error.strerror})")
            continue
        read.append(f"{path}: {len(named)} files")
        holders.update(dict.fromkeys(named, str(path)))
    missing = [f"{place}: it is not there" for place in libraries if not Path(place).exists()]
    return References(holders, tuple(protected), tuple(read), (*sealed, *missing))


def _beside(roots: Iterable[str]) -> Iterator[str]:
    """Serato's folders on the volumes of the roots: it keeps one at the top of each."""
    for root in roots:
        for folder in (Path(root), *Path(root).parents):
            if (folder / "_Serato_").is_dir():
                yield str(folder / "_Serato_")


def _library_files(place: Path) -> Iterator[Path]:
    """The library files that a place is or holds, not too deep."""
    if place.is_file():
        yield place
        return
    top = len(place.parts)
    for folder, inside, names in os.walk(place):
        if len(Path(folder).parts) - top >= _DEPTH:
            inside.clear()
        for name in sorted(names):
            if name.casefold() in _SEALED or _known_kind(name) is not None:
                yield Path(folder, name)


def _known_kind(name: str) -> Callable[[Path], Iterator[str]] | None:
    folded = name.casefold()
    if folded == "database v2" or folded.endswith(".crate"):
        return _serato
    if folded.endswith((".m3u", ".m3u8")):
        return _playlist
    if folded.endswith(".nml"):
        return _traktor
    if folded.endswith(".xml"):
        return _xml
    return _file_links if folded == "medialibrary.db" else None


def _reader(path: Path) -> Callable[[Path], Iterator[str]]:
    """How to read a file; one of a kind not known is searched for file links."""
    return _known_kind(path.name) or _file_links


def _xml(path: Path) -> Iterator[str]:
    """Rekordbox's collection, or Apple Music's."""
    content = path.read_bytes()
    for found in (*_LOCATION.findall(content), *_PLIST_LOCATION.findall(content)):
        yield _link_path(html.unescape(found.decode("utf-8", "replace")))


def _traktor(path: Path) -> Iterator[str]:
    for found in _TRAKTOR.findall(path.read_bytes()):
        named = {
            name: html.unescape(value) for name, value in _ATTRIBUTE.findall(found.decode("utf-8", "replace"))
        }
        inside = named.get("DIR", "").replace("/:", "/") + named.get("FILE", "")
        yield inside
        yield f"/Volumes/{named.get('VOLUME', '')}{inside}"


def _serato(path: Path) -> Iterator[str]:
    """Paths are kept relative to the volume's top, which is where the folder ``_Serato_`` stands, or the system's."""
    tops = [folder.parent for folder in path.parents if folder.name.casefold() == "_serato_"][:1]
    for found in _serato_fields(path.read_bytes()):
        yield f"/{found}"
        for top in tops:
            yield str(top / found)


def _serato_fields(content: bytes) -> Iterator[str]:
    """Fields of four letters, a length and a value; ``otrk`` holds fields again, ``pfil`` and ``ptrk`` are paths."""
    at = 0
    while at + 8 <= len(content):
        name = content[at : at + 4]
        length = int.from_bytes(content[at + 4 : at + 8], "big")
        value = content[at + 8 : at + 8 + length]
        if name == b"otrk":
            yield from _serato_fields(value)
        elif name in {b"pfil", b"ptrk"}:
            yield value.decode("utf-16-be", "replace").lstrip("/")
        at += 8 + length


def _playlist(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        entry = line.strip()
        if entry and not entry.startswith("#"):
            named = _link_path(entry) if entry.startswith("file:") else entry.replace("\\", "/")
            yield os.path.normpath(path.parent / named)


def _file_links(path: Path) -> Iterator[str]:
    """Links to files, wherever they stand among other bytes, as in djay's database."""
    for found in _FILE_LINK.findall(path.read_bytes()):
        yield _link_path(found.decode("utf-8", "replace"))


def _link_path(link: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(link).path) if link.startswith("file:") else link


def _fold(path: str) -> str:
    """As file systems of macOS and Windows compare names: what may be the same file counts as the same."""
    return unicodedata.normalize("NFC", path).casefold()
