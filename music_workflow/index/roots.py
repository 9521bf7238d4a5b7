"""The folders that scans look through, and how a folder is known again when its volume got another name.

Each folder that can be written carries a small hidden file with an id of its own; a folder of another name with the
same id is the same one. A copy of a volume carries a copy of the id and is given a new one, as long as the first is
there too. Called by `index.scan`.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from music_workflow.index.volume import VolumeIndex

IDENTITY_NAME = ".segue-volume.json"
_MOST_NEIGHBOURS = 200
_SAMPLE = 20


def outermost(roots: Iterable[str]) -> list[str]:
    """Make paths absolute and drop those that lie within others, in order."""
    paths = list(dict.fromkeys(str(Path(root).expanduser().absolute()) for root in roots))
    return [path for path in paths if not any(path != other and is_below(path, other) for other in paths)]


def is_below(path: str, folder: str) -> bool:
    """Say whether a path is the folder or lies in it; both absolute."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def home(index: VolumeIndex, folder: str) -> str:
    """Return the root that a folder belongs to: a known one around it, or itself."""
    known = [root for (root,) in index.connection.execute("SELECT path FROM roots")]
    return max((root for root in known if is_below(folder, root)), key=len, default=folder)


def settle(index: VolumeIndex, folder: str, asked: Collection[str]) -> tuple[str, str | None]:
    """Find out under which path a folder's volume stands now.

    Args:
        index: The index.
        folder: Where to look.
        asked: All folders that are looked through now; none of them has become another.

    Returns:
        The path to look through, and the one that it stood under before when that is another.
    """
    root = home(index, folder)
    volume = _known_volume(index, root)
    if root == folder and volume and _is_bare(root) and (found := _renamed(index, root, volume)):
        _rename(index, root, found)
        return found, root
    own = read_identity(folder) if root == folder else None
    if own is not None and own != volume:
        for (other,) in index.connection.execute(
            "SELECT path FROM roots WHERE volume = ?", (own,)
        ).fetchall():
            if other not in asked and read_identity(other) != own:
                _rename(index, other, folder)
                return folder, str(other)
    return folder, None


def note(index: VolumeIndex, root: str, *, mounted: bool) -> None:
    """Remember a root, whether it is there, and the id it carries."""
    volume = _own_identity(index, root) if mounted else None
    with index.connection as db:
        db.execute(
            "INSERT INTO roots VALUES (?1, ?2, ?3, ?4) ON CONFLICT (path) DO UPDATE SET mounted = ?2, "
            "scanned_at = CASE WHEN ?2 THEN ?3 ELSE scanned_at END, volume = coalesce(?4, volume)",
            (root, mounted, _now(), volume),
        )


def adopt(index: VolumeIndex, root: str) -> None:
    """Let roots within a root become part of it, with all that is known in them."""
    known = [path for (path,) in index.connection.execute("SELECT path FROM roots")]
    within = [path for path in known if path != root and is_below(path, root)]
    if not within:
        return
    with index.connection as db:
        db.execute("INSERT OR IGNORE INTO roots VALUES (?, 0, ?, NULL)", (root, _now()))
        for path in within:
            db.execute("UPDATE files SET root = ? WHERE root = ?", (root, path))
            db.execute("DELETE FROM roots WHERE path = ?", (path,))


def read_identity(folder: str) -> str | None:
    """Read the id that a folder carries; None when there is none to be read."""
    try:
        content = json.loads(Path(folder, IDENTITY_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # also a damaged file: a new one is written when the folder is scanned
    found = content.get("volume") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def _known_volume(index: VolumeIndex, root: str) -> str | None:
    row = index.connection.execute("SELECT volume FROM roots WHERE path = ?", (root,)).fetchone()
    return row[0] if row else None


def _own_identity(index: VolumeIndex, root: str) -> str | None:
    """Read the folder's id; give it one when it has none, or only the copy of another's."""
    found = read_identity(root)
    others = index.connection.execute(
        "SELECT path FROM roots WHERE volume = ? AND path <> ?", (found, root)
    ).fetchall()
    if found is not None and not any(_carries(path, found, root) for (path,) in others):
        return found
    fresh = uuid.uuid4().hex
    target = Path(root, IDENTITY_NAME)
    temporary = target.with_name(f"{IDENTITY_NAME}.{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps({"volume": fresh, "made_by": "Segue"}) + "\n", encoding="utf-8")
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        return None  # a volume that cannot be written is known by its path alone
    return fresh


def _carries(path: str, volume: str, root: str) -> bool:
    """Whether another folder carries this id: not the same folder by another way."""
    return read_identity(path) == volume and not Path(path).samefile(root)


def _is_bare(folder: str) -> bool:
    """Whether a folder is not there, or is an empty place where a volume was mounted."""
    try:
        return all(entry.name.startswith(".") for entry in Path(folder).iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False  # there, and not to be read


def _renamed(index: VolumeIndex, root: str, volume: str) -> str | None:
    """Look for the folder beside where it stood: its own name, or the name of a folder around it, has changed."""
    path = Path(root)
    for ancestor in (path, *path.parents):
        for neighbour in _folders(ancestor.parent):
            if neighbour != ancestor:
                candidate = str(neighbour / path.relative_to(ancestor))
                if read_identity(candidate) == volume and _holds_the_same_files(index, root, candidate):
                    return candidate
    return None


def _holds_the_same_files(index: VolumeIndex, root: str, candidate: str) -> bool:
    """Tell a renamed volume from a clone of it, which carries the same id but holds other inodes."""
    same = other = 0
    for path, inode in index.connection.execute(
        "SELECT path, inode FROM files WHERE root = ? ORDER BY path LIMIT ?", (root, _SAMPLE)
    ):
        place = Path(candidate, Path(path).relative_to(root))
        if place.is_file():
            same, other = (same + 1, other) if place.stat().st_ino == inode else (same, other + 1)
    return same > other


def _folders(parent: Path) -> Iterator[Path]:
    """The folders in a folder, in order; links lead to where something stands already, and are left out."""
    try:
        with os.scandir(parent) as entries:
            some = islice(entries, _MOST_NEIGHBOURS)
            found = sorted(entry.path for entry in some if entry.is_dir(follow_symlinks=False))
    except OSError:
        return  # what cannot be listed holds nothing to be found
    yield from map(Path, found)


def _rename(index: VolumeIndex, old: str, new: str) -> None:
    """Give everything known below one path another."""
    prefix = old.rstrip("/") + "/"
    tracks = [
        path
        for (path,) in index.connection.execute(
            "SELECT path FROM track_files WHERE substr(path, 1, ?) = ?", (len(prefix), prefix)
        )
    ]
    index.relocate({path: new.rstrip("/") + "/" + path.removeprefix(prefix) for path in tracks})
    with index.connection as db:
        db.execute(
            "INSERT INTO roots SELECT ?, mounted, scanned_at, volume FROM roots WHERE path = ? "
            "ON CONFLICT (path) DO UPDATE SET volume = excluded.volume",
            (new, old),
        )
        db.execute(
            "UPDATE OR REPLACE files SET root = ?1, path = ?1 || substr(path, ?2) WHERE root = ?3",
            (new, len(old.rstrip("/")) + 1, old),
        )
        db.execute("DELETE FROM roots WHERE path = ?", (old,))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
