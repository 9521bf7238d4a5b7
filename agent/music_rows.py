"""The Music Tracks rows, as handlers use them: what a filed track's row says, without overwriting a person.

A value is written where the row is empty or still says what Segue wrote last (remembered in a small SQLite file beside
the engine); anything else was put there by a person, is kept, and is reported.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handlers.base import TrackPage
from music_workflow.core.library import Library
from music_workflow.model import FORMATS, FiledTrack, PageClaims
from notion_schema.databases import TRACKS, TrackRow
from notion_schema.workspace import Database, Workspace

_PATH_ATTRIBUTES = {"M4A": "m4a_path", "WAV": "wav_path", "AIFF": "aiff_path"}
_LINK_ATTRIBUTES = {"soundcloud": "soundcloud_url", "youtube": "youtube_url", "bandcamp": "bandcamp_url"}
_WORDS = {
    "title": "Title",
    "artist_name": "Artist Name",
    "tempo": "Tempo",
    "key": "Key",
    "m4a_path": "M4A File Path",
    "wav_path": "WAV File Path",
    "aiff_path": "AIFF File Path",
}


class LastWritten:
    """What Segue last wrote to a page, attribute by attribute."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, page_id: str) -> dict[str, Any]:
        """Attribute -> value as JSON gives it back."""
        with self._open() as connection:
            rows = connection.execute("SELECT attribute, value FROM written WHERE page_id = ?", (page_id,))
            return {attribute: json.loads(value) for attribute, value in rows}

    def remember(self, page_id: str, values: Mapping[str, Any]) -> None:
        """Adds to what is known of a page."""
        with self._open() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO written VALUES (?, ?, ?)",
                [(page_id, attribute, json.dumps(value, default=str)) for attribute, value in values.items()],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS written"
                    " (page_id TEXT, attribute TEXT, value TEXT, PRIMARY KEY (page_id, attribute))"
                )
                yield connection
        finally:
            connection.close()


class TrackRows:
    """`handlers.base.Tracks` on the Music Tracks database."""

    def __init__(self, workspace: Workspace, library: Library, written: LastWritten) -> None:
        self._workspace = workspace
        self._library = library
        self._written = written

    def record(self, filed: FiledTrack) -> TrackPage:
        """Creates or completes the track's row."""
        # Under the library's lock, or two rows with the same link could both find no track row and both make one.
        with self._library.lock():
            found = self._find(filed)
            if found is None:
                return self._create(filed)
            return self._complete(found, filed)

    def read(self, identity_key: str) -> TrackPage | None:
        """The row of a track, or None."""
        rows = self._tracks().find_by_key(identity_key)
        return _page(rows[0]) if rows else None

    def identity_key(self, page_id: str) -> str | None:
        """Which track a Music Tracks page is about."""
        return self._tracks().get(page_id).segue_key or None

    def untick(self, page_id: str) -> None:
        """Takes the Downloaded tick away."""
        self._tracks().update(page_id, {"downloaded": False})
        self._written.remember(page_id, {"downloaded": False})

    def _tracks(self) -> Database[TrackRow]:
        return self._workspace.database(TRACKS)

    def _find(self, filed: FiledTrack) -> TrackRow | None:
        """By our key; else a row that a person made for the same link."""
        tracks = self._tracks()
        by_key = tracks.find_by_key(filed.identity.key)
        if by_key:
            return by_key[0]
        links = [
            tracks.equals(attribute, filed.identity.url)
            for attribute in ("source_url", _LINK_ATTRIBUTES.get(filed.identity.service))
            if attribute and tracks.has(attribute)
        ]
        return next(iter(tracks.query(tracks.any_of(*links))), None) if links else None

    def _create(self, filed: FiledTrack) -> TrackPage:
        values = _values(filed)
        row = self._tracks().create(values)
        self._written.remember(row.id, values)
        return _page(row)

    def _complete(self, row: TrackRow, filed: FiledTrack) -> TrackPage:
        before = self._written.of(row.id)
        changes: dict[str, Any] = {}
        kept: list[str] = []
        for attribute, value in _values(filed).items():
            there = getattr(row, attribute)
            if _same(there, value):
                continue
            if _is_empty(there) or (attribute in before and _same(there, before[attribute])):
                changes[attribute] = value
            elif attribute in _WORDS:
                kept.append(f"{_WORDS[attribute]} says {there!r} by hand; measured {value!r}")
        if changes:
            row = self._tracks().update(row.id, changes)
            self._written.remember(row.id, changes)
        return _page(row, tuple(kept))


def _values(filed: FiledTrack) -> dict[str, Any]:
    identity, measured = filed.identity, filed.analysis
    values: dict[str, Any] = {
        "title": identity.title,
        "artist_name": ", ".join(identity.artists),
        "album": identity.album,
        "isrc": identity.isrc,
        "source_url": identity.url,
        "download_source": identity.service,
        "downloaded": bool(filed.files),
        "tempo": round(measured.bpm, 2) if measured.bpm is not None else None,
        "key": measured.key,
        "camelot": measured.camelot,
        "duration_s": round(measured.duration_s, 2),
        "loudness_lufs": _rounded(measured.loudness_lufs),
        "peak_db": _rounded(measured.true_peak_db),
        "file_sizes": ", ".join(f"{file.format} {file.size / 1e6:.1f} MB" for file in filed.files),
        "processed_at": datetime.fromisoformat(filed.filed_at).astimezone(UTC),
        "run_id": filed.run_id,
        "eagle_id": filed.eagle[0].id if filed.eagle else None,
        "segue_key": identity.key,
    }
    for file in filed.files:
        values[_PATH_ATTRIBUTES[file.format]] = file.path
    if attribute := _LINK_ATTRIBUTES.get(identity.service):
        values[attribute] = identity.url
    return {attribute: value for attribute, value in values.items() if not _is_empty(value)}


def _page(row: TrackRow, kept: tuple[str, ...] = ()) -> TrackPage:
    paths = tuple(
        (audio_format, path)
        for audio_format in FORMATS
        if (path := getattr(row, _PATH_ATTRIBUTES[audio_format]))
    )
    claims = PageClaims(
        paths=paths,
        bpm=row.tempo,
        key=row.key or None,
        duration_s=row.duration_s,
        downloaded=bool(row.downloaded),
        eagle_id=row.eagle_id or None,
    )
    return TrackPage(page_id=row.id, url=row.url, claims=claims, kept=kept)


def _rounded(figure: float | None) -> float | None:
    return round(figure, 2) if figure is not None else None


def _is_empty(value: object) -> bool:
    return value is None or value in ("", (), False)


def _same(there: object, value: object) -> bool:
    if isinstance(there, float) and isinstance(value, (int, float)):
        return abs(there - value) < 0.005  # noqa: PLR2004 - figures are written with two decimals
    if isinstance(there, datetime):
        return str(there)[:16] == str(value)[:16]
    return there == value
