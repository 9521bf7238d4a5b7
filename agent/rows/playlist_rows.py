"""The Music Playlists rows: one a list, found again by its key or its link, with the tracks that are synced.

Tracks are only added; what has left a list is proposed to a person by the Sync playlist handler and never taken away.
A title that a person has changed is kept. Without PLAYLISTS_DB_ID nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agent.rows.music_rows import LastWritten
from music_workflow.core.listing import Listing
from notion_schema.databases import PLAYLISTS, TRACKS, PlaylistRow
from notion_schema.workspace import Database, Workspace

_NAMES: Final = {
    "soundcloud": "SoundCloud",
    "spotify": "Spotify",
    "youtube": "YouTube",
    "bandcamp": "Bandcamp",
}

_MOST_AT_ONCE: Final = 100
"""Pages that Notion takes in one write of a relation."""


class PlaylistRows:
    """`handlers.music_ports.Playlists` on the Music Playlists database."""

    def __init__(self, workspace: Workspace, written: LastWritten) -> None:
        self._workspace = workspace
        self._written = written

    def record(self, listing: Listing) -> str | None:
        """Creates or completes a list's row."""
        database = self._database()
        if database is None:
            return None
        values = _values(listing)
        row = self._find(database, listing)
        if row is None:
            row = database.create(values, new_options=("source", "platform"))
            self._written.remember(row.id, values)
            return row.id
        before = self._written.of(row.id)
        changes = {
            name: value
            for name, value in values.items()
            if getattr(row, name) != value
            and (not getattr(row, name) or getattr(row, name) == before.get(name))
        }
        if changes:
            database.update(row.id, changes, new_options=("source", "platform"))
            self._written.remember(row.id, changes)
        return row.id

    def add(self, page_id: str, track_page_ids: Sequence[str]) -> int:
        """Adds tracks to a row's relation."""
        database = self._database()
        if database is None or not database.has("tracks") or not track_page_ids:
            return 0
        there = database.get(page_id).tracks
        new = [each for each in dict.fromkeys(track_page_ids) if each not in there]
        if len(there) + len(new) <= _MOST_AT_ONCE:
            if new:
                database.update(page_id, {"tracks": (*there, *new)})
        else:
            self._add_from_the_tracks(page_id, new)
        return len(new)

    def _add_from_the_tracks(self, page_id: str, new: Sequence[str]) -> None:
        """A relation is written as a whole, a hundred at most; from its other side each track adds itself."""
        tracks = self._workspace.database(TRACKS)
        for each in new:
            row = tracks.get(each)
            if page_id not in row.playlists:
                tracks.update(each, {"playlists": (*row.playlists, page_id)})

    def _database(self) -> Database[PlaylistRow] | None:
        return self._workspace.databases.get(PLAYLISTS)

    def _find(self, database: Database[PlaylistRow], listing: Listing) -> PlaylistRow | None:
        if database.has("segue_key") and (found := database.find_by_key(listing.key)):
            return found[0]
        if not database.has("source_url"):
            return None
        # A person's row may have the link as it was shared, with parameters behind it.
        named = database.query(database.contains("source_url", listing.url.partition("://")[2]))
        return next((row for row in named if not row.segue_key), None)


def _values(listing: Listing) -> dict[str, Any]:
    name = _NAMES.get(listing.service, listing.service)
    return {
        "title": listing.title or listing.url,
        "source": name,
        "platform": name,
        "source_url": listing.url,
        "segue_key": listing.key,
    }
