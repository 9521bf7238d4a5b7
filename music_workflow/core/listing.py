"""Lists of tracks as services keep them: playlists, albums, likes, and what plays right now.

Records and ports only; the adapters are `integrations.spotify`, `integrations.soundcloud_api` and
`integrations.page_lists`. Used by `core.feed` (new likes), `core.detect` (which track next) and the Sync playlist
handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from music_workflow.core.links import Link, LinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A track as a list names it; small, since a list may hold thousands."""

    key: str
    """The track's stable name at its service: ``spotify:<id>``, ``soundcloud:<id>``."""
    link: str
    """Its page; empty where the list tells the id alone (see `Lister.page_of`)."""
    title: str
    artists: tuple[str, ...] = ()
    added_at: str | None = None
    """When it came to the list, ISO 8601, where the service says it."""

    @property
    def name(self) -> str:
        """What people call it: "Artist - Title", or what is known of that."""
        who = ", ".join(self.artists)
        return " - ".join(part for part in (who, self.title) if part) or self.link or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list as its service had it a moment ago."""

    key: str
    """Its stable name: ``spotify:playlist:<id>``."""
    url: str
    service: str
    kind: LinkKind
    title: str
    owner: str = ""
    entries: tuple[Entry, ...]
    """In the list's order; a track that stands there twice is named once."""
    left_out: tuple[str, ...] = ()
    """For each place that holds no track that could be looked for, a few words: local files, episodes, removed ones."""
    complete: bool = True
    """False when the list goes on; then nothing can be said of what is no longer in it."""


class Lister(Protocol):
    """A service whose lists can be read."""

    def takes(self, link: Link) -> bool:
        """Say, without any network, whether a list is one of this service's."""
        ...

    def list(self, link: Link, most: int) -> Listing:
        """Read a list, at most so many entries of it.

        Raises:
            MusicError: The service says why not.
        """
        ...

    def page_of(self, entry: Entry) -> Entry:
        """Ask for the page of an entry that came without one.

        Raises:
            MusicError: It cannot be had.
        """
        ...


class Likes(Protocol):
    """What a person likes at a service, the newest first."""

    @property
    def name(self) -> str:
        """What people call it: "Spotify likes"."""
        ...

    def newest(self, most: int, known: frozenset[str], since: str | None) -> tuple[Entry, ...]:
        """Read the newest likes, and stop early where only known ones can follow.

        Args:
            most: So many at most.
            known: Keys that were seen before.
            since: The newest `Entry.added_at` that was seen before.

        Returns:
            Newest first; known ones may be among them.

        Raises:
            MusicError: The service says why not; an empty answer always means that there are none.
        """
        ...


class Player(Protocol):
    """What a person listens to right now."""

    @property
    def name(self) -> str:
        """What people call it: "Spotify player"."""
        ...

    def playing(self) -> Entry | str:
        """The track that plays; else a few words on why there is none.

        Raises:
            MusicError: The service says why not.
        """
        ...


def once_each(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries in their order, each track where it stands first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry.key, entry)
    return tuple(found.values())
