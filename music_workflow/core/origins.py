"""Which link a track was asked for by, when its audio came from another: Spotify's link, SoundCloud's sound.

So that the identity a person asked for is carried to the end: the library answers to it, the row shows it, and the next
time the same link is asked for, the source found for it is at hand. A small SQLite file in the data folder. Written by
`core.alternatives`; read by `core.library` and by what writes the Music Tracks rows.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from music_workflow.core import data_folder
from music_workflow.core.links import Link, read_link, url_key
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import BadLink


def subject(link: str) -> str:
    """One spelling for one track: the canonical link, or the text itself when it is none."""
    try:
        return read_link(link).url
    except BadLink:
        return link.strip()


def key_of(link: str) -> str:
    """The key of a link's track; for a text that is no link, one made of it."""
    try:
        return read_link(link).key
    except BadLink:
        return url_key(link.strip())


def remember(settings: LibrarySettings, asked: str, source: str) -> None:
    """Note that the track asked for by one link is had from another."""
    with _memory(settings) as db:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        db.execute("INSERT OR REPLACE INTO origins VALUES (?, ?, ?)", (subject(asked), subject(source), now))


def forget(settings: LibrarySettings, asked: str, source: str) -> None:
    """Take that back: a person says that it is not the track."""
    with _memory(settings) as db:
        db.execute("DELETE FROM origins WHERE asked = ? AND source = ?", (subject(asked), subject(source)))


def source_of(settings: LibrarySettings, asked: str) -> str | None:
    """Where the track of a link was had from before."""
    with _memory(settings) as db:
        row = db.execute("SELECT source FROM origins WHERE asked = ?", (subject(asked),)).fetchone()
    return None if row is None else str(row[0])


def asked_for(settings: LibrarySettings, source: str) -> tuple[Link, ...]:
    """The links that the track at this source was asked for by, oldest first."""
    with _memory(settings) as db:
        rows = db.execute(
            "SELECT asked FROM origins WHERE source = ? ORDER BY noted_at, asked", (subject(source),)
        )
        return tuple(read_link(asked) for (asked,) in rows)


def _memory(settings: LibrarySettings) -> AbstractContextManager[sqlite3.Connection]:
    """Open what is remembered."""
    return data_folder.memory(
        settings.data_dir,
        "origins",
        "CREATE TABLE IF NOT EXISTS origins (asked TEXT PRIMARY KEY, source TEXT, noted_at TEXT) STRICT",
    )
