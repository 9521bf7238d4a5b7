"""Which rows are Segue's, in which order they run, and that every other row stays as it is, to the byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from notion_schema.databases import AGENT_TASKS, ISSUES
from tests.story.conftest import House

SONG = "Test Band - Short Song.m4a"
OTHERS = 220
STATUSES = ("Ready", "In Progress", "Draft", "Blocked", "Completed", "Failed", "Review", None)
TYPES = ("Code Implementation", "Agent Handoff Task", "Validation", None)


def _everything(house: House, key: str) -> dict[str, str]:
    database = house.workspace.database(key)
    return {page["id"]: json.dumps(page, sort_keys=True) for page in house.notion.query(database.id)}


def _others(house: House, key: str, statuses: tuple[str | None, ...]) -> None:
    database = house.workspace.database(key)
    for number in range(OTHERS // 2):
        values: dict[str, Any] = {
            "title": f"Somebody's row {number}",
            "description": "https://example.org/a.mp3",
        }
        if status := statuses[number % len(statuses)]:
            values["status"] = status
        if task_type := TYPES[number % len(TYPES)]:
            values["task_type"] = task_type
        database.create(values, new_options=("task_type",))


def test_hundreds_of_other_rows_are_not_touched(house: House) -> None:
    """Rows of people and other agents, in every status, are byte for byte what they were; Segue's own row ran."""
    _others(house, AGENT_TASKS, STATUSES)
    _others(house, ISSUES, ("Unreported", "Troubleshooting", "Resolved", None))
    before = {key: _everything(house, key) for key in (AGENT_TASKS, ISSUES)}
    mine = house.add(house.media.link(SONG))
    house.work()
    assert house.row(mine.id).status == "Completed"
    for key in (AGENT_TASKS, ISSUES):
        after = _everything(house, key)
        assert {page_id: after[page_id] for page_id in before[key]} == before[key]


def test_all_pages_of_ready_rows_are_read(house: House) -> None:
    """More than a hundred ready rows: every one is seen, and the last one is run."""
    rows = [house.add("", title=f"No link {number}") for number in range(105)]
    with house.worker() as worker:
        assert {found.row.id for found in worker.look().ready} == {row.id for row in rows}
    tasks = house.workspace.database(AGENT_TASKS)
    for row in rows[:-1]:
        tasks.update(row.id, {"status": "Draft"})
    house.work()
    assert house.row(rows[-1].id).status == "Blocked"


def test_rows_run_by_priority_then_age(house: House) -> None:
    """Critical before High before Low before none, whatever order they were made in."""
    wanted = ["Critical", "High", "Low", ""]
    rows = {priority: house.add("", priority=priority) for priority in reversed(wanted)}
    with house.worker() as worker:
        look = worker.look()
    assert [found.row.id for found in look.ready] == [rows[priority].id for priority in wanted]


def test_prerequisites_and_run_after_hold_a_row_back(house: House) -> None:
    """A row waits for its prerequisite to be Completed and for its Run after to pass."""
    blocked = house.add("", title="never completed")
    waiting = house.add(house.media.link(SONG), after=(blocked.id,))
    tomorrow = house.add(house.media.link(SONG))
    tasks = house.workspace.database(AGENT_TASKS)
    tasks.update(tomorrow.id, {"run_after": datetime.now(UTC) + timedelta(days=1)})
    house.work()
    assert house.row(waiting.id).status == "Ready"
    assert house.row(tomorrow.id).status == "Ready"
    tasks.update(blocked.id, {"status": "Completed"})
    tasks.update(tomorrow.id, {"run_after": datetime.now(UTC) - timedelta(minutes=5)})
    house.work()
    assert house.row(waiting.id).status == "Completed"
    assert house.row(tomorrow.id).status == "Completed"


def test_a_failed_query_is_not_an_empty_one(house: House) -> None:
    """With one database out of reach the worker says so, works the other, and does not report success."""
    row = house.add("", title="no link")
    broken = House(
        house.server,
        house.settings.model_copy(update={"issues_questions_db_id": "00000000-0000-4000-8000-000000000000"}),
        house.notion,
        house.workspace,
        house.media,
    )
    with broken.worker() as worker:
        assert worker.run_until_idle() is False
    assert house.row(row.id).status == "Blocked"
