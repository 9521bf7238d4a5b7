"""The Music Tracks rows, as handlers use them: what a filed track's row says, without overwriting a person.

A value is written where the row is empty or still says what Segue wrote last (remembered in a small SQLite file beside
the engine); anything else was put there by a person, is kept, and is reported. Lists (artists, playlists, what was done
to the audio) only grow. Downloaded is ticked while the files really stand, and at no other time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.present import row_of
from agent.rows import track_finding
from agent.rows.artist_rows import ArtistRows
from handlers.base import TrackPage
from handlers.music_ports import Backlog, Standing, Waiting
from music_workflow.core import origins, playlists
from music_workflow.core.library import Library
from music_workflow.core.links import Link, read_link
from music_workflow.core.listing import Entry
from music_workflow.core.performers import performers
from music_workflow.errors import BadLink
from music_workflow.model import FORMATS, FiledTrack, PageClaims
from notion_schema.databases import PLAYLISTS, TRACKS, TrackRow
from notion_schema.workspace import Database, Workspace

PATH_ATTRIBUTES = {"M4A": "m4a_path", "WAV": "wav_path", "AIFF": "aiff_path"}
"""Format -> the attribute of its path."""
_GROWING = frozenset({"artists", "playlists", "audio_processing"})
"""Columns that hold a list; what stands there stays."""
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
        self._artists = ArtistRows(workspace)

    def record(self, filed: FiledTrack, page_id: str | None = None) -> TrackPage:
        """Creates or completes the track's row."""
        asked_for = origins.asked_for(self._library.settings, filed.identity.url)
        # Under the library's lock, or two rows with the same link could both find no track row and both make one.
        with self._library.lock():
            found = self._find(filed, asked_for, page_id)
            people = self._artists.of(filed.identity)
            lists = self._playlists(filed, asked_for)
            values = {**_values(filed, asked_for), "artists": tuple(people.values()), "playlists": lists}
            values = {name: value for name, value in values.items() if not _is_empty(value)}
            page = self._create(values) if found is None else self._complete(found, values)
        return replace(
            page,
            asked_for=tuple(link.url for link in asked_for),
            linked=(
                *((f"artists: {', '.join(people)}",) if people else ()),
                *((f"playlists: {len(lists)}",) if lists else ()),
            ),
        )

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

    def _find(self, filed: FiledTrack, asked_for: tuple[Link, ...], page_id: str | None) -> TrackRow | None:
        """By our key; else the row that was meant; else one that a person made for this link or the one asked for."""
        tracks = self._tracks()
        by_key = tracks.find_by_key(filed.identity.key)
        if by_key:
            return by_key[0]
        if page_id and (meant := self._free(page_id)):
            return meant
        wanted = {filed.identity.key: filed.identity.url, **track_finding.keys_of(asked_for)}
        found = track_finding.find(tracks, wanted)
        return next((found[key] for key in wanted if key in found), None)

    def _free(self, page_id: str) -> TrackRow | None:
        """The row of this page, unless it is gone or about another track by now."""
        row = row_of(self._tracks(), page_id)
        return None if row is None or row.segue_key or row.downloaded else row

    def _playlists(self, filed: FiledTrack, asked_for: tuple[Link, ...]) -> tuple[str, ...]:
        """Page ids of the playlists that hold the track, under whichever of its links."""
        if PLAYLISTS not in self._workspace:
            return ()
        keys = (filed.identity.key, *(link.key for link in asked_for))
        return playlists.pages_of(self._library.settings, keys)

    def _create(self, values: dict[str, Any]) -> TrackPage:
        row = self._tracks().create(values)
        self._written.remember(row.id, values)
        return _page(row)

    def _complete(self, row: TrackRow, values: dict[str, Any]) -> TrackPage:
        before = self._written.of(row.id)
        changes: dict[str, Any] = {}
        kept: list[str] = []
        for attribute, value in values.items():
            there = getattr(row, attribute)
            if attribute in _GROWING:
                if not set(value) <= set(there):
                    changes[attribute] = tuple(dict.fromkeys((*there, *value)))
            elif same(there, value):
                continue
            elif _is_empty(there) or (attribute in before and same(there, before[attribute])):
                changes[attribute] = value
            elif attribute in _WORDS:
                kept.append(f"{_WORDS[attribute]} says {there!r} by hand; measured {value!r}")
        if changes:
            row = self._tracks().update(row.id, changes)
            self._written.remember(row.id, changes)
        return _page(row, tuple(kept))

    # Lists and the backlog -------------------------------------------------------------------------------------------

    def standing(self, entries: tuple[Entry, ...]) -> tuple[Standing, ...]:
        """By the library's own index first, then by the rows; one query for a few dozen."""
        whole = self._library.whole(tuple(entry.key for entry in entries))
        rows = track_finding.find(self._tracks(), {entry.key: entry.link for entry in entries})
        return tuple(
            Standing(
                key=entry.key,
                page_id=rows[entry.key].id if entry.key in rows else "",
                synced=_synced(rows.get(entry.key), in_library=entry.key in whole),
            )
            for entry in entries
        )

    def backlog(self, most: int, filed: Callable[[tuple[str, ...]], frozenset[str]]) -> Backlog:
        """Rows without Downloaded, oldest first, until there are enough."""
        waiting: list[Waiting] = []
        unusable: list[str] = []
        passed_over: list[str] = []
        tracks = self._tracks()
        for row in tracks.query(tracks.equals("downloaded", False)):  # noqa: FBT003 - the value that is asked for
            if len(waiting) >= most:
                break
            if row.duplicate or row.in_trash:
                continue
            found = _waiting(row)
            if isinstance(found, str):
                unusable.append(f"{name_of(row)}: {found}")
            elif filed((found.task_key,)):
                passed_over.append(name_of(row))
            else:
                waiting.append(found)
        return Backlog(waiting=tuple(waiting), unusable=tuple(unusable), passed_over=tuple(passed_over))

    def links_beside(self, link: str) -> tuple[str, ...]:
        """Links in the other columns of the row that has this one."""
        try:
            page = read_link(link)
        except BadLink:
            return ()
        row = track_finding.find(self._tracks(), {page.key: page.url}).get(page.key)
        if row is None:
            return ()
        return tuple(each.url for each in track_finding.links_of(row) if not each.protected)


def _waiting(row: TrackRow) -> Waiting | str:
    """A row with the best of its links; else in words why none is of use."""
    links = sorted(track_finding.links_of(row), key=lambda link: bool(link.protected))
    if links:
        artists = (row.artist_name,) if row.artist_name else ()
        entry = Entry(key=links[0].key, link=links[0].url, title=row.title, artists=artists)
        return Waiting(page_id=row.id, entry=entry)
    written = [text for column in track_finding.ANY_LINK if (text := getattr(row, column))]
    for text in written:
        try:
            read_link(text)
        except BadLink as error:
            return str(error)
    return "its link names no single track" if written else "it names no link"


def _synced(row: TrackRow | None, *, in_library: bool) -> str:
    if in_library:
        return "it is in the library"
    if row is not None and row.downloaded and any(getattr(row, path) for path in PATH_ATTRIBUTES.values()):
        return "its row says Downloaded and names its files"
    return ""


def name_of(row: TrackRow) -> str:
    """What a row is called among others: artist and title, else its address."""
    return " - ".join(part for part in (row.artist_name, row.title) if part) or row.url


def _values(filed: FiledTrack, asked_for: tuple[Link, ...]) -> dict[str, Any]:
    identity, measured = filed.identity, filed.analysis
    values: dict[str, Any] = {
        "title": identity.title,
        "artist_name": ", ".join(identity.artists),
        "remixer": ", ".join(performers(identity.title, identity.artists).remixers),
        "album": identity.album,
        "isrc": identity.isrc,
        "source_url": identity.url,
        "download_source": identity.service,
        "downloaded": _stands(filed),
        "tempo": round(measured.bpm, 2) if measured.bpm is not None else None,
        "key": measured.key,
        "camelot": measured.camelot,
        "duration_s": round(measured.duration_s, 2),
        "loudness_lufs": _rounded(measured.loudness_lufs),
        "peak_db": _rounded(measured.true_peak_db),
        "file_sizes": ", ".join(f"{file.format} {file.size / 1e6:.1f} MB" for file in filed.files),
        "processed_at": datetime.fromisoformat(filed.filed_at).astimezone(UTC),
        "audio_processing": _done_to(filed),
        "run_id": filed.run_id,
        "eagle_id": filed.eagle[0].id if filed.eagle else None,
        "segue_key": identity.key,
    }
    for file in filed.files:
        values[PATH_ATTRIBUTES[file.format]] = file.path
    for link in asked_for:
        values |= _link_values(link.service, link.url, link.id)
    return values | _link_values(identity.service, identity.url, identity.key.partition(":")[2])


def _link_values(service: str | None, url: str, track_id: str | None) -> dict[str, Any]:
    """A service's columns for the link and the id."""
    values: dict[str, Any] = {}
    if column := track_finding.LINK_COLUMNS.get(service or ""):
        values[column] = url
    if service in {"spotify", "soundcloud"}:
        values[f"{service}_id"] = track_id
    return values


def _stands(filed: FiledTrack) -> bool:
    """The proof for Downloaded: every file is there with the size it was filed with."""
    paths = [(Path(file.path), file.size) for file in filed.files]
    return bool(paths) and all(path.is_file() and path.stat().st_size == size for path, size in paths)


def _done_to(filed: FiledTrack) -> tuple[str, ...]:
    """The owner's words for what was done to the audio, as far as it was."""
    measured = filed.analysis
    done = {
        "Audio Analysis Complete": measured.bpm is not None and measured.key is not None,
        "Loudness Measured": measured.loudness_lufs is not None,
        "Format Conversion Complete": {file.format for file in filed.files} == set(FORMATS),
        "Metadata Enriched": bool(filed.identity.artists and filed.identity.title),
        "Files Imported to Eagle": bool(filed.eagle),
    }
    return tuple(words for words, is_so in done.items() if is_so)


def _page(row: TrackRow, kept: tuple[str, ...] = ()) -> TrackPage:
    paths = tuple(
        (audio_format, path)
        for audio_format in FORMATS
        if (path := getattr(row, PATH_ATTRIBUTES[audio_format]))
    )
    claims = PageClaims(
        paths=paths,
        bpm=row.tempo,
        key=row.key or None,
        duration_s=row.duration_s,
        downloaded=bool(row.downloaded),
        eagle_id=row.eagle_id or None,
        playlists=row.playlists,
    )
    return TrackPage(page_id=row.id, url=row.url, claims=claims, kept=kept)


def _rounded(figure: float | None) -> float | None:
    return round(figure, 2) if figure is not None else None


def _is_empty(value: object) -> bool:
    return value is None or value in ("", (), False)


def same(there: object, value: object) -> bool:
    """Whether a column says a value, as far as Notion keeps it."""
    if isinstance(there, float) and isinstance(value, (int, float)):
        return abs(there - value) < 0.005  # noqa: PLR2004 - figures are written with two decimals
    if isinstance(there, datetime):
        return str(there)[:16] == str(value)[:16]
    return there == value
