"""Finds the track that comes next and has it synced.

With a link on the row, it is that one. Without, it asks in this order, and the first track that is not fully synced
wins: what plays on Spotify now, the newest SoundCloud likes, the newest Spotify likes, the oldest Music Tracks row that
is not downloaded. The row says which of them answered and why the others did not; the track itself is synced by a Sync
track row that follows. Fully synced means: the library holds its files, or its Music Tracks row is ticked Downloaded
and names a file.

If it stays Blocked: the row names several links; put the one that is meant into Link and set Status to Ready.
If it waits (Ready, with Run after): nothing was found, and not every service could be asked; Last error says which.
If it says that there is nothing to sync: play or like something, or put a link into Link, and set Status to Ready.
Levels that say "not set up" need SPOTIFY_REFRESH_TOKEN or SOUNDCLOUD_PROFILE in .env.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from handlers.base import (
    Done,
    Evidence,
    FollowUp,
    Job,
    Tools,
    TryLater,
    handler,
    link_if_any,
    minutes,
)
from music_workflow.core import detect
from music_workflow.core.detect import Detection, Place
from music_workflow.core.links import read_link
from music_workflow.core.listing import Entry
from notion_schema.databases import TaskRow

_OLDEST = 5


@dataclass(frozen=True, slots=True)
class Request:
    """What the row may say."""

    link: str | None
    """The track that is meant; None to find one."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the link, if there is one."""
        return cls(link=link_if_any(row))


@handler(
    "Detect and sync",
    aliases=("Auto-detect track", "Detect track"),
    attempts=3,
    timeout=minutes(5),
    steps={"look": 100},
)
def detect_track(job: Job[Request], tools: Tools) -> Done:
    """The way to the next track."""
    found = job.step("look", _look, job.request.link, tools)
    if found.entry is not None:
        return _sync(found, found.entry)
    if not found.is_certain:
        asked = "; ".join(f"{each.place}: {each.words}" for each in found.said)
        raise TryLater(
            f"No track to sync was found, and not every place could be asked ({asked}).", found.retry_after_s
        )
    return Done(
        summary="There is nothing to sync. What each place said stands in the evidence.",
        evidence=_said(found),
    )


def _look(link: str | None, tools: Tools) -> Detection:
    if link is not None:
        page = read_link(link)
        entry = Entry(key=page.key, link=page.url, title="")
        chain = [Place("Link on the row", lambda: (entry,))]
        if page.kind != "track":
            return detect.detect(chain, lambda _entries: {})
    else:
        chain = [
            *detect.places(tools.library.settings),
            Place("Music Tracks rows", lambda: _oldest(tools), cap_s=60.0),
        ]
    return detect.detect(chain, lambda entries: _settled(tools, entries))


def _oldest(tools: Tools) -> Sequence[Entry] | str:
    backlog = tools.tracks.backlog(_OLDEST, tools.rows.known)
    if backlog.waiting:
        return tuple(each.entry for each in backlog.waiting)
    passed = len(backlog.unusable) + len(backlog.passed_over)
    return (
        f"none waits with a link of use ({passed} without one, or tried before)" if passed else "none waits"
    )


def _settled(tools: Tools, entries: Sequence[Entry]) -> Mapping[str, str]:
    """Why nothing is to be done about a track: it is synced, or a row that syncs it is under way."""
    found = {each.key: each.synced for each in tools.tracks.standing(tuple(entries)) if each.synced}
    busy = tools.rows.busy(tuple(entry.link for entry in entries if entry.link and entry.key not in found))
    return found | {
        entry.key: f"a row is at work on it: {busy[entry.link]}" for entry in entries if entry.link in busy
    }


def _sync(found: Detection, entry: Entry) -> Done:
    page = read_link(entry.link)
    task_type = "Sync track" if page.kind == "track" else "Sync playlist"
    return Done(
        summary=f"{found.place} named {entry.name}; a {task_type} row is filed for it.",
        evidence=(Evidence("Track", entry.key), Evidence("Link", entry.link), *_said(found)),
        follow_ups=(
            FollowUp(
                effect=f"sync {entry.key}",
                task_type=task_type,
                title=entry.name if entry.title else f"{task_type}: {entry.link}",
                link=entry.link,
                description=f"Found by {found.place}.",
            ),
        ),
    )


def _said(found: Detection) -> tuple[Evidence, ...]:
    return tuple(Evidence(each.place, each.words, "skip" if each.failed else None) for each in found.said)
