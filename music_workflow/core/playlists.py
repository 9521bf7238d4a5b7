"""Which tracks belong to which playlist: what each list held the last time it was read.

So that a track that is synced days later still finds its playlists, and so that it can be told what has left a list.
A small SQLite file in the data folder; it knows no service and no database of the user's beyond a page's id. Called by
the Sync playlist handler and by what writes the Music Tracks rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from music_workflow import wiring
from music_workflow.core import data_folder
from music_workflow.core.links import Link, read_link
from music_workflow.core.listing import Entry, Listing
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import BadLink, NotReady, Unobtainable

_SHORT_HOPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is different from the last time."""

    is_first: bool
    left: tuple[Entry, ...]
    """In the list the last time and not any more."""


def read(settings: LibrarySettings, text: str) -> Listing:
    """Read the list behind a link.

    Raises:
        BadLink: It is none, or a track.
        NotReady: The service needs credentials.
        MusicError: The service says why not.
    """
    link = _followed(settings, read_link(text))
    if link.kind == "track":
        raise BadLink(
            "This is one track; Sync track takes it.", service=link.service or "link", operation="read list"
        )
    for lister in wiring.listers(settings):
        if lister.takes(link):
            return lister.list(link, settings.list_most)
    if link.service == "spotify":
        raise NotReady(
            "Spotify's lists are read with an app of your own only: set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"
            " (and for playlists SPOTIFY_REFRESH_TOKEN) in .env, and start the worker anew.",
            service="spotify",
            operation="read list",
        )
    raise BadLink(
        "Lists of this service cannot be read.", service=link.service or "link", operation="read list"
    )


def with_pages(settings: LibrarySettings, listing_url: str, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Ask for the pages of entries that came without one; one that is gone keeps its empty link."""
    link = read_link(listing_url)
    lister = next(each for each in wiring.listers(settings) if each.takes(link))
    found = []
    for entry in entries:
        try:
            found.append(entry if entry.link else lister.page_of(entry))
        except Unobtainable:
            found.append(entry)
    return tuple(found)


def compare(settings: LibrarySettings, listing: Listing) -> Change:
    """Say what has left a list since it was kept; of a list that was not read to its end, nothing can be said."""
    now = {entry.key for entry in listing.entries}
    with _memory(settings) as db:
        is_first = db.execute("SELECT 1 FROM lists WHERE key = ?", (listing.key,)).fetchone() is None
        before = db.execute(
            "SELECT track, link, title FROM members WHERE list = ? ORDER BY place", (listing.key,)
        ).fetchall()
    left = [Entry(key=key, link=link, title=title) for key, link, title in before if key not in now]
    return Change(is_first=is_first, left=tuple(left) if listing.complete else ())


def keep(settings: LibrarySettings, listing: Listing, page_id: str | None) -> int:
    """Keep what a list holds now, with the page of its row; returns how many tracks that is."""
    with _memory(settings) as db:
        db.execute(
            "INSERT INTO lists VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET title = ?2, page = ?3",
            (listing.key, listing.title, page_id),
        )
        if listing.complete:
            db.execute("DELETE FROM members WHERE list = ?", (listing.key,))
        db.executemany(
            "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?)",
            [
                (listing.key, entry.key, place, entry.link, entry.name)
                for place, entry in enumerate(listing.entries)
            ],
        )
    return len(listing.entries)


def pages_of(settings: LibrarySettings, keys: Sequence[str]) -> tuple[str, ...]:
    """The pages of the playlists that hold a track, known by any of its keys."""
    with _memory(settings) as db:
        query = (
            "SELECT page FROM members JOIN lists ON lists.key = members.list"
            " WHERE track = ? AND page IS NOT NULL ORDER BY page"
        )
        found = [page for key in keys for (page,) in db.execute(query, (key,))]
    return tuple(dict.fromkeys(found))


def _followed(settings: LibrarySettings, link: Link) -> Link:
    follow = wiring.short_links(settings)
    for _ in range(_SHORT_HOPS):
        if not link.short:
            break
        link = read_link(follow(link.url))
    return link


def _memory(settings: LibrarySettings) -> AbstractContextManager[sqlite3.Connection]:
    """Open what is remembered."""
    return data_folder.memory(
        settings.data_dir,
        "playlists",
        "CREATE TABLE IF NOT EXISTS lists (key TEXT PRIMARY KEY, title TEXT, page TEXT) STRICT",
        "CREATE TABLE IF NOT EXISTS members (list TEXT, track TEXT, place INTEGER, link TEXT, title TEXT,"
        " PRIMARY KEY (list, track)) STRICT, WITHOUT ROWID",
    )
