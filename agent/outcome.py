"""What a finished attempt means for its row: one frozen Outcome, and the one table from errors to outcomes.

Pure: no clock, no chance, no input or output. ``runner`` calls it, ``reporting`` carries it out.
"""

from __future__ import annotations

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

_FIRST_DELAY_S = 60.0
_DELAY_GROWTH = 5.0
_LONGEST_DELAY_S = 24 * 3600.0
_JITTER = 0.2


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
    match error:
        case NeedsHuman():
            return _blocked(str(error), choices=error.choices)
        case CannotDo():
            return _failed(
                str(error),
                error,
                handler,
                evidence=error.evidence,
                follow_ups=error.follow_ups,
                handbacks=error.handbacks,
                track_page_id=error.track_page_id,
            )
        case TryLater():
            return _later(str(error), error, handler, try_number, chance, wanted_s=error.after_s)
        case music.Protected():
            wayout = "Put a link to the same track elsewhere, or to a file of yours, into Link and set Status to Ready."
            question = f"{error} A Fix DRM failure row is filed for it. {wayout}"
            return replace(_blocked(question), follow_ups=(_drm_fix(str(error), link, title),))
        case music.BadLink():
            return _blocked(f"{error} Correct Link and set Status to Ready.")
        case music.NotReady():
            return _blocked(f"{error} Then set Status to Ready.")
        case music.Unobtainable():
            return _failed(str(error), error, handler)
        case music.Unavailable():
            return _later(str(error), error, handler, try_number, chance, wanted_s=error.retry_after_s)
        case notion.Unavailable():
            return _later(str(error), error, handler, try_number, chance, wanted_s=error.retry_after_s)
        case notion.NotShared() | notion.SchemaDrift():
            return _blocked(f"{error} Then set Status to Ready.")
        case child.TimedOutError() | child.CrashedError():
            return _later(str(error), error, handler, try_number, chance)
        case _:
            why = f"{type(error).__name__}: {error}"
            return _later(f"Something went wrong inside Segue ({why}).", error, handler, try_number, chance)


def of_unknown_type(task_type: str | None, known: Iterable[str]) -> Outcome:
    """The outcome for a row that is Segue's by assignment but names no task type it serves."""
    said = (
        f"The Task Type {task_type!r} is not one that Segue does" if task_type else "The row has no Task Type"
    )
    return _blocked(f"{said}. Set Task Type to one of: {', '.join(known)}; then set Status to Ready.")


def delay_s(try_number: int, chance: float) -> float:
    """Seconds until the next try: growing fivefold from a minute to a day, spread by a fifth either way."""
    delay = min(_FIRST_DELAY_S * _DELAY_GROWTH ** (try_number - 1), _LONGEST_DELAY_S)
    return delay * (1 + _JITTER * (2 * chance - 1))


def fingerprint(handler: Handler[Any], error: Exception) -> str:
    """Equal for failures that are the same to a person: task type, service, operation, error and normalised text."""
    text = re.sub(r"\S*(?:://|/)\S*|[0-9a-f-]{12,}|\d+(?:[.,]\d+)*|['\"“„].*?['\"”]", "…", str(error))
    parts = (
        handler.task_type,
        str(getattr(error, "service", "")),
        str(getattr(error, "operation", "")),
        type(error).__name__,
        " ".join(text.split())[:200],
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _blocked(question: str, *, choices: tuple[str, ...] = ()) -> Outcome:
    return Outcome(state=State.BLOCKED, summary=question, question=question, choices=choices)


def _later(
    why: str,
    error: Exception,
    handler: Handler[Any],
    try_number: int,
    chance: float,
    *,
    wanted_s: float | None = None,
) -> Outcome:
    if try_number >= handler.attempts:
        return _failed(f"{why} Tried {try_number} times.", error, handler)
    return Outcome(
        state=State.READY,
        summary=f"{why} Attempt {try_number} of {handler.attempts}; it will be tried again.",
        error=why,
        run_after_s=max(wanted_s or 0.0, delay_s(try_number, chance) if wanted_s is None else 0.0),
    )


def _failed(
    why: str,
    error: Exception,
    handler: Handler[Any],
    *,
    evidence: tuple[Evidence, ...] = (),
    follow_ups: tuple[FollowUp, ...] = (),
    handbacks: tuple[Handback, ...] = (),
    track_page_id: str | None = None,
) -> Outcome:
    service = getattr(error, "service", None)
    operation = getattr(error, "operation", None)
    request_id = getattr(error, "request_id", None)
    source = f"\nService: {service}, operation: {operation}" if service else ""
    reference = f", request id: {request_id}" if request_id else ""
    return Outcome(
        state=State.FAILED,
        summary=why,
        error=why,
        evidence=evidence,
        follow_ups=follow_ups,
        handbacks=handbacks,
        track_page_id=track_page_id,
        issue=Issue(
            title=f"{handler.task_type}: {_headline(why)}",
            description=f"{why}{source}{reference}",
            fingerprint=fingerprint(handler, error),
            details=str(getattr(error, TRACEBACK, "")) if _is_bug(error) else "",
        ),
    )


def _is_bug(error: Exception) -> bool:
    return not isinstance(error, (music.MusicError, notion.NotionError, NeedsHuman, CannotDo, TryLater))


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
