"""The databases change while Segue works: what goes on, what stops, and what the owner sees in Issues+Questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent import setup
from agent.problems import issue_notes
from agent.worker import Worker
from notion_schema.blocks import plain_text
from notion_schema.databases import AGENT_TASKS, ISSUES, IssueRow
from notion_schema.rows import Level
from notion_schema.vocabulary import State
from tests.story.conftest import House, furnished

TASKS = (AGENT_TASKS, ISSUES)


@pytest.fixture(scope="module", autouse=True)
def _hurried() -> Iterator[None]:
    """An issue's row is written again after a moment instead of a quarter of a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issue_notes, "_SOONEST_S", 0.05)
        yield


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[tuple[House, Worker]]:
    """One house with one worker that reads the columns at every look; each test puts back what it changed."""
    with furnished(tmp_path_factory.mktemp("drift"), song) as house:
        house.settings = house.settings.model_copy(update={"schema_refresh_seconds": 0.001})
        with house.worker() as worker:
            worker.cycle()
            yield house, worker


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test nothing is wrong with the databases any more."""
    yield
    if "at_work" in request.fixturenames:
        house, worker = request.getfixturevalue("at_work")
        house.server.workspace.faults.reset()
        worker.cycle()
        house.workspace.refresh()
        worse = [f for f in house.workspace.preflight() if f.level is not Level.INFO]
        assert worse == []


def person(house: House, key: str, properties: dict[str, Any]) -> None:
    """Somebody changes columns in the board."""
    source = house.workspace.database(key).id
    board = house.server.base_url
    answer = httpx.patch(
        f"{board}/board/v1/data_sources/{source}", json={"properties": properties}, headers={"Origin": board}
    )
    answer.raise_for_status()


def until(holds: Callable[[], bool], worker: Worker, seconds: float = 90) -> None:
    """The worker looks until something is so."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        worker.cycle()
        time.sleep(0.05)


def drifts(house: House, words: str = "") -> list[IssueRow]:
    """The issues about the databases themselves that are open, or whose title has these words."""
    house.workspace.refresh()
    found = [issue for issue in house.issues() if "Schema Drift" in issue.tags]
    return [issue for issue in found if (words in issue.title if words else issue.status != "Resolved")]


def name_of(house: House, key: str) -> str:
    """The database's title."""
    return house.workspace.database(key).title


def options(house: House, key: str, attr: str) -> list[dict[str, str]]:
    """The options of a column, as they are written back."""
    house.workspace.refresh()
    live = house.workspace.database(key).binding.columns[attr].live
    return [{"id": option["id"], "name": option["name"]} for option in live[live["type"]]["options"]]


def add(house: House, key: str) -> str:
    """A quick task in a database, which ends Blocked because it names no link; its page id."""
    database = house.workspace.database(key)
    house.workspace.refresh()
    ready = database.vocabulary.write[State.READY]
    values = {"title": "No link", "task_type": "Sync track", "status": ready}
    return str(database.create(values).id)


def question(house: House, key: str, page_id: str) -> str:
    """What the row asks."""
    house.workspace.refresh()
    return str(house.workspace.database(key).get(page_id).question)


@pytest.mark.parametrize("key", TASKS)
def test_a_renamed_column_serves_on(at_work: tuple[House, Worker], key: str) -> None:
    """Status, Task Type and Question under other names: the row is worked, and no issue is made of it."""
    house, worker = at_work
    for name in ("Status", "Task Type", "Question"):
        person(house, key, {name: {"name": f"Mein {name}"}})
    row = add(house, key)
    until(lambda: "Put one into Link" in question(house, key, row), worker)
    assert drifts(house) == []
    for name in ("Status", "Task Type", "Question"):
        person(house, key, {f"Mein {name}": {"name": name}})


@pytest.mark.parametrize("key", TASKS)
def test_a_retyped_column_is_written_by_its_new_type(at_work: tuple[House, Worker], key: str) -> None:
    """Attempt became a text: it is written as text. Progress became a formula: it is left out and told once."""
    house, worker = at_work
    person(house, key, {"Attempt": {"rich_text": {}}, "Progress": {"formula": {"expression": "1"}}})
    row = add(house, key)
    until(lambda: "Put one into Link" in question(house, key, row), worker)
    assert house.workspace.database(key).get(row).attempt == 1
    until(lambda: len(drifts(house)) == 1, worker)
    [issue] = drifts(house)
    assert "“Progress”" in issue.title
    assert "Segue works on without it" in issue.description
    assert issue.task_type is None
    person(house, key, {"Attempt": {"number": {}}, "Progress": {"number": {}}})
    until(lambda: drifts(house) == [], worker)


@pytest.mark.parametrize("key", TASKS)
def test_a_removed_optional_column_is_one_issue(at_work: tuple[House, Worker], key: str) -> None:
    """Rows are worked without it; however often it is missed there is one issue, resolved when the column is back."""
    house, worker = at_work
    person(house, key, {"Step": None})
    first, second = add(house, key), add(house, key)
    until(lambda: all("Link" in question(house, key, row) for row in (first, second)), worker)
    until(lambda: len(drifts(house)) == 1, worker)
    for _ in range(3):
        worker.cycle()
    [issue] = drifts(house)
    assert "has no column “Step”" in issue.title
    assert "segue provision --apply" in issue.description
    assert issue.status == "Unreported"

    person(house, key, {"Step": {"rich_text": {}}})

    until(lambda: drifts(house) == [], worker)
    [issue] = drifts(house, f"{name_of(house, key)} has no column “Step”")
    assert issue.status == "Resolved"


@pytest.mark.parametrize("key", TASKS)
def test_a_removed_required_column_stops_its_database_alone(at_work: tuple[House, Worker], key: str) -> None:
    """Its rows wait, the other database's are worked, one issue says what to do; mended, the waiting row goes on."""
    house, worker = at_work
    other = ISSUES if key == AGENT_TASKS else AGENT_TASKS
    person(house, key, {"Run ID": None})
    waiting, worked = add(house, key), add(house, other)
    until(lambda: "Link" in question(house, other, worked), worker)
    until(lambda: len(drifts(house)) == 1, worker)
    assert question(house, key, waiting) == ""
    assert worker.look().failed.keys() == {key}
    [issue] = drifts(house)
    assert "takes no rows from" in issue.description
    assert "Add a rich text column “Run ID”" in issue.description

    person(house, key, {"Run ID": {"rich_text": {}}})

    until(lambda: "Link" in question(house, key, waiting), worker)
    until(lambda: drifts(house) == [], worker)


def test_a_removed_status_word_stops_the_database_until_it_is_back(at_work: tuple[House, Worker]) -> None:
    """No row is taken that could not be finished; the remedy names the options there are and the setting."""
    house, worker = at_work
    before = options(house, AGENT_TASKS, "status")
    fewer = [option for option in before if option["name"] != "Blocked"]
    person(house, AGENT_TASKS, {"Status": {"status": {"options": fewer}}})
    row = add(house, AGENT_TASKS)
    until(lambda: len(drifts(house)) == 1, worker)
    assert question(house, AGENT_TASKS, row) == ""
    assert "AGENT_TASKS_STATUS_BLOCKED" in drifts(house)[0].description
    person(house, AGENT_TASKS, {"Status": {"status": {"options": [*fewer, {"name": "Blocked"}]}}})
    until(lambda: "Link" in question(house, AGENT_TASKS, row), worker)
    until(lambda: drifts(house) == [], worker)


def test_a_column_of_the_same_name_in_other_case_changes_nothing(at_work: tuple[House, Worker]) -> None:
    """Segue stays with the column it was bound to, and reads and writes that one alone."""
    house, worker = at_work
    person(house, AGENT_TASKS, {"status": {"select": {"options": [{"name": "Ready"}]}}})
    person(house, AGENT_TASKS, {"question ": {"rich_text": {}}})
    row = add(house, AGENT_TASKS)
    until(lambda: "Link" in question(house, AGENT_TASKS, row), worker)
    page = house.notion.retrieve_page(row)
    assert page["properties"]["Question"]["rich_text"]
    assert not page["properties"]["question "]["rich_text"]
    assert drifts(house) == []
    person(house, AGENT_TASKS, {"status": None, "question ": None})


def test_a_database_taken_from_the_integration_and_given_back(at_work: tuple[House, Worker]) -> None:
    """No empty queue: the look says that it failed, an issue says how to share it, and work goes on afterwards."""
    house, worker = at_work
    source = house.workspace.database(AGENT_TASKS).id
    faults = house.server.workspace.faults
    faults.set(unshared=[source, house.settings.agent_tasks_db_id])
    until(lambda: len(drifts(house)) == 1, worker)
    assert "Connections" in worker.look().failed[AGENT_TASKS]
    assert "Agent-Tasks cannot be opened" in drifts(house)[0].title
    worked = add(house, ISSUES)
    until(lambda: "Link" in question(house, ISSUES, worked), worker)

    faults.reset()

    row = add(house, AGENT_TASKS)
    until(lambda: "Link" in question(house, AGENT_TASKS, row), worker)
    until(lambda: drifts(house) == [], worker)


def test_the_issues_database_itself_taken_and_given_back(at_work: tuple[House, Worker]) -> None:
    """Nothing can be filed there meanwhile; tasks are worked, and in the end no open issue is left."""
    house, worker = at_work
    source = house.workspace.database(ISSUES).id
    house.server.workspace.faults.set(unshared=[source, house.settings.issues_questions_db_id])
    until(lambda: ISSUES in worker.look().failed, worker)
    row = add(house, AGENT_TASKS)
    until(lambda: "Link" in question(house, AGENT_TASKS, row), worker)
    house.server.workspace.faults.reset()
    until(lambda: not worker.look().failed, worker)
    until(lambda: drifts(house) == [], worker)


def test_what_was_mended_while_no_worker_ran_is_resolved_at_the_next_start(house: House) -> None:
    """And what a workspace lacked on the first day is no issue at all."""
    person(house, AGENT_TASKS, {"Schedule": None})
    house.settings = house.settings.model_copy(update={"schema_refresh_seconds": 0.001})
    with house.worker() as worker:
        worker.cycle()
        person(house, AGENT_TASKS, {"Step": None})
        until(lambda: len(drifts(house)) == 1, worker)
    person(house, AGENT_TASKS, {"Step": {"rich_text": {}}})
    with house.worker() as worker:
        until(lambda: drifts(house) == [], worker)
    assert len(drifts(house, "Step")) == 1
    assert drifts(house, "Schedule") == []


def test_a_column_renamed_between_two_starts_serves_on(house: House) -> None:
    """It is known by its id: work goes on, provisioning adds no second one; a lost memory of ids is no harm either."""
    with house.worker() as worker:
        worker.cycle()
    person(house, AGENT_TASKS, {"Run ID": {"name": "Lauf"}, "Question": {"name": "Frage"}})
    row = house.add("")
    assert setup.plan(house.notion, house.settings, "").lines == ()
    house.work()
    page = house.notion.retrieve_page(row.id)["properties"]
    assert "Put one into Link" in plain_text(page["Frage"]["rich_text"])
    assert plain_text(page["Lauf"]["rich_text"]).endswith(":1")

    person(house, AGENT_TASKS, {"Lauf": {"name": "Run ID"}})
    (house.settings.data_dir / "columns.json").write_text("{half")
    assert setup.plan(house.notion, house.settings, "").lines == (
        "+ Agent-Tasks: column “Question” (rich text)",
    )
