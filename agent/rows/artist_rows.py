"""The Music Artists rows: each artist and remixer of a track has one, found again however the name is written.

A row is looked for by Segue's key (the folded name), then by its exact name, so that a row that a person made is used
and never doubled. Rows are only ever added; an artist's row is a person's afterwards. Called by ``music_rows``
under the library's lock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from music_workflow.core.performers import name_key, performers
from music_workflow.model import Identity
from notion_schema.databases import ARTISTS, ArtistRow
from notion_schema.workspace import Database, Workspace

_SOURCES: Final = {"soundcloud": "SoundCloud", "spotify": "Spotify"}
"""Service -> the word in Source; others are left for a person to fill in."""


class ArtistRows:
    """Music Artists, where that database is set."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def of(self, identity: Identity) -> dict[str, str]:
        """Name -> page id of everybody who is to be credited, missing rows created; empty without the database."""
        database: Database[ArtistRow] | None = self._workspace.databases.get(ARTISTS)
        if database is None:
            return {}
        people = performers(identity.title, identity.artists)
        return {name: self._row(database, name, identity) for name in people.everybody}

    def _row(self, database: Database[ArtistRow], name: str, identity: Identity) -> str:
        key = f"artist:{name_key(name)}"
        found = database.find_by_key(key) if database.has("segue_key") else []
        if not found:
            same = list(database.query(database.equals("title", name)))
            # Notion compares without case; two artists may differ by nothing else, but no two rows of ours.
            found = [row for row in same if row.title == name] or [
                row for row in same if name_key(row.title) == name_key(name)
            ]
        if found:
            return found[0].id
        values: dict[str, Any] = {"title": name, "segue_key": key, "last_used": datetime.now(UTC)}
        if source := _SOURCES.get(identity.service):
            values["source"] = source
        return database.create(values, new_options=("source",)).id
