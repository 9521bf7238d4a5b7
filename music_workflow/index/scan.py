"""Looking through the volumes: which audio files stand there, and what changed since the last look.

Incremental: a file whose inode, size and time are as noted is not opened. What is missing is doubted first: a folder
that is not there, cannot be read, or is empty though files are known in it keeps its entries and is marked; and where
more than half of a folder's files are gone at once, none is forgotten unless that is asked for. Files that moved take
what is known of them along, and tracks learn where their files stand now. Called by `core.library`, under its lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from music_workflow.core.links import parse_isrc
from music_workflow.errors import BadLink
from music_workflow.index import moves, roots
from music_workflow.index.headers import Words, read_words
from music_workflow.index.moves import Mark
from music_workflow.index.report import RootState, ScanReport
from music_workflow.index.volume import VolumeIndex
from music_workflow.metadata import tags

EXTENSIONS = frozenset({"aiff", "aif", "wav", "m4a", "mp3", "flac", "alac", "ogg", "opus"})
_MIN_BYTES = 1024
"""Below it, nothing is music."""
_BATCH = 500
_DOUBTFUL_LOSS = 20
"""Files gone from one folder, from which on more than half of all is too much to be believed."""


def scan(index: VolumeIndex, root: str, *, accept_loss: bool = False) -> ScanReport:
    """Bring the index up to date with one folder and everything below it."""
    return scan_all(index, (root,), accept_loss=accept_loss)[0]


def scan_all(index: VolumeIndex, folders: Sequence[str], *, accept_loss: bool = False) -> list[ScanReport]:
    """Bring the index up to date with folders and everything below them.

    Args:
        index: The index.
        folders: Where to look. Those within others count as part of them; one within a root known before is looked
            through alone.
        accept_loss: Forget what is gone even where it is more than half of all.
    """
    asked = roots.outermost(folders)
    looks = [_look(index, folder, asked) for folder in asked]
    fresh = {path: mark for look in looks for path, mark in look.fresh.items()}
    gone = {path: mark for look in looks for path, mark in look.gone.items()}
    moved = moves.match(index, fresh, gone)
    moves.carry_over(
        index, moved, {path: (look.root, mark) for look in looks for path, mark in look.fresh.items()}
    )
    return [_enter_look(index, look, moved, accept_loss=accept_loss) for look in looks]


def walk(folder: str, closed: list[str] | None = None) -> Iterator[tuple[str, Mark]]:
    """All audio files below a folder; hidden ones and links to folders are left out.

    Args:
        folder: Where to begin.
        closed: Folders that cannot be read, and names that are no text, are put here; without it, the first are an
            error.
    """
    waiting = [folder]
    while waiting:
        for entry in _entries(waiting.pop(), closed):
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.name.rpartition(".")[2].lower() in EXTENSIONS and entry.is_file():
                mark = _mark(entry)
                if mark is None or mark[1] < _MIN_BYTES:
                    continue
                if entry.path.isascii() or _is_text(entry.path):
                    yield entry.path, mark
                elif closed is not None:
                    closed.append(os.fsencode(entry.path).decode("utf-8", "replace"))


def _entries(folder: str, closed: list[str] | None) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    yield entry
    except OSError:
        if closed is None:
            raise
        closed.append(folder)


def _mark(entry: os.DirEntry[str]) -> Mark | None:
    try:
        found = entry.stat()
    except OSError:
        return None  # gone since the folder was listed
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_text(path: str) -> bool:
    """Whether a path is UTF-8; what is not, neither SQLite nor JSON nor a row could keep."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Look:
    """One folder as it stands, beside what is known of it."""

    folder: str
    root: str
    state: RootState
    known: Mapping[str, Mark]
    renamed_from: str | None
    seen: Mapping[str, Mark] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    fresh: Mapping[str, Mark] = field(default_factory=dict)
    gone: Mapping[str, Mark] = field(default_factory=dict)


def _look(index: VolumeIndex, folder: str, asked: Sequence[str]) -> _Look:
    folder, renamed_from = roots.settle(index, folder, asked)
    root = roots.home(index, folder)
    roots.adopt(index, root)
    known = _known(index, root, folder)
    closed: list[str] = []
    seen = dict(walk(folder, closed))
    state = _state(folder, known, seen, closed)
    roots.note(index, root, mounted=state not in {"missing", "unreadable"})
    if state != "scanned":
        return _Look(folder, root, state, known, renamed_from, closed=tuple(closed))
    lost = known.keys() - seen.keys()
    return _Look(
        folder,
        root,
        state,
        known,
        renamed_from,
        seen,
        tuple(closed),
        fresh={path: mark for path, mark in seen.items() if known.get(path) != mark},
        gone={path: known[path] for path in lost if not any(roots.is_below(path, each) for each in closed)},
    )


def _known(index: VolumeIndex, root: str, folder: str) -> dict[str, Mark]:
    rows = index.connection.execute("SELECT path, inode, size, mtime FROM files WHERE root = ?", (root,))
    if folder == root:
        return {path: (inode, size, mtime) for path, inode, size, mtime in rows}
    return {path: (inode, size, mtime) for path, inode, size, mtime in rows if roots.is_below(path, folder)}


def _state(
    folder: str, known: Mapping[str, Mark], seen: Mapping[str, Mark], closed: Sequence[str]
) -> RootState:
    if not Path(folder).is_dir():
        return "missing"
    if folder in closed:
        return "unreadable"
    if seen:
        return "scanned"
    return "missing" if known else "empty"


def _enter_look(
    index: VolumeIndex, look: _Look, moved: Mapping[str, str], *, accept_loss: bool
) -> ScanReport:
    if look.state != "scanned":
        return ScanReport(
            root=look.folder,
            state=look.state,
            total=len(look.known),
            before=len(look.known),
            closed=look.closed,
            renamed_from=look.renamed_from,
        )
    opened = {path: mark for path, mark in look.fresh.items() if path not in moved}
    unreadable = _enter(index, look.root, opened)
    lost = look.gone.keys() - set(moved.values())
    shrunk = len(lost) >= max(_DOUBTFUL_LOSS, len(look.known) / 2) and not accept_loss
    if not shrunk:
        with index.connection as db:
            db.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in lost])
    changed = len(opened.keys() & look.known.keys())
    return ScanReport(
        root=look.folder,
        state="shrunk" if shrunk else "scanned",
        total=len(_known(index, look.root, look.folder)) if shrunk or look.closed else len(look.seen),
        before=len(look.known),
        added=len(opened) - changed,
        changed=changed,
        moved=sum(path in moved for path in look.fresh),
        gone=len(lost),
        unreadable=unreadable,
        closed=look.closed,
        renamed_from=look.renamed_from,
    )


def _enter(index: VolumeIndex, root: str, files: Mapping[str, Mark]) -> int:
    """Read the tags of new and changed files and note them; returns how many had none to read."""
    unreadable = 0
    for batch in _batches(files.items()):
        rows = []
        of_segue: list[tuple[str, str]] = []
        for path, mark in batch:
            try:
                found = _words(path)
            except OSError:
                unreadable += 1
                continue  # not entered, so that the next scan tries again
            unreadable += found is None
            words = found or Words()
            rows.append((path, root, *mark, *_columns(words)))
            if words.key:
                of_segue.append((path, words.key))
        with index.connection as db:
            db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        moves.reunite(index, of_segue)
    return unreadable


def _columns(words: Words) -> tuple[object, ...]:
    return (
        words.title,
        words.artist,
        words.album,
        parse_isrc(words.isrc),
        words.key,
        words.url,
        words.duration_s,
    )


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
    return Words(
        found.title or None,
        ", ".join(found.artists) or None,
        found.album,
        found.isrc,
        found.identity_key,
        found.source_url,
    )
