"""Files that stand elsewhere than they did: known again, with all that is known of them.

A rename keeps inode, size and time; a move to another volume keeps size and content, which is compared by hash where
a hash is known. Called by `index.scan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from music_workflow.core.acquire import file_digest
from music_workflow.index.volume import VolumeIndex

Mark = tuple[int, int, int]
"""A file as the disk shows it, unopened: inode, size in bytes, time of change in nanoseconds."""


def match(index: VolumeIndex, fresh: Mapping[str, Mark], gone: Mapping[str, Mark]) -> dict[str, str]:
    """Find which of the new files are old ones.

    Returns:
        New path -> old path.
    """
    if not fresh or not gone:
        return {}
    by_mark = {mark: path for path, mark in gone.items()}
    moved = {path: by_mark.pop(mark) for path, mark in fresh.items() if mark in by_mark}
    by_content = _known_contents(index, gone.keys() - set(moved.values()), gone)
    sizes = {size for size, _ in by_content}
    for path, (_, size, _) in fresh.items():
        if path not in moved and size in sizes:
            digest = _digest(path)
            if digest and (old := by_content.pop((size, digest), None)):
                moved[path] = old
    return moved


def carry_over(index: VolumeIndex, moved: Mapping[str, str], now: Mapping[str, tuple[str, Mark]]) -> None:
    """Give entries and tracks the new paths of their files.

    Args:
        index: The index.
        moved: New path -> old path.
        now: New path -> its root, and the file as it is there.
    """
    with index.connection as db:
        db.executemany(
            "UPDATE OR REPLACE files SET path = ?, root = ?, inode = ?, size = ?, mtime = ? WHERE path = ?",
            [(new, now[new][0], *now[new][1], old) for new, old in moved.items()],
        )
    index.relocate({old: new for new, old in moved.items()})


def reunite(index: VolumeIndex, found: Sequence[tuple[str, str]]) -> None:
    """Bring tracks together with files of theirs that turned up elsewhere: as large, of equal hash, the old one gone.

    Args:
        index: The index.
        found: Path and the source's key that its tags name.
    """
    moved: dict[str, str] = {}
    for path, key in found:
        track = index.by_key(key)
        for file in track.files if track else ():
            if (
                file.path != path
                and file.path not in moved
                and Path(path).stat().st_size == file.size
                and not Path(file.path).exists()
                and _digest(path) == file.sha256
            ):
                moved[file.path] = path
    index.relocate(moved)


def _known_contents(
    index: VolumeIndex, paths: set[str], marks: Mapping[str, Mark]
) -> dict[tuple[int, str], str]:
    """Size and hash -> path, as far as hashes are known."""
    found: dict[tuple[int, str], str] = {}
    for path in paths:
        row = index.connection.execute("SELECT sha256 FROM audio WHERE path = ?", (path,)).fetchone()
        digest = row[0] if row else None
        if digest is None and (track := index.owner(path)):
            digest = next(file.sha256 for file in track.files if file.path == path)
        if digest:
            found[marks[path][1], digest] = path
    return found


def _digest(path: str) -> str | None:
    try:
        return file_digest(path)
    except OSError:
        return None  # it cannot be read now; the scan says so when it comes to its tags
