"""The earlier system's volume indexes, in their three shapes, two of which were empty stubs.

An index is not taken over record by record: a name in a list proves no file. What counts is which folders it spoke of
and what is there now; Segue's own index reads the files themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from earlier_system.model import EarlierIndex, Folder

_MOST_GUESSED = 20


def read_index(path: str, content: Mapping[str, Any]) -> EarlierIndex | None:
    """The index that ``content`` is; None when it is none."""
    if "records" in content and "scan_paths" in content:
        records = [one for one in content["records"] or () if isinstance(one, Mapping) and one.get("path")]
        roots = [
            str(one) for one in (*_listed(content["scan_paths"]), *_listed(content.get("missing_paths")))
        ]
    elif "tracks" in content and ("created" in content or "index_path" in content or "version" in content):
        tracks = content["tracks"]
        found = tracks.values() if isinstance(tracks, Mapping) else _listed(tracks)
        records = [one for one in found if isinstance(one, Mapping) and one.get("path")]
        roots = []
    else:
        return None
    return EarlierIndex(path=path, files=len(records), folders=tuple(_folders(records, roots)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _folders(records: Iterable[Mapping[str, Any]], roots: list[str]) -> Iterator[Folder]:
    named: Counter[str] = Counter()
    present: Counter[str] = Counter()
    known = sorted({root.rstrip("/") or "/" for root in roots}, key=len, reverse=True)
    for record in records:
        path = str(record["path"])
        root = next((one for one in known if PurePath(path).is_relative_to(one)), None)
        home = root or str(PurePath(path).parent)
        named[home] += 1
        present[home] += _is_there(path, record.get("size"))
    for root in known:
        named.setdefault(root, 0)
    for home in _fewest(named) if not known else sorted(named):
        inside = [one for one in named if one == home or (not known and PurePath(one).is_relative_to(home))]
        yield Folder(
            path=home,
            files=sum(named[one] for one in inside),
            present=sum(present[one] for one in inside),
            mounted=Path(home).is_dir(),
        )


def _fewest(named: Mapping[str, int]) -> list[str]:
    """The folders that hold all others; where they are many, their parents, until few remain."""
    level = {home: home for home in named}
    while len(set(level.values())) > _MOST_GUESSED:
        shorter = {home: str(PurePath(top).parent) for home, top in level.items()}
        if shorter == level:
            break
        level = shorter
    tops: defaultdict[str, int] = defaultdict(int)
    for top in level.values():
        tops[top] += 1
    return sorted(
        top for top in tops if not any(top != other and PurePath(top).is_relative_to(other) for other in tops)
    )


def _is_there(path: str, size: Any) -> bool:
    try:
        there = Path(path).stat()
    except (OSError, ValueError):
        return False
    return not isinstance(size, int) or size <= 0 or there.st_size == size
