"""The recurring rows at a glance, and those that most people want, ready-made. What ``segue schedules`` calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from agent import schedules
from agent.schedule_words import ScheduleError
from handlers.registry import Registry
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Database, Workspace


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A template that `add` makes."""

    key: str
    task_type: str
    title: str
    words: str
    """Its Schedule, but for the time zone."""


READY_MADE = (
    ReadyMade("schedule:clean-up", "Clean up", "Clean up what Segue no longer needs", "daily at 03:30"),
    ReadyMade("schedule:likes", "Sync liked tracks", "Sync what I liked", "hourly"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A template, for people."""

    title: str
    task_type: str
    schedule: str
    following: str
    """When it is due next, or why it never is."""


def listing(rows: Workspace, types: Registry, zone: tzinfo) -> list[Line]:
    """Every row with a Schedule, oldest first."""
    database: Database[TaskRow] = rows.database(AGENT_TASKS)
    return [
        Line(row.title, row.task_type or "", row.schedule, _following(database, types, row, zone))
        for row in database.query(database.is_not_empty("schedule"))
    ]


def add(rows: Workspace, types: Registry, zone: str) -> list[str]:
    """Creates the ready-made templates that are not there yet; says of each what became of it."""
    database: Database[TaskRow] = rows.database(AGENT_TASKS)
    said = []
    for one in READY_MADE:
        if types.find(one.task_type) is None:
            said.append(f"{one.title}: this version has no task type “{one.task_type}”.")
        elif found := database.find_by_key(one.key):
            said.append(f"{one.title}: there already. {found[0].url}")
        else:
            row = database.create(
                {
                    "title": one.title,
                    "task_type": one.task_type,
                    "status": database.vocabulary.word(State.READY),
                    "priority": Priority.ROUTINE,
                    "schedule": f"{one.words} {zone}",
                    "segue_key": one.key,
                },
                new_options=("task_type",),
            )
            said.append(f"{one.title}: {row.schedule}. {row.url}")
    return said


def _following(database: Database[TaskRow], types: Registry, row: TaskRow, zone: tzinfo) -> str:
    if database.vocabulary.state(row.status, row.run_state) is not State.READY:
        return f"paused: {row.status}"
    if types.find(row.task_type) is None:
        return "never: its Task Type is not one of Segue's"
    try:
        schedule = schedules.read(row, zone)
    except ScheduleError as error:
        return f"never: {error}"
    following = schedule.next_after(datetime.now(UTC))
    return f"{following.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}" if following else "never again"
