"""SoundCloud through yt-dlp: searching it, and what a page says of a track whose audio is closed.

Wired behind `core.ports.Finder` and `core.ports.Catalogue`.
"""

from __future__ import annotations

from dataclasses import dataclass

from music_workflow.core.links import parse_isrc, parse_link
from music_workflow.core.ports import LibrarySettings
from music_workflow.deduplication.matching import Candidate, Wanted
from music_workflow.errors import BadLink, Protected
from music_workflow.integrations import ytdlp
from music_workflow.integrations.guards import Guard

_HITS = 10


@dataclass(frozen=True, slots=True)
class SoundCloudCatalogue:
    """What SoundCloud's pages say, protected ones and samples included."""

    settings: LibrarySettings
    guard: Guard

    def describe(self, link: str) -> Wanted | None:
        """Say which track a page is about; None when it is not one of SoundCloud's."""
        try:
            page = parse_link(link)
        except (BadLink, Protected):
            return None
        if page.service != "soundcloud" or page.short:
            return None
        found = ytdlp.describe(self.settings, self.guard, page)
        return Wanted(
            title=found.title,
            artists=found.artists,
            album=found.album,
            duration_s=found.duration_s,
            isrc=found.isrc,
        )


@dataclass(frozen=True, slots=True)
class SoundCloudSearch:
    """Tracks that anyone has uploaded; a label's own come with the publisher's artist and ISRC."""

    settings: LibrarySettings
    guard: Guard
    name: str = "SoundCloud"

    def find(self, wanted: Wanted) -> tuple[Candidate, ...]:
        """Search by artist and title (there is no search by ISRC)."""
        text = f"{wanted.artists[0] if wanted.artists else ''} {wanted.title}".strip()
        found = ytdlp.search(self.settings, self.guard, f"scsearch{_HITS}:{text}", _HITS)
        return tuple(
            Candidate(
                id=str(each.get("webpage_url") or each["url"]),
                title=str(each["title"]),
                artists=tuple(map(str, each.get("artists") or [each.get("uploader") or ""])),
                duration_s=float(each["duration"]) if each.get("duration") else None,
                isrc=parse_isrc(each.get("isrc")),
                kind="upload",
                rank=rank,
            )
            for rank, each in enumerate(found)
            if each.get("title")
        )
