"""Looking through the volumes: which audio files stand there, and what changed since the last look.

Incremental: a file whose inode, size and time are as noted is not opened. A folder that is not there, or is
empty though files are known in it, counts as not mounted; its entries stay and are marked. Called by the
command line and, under the library's lock, by nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from music_workflow.errors import BadLink
from music_workflow.index.report import ScanReport
from music_workflow.index.volume import VolumeIndex
from music_workflow.metadata import tags

EXTENSIONS = frozenset({"aiff", "aif", "wav", "m4a", "mp3", "flac", "alac", "ogg", "opus"})
_MIN_BYTES = 1024
"""Below it, nothing is music."""
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file as the disk shows it, unopened."""

    path: str
    inode: int
    size: int
    mtime: int
    """Nanoseconds."""


def scan(index: VolumeIndex, root: str) -> ScanReport:
    """Bring the index up to date with one folder and everything below it."""
    root = str(Path(root).absolute())
    known = dict(_known(index, root))
    if not _mounted(root, known):
        _note_root(index, root, mounted=False)
        return ScanReport(root=root, mounted=False, total=len(known))
    _note_root(index, root, mounted=True)
    seen = {each.path: each for each in walk(root)}
    fresh = [each for each in seen.values() if known.get(each.path) != each]
    gone = {path: known[path] for path in known.keys() - seen.keys()}
    moved = _move(index, fresh, gone)
    opened = [each for each in fresh if each.path not in moved]
    unreadable = _enter(index, root, opened)
    lost = gone.keys() - moved.values()
    with index.connection as db:
        db.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in lost])
    changed = sum(each.path in known for each in opened)
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


def walk(root: str) -> Iterator[Seen]:
    """All audio files below a folder; hidden ones and links to folders are left out."""
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name.rpartition(".")[2].lower() in EXTENSIONS and entry.is_file():
                    found = entry.stat()
                    if found.st_size >= _MIN_BYTES:
                        yield Seen(
                            path=entry.path, inode=found.st_ino, size=found.st_size, mtime=found.st_mtime_ns
                        )


def _known(index: VolumeIndex, root: str) -> Iterator[tuple[str, Seen]]:
    rows = index.connection.execute("SELECT path, inode, size, mtime FROM files WHERE root = ?", (root,))
    for path, inode, size, mtime in rows:
        yield path, Seen(path=path, inode=inode, size=size, mtime=mtime)


def _mounted(root: str, known: Iterable[object]) -> bool:
    folder = Path(root)
    return folder.is_dir() and (not list(known) or any(folder.iterdir()))


def _note_root(index: VolumeIndex, root: str, *, mounted: bool) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with index.connection as db:
        db.execute(
            "INSERT INTO roots VALUES (?1, ?2, ?3) ON CONFLICT (path) DO UPDATE SET mounted = ?2, "
            "scanned_at = CASE WHEN ?2 THEN ?3 ELSE scanned_at END",
            (root, mounted, now),
        )


def _move(index: VolumeIndex, fresh: list[Seen], gone: dict[str, Seen]) -> dict[str, str]:
    """Give entries whose file was renamed their new path; returns new path -> old path."""
    by_file = {(each.inode, each.size, each.mtime): path for path, each in gone.items()}
    moved = {
        each.path: by_file.pop(mark)
        for each in fresh
        if (mark := (each.inode, each.size, each.mtime)) in by_file
    }
    with index.connection as db:
        db.executemany("UPDATE files SET path = ? WHERE path = ?", list(moved.items()))
    return moved


def _enter(index: VolumeIndex, root: str, files: list[Seen]) -> int:
    """Read the tags of new and changed files and note them; returns how many had none to read."""
    unreadable = 0
    for start in range(0, len(files), _BATCH):
        rows = []
        for each in files[start : start + _BATCH]:
            found = _tags(each.path)
            unreadable += found is None
            rows.append((each.path, root, each.inode, each.size, each.mtime, *_columns(found)))
        with index.connection as db:
            db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return unreadable


def _tags(path: str) -> tags.TrackTags | None:
    try:
        return tags.read(path)
    except BadLink:
        return None


def _columns(found: tags.TrackTags | None) -> tuple[str | None, str | None, str | None, str | None]:
    if found is None:
        return None, None, None, None
    return found.title or None, ", ".join(found.artists) or None, found.album, found.isrc
