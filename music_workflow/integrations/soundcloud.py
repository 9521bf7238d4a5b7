"""Searching SoundCloud, through yt-dlp's search; the pages it leads to are read elsewhere.

Wired behind `core.ports.Finder`.
"""

from __future__ import annotations

from dataclasses import dataclass

from music_workflow.core.links import parse_isrc
from music_workflow.core.ports import LibrarySettings
from music_workflow.deduplication.matching import Candidate, Wanted
from music_workflow.integrations import ytdlp
from music_workflow.integrations.guards import Guard

_HITS = 10


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
