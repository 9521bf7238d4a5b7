"""Finds a permitted source for a track whose own source is protected, and sets the waiting row going again.

What the link means is asked of Spotify's official API when SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET are set, or read
from SoundCloud's page; else "Artist - Title" in Answer, or as the original row's name, tells it. Then it looks in the
library, at links on the row, and at SoundCloud, YouTube Music and YouTube. A candidate is taken only when title,
artists, version and length leave no doubt and its page really serves it; the row that waits gets its link and goes on
by itself. Protection is never circumvented.

If it stays Blocked:
- "which track": set the credentials in .env and start the worker anew, or write "Artist - Title" into Answer; then set
  Status to Ready.
- candidates are listed: tick the right one, or put its link into Answer, or "none" to turn all of them down for good;
  then set Status to Ready. Any other link to the same track will do as well.
If it took the wrong track: write "not" and that link into Answer ("not https://…"), and set Status to Ready. It is
never taken again, another source is looked for, and the track is synced anew from that.
If it Failed: nothing was found in five tries over about a day. Put a link to the same track, or to a file of yours,
into Link of the original row and set that to Ready.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from handlers.base import (
    CannotDo,
    Done,
    Evidence,
    FollowUp,
    Handback,
    Job,
    NeedsHuman,
    Tools,
    TryLater,
    handler,
    link_of,
    minutes,
)
from music_workflow.core import alternatives, origins
from music_workflow.core.alternatives import Alternative, Search
from music_workflow.deduplication.matching import FLOOR, Wanted
from notion_schema.databases import TaskRow
from notion_schema.vocabulary import State

_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_NOT = re.compile(
    r"^\W*not\b(?:\s+(?:this|that|the|one|link|source|it|is))*\W*(https?://[^\s<>\"')\]]+)",
    re.MULTILINE | re.IGNORECASE,
)
"""A line that turns a link down; a link after any other words is one that is chosen."""
_NAMED = re.compile(r"^Track: (.+)$", re.MULTILINE)
_NONE = frozenset({"none", "no", "none of them", "no one", "keine", "keiner", "nein"})
_SPOTIFY = re.compile(r"spotify[.:]")


@dataclass(frozen=True, slots=True)
class Request:
    """Whose source is protected, and what a person has said about it."""

    link: str
    original: str | None
    """The row that waits; it is given the link that is found."""
    chosen: str | None
    """The link that a person ticked, or put into Answer."""
    named: str | None
    """ "Artist - Title", from Answer or from the description."""
    refuses_all: bool
    """Whether a person wants none of the candidates shown before."""
    given: tuple[str, ...]
    """Further links on the row."""
    turned_down: tuple[str, ...] = ()
    """Links of which a person says that they are not the track."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads link, original row and answer."""
        link = link_of(row, example="the protected link")
        turned_down = tuple(found.rstrip(".,;:!?") for found in _NOT.findall(row.answer))
        answer = _NOT.sub("", row.answer).strip()
        in_answer = _LINK.search(answer)
        if len({_LINK.findall(line)[0] for line in answer.splitlines() if _LINK.search(line)}) > 1:
            raise NeedsHuman(
                "The answer names several links. Tick one, or put one into Answer; then set Status to Ready."
            )
        in_description = _NAMED.search(row.description)
        says_none = answer.rstrip(".!").casefold() in _NONE
        words = answer if answer and not (in_answer or says_none or turned_down) else None
        links = dict.fromkeys(found.rstrip(".,;:!?") for found in _LINK.findall(row.description))
        return cls(
            link=link,
            original=row.handed_off_from[0] if row.handed_off_from else None,
            chosen=in_answer[0].rstrip(".,;:!?") if in_answer else None,
            named=words or (in_description[1].strip() if in_description else None),
            refuses_all=says_none,
            given=tuple(each for each in links if each != link),
            turned_down=turned_down,
        )


@handler(
    "Fix DRM failure",
    attempts=5,
    timeout=minutes(15),
    first_delay=minutes(10),
    queue="download",
    steps={
        "note what was turned down": 1,
        "look at the answer": 5,
        "identify": 10,
        "look at the track's row": 2,
        "search": 82,
    },
)
def fix_drm_failure(job: Job[Request], tools: Tools) -> Done:
    """The way to a permitted source."""
    request, settings = job.request, tools.library.settings
    anew = False
    if request.turned_down:
        anew = job.step(
            "note what was turned down", alternatives.reject, settings, request.link, request.turned_down
        )
    if request.chosen:
        chosen = job.step("look at the answer", alternatives.look_at, settings, request.link, request.chosen)
        return _done(request, chosen, (Evidence("Chosen by", "a person"),), anew=anew)
    if request.refuses_all:
        job.step("note what was turned down", alternatives.reject_offers, settings, request.link)
    wanted = job.step("identify", alternatives.describe, settings, request.link, request.named)
    if wanted is None:
        raise _which_track(request.link)
    beside = job.step("look at the track's row", tools.tracks.links_beside, request.link)
    given = tuple(dict.fromkeys((*request.given, *beside)))
    found = job.step("search", alternatives.search, settings, wanted, request.link, given)
    if found.taken:
        evidence = (Evidence("Wanted", _described(wanted)), *_proof(found.taken), *_asked(found))
        return _done(request, found.taken, evidence, anew=anew)
    raise _not_found(request, wanted, found)


def _done(
    request: Request, found: Alternative, evidence: tuple[Evidence, ...], *, anew: bool = False
) -> Done:
    """Hand the source on.

    Args:
        request: Whose original row waits for it, if one does.
        found: The source.
        evidence: What speaks for it.
        anew: Whether another source had been synced for it, which a person has since turned down.
    """
    why = f"Fix DRM failure found a permitted source: {found.url}"
    back = (
        (Handback(page_id=request.original, state=State.READY, why=why, link=found.url),)
        if request.original and not anew
        else ()
    )
    effect = f"sync {origins.subject(found.url)}" if anew else "sync"
    onward = FollowUp(effect=effect, task_type="Sync track", title=f"Sync {_named(found)}", link=found.url)
    next_ = "the waiting row goes on with it" if back else "a Sync track row is filed for it"
    return Done(
        summary=f"{_named(found)} can be had at {found.url} (from {found.where}); {next_}.",
        evidence=(
            Evidence("Protected source", request.link),
            *(Evidence("Turned down by a person", each) for each in request.turned_down),
            Evidence("Permitted source", found.url),
            *evidence,
        ),
        follow_ups=() if back else (onward,),
        handbacks=back,
    )


def _not_found(request: Request, wanted: Wanted, found: Search) -> NeedsHuman | TryLater | CannotDo:
    """What is to be said when nothing is certain."""
    name = _described(wanted)
    asked = "; ".join((*found.asked, *found.trouble))
    if found.offered:
        return NeedsHuman(
            f"Nothing is certainly {name}, but the candidates listed in the page may be it. Tick the right one, or put"
            " its link into Answer, or “none” to turn all of them down; then set Status to Ready.",
            choices=tuple(_choice(each) for each in found.offered),
        )
    if found.trouble:
        return TryLater(
            f"No permitted source of {name} was found, and not every place could be asked: {asked}.",
            after_s=found.retry_after_s,
        )
    if request.refuses_all:
        return CannotDo(
            f"No other source of {name} was found than those turned down ({asked}). Put a link to the same track, or"
            " to a file of yours, into Link of the original row and set that to Ready."
        )
    return TryLater(f"No permitted source of {name} was found ({asked}).")


def _which_track(link: str) -> NeedsHuman:
    missing = (
        "Segue cannot tell which track this is: Spotify is asked only with credentials of your own"
        " (SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET in .env), and there are none."
        if _SPOTIFY.search(link)
        else "Segue cannot tell which track this is: a protected link of this kind does not say it."
    )
    return NeedsHuman(
        f"{missing} Write “Artist - Title”, or a link to the same track elsewhere, into Answer and set Status to Ready."
    )


def _proof(found: Alternative) -> tuple[Evidence, ...]:
    return (
        Evidence("Score", f"{found.score:g} of 100", "pass", f"at least {FLOOR:g}"),
        Evidence("Why", "; ".join(found.why)),
    )


def _asked(found: Search) -> tuple[Evidence, ...]:
    return tuple(
        Evidence("Asked" if fine else "Could not be asked", words)
        for fine, all_words in ((True, found.asked), (False, found.trouble))
        for words in all_words
    )


def _choice(found: Alternative) -> str:
    length = _clock(found.duration_s) if found.duration_s else "length unknown"
    return f"{found.url} · {_named(found)} · {length} · {found.where} · {'; '.join(found.why)}"


def _described(wanted: Wanted) -> str:
    who = ", ".join(wanted.artists)
    name = f"{who} - {wanted.title}" if who else wanted.title
    details = [_clock(wanted.duration_s) if wanted.duration_s else "", wanted.isrc or ""]
    return f"{name} ({', '.join(filter(None, details))})" if any(details) else name


def _named(found: Alternative) -> str:
    who = ", ".join(found.artists)
    return f"{who} - {found.title}" if who else found.title


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
