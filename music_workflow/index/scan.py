"""Looking through the volumes: which audio files stand there, and what changed since the last look.

Incremental: a file whose inode, size and time are as noted is not opened. A folder that is not there, or is
empty though files are known in it, counts as not mounted; its entries stay and are marked. Called by the
command line and, under the library's lock, by nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from music_workflow.errors import BadLink
from music_workflow.index.headers import Words, read_words
from music_workflow.index.report import ScanReport
from music_workflow.index.volume import VolumeIndex
from music_workflow.metadata import tags

EXTENSIONS = frozenset({"aiff", "aif", "wav", "m4a", "mp3", "flac", "alac", "ogg", "opus"})
_MIN_BYTES = 1024
"""Below it, nothing is music."""
_BATCH = 500


Mark = tuple[int, int, int]
"""A file as the disk shows it, unopened: inode, size in bytes, time of change in nanoseconds."""


def scan(index: VolumeIndex, root: str) -> ScanReport:
    """Bring the index up to date with one folder and everything below it."""
    root = str(Path(root).absolute())
    known = _known(index, root)
    if not _mounted(root, known):
        _note_root(index, root, mounted=False)
        return ScanReport(root=root, mounted=False, total=len(known))
    _note_root(index, root, mounted=True)
    seen = dict(walk(root))
    fresh = {path: mark for path, mark in seen.items() if known.get(path) != mark}
    gone = {path: known[path] for path in known.keys() - seen.keys()}
    moved = _move(index, fresh, gone)
    opened = {path: mark for path, mark in fresh.items() if path not in moved}
    unreadable = _enter(index, root, opened)
    lost = gone.keys() - moved.values()
    with index.connection as db:
        db.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in lost])
    changed = len(opened.keys() & known.keys())
    return ScanReport(
        root=root,
        mounted=True,
        total=len(seen),
        added=len(opened) - changed,
        changed=changed,
        moved=len(moved),
        gone=len(lost),
        unreadable=unreadable,
    )


def walk(root: str) -> Iterator[tuple[str, Mark]]:
    """All audio files below a folder; hidden ones and links to folders are left out."""
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif name.rpartition(".")[2].lower() in EXTENSIONS and entry.is_file():
                    found = entry.stat()
                    if found.st_size >= _MIN_BYTES:
                        yield entry.path, (found.st_ino, found.st_size, found.st_mtime_ns)


def _known(index: VolumeIndex, root: str) -> dict[str, Mark]:
    rows = index.connection.execute("SELECT path, inode, size, mtime FROM files WHERE root = ?", (root,))
    return {path: (inode, size, mtime) for path, inode, size, mtime in rows}


def _mounted(root: str, known: Mapping[str, Mark]) -> bool:
    folder = Path(root)
    return folder.is_dir() and (not known or any(folder.iterdir()))


def _note_root(index: VolumeIndex, root: str, *, mounted: bool) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with index.connection as db:
        db.execute(
            "INSERT INTO roots VALUES (?1, ?2, ?3) ON CONFLICT (path) DO UPDATE SET mounted = ?2, "
            "scanned_at = CASE WHEN ?2 THEN ?3 ELSE scanned_at END",
            (root, mounted, now),
        )


def _move(index: VolumeIndex, fresh: Mapping[str, Mark], gone: Mapping[str, Mark]) -> dict[str, str]:
    """Give entries whose file was renamed their new path; returns new path -> old path."""
    by_mark = {mark: path for path, mark in gone.items()}
    moved = {path: by_mark.pop(mark) for path, mark in fresh.items() if mark in by_mark}
    with index.connection as db:
        db.executemany("UPDATE files SET path = ? WHERE path = ?", list(moved.items()))
    return moved


def _enter(index: VolumeIndex, root: str, files: Mapping[str, Mark]) -> int:
    """Read the tags of new and changed files and note them; returns how many had none to read."""
    unreadable = 0
    for batch in _batches(files.items()):
        rows = []
        for path, mark in batch:
            found = _words(path)
            unreadable += found is None
            words = found or Words()
            rows.append((path, root, *mark, words.title, words.artist, words.album, words.isrc))
        with index.connection as db:
            db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return unreadable


def _batches(items: Iterable[tuple[str, Mark]]) -> Iterator[list[tuple[str, Mark]]]:
    waiting = iter(items)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _words(path: str) -> Words | None:
    """Read the fast way, and where that does not understand a file the thorough way; None when neither can."""
    if (quick := read_words(path)) is not None:
        return quick
    try:
        found = tags.read(path)
    except BadLink:
        return None
    return Words(found.title or None, ", ".join(found.artists) or None, found.album, found.isrc)
