"""Brings a playlist, an album or somebody's likes into the library: one Sync track row for each track that is missing.

Takes Spotify playlists, albums and liked songs, SoundCloud sets and likes, YouTube playlists and Bandcamp albums.
Tracks that are synced already are linked to the playlist's row in Music Playlists (when PLAYLISTS_DB_ID is set); the
others get a row each, once, and are linked when they are done. Run again, it files rows for what is new, and proposes
what to do about tracks that have left the list: nothing is ever removed by itself.

If it stays Blocked:
- "not show this playlist": Spotify shows apps only their owner's playlists, and none that Spotify makes itself. Copy
  the tracks into a playlist of your own and put its link into Link.
- "SPOTIFY_...": the settings are missing or refused; `music spotify-login` gets a refresh token.
- "one track": the link names a track; use Sync track.
If it waits (Ready, with Run after): the service or Notion is busy; it goes on where it stopped.
Tracks that could not be taken (local files, episodes, removed ones) are named in the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from handlers.base import Done, Evidence, Job, Tools, handler, link_of, minutes
from handlers.music_ports import RowsFiled, Standing, WantedRow, batches
from music_workflow.core import playlists
from music_workflow.core.listing import Entry, Listing
from music_workflow.core.playlists import Change
from notion_schema.databases import TaskRow

_AT_ONCE = 20
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Request:
    """What the row must say."""

    link: str

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the link."""
        return cls(
            link=link_of(
                row, example="https://open.spotify.com/playlist/… or https://soundcloud.com/artist/sets/…"
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """What came of the tracks."""

    synced: list[Standing]
    filed: list[RowsFiled]
    pageless: list[Entry]


@handler(
    "Sync playlist",
    aliases=("Sync album", "Playlist Sync"),
    attempts=5,
    timeout=minutes(60),
    steps={
        "read the list": 10,
        "playlist row": 2,
        "look at what changed": 1,
        "look up": 10,
        "compare": 15,
        "file rows": 55,
        "link tracks": 5,
        "remember": 2,
    },
)
def sync_playlist(job: Job[Request], tools: Tools) -> Done:
    """The story of a list."""
    settings = tools.library.settings
    listing = job.step("read the list", playlists.read, settings, job.request.link)
    page_id = job.step("playlist row", tools.playlists.record, listing)
    change = job.step("look at what changed", playlists.compare, settings, listing)
    tally = _work_off(job, tools, listing)
    linked = (
        job.step(
            "link tracks",
            tools.playlists.add,
            page_id,
            [each.page_id for each in tally.synced if each.page_id],
        )
        if page_id
        else 0
    )
    job.step("remember", playlists.keep, settings, listing, page_id)
    new = sum(each.new for each in tally.filed)
    return Done(
        summary=(
            f"“{listing.title}”: {len(listing.entries)} tracks, {len(tally.synced)} synced before,"
            f" {new} Sync track rows filed now."
        ),
        evidence=(
            *_facts(listing, tally),
            *((Evidence("Linked to the playlist's row", f"{linked} more tracks"),) if page_id else ()),
            *_capped("Left out", (*listing.left_out, *(f"gone: {each.name}" for each in tally.pageless))),
            *_proposals(listing, change),
        ),
    )


def _work_off(job: Job[Request], tools: Tools, listing: Listing) -> _Tally:
    """A few tracks at a time, so that a list of a thousand goes on where it was stopped."""
    settings = tools.library.settings
    tally = _Tally(synced=[], filed=[], pageless=[])
    for some in batches(listing.entries, _AT_ONCE):
        entries = some
        if not all(entry.link for entry in some):
            entries = job.step("look up", playlists.with_pages, settings, listing.url, some)
        standing = job.step("compare", tools.tracks.standing, entries)
        synced = {each.key for each in standing if each.synced}
        tally.synced.extend(each for each in standing if each.synced)
        tally.pageless.extend(entry for entry in entries if not entry.link)
        rows = tuple(_row(listing, entry) for entry in entries if entry.link and entry.key not in synced)
        if rows:
            tally.filed.append(job.step("file rows", tools.rows.file, rows))
    return tally


def _row(listing: Listing, entry: Entry) -> WantedRow:
    return WantedRow(
        key=f"{listing.key}/{entry.key}",
        task_type="Sync track",
        title=entry.name,
        link=entry.link,
        description=f"Playlist: {listing.title}\nFrom {listing.url}",
    )


def _facts(listing: Listing, tally: _Tally) -> tuple[Evidence, ...]:
    before = sum(each.before for each in tally.filed)
    owner = f" by {listing.owner}" if listing.owner else ""
    read_whole = "" if listing.complete else "; it goes on: LIST_MOST says how many are read"
    return (
        Evidence("List", f"{listing.kind} “{listing.title}”{owner}, {listing.url}"),
        Evidence("Key", listing.key),
        Evidence("Tracks", f"{len(listing.entries)}{read_whole}"),
        Evidence("Synced before", str(len(tally.synced))),
        Evidence("Rows filed", f"{sum(each.new for each in tally.filed)} now, {before} by an earlier run"),
    )


def _proposals(listing: Listing, change: Change) -> tuple[Evidence, ...]:
    if change.is_first:
        return ()
    if not listing.complete:
        return (
            Evidence(
                "No longer in the list", "cannot be told, since the list was not read to its end", "skip"
            ),
        )
    return _capped(
        "No longer in the list",
        tuple(
            f"{each.title} ({each.link or each.key}): nothing was removed. To follow the list, take it out of the"
            " playlist's row; its files stay."
            for each in change.left
        ),
    )


def _capped(name: str, words: tuple[str, ...]) -> tuple[Evidence, ...]:
    more = (Evidence(name, f"and {len(words) - _SHOWN} more"),) if len(words) > _SHOWN else ()
    return (*(Evidence(name, each) for each in words[:_SHOWN]), *more)
