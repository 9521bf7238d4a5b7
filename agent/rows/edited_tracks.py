"""Music Tracks rows that a person has changed by hand: found by when they were edited, told by what Segue last wrote.

A row is looked at once after each edit. Notion floors edit times to the minute, so that each look begins a little
before the last one ended; the very first goes back one day, so that a grown database is not taken for one great edit.
What was in question stays in the look until it is settled, and is asked once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from agent.present import row_of
from agent.rows.music_rows import PATH_ATTRIBUTES, LastWritten, name_of, same
from agent.rows.track_finding import ANY_LINK
from handlers.music_ports import HandEdit, HandEdits
from notion_schema.databases import TRACKS, TrackRow
from notion_schema.workspace import Workspace

_NOTEBOOK: Final = "reconcile:tracks"
_UNTIL: Final = "until"
_OVERLAP: Final = timedelta(minutes=2)
_FIRST_LOOK: Final = timedelta(days=1)
_FIELDS: Final = {
    "title": "title",
    "artist_name": "artists",
    "album": "album",
    "isrc": "isrc",
    "tempo": "bpm",
    "key": "key",
}
"""Attribute of the row -> what the library calls it."""


class NotionEditedTracks:
    """`handlers.music_ports.EditedTracks` on Music Tracks."""

    def __init__(self, workspace: Workspace, written: LastWritten) -> None:
        self._workspace = workspace
        self._written = written

    def find(self) -> HandEdits:
        """Rows edited since the last look, and those still in question, the longest edited first."""
        began = datetime.now(UTC)
        notebook = self._written.of(_NOTEBOOK)
        since = datetime.fromisoformat(notebook[_UNTIL]) if _UNTIL in notebook else began - _FIRST_LOOK
        rows = {row.id: row for row in self._since(since)}
        for page_id in self._in_question(notebook):
            if page_id not in rows and (row := row_of(self._workspace.database(TRACKS), page_id)):
                rows[page_id] = row
        edits = (edit for row in rows.values() if (edit := self._edit(row)) is not None)
        return HandEdits(
            edits=tuple(sorted(edits, key=lambda edit: (edit.edited_at, edit.page_id))),
            looked=len(rows),
            until=(began - _OVERLAP).isoformat(),
        )

    def finish(self, until: str, questions: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        """Keeps the place and the questions."""
        before = self._written.of(_NOTEBOOK)
        asked = {page_id: hashlib.sha256(question.encode()).hexdigest() for page_id, question in questions}
        settled = {page_id: "" for page_id in self._in_question(before) if page_id not in asked}
        self._written.remember(_NOTEBOOK, {_UNTIL: until, **settled, **asked})
        return tuple(page_id for page_id, digest in asked.items() if before.get(page_id) != digest)

    @staticmethod
    def _in_question(notebook: dict[str, str]) -> tuple[str, ...]:
        return tuple(name for name, digest in notebook.items() if name != _UNTIL and digest)

    def _since(self, since: datetime) -> Iterator[TrackRow]:
        tracks = self._workspace.database(TRACKS)
        for row in tracks.query(sorts=[("last_edited_time", "descending")]):
            if row.last_edited_time and row.last_edited_time < since:
                return
            yield row

    def _edit(self, row: TrackRow) -> HandEdit | None:
        written = self._written.of(row.id)
        edit = HandEdit(
            page_id=row.id,
            url=row.url,
            name=name_of(row),
            edited_at=row.last_edited_time.isoformat() if row.last_edited_time else "",
            key=row.segue_key,
            values=tuple(_typed(row, written)) if row.segue_key else (),
            paths=tuple(
                (fmt, path)
                for fmt, name in PATH_ATTRIBUTES.items()
                if (path := getattr(row, name)) and path != written.get(name)
            ),
            ticked=row.downloaded and not written.get("downloaded"),
            unticked=not row.downloaded and written.get("downloaded") is True,
            link=next((link for name in ANY_LINK if (link := getattr(row, name))), ""),
        )
        return edit if edit.values or edit.paths or edit.ticked or edit.unticked else None


def _typed(row: TrackRow, written: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Values that are not what Segue wrote; where it never wrote one, whatever stands there is a person's."""
    for name, field in _FIELDS.items():
        value = getattr(row, name)
        if value not in (None, "") and not same(value, written.get(name)):
            yield field, f"{value:g}" if isinstance(value, float) else str(value)
