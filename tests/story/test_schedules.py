"""Rows with a Schedule: templates that never run themselves, a child for each due time, one over all workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.engine import Engine
from agent.new_rows import NewRows
from agent.poller import Poller
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


def test_a_template_shows_when_it_is_due_and_makes_up_for_what_was_missed_once(house: House) -> None:
    """At first only Next run is written; after three missed times one child comes, filled in, and runs."""
    row = template(
        house, "* * * * *", priority="High", description="Nothing to file", link=None, title="Tidy up"
    )
    house.work()
    shown = house.row(row.id)
    assert (shown.status, shown.attempt, shown.run_id) == ("Ready", None, "")
    assert shown.next_run is not None
    assert minute() < shown.next_run <= minute(2)
    assert children(house, row) == []

    change(house, row, next_run=minute(-3))
    house.work()
    (child,) = children(house, row)
    assert child.title.startswith("Tidy up · 20")
    assert (child.task_type, child.priority, child.description, child.schedule) == (
        "File gaps", "High", "Nothing to file", "",
    )  # fmt: skip
    assert child.segue_key.startswith(f"{row.id}:20")
    assert child.status == "Blocked", "it ran"
    again = house.row(row.id)
    assert again.status == "Ready"
    assert again.next_run is not None
    assert again.next_run > minute()


def test_two_workers_and_a_lost_memory_make_one_child(
    house: House,
) -> None:
    """The same due time seen again, by a worker that remembers nothing of the first, gives no second row."""
    row = template(house, "every 2 hours")
    due = minute(-10)
    # Counted from the row's creation, which is now: an hour that lies behind is one in which the row already was.
    change(house, row, schedule=f"{due.minute} {due.hour} * * * UTC", next_run=due)
    house.work()
    (child,) = children(house, row)
    change(house, row, next_run=due)
    house.work()
    house.settings.data_dir.rename(house.settings.data_dir.with_name("forgotten"))
    change(house, row, next_run=due)
    house.work()
    assert [one.id for one in children(house, row)] == [child.id]


def test_what_is_no_schedule_is_said_on_the_row_once_and_taken_back_when_mended(house: House) -> None:
    """The question has examples; further looks write nothing; a mended Schedule clears it."""
    row = template(house, "every full moon")
    unknown = template(house, "daily at 07:00", title="No type", task_type="Sync track")
    house.work()
    told = house.row(row.id)
    assert "does not understand the Schedule “every full moon”. Write for example" in told.question
    assert (told.status, told.next_run) == ("Ready", None)
    assert house.row(unknown.id).next_run is not None

    with house.worker() as worker:
        before = house.server.workspace.last_seq()
        for _ in range(3):
            worker.cycle()
        assert house.server.workspace.last_seq() == before, "an idle look writes nothing"
    change(house, row, schedule="daily at 07:00 UTC")
    house.work()
    mended = house.row(row.id)
    assert mended.question == ""
    assert mended.next_run is not None
    assert mended.next_run.astimezone(UTC).hour == 7
    assert children(house, row) == []


def test_pausing_owes_nothing_and_an_edit_is_taken_up(house: House) -> None:
    """Draft: Next run is taken away, and Ready again begins anew; another Schedule shows its own next time."""
    row = template(house, "0 7 * * * UTC")
    with house.worker() as worker:
        worker.cycle()
        first = house.row(row.id).next_run
        assert first is not None
        change(house, row, status="Draft")
        worker.cycle()
        assert house.row(row.id).next_run is None
        change(house, row, status="Ready", schedule="0 9 * * * UTC")
        worker.cycle()
        second = house.row(row.id).next_run
        assert second is not None
        assert second.astimezone(UTC).hour == 9
        change(house, row, schedule="")
        worker.cycle()
        assert wait_for(lambda: house.row(row.id).status == "Blocked"), (
            "without a Schedule it is a row like any other"
        )
        worker.cycle()
        assert house.row(row.id).next_run is None
    assert children(house, row) == []


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


def wait_for(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Whether it comes true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return bool(condition())
