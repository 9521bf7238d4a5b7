"""New likes: asks each followed service for what was liked since the last time, and remembers how far it came.

Neither Spotify nor SoundCloud tells anybody of a like (they have no webhooks for it), so somebody has to ask. `poll`
reads and changes nothing; `advance` is called when rows have been filed for what it found, so that a crash between the
two repeats a poll and loses nothing. What has been seen is kept in a small SQLite file in the data folder. Called by
the Sync liked tracks handler.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from music_workflow import wiring
from music_workflow.core import data_folder
from music_workflow.core.listing import Entry, Likes
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import MusicError, NotReady, Unavailable

_FARTHEST = 2000
"""Likes that one poll reads at most."""
_LOOKED_AT_FIRST = 200
"""Likes that the first poll notes as seen, so that the second tells new ones from old ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What one service had."""

    name: str
    entries: tuple[Entry, ...]
    """Not seen before, oldest first; no more than a batch."""
    seen_only: tuple[str, ...] = ()
    """Keys to note as seen though nothing is done about them: what had been liked before the first poll."""
    is_first: bool = False
    more: int = 0
    """New ones beyond the batch, left to the next poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What all services had."""

    fresh: tuple[Fresh, ...]
    trouble: tuple[str, ...] = ()
    """For each service that could not be asked, why."""
    retry_after_s: float | None = None
    """The longest that one of them asked to wait."""


def poll(settings: LibrarySettings, batch: int) -> Poll:
    """Ask every followed service for new likes; changes nothing.

    Args:
        settings: Name the services, and how many likes the first poll takes up.
        batch: So many new likes of each service at most.

    Raises:
        NotReady: No service is set up to be followed.
    """
    likes = wiring.likes(settings)
    if not likes:
        raise NotReady(
            "There is nobody whose likes could be followed: set SOUNDCLOUD_PROFILE, or SPOTIFY_CLIENT_ID,"
            " SPOTIFY_CLIENT_SECRET and SPOTIFY_REFRESH_TOKEN in .env, and start the worker anew.",
            service="feed",
            operation="read likes",
        )
    fresh: list[Fresh] = []
    trouble: list[str] = []
    waits: list[float] = []
    for each in likes:
        try:
            fresh.append(_ask(settings, each, batch))
        except MusicError as error:
            trouble.append(f"{each.name}: {error}")
            if isinstance(error, Unavailable) and error.retry_after_s:
                waits.append(error.retry_after_s)
    return Poll(fresh=tuple(fresh), trouble=tuple(trouble), retry_after_s=max(waits, default=None))


def advance(settings: LibrarySettings, fresh: Sequence[Fresh]) -> int:
    """Note what was taken up; returns how many likes are known now."""
    with _memory(settings) as db:
        for one in fresh:
            newest = max((entry.added_at for entry in one.entries if entry.added_at), default=None)
            db.execute(
                "INSERT INTO feeds VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET "
                "since = max(coalesce(since, ''), coalesce(?2, ''))",
                (one.name, newest),
            )
            keys = [entry.key for entry in one.entries] + list(one.seen_only)
            db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", [(one.name, key) for key in keys])
        (known,) = db.execute("SELECT count(*) FROM seen").fetchone()
        return int(known)


def _ask(settings: LibrarySettings, likes: Likes, batch: int) -> Fresh:
    with _memory(settings) as db:
        row = db.execute("SELECT since FROM feeds WHERE name = ?", (likes.name,)).fetchone()
        known = frozenset(key for (key,) in db.execute("SELECT key FROM seen WHERE feed = ?", (likes.name,)))
    if row is None:
        found = likes.newest(_LOOKED_AT_FIRST, known, None)
        taken, rest = found[: settings.likes_at_first], found[settings.likes_at_first :]
        return Fresh(
            name=likes.name,
            entries=taken[::-1],
            seen_only=tuple(entry.key for entry in rest),
            is_first=True,
        )
    new = [entry for entry in likes.newest(_FARTHEST, known, row[0] or None) if entry.key not in known]
    new.reverse()
    return Fresh(name=likes.name, entries=tuple(new[:batch]), more=max(0, len(new) - batch))


def _memory(settings: LibrarySettings) -> AbstractContextManager[sqlite3.Connection]:
    """Open what is remembered."""
    return data_folder.memory(
        settings.data_dir,
        "feeds",
        "CREATE TABLE IF NOT EXISTS feeds (name TEXT PRIMARY KEY, since TEXT) STRICT",
        "CREATE TABLE IF NOT EXISTS seen "
        "(feed TEXT, key TEXT, PRIMARY KEY (feed, key)) STRICT, WITHOUT ROWID",
    )
