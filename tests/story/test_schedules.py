"""Rows with a Schedule: templates that never run themselves, a child for each due time, one over all workers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.engine import Engine
from agent.poller import Poller
from agent.rows.new_rows import NewRows
from agent.schedules import Schedules
from handlers.registry import load
from notion_schema.databases import AGENT_TASKS, TaskRow
from tests.story.conftest import House

MINUTE = timedelta(minutes=1)


def template(house: House, schedule: str, **values: Any) -> TaskRow:
    """A person makes a recurring row; File gaps of nothing ends quickly, as Blocked."""
    database = house.workspace.database(AGENT_TASKS)
    wanted = {
        "title": "Recurring",
        "task_type": "File gaps",
        "status": "Ready",
        "schedule": schedule,
        **values,
    }
    return database.create(wanted)


def change(house: House, row: TaskRow, **values: Any) -> None:
    """A person edits a row."""
    house.workspace.database(AGENT_TASKS).update(row.id, values)


def children(house: House, row: TaskRow) -> list[TaskRow]:
    """The rows that a template gave rise to."""
    return [other for other in house.rows() if row.id in other.handed_off_from]


def minute(offset: int = 0) -> datetime:
    """A full minute, so many from now."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + offset * MINUTE


def test_a_template_makes_rows_and_never_runs_itself(house: House) -> None:
    """Next run is shown; three missed times give one child, filled in; a pause owes nothing; an edit is taken up."""
    row = template(house, "* * * * *", priority="High", description="Nothing to file", title="Tidy up")
    with house.worker() as worker:
        worker.cycle()
        shown = house.row(row.id)
        assert (shown.status, shown.attempt, shown.run_id) == ("Ready", None, "")
        assert shown.next_run is not None
        assert minute() < shown.next_run <= minute(2)
        assert children(house, row) == []

        change(house, row, next_run=minute(-3))
        assert worker.run_until_idle()
        (child,) = children(house, row)
        assert child.title.startswith("Tidy up · 20")
        assert (child.task_type, child.priority, child.description, child.schedule) == (
            "File gaps", "High", "Nothing to file", "",
        )  # fmt: skip
        assert child.segue_key.startswith(f"{row.id}:20")
        assert child.status == "Blocked", "it ran"
        following = house.row(row.id).next_run
        assert following is not None
        assert following > minute()

        change(house, row, status="Draft", schedule="0 7 * * * UTC")
        worker.cycle()
        assert house.row(row.id).next_run is None
        change(house, row, status="Ready")
        worker.cycle()
        assert _hour(house, row) == 7
        change(house, row, schedule="0 9 * * * UTC")
        worker.cycle()
        assert _hour(house, row) == 9
        change(house, row, schedule="")
        assert worker.run_until_idle()
        ordinary = house.row(row.id)
        assert (ordinary.status, ordinary.next_run) == ("Blocked", None), "a row like any other"
    assert len(children(house, row)) == 1


def _hour(house: House, row: TaskRow) -> int | None:
    shown = house.row(row.id).next_run
    return shown.astimezone(UTC).hour if shown else None


def test_what_is_no_schedule_is_said_on_the_row_once_and_taken_back_when_mended(house: House) -> None:
    """The question has examples; further looks write nothing; a mended Schedule clears it."""
    row = template(house, "every full moon")
    fine = template(house, "daily at 07:00", title="Fine")
    with house.worker() as worker:
        worker.cycle()
        told = house.row(row.id)
        assert "does not understand the Schedule “every full moon”. Write for example" in told.question
        assert (told.status, told.next_run) == ("Ready", None)
        assert house.row(fine.id).next_run is not None

        before = house.server.workspace.last_seq()
        for _ in range(3):
            worker.cycle()
        assert house.server.workspace.last_seq() == before, "an idle look writes nothing"
        change(house, row, schedule="daily at 07:00 UTC")
        worker.cycle()
    mended = house.row(row.id)
    assert mended.question == ""
    assert _hour(house, row) == 7
    assert children(house, row) == []


def test_workers_that_know_nothing_of_each_other_make_one_child(house: House) -> None:
    """The same due time seen again, by the same worker and by one that has lost its memory, gives no second row."""
    due = minute(-10)
    row = template(house, f"{due.minute} {due.hour} * * * UTC", next_run=due)
    with house.worker() as worker:
        assert worker.run_until_idle()
        (child,) = children(house, row)
        change(house, row, next_run=due)
        assert worker.run_until_idle()
    house.settings.data_dir.rename(house.settings.data_dir.with_name("forgotten"))
    change(house, row, next_run=due)
    house.work()
    assert [one.id for one in children(house, row)] == [child.id]


def test_the_clock_wakes_the_worker_when_a_time_has_come(house: House) -> None:
    """One second before seven a look is taken; at seven the worker is woken, and not before."""
    template(house, "0 7 * * * UTC")
    began = datetime.now(UTC)
    early = (began + timedelta(days=1)).replace(hour=6, minute=59, second=59, microsecond=0)
    registry = load()
    schedules = Schedules(
        house.workspace,
        registry,
        NewRows(Engine(house.settings.engine_url), house.workspace),
        zone=UTC,
        clock=lambda: early + (datetime.now(UTC) - began),
    )
    woken = threading.Event()
    schedules.start(woken.set)
    try:
        assert schedules.tend(Poller(house.workspace, registry).look()) == 0
        assert not woken.is_set()
        assert woken.wait(10)
        assert datetime.now(UTC) - began >= timedelta(seconds=1)
    finally:
        schedules.stop()
