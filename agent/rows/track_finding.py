"""Finding Music Tracks rows by what they are about: Segue's key, or a link in one of the columns for links.

A person pastes links with parameters, in old and new forms; a row is asked for by the part of the link that names the
track, and what comes back is read as a link and compared as such. Called by ``agent.rows.music_rows``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from music_workflow.core.links import Link, read_link
from music_workflow.errors import BadLink
from notion_schema.databases import TrackRow
from notion_schema.filters import Filter
from notion_schema.workspace import Database

LINK_COLUMNS: Final[Mapping[str, str]] = {
    "soundcloud": "soundcloud_url",
    "youtube": "youtube_url",
    "bandcamp": "bandcamp_url",
    "spotify": "spotify_url",
}
"""Service -> the attribute of its link."""
ANY_LINK: Final = ("source_url", *LINK_COLUMNS.values())
"""The attributes that may hold a link, the one that a track was synced from first."""
_MOST_CONDITIONS: Final = 90
"""Notion takes a hundred in one filter."""


def find(tracks: Database[TrackRow], wanted: Mapping[str, str]) -> dict[str, TrackRow]:
    """Rows by key, for those that have one.

    Args:
        tracks: Music Tracks.
        wanted: A track's key -> its link.
    """
    found: dict[str, TrackRow] = {}
    for some in _batches(tracks, wanted):
        conditions = [condition for key, link in some.items() for condition in _conditions(tracks, key, link)]
        if not conditions:
            continue
        rows = list(tracks.query(tracks.any_of(*conditions)))
        for key, link in some.items():
            exact = [row for row in rows if row.segue_key == key] or [
                row for row in rows if _names(row, link)
            ]
            if exact:
                found[key] = exact[0]
    return found


def links_of(row: TrackRow) -> tuple[Link, ...]:
    """The tracks' links that a row names and that can be read, the one it was synced from first."""
    found = (_read(getattr(row, column)) for column in ANY_LINK)
    return tuple({link.url: link for link in found if link is not None and link.kind == "track"}.values())


def _batches(tracks: Database[TrackRow], wanted: Mapping[str, str]) -> Iterator[dict[str, str]]:
    batch: dict[str, str] = {}
    size = 0
    for key, link in wanted.items():
        needs = len(_conditions(tracks, key, link))
        if batch and size + needs > _MOST_CONDITIONS:
            yield batch
            batch, size = {}, 0
        batch[key] = link
        size += needs
    if batch:
        yield batch


def _conditions(tracks: Database[TrackRow], key: str, link: str) -> list[Filter]:
    conditions: list[Filter] = [tracks.equals("segue_key", key)] if tracks.has("segue_key") else []
    page = _read(link)
    if page is None:
        return conditions
    name = page.id or page.url.partition("://")[2]
    columns = {"source_url", LINK_COLUMNS.get(page.service or "", "source_url")}
    conditions += [tracks.contains(column, name) for column in sorted(columns) if tracks.has(column)]
    if page.service == "spotify" and page.id and tracks.has("spotify_id"):
        conditions.append(tracks.contains("spotify_id", page.id))
    return conditions


def _names(row: TrackRow, link: str) -> bool:
    page = _read(link)
    if page is None:
        return False
    if page.service == "spotify" and page.id and row.spotify_id.rpartition(":")[2] == page.id:
        return True
    return page.url in {each.url for each in links_of(row)}


def _read(text: str | None) -> Link | None:
    try:
        return read_link(text) if text else None
    except BadLink:
        return None


def keys_of(wanted: Sequence[Link]) -> dict[str, str]:
    """What `find` takes, for links."""
    return {link.key: link.url for link in wanted}
