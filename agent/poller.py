"""Which rows are ready, in which order, and which say they are running. Reads, never writes.

A row is Segue's when its Task Type names one of the handlers or when it is assigned to Segue; every other row is not
even read. Rows are found by state and task type, never by when they were edited.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent import log
from handlers.registry import Registry
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.errors import NotionError, NotShared
from notion_schema.vocabulary import State, rank_of
from notion_schema.workspace import Database, Workspace

_REFRESH_S = 300.0
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


class Poller:
    """Looks at the task databases."""

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry,
        *,
        agent_page_id: str | None = None,
        refresh_s: float = _REFRESH_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._agent = agent_page_id
        self._refresh_s = refresh_s
        self._clock = clock
        self._refreshed = time.monotonic()

    def look(self) -> Look:
        """One look: one query per database, and one more read per prerequisite."""
        ready: list[Found] = []
        running: list[Found] = []
        templates: list[Found] = []
        failed: dict[str, str] = {}
        postponed = 0
        ended: dict[str, bool] = {}
        self._refresh()
        for key in TASK_DATABASES:
            database = self._workspace.databases.get(key)
            if key in self._workspace.problems:
                failed[key] = str(self._workspace.problems[key])
                continue
            if database is None:
                continue
            try:
                for row in self._rows(database):
                    state = database.vocabulary.state(row.status, row.run_state)
                    if row.schedule.strip() and not (state is State.RUNNING and row.run_id):
                        if state is State.READY:
                            templates.append(Found(key, row))
                    elif state is State.RUNNING:
                        running.append(Found(key, row))
                    elif self._is_due(row) and self._may_start(row, database, ended):
                        ready.append(Found(key, row))
                    else:
                        postponed += 1
            except NotionError as error:
                failed[key] = str(error)
                self._workspace.trouble(key, error)
                log.get().warning("database not read", database=key, why=str(error))
        return Look(
            tuple(sorted(ready, key=lambda found: found.rank)),
            tuple(running),
            postponed,
            failed,
            tuple(templates),
        )

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

    def state_of(self, database_key: str, page_id: str) -> State | None:
        """The state of one row, read fresh; None when the row is gone or means nothing."""
        database = self._workspace.database(database_key)
        try:
            row = database.get(page_id)
        except NotShared:
            return None
        return None if row.in_trash else database.vocabulary.state(row.status, row.run_state)

    def _rows(self, database: Database[TaskRow]) -> Iterator[TaskRow]:
        database.check()
        served = set(database.options("task_type")) & set(self._registry.names)
        mine = database.any_of(
            database.equals("task_type", *sorted(served)) if served else None,
            database.contains("assigned_to", self._agent)
            if self._agent and database.has("assigned_to")
            else None,
        )
        if mine is None:
            return
        yield from database.query(database.all_of(database.in_state(State.READY, State.RUNNING), mine))

    def _is_due(self, row: TaskRow) -> bool:
        return row.run_after is None or row.run_after <= self._clock()

    def _may_start(self, row: TaskRow, database: Database[TaskRow], ended: dict[str, bool]) -> bool:
        return all(self._has_ended(page_id, database, ended) for page_id in row.prerequisites)

    def _has_ended(self, page_id: str, database: Database[TaskRow], ended: dict[str, bool]) -> bool:
        if page_id not in ended:
            row = database.get(page_id)
            ended[page_id] = database.vocabulary.state(row.status, row.run_state) is State.DONE
        return ended[page_id]
