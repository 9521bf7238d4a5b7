"""What a finished attempt means for its row: one frozen Outcome, and the one table from errors to outcomes.

Pure: no clock, no chance, no input or output. ``runner`` calls it, ``reporting`` carries it out.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from agent import child
from agent.records import TRACEBACK
from handlers.base import (
    CannotDo,
    Done,
    Evidence,
    FollowUp,
    Handback,
    Handler,
    NeedsHuman,
    Picture,
    TryLater,
)
from music_workflow import errors as music
from notion_schema import errors as notion
from notion_schema.vocabulary import State

_DELAY_GROWTH = 5.0
_JITTER = 0.2
_LONGEST_WAIT_S = 7 * 86400.0
"""A service may ask for a day; what asks for more is looked at again after a week."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A failure worth a row in Issues+Questions; equal failures share one row by their fingerprint."""

    title: str
    description: str
    fingerprint: str
    details: str = ""
    """The traceback, for the page body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What becomes of the row."""

    state: State
    """done, ready (later), blocked, failed, cancelled."""
    summary: str
    """One sentence for Result."""
    error: str | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()
    run_after_s: float | None = None
    """For a later attempt: not before so many seconds from now."""
    evidence: tuple[Evidence, ...] = ()
    pictures: tuple[Picture, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    handbacks: tuple[Handback, ...] = ()
    issue: Issue | None = None
    track_page_id: str | None = None


def of_done(done: Done) -> Outcome:
    """The outcome of finished work."""
    return Outcome(
        state=State.DONE,
        summary=done.summary,
        evidence=done.evidence,
        pictures=done.pictures,
        follow_ups=done.follow_ups,
        handbacks=done.handbacks,
        track_page_id=done.track_page_id,
    )


def of_error(  # noqa: C901, PLR0911 - one flat table reads better than its parts
    error: Exception,
    handler: Handler[Any],
    *,
    try_number: int,
    chance: float,
    link: str | None,
    title: str = "",
) -> Outcome:
    """The table: what each kind of error means.

    Args:
        error: what the handler raised.
        handler: whose attempts and name count.
        try_number: which try in a row this was, from 1.
        chance: 0..1, spreads the delays of many rows.
        link: the row's link, for the follow-up of a protected source.
        title: what the row is called, which may name the track.
    """
    attempt = _Attempt(error, handler, try_number, chance, title)
    match error:
        case NeedsHuman():
            asked = _blocked(str(error), choices=error.choices)
            return replace(asked, evidence=tuple(error.evidence), pictures=tuple(error.pictures))
        case CannotDo():
            return replace(
                attempt.failed(str(error)),
                evidence=error.evidence,
                follow_ups=error.follow_ups,
                handbacks=error.handbacks,
                track_page_id=error.track_page_id,
            )
        case TryLater():
            return attempt.later(str(error), wanted_s=error.after_s)
        case music.Protected():
            wayout = "Put a link to the same track elsewhere, or to a file of yours, into Link and set Status to Ready."
            question = f"{error} A Fix DRM failure row is filed for it. {wayout}"
            return replace(_blocked(question), follow_ups=(_drm_fix(str(error), link, title),))
        case music.BadLink():
            return _blocked(f"{error} Correct Link and set Status to Ready.")
        case music.NotReady() | notion.NotShared() | notion.SchemaDrift():
            return _blocked(f"{error} Then set Status to Ready.")
        case music.Unobtainable():
            return attempt.failed(str(error))
        case music.Unavailable() | notion.Unavailable():
            return attempt.later(str(error), wanted_s=error.retry_after_s)
        case child.TimedOutError() | child.CrashedError() | child.StoppedError():
            return attempt.later(str(error))
        case OSError(errno=number) if number in _NO_ROOM:
            return _blocked(f"{_os_words(error)}. Make room there, then set Status to Ready.")
        case _:
            why = f"{type(error).__name__}: {error}".rstrip(": ")
            return attempt.later(f"Something went wrong inside Segue ({why}).")


def of_unknown_type(task_type: str | None, known: Iterable[str]) -> Outcome:
    """The outcome for a row that is Segue's by assignment but names no task type it serves."""
    said = (
        f"The Task Type {task_type!r} is not one that Segue does" if task_type else "The row has no Task Type"
    )
    return _blocked(f"{said}. Set Task Type to one of: {', '.join(known)}; then set Status to Ready.")


def delay_s(handler: Handler[Any], try_number: int, chance: float) -> float:
    """Seconds until the next try: growing fivefold from the handler's first delay to its longest, spread by a fifth."""
    # The power is bounded, so that no number of tries overflows.
    growth = _DELAY_GROWTH ** min(try_number - 1, 50)
    delay = min(handler.first_delay_s * growth, handler.longest_delay_s)
    return delay * (1 + _JITTER * (2 * chance - 1))


_LINK = re.compile(r"\S*(?:://|/)\S*")
_CODE = re.compile(r"[0-9a-f-]{12,}|\d+(?:[.,:]\d+)*")
_QUOTED = re.compile(r"“[^”]*”|„[^“”]*[“”]|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
_SHORTEST_NAME = 3


def fingerprint(handler: Handler[Any], error: Exception, *, title: str = "") -> str:
    """Equal for failures that are the same to a person: task type, service, operation, error and normalised text.

    Links, paths, quotations, ids and numbers do not count, nor does what the row is called (``title``) or the parts of
    "Artist - Title": a thousand tracks that fail alike are one trouble.
    """
    text = str(error)
    for name in _names(title):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
    for pattern in (_LINK, _QUOTED, _CODE):
        text = pattern.sub("…", text)
    parts = (
        handler.task_type,
        str(getattr(error, "service", "")),
        str(getattr(error, "operation", "")),
        type(error).__name__,
        " ".join(text.split())[:200],
    )
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _names(title: str) -> list[str]:
    """What a row is called, without the order before it, and its parts; the longest first."""
    whole = _ORDER.sub("", title).strip()
    names = {title.strip(), whole, *(part.strip() for part in whole.split(" - "))}
    return sorted(
        (name for name in names if len(name) >= _SHORTEST_NAME), key=lambda name: (-len(name), name)
    )


def _blocked(question: str, *, choices: tuple[str, ...] = ()) -> Outcome:
    return Outcome(state=State.BLOCKED, summary=question, question=question, choices=choices)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt that ended in an error."""

    error: Exception
    handler: Handler[Any]
    try_number: int
    chance: float
    title: str

    def later(self, why: str, *, wanted_s: float | None = None) -> Outcome:
        """Again after a while, or after what the service asked for; failed when it was the last attempt."""
        if self.try_number >= self.handler.attempts:
            return self.failed(f"{why} Tried {self.try_number} times.")
        wait_s = delay_s(self.handler, self.try_number, self.chance) if wanted_s is None else wanted_s
        return Outcome(
            state=State.READY,
            summary=f"{why} Attempt {self.try_number} of {self.handler.attempts}; it will be tried again.",
            error=why,
            run_after_s=min(max(wait_s, 0.0), _LONGEST_WAIT_S),
        )

    def failed(self, why: str) -> Outcome:
        """It ends here, with an issue."""
        return Outcome(
            state=State.FAILED,
            summary=why,
            error=why,
            issue=Issue(
                title=f"{self.handler.task_type}: {_headline(why)}",
                description=f"{why}{_source(self.error)}",
                fingerprint=fingerprint(self.handler, self.error, title=self.title),
                details=str(getattr(self.error, TRACEBACK, "")) if _is_bug(self.error) else "",
            ),
        )


def _source(error: Exception) -> str:
    """Which service refused what, where the error says so."""
    service = getattr(error, "service", None)
    request_id = getattr(error, "request_id", None)
    source = f"\nService: {service}, operation: {getattr(error, 'operation', None)}" if service else ""
    return f"{source}, request id: {request_id}" if request_id else source


_JUDGED = (
    NeedsHuman,
    CannotDo,
    TryLater,
    music.Protected,
    music.BadLink,
    music.NotReady,
    music.Unobtainable,
    music.Unavailable,
    notion.Unavailable,
    notion.NotShared,
    notion.SchemaDrift,
)


def _is_bug(error: Exception) -> bool:
    """Whether a developer is needed: a refusal by Notion, or an error that the table does not know."""
    return not isinstance(error, _JUDGED)


def _os_words(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or type(error).__name__}{where}"


_LONGEST_HEADLINE = 120


def _headline(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= _LONGEST_HEADLINE else first[: _LONGEST_HEADLINE - 1].rstrip() + "…"


_ORDER = re.compile(r"^(?:sync(?: track)?|get|download)\b[:\s]*", re.IGNORECASE)


def _drm_fix(why: str, link: str | None, title: str) -> FollowUp:
    name = _ORDER.sub("", title).strip()
    named = f"\nTrack: {name}" if " - " in name and "://" not in name else ""
    return FollowUp(
        effect="fix-drm",
        task_type="Fix DRM failure",
        title=f"Find a permitted source for {link or 'a protected track'}",
        link=link,
        description=(
            f"{why} The original row waits until this one has found a permitted source; it is then given its link and"
            " goes on by itself. If you know one, put its link into Answer here, or into the original row's Link, and"
            f" set that row to Ready.{named}"
        ),
        priority="High",
    )
