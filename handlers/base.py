"""The contract between a handler and the worker: what a handler is given, and the words it may answer with.

A handler is one file: a docstring (what it does and a runbook), a frozen ``Request`` with ``from_row`` (``NoRequest``
where the row has nothing to say), and one function from ``Job`` and ``Tools`` to ``Done``. It catches nothing, never
touches its own row, reads no environment and never sleeps. Whatever it cannot do it says by raising ``TryLater``,
``NeedsHuman`` or ``CannotDo``; every other error is judged by the worker's table (``agent.outcome``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    get_args,
    get_type_hints,
)

from gap_analysis.planning import FiledRow, Step
from handlers.earlier_port import EarlierRows
from handlers.music_ports import Backlog, EditedTracks, Playlists, Standing, TaskRows
from music_workflow.core.library import Library
from music_workflow.core.listing import Entry
from music_workflow.model import FiledTrack, PageClaims, Progress
from notion_schema.databases import TaskRow
from notion_schema.vocabulary import State

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


def minutes(count: float) -> float:
    """Seconds in so many minutes."""
    return count * 60


def hours(count: float) -> float:
    """Seconds in so many hours."""
    return count * 3600


# What a handler answers with -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of proof, made by a machine: a figure, a file, a check with what was expected and what was found."""

    name: str
    value: str
    verdict: Literal["pass", "warn", "fail", "skip"] | None = None
    """Set for checks; None for plain facts."""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file that belongs on the row's page."""

    path: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A task row that this one gives rise to; filed once, however often the task is tried."""

    effect: str
    """Names the side effect; with the page id it is the new row's key."""
    task_type: str
    title: str
    link: str | None = None
    description: str = ""
    priority: str | None = None
    track_page_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handback:
    """A word to an earlier row: the state it should take, and why."""

    page_id: str
    state: State
    why: str
    link: str | None = None
    """What its Link shall be from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The work is finished, and here is the proof. Without evidence it is refused."""

    summary: str
    evidence: tuple[Evidence, ...]
    pictures: tuple[Picture, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    handbacks: tuple[Handback, ...] = ()
    track_page_id: str | None = None
    """The Music Tracks row this task was about."""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError("Done without evidence: say what proves it, or raise CannotDo.")


class HandlerWordError(Exception):
    """What a handler says when it does not finish. Its text is a sentence for the row's owner."""


class TryLater(HandlerWordError):  # noqa: N818 - a word of the contract, not an error to the reader
    """Not now; the row waits visibly and is tried again."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class NeedsHuman(HandlerWordError):  # noqa: N818
    """A person must decide or supply something; choices become to-do items in the page.

    Evidence and pictures reach the page when the handler itself raises it; out of a step, only the words do.
    """

    evidence: tuple[Evidence, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def __init__(
        self,
        question: str,
        choices: tuple[str, ...] = (),
        *,
        evidence: tuple[Evidence, ...] = (),
        pictures: tuple[Picture, ...] = (),
    ) -> None:
        super().__init__(question)
        self.choices = choices
        self.evidence = evidence
        self.pictures = pictures


class CannotDo(HandlerWordError):  # noqa: N818
    """It will not work by trying again; the row fails, with what is known, and an issue is filed.

    Raised by the handler itself: an error that leaves a step keeps its text and plain facts alone.
    """

    def __init__(
        self,
        why: str,
        *,
        evidence: tuple[Evidence, ...] = (),
        follow_ups: tuple[FollowUp, ...] = (),
        handbacks: tuple[Handback, ...] = (),
        track_page_id: str | None = None,
    ) -> None:
        super().__init__(why)
        self.evidence = evidence
        self.follow_ups = follow_ups
        self.handbacks = handbacks
        self.track_page_id = track_page_id


# What a handler is given ---------------------------------------------------------------------------------------------


class Job(Protocol[R_co]):
    """The run a handler is part of."""

    @property
    def request(self) -> R_co:
        """What the row asks for."""

    @property
    def page_id(self) -> str:
        """The row's page; with an effect's name it is the key of a side effect, the same over all attempts."""

    @property
    def run_id(self) -> str:
        """This attempt."""

    @property
    def work_dir(self) -> str:
        """A folder of this row's own, kept until the row is finished."""

    @property
    def progress(self) -> Progress:
        """Hand it to a step that can tell how far it is."""

    def step(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` once and keeps its result; after a crash the kept result is returned instead.

        The result must be what ``work``'s return annotation says: JSON-able or a dataclass of such.
        """

    def heavy_step(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `step`, in a child process of its own: cancellable, with a timeout, safe from native crashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPage:
    """The Music Tracks row of a track, after it was read or written."""

    page_id: str
    url: str
    claims: PageClaims
    kept: tuple[str, ...] = ()
    """Sentences about values that a person had filled in and that were therefore left alone."""
    asked_for: tuple[str, ...] = ()
    """Links to other services that the track was asked for by."""
    linked: tuple[str, ...] = ()
    """Sentences about the artists and playlists that the row is linked to."""


class Tracks(Protocol):
    """The Music Tracks database, as handlers see it."""

    def record(self, filed: FiledTrack, page_id: str | None = None) -> TrackPage:
        """Creates or completes the track's row; a person's value is kept, never overwritten.

        Args:
            filed: The track.
            page_id: The row that was meant for it, if one was; taken unless it is another track's by now.
        """

    def read(self, identity_key: str) -> TrackPage | None:
        """The row of a track, or None."""

    def identity_key(self, page_id: str) -> str | None:
        """Which track a Music Tracks page is about; None when the page does not say."""

    def untick(self, page_id: str) -> None:
        """Takes the Downloaded tick away: a check failed."""

    def standing(self, entries: tuple[Entry, ...]) -> tuple[Standing, ...]:
        """How each of a list's tracks stands, in their order; a few dozen at a time."""

    def backlog(self, most: int, filed: Callable[[tuple[str, ...]], frozenset[str]]) -> Backlog:
        """The oldest rows that are not downloaded and for which no task was ``filed`` yet."""

    def links_beside(self, link: str) -> tuple[str, ...]:
        """Other links that a Music Tracks row with this link names for the same track."""


@dataclass(frozen=True, slots=True)
class PageText:
    """A Notion page as Markdown."""

    title: str
    markdown: str


class GapRows(Protocol):
    """The rows that gap analyses give rise to, in Agent-Tasks and Issues+Questions, as handlers see them."""

    def page(self, page_id: str) -> PageText:
        """The content of a page."""

    def document_key(self, source: str) -> str:
        """The key a document's rows were filed under, so that another title does not make it another document."""

    def remember_document(self, source: str, key: str) -> None:
        """Keeps it."""

    def alone(self) -> AbstractContextManager[object]:
        """Held while rows are read and written, so that two runs on this machine cannot file a gap twice."""

    def filed(self, document_key: str, keys: tuple[str, ...]) -> tuple[FiledRow, ...]:
        """The rows filed for a document, oldest first; then those of ``keys`` that were filed and since deleted."""

    def create(self, step: Step) -> str:
        """Files a gap's row and returns its address. It carries no Task Type: it is work for people and others."""

    def update(self, step: Step) -> None:
        """Writes a step's values to its row; closing and opening again are values of its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing about the set-up that was looked at."""

    service: str
    """Who is to be blamed: Notion, Eagle, Spotify, this machine, …"""
    name: str
    verdict: Literal["pass", "warn", "fail"]
    found: str
    """What is the case; never a secret."""
    remedy: str = ""
    """What the owner can do about it."""


class Doctor(Protocol):
    """The examination of the whole set-up: settings, Notion, folders, services, engine."""

    def examine(self) -> tuple[Diagnosis, ...]:
        """Looks at everything; changes nothing. What cannot be reached is a diagnosis, not an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was cleared away, or would be."""

    count: int
    bytes: int
    note: str = ""
    """Why nothing was even looked at."""


class Upkeep(Protocol):
    """What Segue made for itself and no longer needs; each call clears one kind, or only counts it."""

    def work_files(self, *, dry_run: bool) -> Swept:
        """Work folders of rows that do not run, and temporary files that a crash left behind."""

    def run_logs(self, *, dry_run: bool) -> Swept:
        """Logs of old attempts."""

    def trigger_files(self, *, dry_run: bool) -> Swept:
        """Old trigger files; moved, never deleted."""

    def engine_records(self, *, dry_run: bool) -> Swept:
        """What the engine remembers of runs that ended long ago."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What handlers work with; put together in ``agent.wiring``."""

    library: Library
    tracks: Tracks
    gaps: GapRows
    doctor: Doctor
    rows: TaskRows
    playlists: Playlists
    upkeep: Upkeep
    earlier: EarlierRows
    edited: EditedTracks


# What the worker knows of a handler ----------------------------------------------------------------------------------


class Request(Protocol):
    """What a row must say for a task type."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the request out of a row.

        Raises:
            NeedsHuman: the row does not say it; the text tells what to write where.
        """


@dataclass(frozen=True, slots=True)
class NoRequest:
    """The request of a task type whose rows say nothing but that it is wanted."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:  # noqa: ARG003 - the contract's signature
        """Reads nothing; any row will do."""
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler(Generic[R]):
    """A task type and how it is done."""

    DEFAULT_QUEUE: ClassVar[str] = "default"

    task_type: str
    aliases: tuple[str, ...]
    attempts: int
    """How often it is tried in a row before it fails."""
    timeout_s: float
    """For one attempt."""
    first_delay_s: float
    """From the first attempt to the second; later delays grow from it."""
    longest_delay_s: float
    """The delays stop growing here."""
    reviews: bool
    """It checks what another row did; what it gives rise to is never reviewed in turn."""
    queue: str
    steps: Mapping[str, int]
    """Step name -> its share of the time; the row's percentage follows from it."""
    request: type[Request]
    run: Callable[[Job[Any], Tools], Done]
    module: str = field(default="")

    @property
    def names(self) -> tuple[str, ...]:
        """Every Task Type option that means this handler."""
        return (self.task_type, *self.aliases)


def handler(
    task_type: str,
    *,
    aliases: tuple[str, ...] = (),
    attempts: int = 3,
    timeout: float = minutes(20),
    first_delay: float = minutes(1),
    longest_delay: float = hours(24),
    reviews: bool = False,
    queue: str = Handler.DEFAULT_QUEUE,
    steps: Mapping[str, int],
) -> Callable[[Callable[[Job[R], Tools], Done]], Handler[R]]:
    """Describes a function as the handler of ``task_type``; the registry finds it. Times are seconds."""

    def describe(run: Callable[[Job[R], Tools], Done]) -> Handler[R]:
        (request,) = get_args(get_type_hints(run)["job"])
        return Handler(
            task_type=task_type,
            aliases=aliases,
            attempts=attempts,
            timeout_s=timeout,
            first_delay_s=first_delay,
            longest_delay_s=longest_delay,
            reviews=reviews,
            queue=queue,
            steps=dict(steps),
            request=request,
            run=run,
            module=run.__module__,
        )

    return describe


# Reading a request ---------------------------------------------------------------------------------------------------

_LINK = re.compile(r"(?:https?://|spotify:)[^\s<>\"']+")


def links_of(row: TaskRow) -> tuple[str, ...]:
    """The links a row names: its Link column alone, else all that stand in its texts."""
    if given := (row.link or "").strip():
        return (given,)
    return tuple(
        dict.fromkeys(
            link.rstrip(".,;:!?)]}")
            for text in (row.description, row.next_step, row.title)
            for link in _LINK.findall(text or "")
        )
    )


def link_of(row: TaskRow, *, example: str) -> str:
    """The one link a row names: its Link column, else the only link in its texts.

    Raises:
        NeedsHuman: there is none, or the texts name several.
    """
    found = link_if_any(row)
    if found is None:
        raise NeedsHuman(
            f"The row names no link. Put one into Link, for example {example}, and set Status to Ready."
        )
    return found


def link_if_any(row: TaskRow) -> str | None:
    """Like `link_of`, but None for a row that names no link.

    Raises:
        NeedsHuman: the texts name several.
    """
    found = links_of(row)
    if len(found) > 1:
        listed = ", ".join(found)
        raise NeedsHuman(
            f"The row names {len(found)} links ({listed}). Put the one that is meant into Link and set Status to Ready."
        )
    return found[0] if found else None
