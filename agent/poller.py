"""Which rows are ready, in which order, and which say they are running. Reads, never writes.

A row is Segue's when its Task Type names one of the handlers or when it is assigned to Segue; every other row is not
even read. Rows are found by state and task type, never by when they were edited. A look costs one query per database;
where that is not enough to see all rows, it shows the hundred edited last and remembers the others from a full look,
which comes the more seldom the more it costs.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from agent import log
from agent.prerequisites import Prerequisites
from agent.present import seen
from agent.runner import Guard
from handlers.registry import Registry
from notion_schema.calls import Json
from notion_schema.databases import AGENT_TASKS, CLIENT_FACING, ISSUES, TaskRow
from notion_schema.errors import NotionError, ResultLimit
from notion_schema.filters import Filter
from notion_schema.vocabulary import State, rank_of
from notion_schema.workspace import Database, Workspace

_REFRESH_S = 300.0
_PAGE = 100
# A full look of so many pages is not repeated before so many seconds a page: it may take a quarter of the pace.
_SECONDS_A_PAGE = 1.5
_EPOCH = datetime.fromtimestamp(0, UTC)
TASK_DATABASES = (AGENT_TASKS, ISSUES)


@dataclass(frozen=True, slots=True)
class Found:
    """A row and the database it stands in."""

    database: str
    row: TaskRow

    @property
    def rank(self) -> tuple[int, datetime, str]:
        """Rows sort by priority, then age, then id."""
        return (rank_of(self.row.priority), self.row.created_time or _EPOCH, self.row.id)


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A row that cannot be begun as it stands, and what its owner should do."""

    database: str
    page_id: str
    why: str
    row: TaskRow | None = None
    """As it was seen; None when it cannot be read."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the task databases found."""

    ready: tuple[Found, ...] = ()
    """Due, in the order they should run."""
    running: tuple[Found, ...] = ()
    """Rows whose status says running."""
    postponed: int = 0
    """Ready, but not yet: Run after lies ahead, or a prerequisite is open."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Database -> why it could not be read. Not the same as finding nothing there."""
    templates: tuple[Found, ...] = ()
    """Ready rows with a Schedule: they never run themselves."""
    hopeless: tuple[Hopeless, ...] = ()
    """Ready rows that would wait for ever, or that cannot be read."""
    next_due: datetime | None = None
    """The earliest Run after that lies ahead."""
    complete: bool = True
    """False when some rows are remembered from an earlier look instead of read."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of a database that has more rows than one query shows."""

    rows: dict[str, TaskRow] = field(default_factory=dict)
    pages: int = 0
    read_at: float = 0.0
    prerequisites: Prerequisites = field(default_factory=Prerequisites)

    @property
    def is_good(self) -> bool:
        """Whether a quick look will do."""
        return self.pages > 1 and time.monotonic() - self.read_at < self.pages * _SECONDS_A_PAGE


@dataclass(slots=True)
class _Sorting:
    """The parts of a look while it is being put together."""

    ready: list[Found] = field(default_factory=list)
    running: list[Found] = field(default_factory=list)
    templates: list[Found] = field(default_factory=list)
    hopeless: list[Hopeless] = field(default_factory=list)
    postponed: int = 0
    next_due: datetime | None = None
    complete: bool = True

    def sort(self, found: Found, state: State | None, now: datetime, stand: Callable[[], bool | str]) -> None:
        """Puts a row where it belongs."""
        row = found.row
        if row.schedule.strip() and not (state is State.RUNNING and row.run_id):
            if state is State.READY:
                self.templates.append(found)
        elif state is State.RUNNING:
            self.running.append(found)
        elif row.run_after and row.run_after > now:
            self._postpone(row.run_after)
        elif isinstance(stands := stand(), str):
            self.hopeless.append(Hopeless(found.database, row.id, stands, row))
        elif stands:
            self.ready.append(found)
        else:
            self._postpone()

    def _postpone(self, until: datetime | None = None) -> None:
        self.postponed += 1
        if until and (self.next_due is None or until < self.next_due):
            self.next_due = until


class Poller:
    """Looks at the task databases."""

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry,
        *,
        guard: Guard | None = None,
        agent_page_id: str | None = None,
        refresh_s: float = _REFRESH_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._guard = guard or Guard()
        self._agent = agent_page_id
        self._refresh_s = refresh_s
        self._clock = clock
        self._refreshed = time.monotonic()
        self._memory: dict[str, _Memory] = {}

    def look(self, *, full: bool = False) -> Look:
        """One look: one query per database, and a read for each prerequisite that is not in sight.

        Args:
            full: read every row, whatever it costs.
        """
        found = _Sorting()
        failed: dict[str, str] = {}
        self._refresh()
        for key in TASK_DATABASES:
            database = self._workspace.databases.get(key)
            if key in self._workspace.problems:
                failed[key] = str(self._workspace.problems[key])
                continue
            if database is None:
                continue
            sort = partial(self._sort_rows, key, database, found, full=full)
            if not self._guard.run("look", sort, otherwise=False, about=key):
                failed[key] = self._guard.failure("look", key) or "It could not be read."
        return Look(
            ready=tuple(sorted(found.ready, key=lambda one: one.rank)),
            running=tuple(found.running),
            postponed=found.postponed,
            failed=failed,
            templates=tuple(found.templates),
            hopeless=tuple(found.hopeless),
            next_due=found.next_due,
            complete=found.complete,
        )

    def _sort_rows(self, key: str, database: Database[TaskRow], found: _Sorting, *, full: bool) -> bool:
        memory = self._memory.setdefault(key, _Memory())
        try:
            rows = self._read(key, database, memory, found, full=full)
        except NotionError as error:
            self._workspace.trouble(key, error)
            raise
        now = self._clock()
        memory.prerequisites.begin(rows)
        for row in rows.values():
            state = database.vocabulary.state(row.status, row.run_state)
            stand = partial(memory.prerequisites.stand, row, database)
            found.sort(Found(key, row), state, now, stand)
        return True

    def _read(
        self, key: str, database: Database[TaskRow], memory: _Memory, found: _Sorting, *, full: bool
    ) -> dict[str, TaskRow]:
        """Rows by page id: all of them, or those edited last and the ready ones remembered from before."""
        wanted = self._wanted(database)
        if wanted is None:
            return {}
        if full or not memory.is_good:
            rows = self._decoded(key, database, _all_shown(database, wanted), found)
            memory.pages, memory.read_at = -(-len(rows) // _PAGE), time.monotonic()
            memory.rows = rows if memory.pages > 1 else {}
            return rows
        found.complete = False
        latest = itertools.islice(database.pages(wanted, [("last_edited_time", "descending")]), _PAGE)
        fresh = self._decoded(key, database, latest, found)
        state_of = database.vocabulary.state
        remembered = {
            page_id: row
            for page_id, row in memory.rows.items()
            if state_of(row.status, row.run_state) is State.READY
        }
        memory.rows = {**remembered, **fresh}
        return dict(memory.rows)

    def _decoded(
        self, key: str, database: Database[TaskRow], pages: Iterable[Json], found: _Sorting
    ) -> dict[str, TaskRow]:
        rows: dict[str, TaskRow] = {}
        for page in pages:
            page_id = str(page["id"])
            row = self._guard.run(
                "row", partial(database.decode, page), None, about=page_id, passing=(NotionError,)
            )
            if row is not None:
                rows[page_id] = row
            else:
                why = self._guard.failure("row", page_id)
                found.hopeless.append(
                    Hopeless(
                        key,
                        page_id,
                        f"Segue cannot read this row ({why}). Clear what is unusual in it and set Status to Ready,"
                        " or make a new row in its place.",
                    )
                )
        return rows

    def forget(self, found: Found) -> None:
        """A remembered row does not ask any more."""
        if memory := self._memory.get(found.database):
            memory.rows.pop(found.row.id, None)

    def _refresh(self) -> None:
        """Now and then the columns are read again; those of a database that cannot be worked with, at each look."""
        now = time.monotonic()
        due = now - self._refreshed >= self._refresh_s
        ailing = self._workspace.ailing
        if not due and not ailing:
            return
        if due:
            self._refreshed = now
        try:
            for key in self._workspace.refresh(None if due else ailing):
                log.get().info("database opened or changed", database=key)
        except NotionError as error:
            log.get().warning("databases not read again", why=str(error))

    def read(self, database_key: str, page_id: str) -> TaskRow | None:
        """A row, read fresh; None when the integration does not see it."""
        return seen(self._workspace.database(database_key), page_id)

    def _wanted(self, database: Database[TaskRow]) -> Filter | None:
        database.check()
        options = database.options("task_type") or self._registry.names
        served = [option for option in options if self._registry.find(option)]
        mine = database.any_of(
            database.equals("task_type", *served) if served else None,
            database.contains("assigned_to", self._agent)
            if self._agent and database.has("assigned_to")
            else None,
        )
        return mine and database.all_of(
            database.in_state(State.READY, State.RUNNING), mine, _not_client_facing(database)
        )


def _not_client_facing(database: Database[TaskRow]) -> Filter | None:
    """Issues that a client sees are people's alone; None where there are none."""
    if CLIENT_FACING not in database.options("kinds"):
        return None
    return database.not_equals("kinds", CLIENT_FACING)


def _all_shown(database: Database[TaskRow], wanted: Filter) -> Iterator[Json]:
    """All rows, or as many as Notion shows of them: the oldest come first, and their turn is before the others'."""
    try:
        yield from database.pages(wanted)
    except ResultLimit as limit:
        log.get().warning("not all rows seen; the oldest are worked first", why=str(limit))
