"""Lists read from the services' own pages through yt-dlp: YouTube playlists, Bandcamp albums, SoundCloud sets, likes.

No credentials are needed, and none are used. SoundCloud is read this way only where no app of the user's is set
(`integrations.soundcloud_api` then). Wired behind the ports of `core.listing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from music_workflow.core.link_text import Link
from music_workflow.core.links import read_link
from music_workflow.core.listing import Entry, Listing, once_each
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import BadLink
from music_workflow.integrations import ytdlp
from music_workflow.integrations.guards import Guard

_SERVICES = frozenset({"youtube", "bandcamp", "soundcloud"})
_GONE = frozenset({"[deleted video]", "[private video]"})
_BY_NUMBER = "https://api-v2.soundcloud.com/tracks/"
"""Where SoundCloud's page names a track by its number alone."""
_FIRST_LOOK = 200
"""SoundCloud's pages hold so many likes; asking for fewer saves nothing."""
KNOWN_IN_A_ROW = 10
"""After so many likes seen before nothing new is expected: one alone may have been liked anew."""


@dataclass(frozen=True, slots=True)
class PageLists:
    """Lists as their pages show them."""

    settings: LibrarySettings
    guard: Guard

    def takes(self, link: Link) -> bool:
        """Take every list of the services that show theirs without a login."""
        return link.service in _SERVICES and link.kind != "track"

    def list(self, link: Link, most: int) -> Listing:
        """Read a list; whether it goes on is known by asking for one entry more than wanted."""
        page = ytdlp.listing(self.settings, self.guard, link.url, most + 1)
        found = [_entry(hit, link.service or "") for hit in page["entries"][:most]]
        return Listing(
            key=link.key,
            url=link.url,
            service=link.service or "web",
            kind=link.kind,
            title=str(page.get("title") or link.url),
            owner=str(page.get("uploader") or page.get("channel") or ""),
            entries=once_each([each for each in found if isinstance(each, Entry)]),
            left_out=tuple(each for each in found if isinstance(each, str)),
            complete=len(page["entries"]) <= most,
        )

    def page_of(self, entry: Entry) -> Entry:
        """Ask SoundCloud for the page of a track that a long set names by its number alone."""
        number = entry.key.removeprefix("soundcloud:")
        found = ytdlp.describe(self.settings, self.guard, Link(_BY_NUMBER + number, "soundcloud", number))
        return replace(entry, link=found.url, title=found.title, artists=found.artists)


@dataclass(frozen=True, slots=True)
class SoundCloudPageLikes:
    """The likes on a profile's page, which is public."""

    settings: LibrarySettings
    guard: Guard
    profile: str
    name: str

    def newest(self, most: int, known: frozenset[str], since: str | None) -> tuple[Entry, ...]:
        """Read the newest likes; a second time and further only when all of them are new."""
        del since  # the page does not say when
        url = f"https://soundcloud.com/{self.profile}/likes"
        page = ytdlp.listing(self.settings, self.guard, url, min(most, _FIRST_LOOK))
        entries = _tracks(page)
        if len(page["entries"]) >= _FIRST_LOOK and most > _FIRST_LOOK and not _met_known(entries, known):
            entries = _tracks(ytdlp.listing(self.settings, self.guard, url, most))
        return until_known(entries, known)


def until_known(entries: Iterable[Entry], known: frozenset[str]) -> tuple[Entry, ...]:
    """The entries, newest first, down to where a run of known ones begins that nothing new is expected below.

    No entry below that run is read.
    """
    read: list[Entry] = []
    run = 0
    for entry in entries:
        read.append(entry)
        run = run + 1 if entry.key in known else 0
        if run == KNOWN_IN_A_ROW:
            return tuple(read[:-run])
    return tuple(read)


def _met_known(entries: Sequence[Entry], known: frozenset[str]) -> bool:
    return len(until_known(entries, known)) < len(entries)


def _tracks(page: dict[str, Any]) -> tuple[Entry, ...]:
    found = [_entry(hit, "soundcloud") for hit in page["entries"]]
    return once_each([each for each in found if isinstance(each, Entry)])


def _entry(hit: dict[str, Any], service: str) -> Entry | str:
    """A hit as an entry; else in words what it is instead."""
    title = str(hit.get("title") or "")
    url = str(hit.get("url") or "")
    if title.casefold() in _GONE:
        return f"a video that is gone: {url}"
    by_number = url.startswith(_BY_NUMBER)
    try:
        page = Link(url, service, str(hit["id"])) if by_number else read_link(url)
    except BadLink as error:
        return f"{title or url}: {error}"
    if page.kind != "track":
        return f"a list inside the list: {title or page.url}"
    artist = hit.get("artist") or hit.get("uploader") or hit.get("channel")
    number = page.id or hit.get("id")
    return Entry(
        key=f"{service}:{number}" if number else page.key,
        link="" if by_number else page.url,
        title=title,
        artists=(str(artist).removesuffix(" - Topic"),) if artist else (),
    )
