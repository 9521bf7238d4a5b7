"""Recurring rows: a Ready row with a Schedule is a template, and each due time makes one child row of it.

The templates come out of the worker's own look at the rows; an idle look costs nothing more for them. *Next run* on
the template says when the next child is due and, once that has passed, that a child is owed: what was missed while no
worker ran is made up for by one child, not by many. A child's key is the template's id and the due time, so that all
workers together file one. APScheduler is the clock: it wakes the worker when a time has come, and does nothing else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from apscheduler.executors.debug import DebugExecutor  # type: ignore[import-untyped] # no types
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped] # no types
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped] # no types

from agent import log, schedule_words
from agent.companion import Companion
from agent.poller import Found, Look
from agent.present import row_of
from agent.rows.new_rows import NewRow, NewRows
from agent.schedule_words import Schedule, ScheduleError
from handlers.registry import Registry
from notion_schema.databases import TaskRow
from notion_schema.errors import NotionError
from notion_schema.vocabulary import State
from notion_schema.workspace import Database, Workspace

_EPOCH = datetime.fromtimestamp(0, UTC)
_STALE_S = 120.0
"""For so long a look may still show what *Next run* said before it was written."""
_COMPLAINTS = ("Segue does not understand the Schedule", "This row has a Schedule, but")


@dataclass(frozen=True, slots=True)
class _Written:
    """A value that was written to a template, what stood there before, and when that was."""

    value: Any
    before: Any
    at: float


class Schedules(Companion):
    """Tends the templates.

    Args:
        workspace: where the templates are.
        registry: which task types there are.
        rows: who files the children.
        zone: where wall-clock times are meant that name no time zone.
        clock: says what time it is.
    """

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry,
        rows: NewRows,
        *,
        zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._rows = rows
        self._zone = zone
        self._clock = clock
        # In the clock's own thread, since waking takes no time: with a pool, stopping races with what has just rung.
        self._alarm = BackgroundScheduler(daemon=True, timezone=UTC, executors={"default": DebugExecutor()})
        self._alarms: dict[str, datetime] = {}
        self._known: dict[str, str] = {}
        self._filed: dict[str, datetime] = {}
        self._written: dict[tuple[str, str], _Written] = {}
        self._wake: Callable[[], None] | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Starts the clock."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._wake = wake
        self._alarm.start()

    def stop(self) -> None:
        """Stops the clock."""
        if self._alarm.running:
            self._alarm.shutdown(wait=False)

    def tend(self, look: Look) -> int:
        """Files what is due, shows what comes next, and says on a template what is wrong with it."""
        filed = 0
        for found in look.templates:
            try:
                filed += self._tend(found)
            except NotionError as error:
                log.get().warning("template not brought up to date", page=found.row.id, why=str(error))
        if not look.failed and look.complete:
            self._forget_all_but({found.row.id: found.database for found in look.templates})
        return filed

    def _tend(self, found: Found) -> bool:
        row = found.row
        schedule = self._read(found)
        if schedule is None:
            self._set_alarm(row.id, None, self._clock())
            return False
        now = self._clock()
        owed = None
        if row.next_run is not None and schedule.is_time(row.next_run):
            owed = schedule.latest(row.next_run.replace(second=0, microsecond=0), now)
        filed = False
        # A look may show old news, and a row that was paused or changed meanwhile owes nothing.
        if owed is not None and owed != self._filed.get(row.id) and self._still_asks(found):
            filed = self._file_child(row, owed, schedule.zone)
            self._filed[row.id] = owed
        following = schedule.next_after(now)
        self._write(found, "next_run", following, shown=row.next_run)
        self._set_alarm(row.id, following, now)
        return filed

    def _still_asks(self, found: Found) -> bool:
        database = self._workspace.database(found.database)
        row = database.get(found.row.id)
        return self._is_ready(database, row) and row.schedule == found.row.schedule

    def _read(self, found: Found) -> Schedule | None:
        """The template's schedule; None, and a sentence on the row, when it means nothing."""
        row = found.row
        try:
            schedule = read(row, self._zone)
        except ScheduleError as error:
            self._complain(found, str(error))
            return None
        if self._registry.find(row.task_type) is None:
            self._complain(
                found, f"{_COMPLAINTS[1]} its Task Type is not one of Segue's. Choose one, or clear Schedule."
            )
            return None
        if row.question.startswith(_COMPLAINTS):
            self._write(found, "question", "", shown=row.question)
        return schedule

    def _file_child(self, row: TaskRow, due: datetime, zone: tzinfo) -> bool:
        filed = self._rows.file(
            NewRow(
                key=f"{row.id}:{due.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
                task_type=row.task_type or "",
                title=f"{row.title} · {due.astimezone(zone):%Y-%m-%d %H:%M}",
                link=row.link or "",
                description=row.description,
                priority=row.priority,
                handed_off_from=row.id,
            )
        )
        if filed:
            log.get().info("scheduled", template=row.title, due=due.isoformat())
        return filed

    def _complain(self, found: Found, sentence: str) -> None:
        database = self._workspace.database(found.database)
        attr = "question" if database.has("question") else "last_error"
        self._write(found, attr, sentence, shown=getattr(found.row, attr))
        if found.row.next_run is not None:
            self._write(found, "next_run", None, shown=found.row.next_run)

    def _write(self, found: Found, attr: str, value: Any, *, shown: Any) -> None:
        """Writes a value that is not shown yet, and was not written just now: a look may lag behind a write."""
        if shown == value:
            return
        slot = (found.row.id, attr)
        last = self._written.get(slot)
        if last and (last.value, last.before) == (value, shown) and time.monotonic() - last.at < _STALE_S:
            return
        database = self._workspace.database(found.database)
        if not database.has(attr):
            return
        database.update(found.row.id, {attr: value})
        self._written[slot] = _Written(value, shown, time.monotonic())

    def _set_alarm(self, page_id: str, due: datetime | None, now: datetime) -> None:
        if self._alarms.get(page_id) == due:
            return
        if due is None:
            del self._alarms[page_id]
            if self._alarm.get_job(page_id):
                self._alarm.remove_job(page_id)
            return
        self._alarms[page_id] = due
        self._alarm.add_job(
            self._ring,
            DateTrigger(datetime.now(UTC) + (due - now)),
            id=page_id,
            replace_existing=True,
            misfire_grace_time=None,
        )

    def _ring(self) -> None:
        if self._wake is not None:
            self._wake()

    def _forget_all_but(self, templates: Mapping[str, str]) -> None:
        """Lets go of rows that are templates no more, or not for now: what is paused owes nothing later."""
        for page_id in self._known.keys() - templates.keys():
            try:
                self._let_go(self._known[page_id], page_id)
            except NotionError as error:
                log.get().warning("paused template not brought up to date", page=page_id, why=str(error))
                continue
            del self._known[page_id]
        self._known.update(templates)

    def _let_go(self, database_key: str, page_id: str) -> None:
        database = self._workspace.database(database_key)
        row = row_of(database, page_id)
        if row is not None and row.schedule and self._is_ready(database, row):
            return  # the look was behind
        self._set_alarm(page_id, None, self._clock())
        self._filed.pop(page_id, None)
        for slot in [slot for slot in self._written if slot[0] == page_id]:
            del self._written[slot]
        if row is not None and row.next_run is not None and database.has("next_run"):
            database.update(page_id, {"next_run": None})

    @staticmethod
    def _is_ready(database: Database[TaskRow], row: TaskRow) -> bool:
        return not row.in_trash and database.vocabulary.state(row.status, row.run_state) is State.READY


def read(row: TaskRow, zone: tzinfo) -> Schedule:
    """The schedule of a template, counted from the row's creation.

    Raises:
        ScheduleError: its words mean none.
    """
    return schedule_words.parse(row.schedule, zone=zone, anchor=row.created_time or _EPOCH)
