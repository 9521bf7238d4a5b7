"""Searching YouTube Music and YouTube, through yt-dlp's searches.

YouTube Music's songs are delivered by the labels, but its search tells only their titles: the first few are looked
at one by one. YouTube's own search tells channel and length at once. Wired behind `core.ports.Finder`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

from music_workflow.core.links import parse_link
from music_workflow.core.ports import LibrarySettings
from music_workflow.deduplication.matching import Candidate, Wanted
from music_workflow.errors import Unobtainable
from music_workflow.integrations import ytdlp
from music_workflow.integrations.guards import Guard

_LOOKED_AT = 3
_HITS = 10


@dataclass(frozen=True, slots=True)
class YouTubeMusicSearch:
    """The songs that YouTube Music vouches for."""

    settings: LibrarySettings
    guard: Guard
    name: str = "YouTube Music"

    def find(self, wanted: Wanted) -> tuple[Candidate, ...]:
        """Search by ISRC where there is one, then by artist and title."""
        found: dict[str, Candidate] = {}
        for text, by_isrc in ((wanted.isrc, True), (_text(wanted), False)):
            if not text:
                continue
            url = f"https://music.youtube.com/search?q={quote_plus(text)}#songs"
            for rank, hit in enumerate(ytdlp.search(self.settings, self.guard, url, _LOOKED_AT)):
                page = f"https://www.youtube.com/watch?v={hit['id']}"
                if page not in found and (song := self._look(page, len(found))) is not None:
                    found[page] = replace(song, isrc_rank=rank) if by_isrc else song
        return tuple(found.values())

    def _look(self, page: str, rank: int) -> Candidate | None:
        """Read one song's page; None when it cannot be had from here."""
        try:
            song = ytdlp.YtDlp(self.settings, self.guard).identify(parse_link(page))
        except Unobtainable:
            return None
        if song is None:
            return None
        return Candidate(
            id=page,
            title=song.title,
            artists=song.artists,
            album=song.album,
            duration_s=song.duration_s,
            isrc=song.isrc,
            kind="song",
            rank=rank,
        )


@dataclass(frozen=True, slots=True)
class YouTubeSearch:
    """Videos that anyone has uploaded, the artists' own channels among them."""

    settings: LibrarySettings
    guard: Guard
    name: str = "YouTube"

    def find(self, wanted: Wanted) -> tuple[Candidate, ...]:
        """Search by artist and title."""
        found = ytdlp.search(self.settings, self.guard, f"ytsearch{_HITS}:{_text(wanted)}", _HITS)
        return tuple(_video(each, rank) for rank, each in enumerate(found) if each.get("title"))


def _video(hit: dict[str, Any], rank: int) -> Candidate:
    channel = hit.get("channel") or hit.get("uploader")
    return Candidate(
        id=f"https://www.youtube.com/watch?v={hit['id']}",
        title=str(hit["title"]),
        artists=(str(channel),) if channel else (),
        duration_s=float(hit["duration"]) if hit.get("duration") else None,
        kind="video",
        rank=rank,
    )


def _text(wanted: Wanted) -> str:
    return " - ".join(part for part in (", ".join(wanted.artists), wanted.title) if part)
