"""Finding files of the volumes in the index: by the source they came from, by ISRC and length, by path.

What a sync asks before it downloads anything, and what ``music index lookup`` shows. Called by `core.collection` and
`core.library`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from music_workflow.core.links import parse_isrc
from music_workflow.index.report import By, Coverage, FoundFile
from music_workflow.index.volume import VolumeIndex

ISRC_S = 3.0
"""One ISRC may carry edits: lengths agree within this, in seconds."""
_MOST = 50

_COLUMNS = (
    "SELECT files.path, files.size, roots.mounted, title, artist, isrc, coalesce(audio.duration_s, files.duration_s) "
    "FROM files JOIN roots ON roots.path = files.root LEFT JOIN audio ON audio.path = files.path "
)


def by_source(index: VolumeIndex, key: str, url: str | None) -> list[FoundFile]:
    """Find files whose tags name this source: its key, or its link as their comment."""
    found = {file.path: file for file in _files(index, "link", "url = ?", url)} if url else {}
    found |= {file.path: file for file in _files(index, "key", "key = ?", key)}
    return list(found.values())


def by_isrc(index: VolumeIndex, isrc: str, duration_s: float | None) -> list[FoundFile]:
    """Find files of an ISRC, the nearest in length first; with a length, only those that are as long within 3 s."""
    files = list(_files(index, "ISRC", "isrc = ?", isrc))
    if duration_s is None:
        return files
    near = [
        (abs(file.duration_s - duration_s), file)
        for file in files
        if file.duration_s is not None and abs(file.duration_s - duration_s) <= ISRC_S
    ]
    return [file for _, file in sorted(near, key=lambda one: (one[0], one[1].path))]


def find(index: VolumeIndex, text: str) -> list[FoundFile]:
    """Find files by whatever a person has: a key, a link, an ISRC, or a part of a path."""
    wanted = text.strip()
    found = by_source(index, wanted, wanted)
    if not found and (isrc := parse_isrc(wanted)):
        found = by_isrc(index, isrc, None)
    return found or list(_files(index, "path", "instr(lower(files.path), lower(?))", wanted))


def coverage(index: VolumeIndex) -> Coverage:
    """Count how many files on mounted volumes were heard."""
    files, heard, fingerprinted = index.connection.execute(
        "SELECT count(*), count(audio.path), count(audio.path) FILTER (WHERE audio.trouble IS NULL) "
        "FROM files JOIN roots ON roots.path = files.root LEFT JOIN audio ON audio.path = files.path WHERE mounted"
    ).fetchone()
    return Coverage(files=files, heard=heard, fingerprinted=fingerprinted)


def _files(index: VolumeIndex, by: By, condition: str, *values: Any) -> Iterator[FoundFile]:
    query = f"{_COLUMNS} WHERE {condition} ORDER BY files.path LIMIT {_MOST}"
    for path, size, mounted, title, artist, isrc, duration_s in index.connection.execute(query, values):
        yield FoundFile(
            path=path,
            by=by,
            size=size,
            mounted=bool(mounted),
            title=title,
            artist=artist,
            isrc=isrc,
            duration_s=duration_s,
        )
