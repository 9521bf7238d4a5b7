"""Rows of other agents get trigger files, once each time they become ready; only the handoff columns are written."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent import wiring
from agent.handing_on import returns, trigger_notes
from agent.handing_on.handoff_settings import agents_of
from agent.handing_on.returns import Returns
from agent.handing_on.trigger_files import Rules, TriggerFiles
from agent.handing_on.trigger_folder import spelling
from agent.ledger import Ledger
from agent.problems import issue_notes
from agent.problems.issues import Issues
from agent.settings import Settings
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.workspace import Database, Workspace
from tests.story.conftest import House, furnished

CLAUDE, CURSOR = "Claude MM1", "Cursor MM1"
TTL_S = 3600.0
COLUMNS: dict[str, Any] = {
    "Handoff Status": {"select": {"options": [{"name": "Handoff Delivered"}, {"name": "Received by Agent"}]}},
    "Trigger Delivery Status": {"select": {"options": []}},
    "Last Trigger Timestamp": {"date": {}},
    "Agent Trigger File Links": {"rich_text": {}},
}


class Agency:
    """A worker's trigger files, the folders, and what agents do there."""

    def __init__(self, house: House, base: Path, rows: Workspace, pages: dict[str, str]) -> None:
        self.house = house
        self.base = base
        self.rows = rows
        self.pages = pages
        self.now = time.time()
        self.tables = (*issue_notes.TABLES, *returns.TABLES, *trigger_notes.TABLES)
        self.data = base.parent / "data"
        self.ledger: Ledger | None = None
        self.restart()

    def close(self) -> None:
        """The process ends."""
        if self.ledger is not None:
            self.ledger.close()

    def restart(self, **rules: Any) -> None:
        """Another process with the same ledger."""
        self.close()
        self.ledger = ledger = Ledger(f"sqlite:///{self.data / 'engine.sqlite'}", self.data, *self.tables)
        self.issues = Issues(self.rows, ledger, str, stale_s=30.0)
        self.returns = Returns(self.rows, ledger, str, lambda: self.now)
        self.files = TriggerFiles(
            self.rows,
            ledger,
            self.base,
            Rules(agents=self.pages, ttl_s=TTL_S, every_s=1.0, **rules),
            is_mine=lambda task_type: task_type == "Sync track",
            issues=self.issues,
            returns=self.returns,
            clock=lambda: self.now,
        )

    def look(self, later_s: float = 2.0) -> None:
        """The worker looks again after some time."""
        self.now += later_s
        self.files.look()
        self.returns.catch_up()

    def add(self, title: str, agent: str = CLAUDE, **values: Any) -> TaskRow:
        """A person assigns a row to an agent."""
        wanted = {"title": title, "status": "Ready", "assigned_to": (self.pages[agent],), **values}
        return self.tasks.create(wanted, new_options=("task_type",))

    @property
    def tasks(self) -> Database[TaskRow]:
        """Agent-Tasks."""
        return self.rows.database(AGENT_TASKS)

    def row(self, row: TaskRow) -> TaskRow:
        """A row as it is now."""
        found: TaskRow = self.tasks.get(row.id)
        return found

    def inbox(self, agent: str = "Claude-MM1") -> list[Path]:
        """The files an agent finds."""
        return sorted((self.base / agent / "01_inbox").glob("*"))

    def file(self, row: TaskRow, stage: str = "01_inbox") -> Path:
        """The one file for a row in a stage."""
        (path,) = self.base.glob(f"*/{stage}/*{row.id.replace('-', '')}*")
        return path

    def move(self, row: TaskRow, stage: str, content: str | None = None) -> Path:
        """An agent moves its file on, and may write into it."""
        path = self.file(row)
        if content is not None:
            path.write_text(content, encoding="utf-8")
        moved = path.rename(path.parent.parent / stage / path.name)
        os.utime(moved, (self.now - 60, self.now - 60))
        return moved


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[tuple[House, dict[str, str]]]:
    """A house whose Agent-Tasks has the owner's handoff columns, and a page for each agent."""
    with furnished(tmp_path_factory.mktemp("agents"), song) as house:
        notion, tasks = house.notion, house.workspace.database(AGENT_TASKS)
        data_source = notion.retrieve_data_source(house.workspace.database(ISSUES).id)
        agents = house.workspace.database(ISSUES)
        pages = {name: agents.create({"title": name, "status": "Resolved"}).id for name in (CLAUDE, CURSOR)}
        notion.update_data_source(
            tasks.id,
            properties={
                "Assigned-Agent": {"relation": {"data_source_id": data_source["id"], "single_property": {}}},
                **COLUMNS,
            },
        )
        yield house, pages


@pytest.fixture
def agency(office: tuple[House, dict[str, str]], tmp_path: Path) -> Iterator[Agency]:
    """Empty folders and an empty ledger; the rows of earlier tests are out of the way."""
    house, pages = office
    base = tmp_path / "Agent-Triggers"
    base.mkdir()
    made = Agency(house, base, wiring.workspace(house.notion, house.settings), pages)
    with closing(made):
        yield made
    for row in made.tasks.query():
        made.tasks.trash(row.id)


def test_a_ready_row_of_another_agent_gets_one_file(agency: Agency) -> None:
    """Whole id in the name, the documented shape inside, written once however often one looks; four columns change."""
    row = agency.add("Tidy the database: “now”", description="All of it.", priority="High")
    before = agency.house.notion.retrieve_page(row.id)["properties"]

    for _ in range(5):
        agency.look()
    agency.restart()
    agency.look()

    (path,) = agency.inbox()
    assert path.name.endswith(f"__HANDOFF__Tidy-the-database-now__{row.id.replace('-', '')}.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert (data["format"], data["task_id"], data["target_agent"]) == ("segue-trigger-1", row.id, CLAUDE)
    assert (data["task_title"], data["description"], data["priority"]) == (row.title, "All of it.", "High")
    assert data["handoff_id"] == f"{row.id}:1"
    assert data["task_url"]
    after = agency.house.notion.retrieve_page(row.id)["properties"]
    assert {name for name in after if after[name] != before[name]} == set(COLUMNS)
    assert agency.row(row).status == "Ready"
    assert agency.row(row).trigger_status == "Delivered"
    assert agency.row(row).handoff_status == "Handoff Delivered"
    assert str(path) in agency.row(row).trigger_files


def test_rows_that_are_not_theirs_or_not_due_get_none(agency: Agency) -> None:
    """Segue's own task types, other states, rows of nobody, templates, rows to wait for another, rows for later."""
    first = agency.add("Draft", status="Draft")
    agency.add("Segue's own", task_type="Sync track")
    agency.add("Nobody's", assigned_to=())
    agency.add("Template", schedule="every day")
    agency.add("Waits", prerequisites=(first.id,))
    agency.add("Later", run_after=datetime(2100, 1, 1, tzinfo=UTC))
    agency.look()
    assert list(agency.base.rglob("*.json")) == []

    agency.tasks.update(first.id, {"status": "Completed"})
    agency.look()
    (path,) = agency.inbox()
    assert "Waits" in path.name


def test_what_an_agent_does_with_the_file_is_shown_and_its_end_told_once(agency: Agency) -> None:
    """Processed, then completed in Notion: the columns follow, and the row it was handed off from gets one line."""
    origin = agency.tasks.create({"title": "Origin", "status": "Draft"})
    row = agency.add("Part", handed_off_from=(origin.id,))
    agency.look()
    agency.move(row, "02_processed")
    agency.look()
    assert (agency.row(row).trigger_status, agency.row(row).handoff_status) == (
        "Processed",
        "Received by Agent",
    )
    assert agency.row(row).status == "Ready"

    agency.tasks.update(row.id, {"status": "In Progress"})
    agency.look()
    agency.tasks.update(row.id, {"status": "Completed"})
    for _ in range(3):
        agency.look(60)
        agency.restart()

    assert agency.row(row).trigger_status == "Closed"
    told = [line for line in agency.house.text(origin.id).splitlines() if line.startswith("↩")]
    assert len(told) == 1
    assert "“Part” is completed: it was given to Claude MM1" in told[0]
    assert agency.inbox() == []


def test_a_failed_file_is_told_with_the_agents_words(agency: Agency) -> None:
    """What stands in its result reaches the originator; the row's status stays the agent's and the person's."""
    origin = agency.tasks.create({"title": "Origin", "status": "Draft"})
    row = agency.add("Part", handed_off_from=(origin.id,))
    agency.look()
    data = json.loads(agency.file(row).read_text(encoding="utf-8"))
    agency.move(row, "03_failed", json.dumps({**data, "result": "No access to the API."}))
    agency.look()
    agency.look(60)
    assert (agency.row(row).trigger_status, agency.row(row).status) == ("Failed", "Ready")
    assert "“Part” has failed: Claude MM1 says: No access to the API." in agency.house.text(origin.id)


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ('{"task_id": "', "it is not JSON"),
        ("[1, 2]", "it holds no JSON object"),
        ('{"task_id": "00000000-0000-4000-8000-000000000000"}', "it names another task"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_and_left_alone(
    agency: Agency, content: str, trouble: str
) -> None:
    """Where it lies counts; an issue says what is wrong with it; it is neither moved nor changed."""
    row = agency.add("Part")
    agency.look()
    moved = agency.move(row, "02_processed", content)
    agency.look()
    agency.look()
    (issue,) = agency.rows.database(ISSUES).find_by_key(f"issue:trigger-file:{row.id}:1")
    assert trouble in issue.description
    assert agency.row(row).trigger_status == "Processed"
    assert moved.read_text(encoding="utf-8") == content


def test_a_file_still_being_written_is_waited_for(agency: Agency) -> None:
    """Half of a JSON text, changed just now, says nothing yet."""
    row = agency.add("Part")
    agency.look()
    path = agency.move(row, "02_processed", '{"task_id": "')
    os.utime(path)
    agency.look()
    assert agency.row(row).trigger_status == "Delivered"


def test_ready_again_is_a_new_file(agency: Agency) -> None:
    """A row that left Ready and came back is handed over again, although a file of it lies among the processed ones."""
    row = agency.add("Again")
    agency.look()
    agency.move(row, "02_processed")
    agency.tasks.update(row.id, {"status": "In Progress"})
    agency.look()
    assert agency.inbox() == []
    agency.tasks.update(row.id, {"status": "Ready"})
    for _ in range(3):
        agency.look()
    (path,) = agency.inbox()
    assert path.name.endswith(f"{row.id.replace('-', '')}-2.json")
    assert agency.row(row).trigger_status == "Delivered"

    # Completed and, days later, reopened.
    path.unlink()
    agency.tasks.update(row.id, {"status": "Completed"})
    agency.look()
    agency.look(86_400)
    agency.tasks.update(row.id, {"status": "Ready"})
    agency.look()
    (path,) = agency.inbox()
    assert path.name.endswith("-3.json")


def test_emptying_the_column_asks_for_a_new_file(agency: Agency) -> None:
    """The row never left Ready, the agent has failed; a person empties Trigger Delivery Status."""
    row = agency.add("Once more")
    agency.look()
    agency.move(row, "03_failed")
    agency.look()
    agency.look()
    assert agency.inbox() == []
    agency.tasks.update(row.id, {"trigger_status": None})
    agency.look()
    agency.look()
    assert len(agency.inbox()) == 1


def test_old_news_from_a_query_does_not_make_a_second_file(agency: Agency) -> None:
    """A query that lags shows the row as it was before it was handed over."""
    agency.add("Lag")
    agency.house.server.workspace.faults.set(stale_seconds=1.5)
    try:
        for _ in range(4):
            agency.look()
    finally:
        agency.house.server.workspace.faults.set(stale_seconds=0.0)
    time.sleep(1.6)
    agency.look()
    agency.look()
    assert len(agency.inbox()) == 1


def test_a_stale_file_is_listed_or_replaced(agency: Agency) -> None:
    """By default the row says Stale; with reissue the old one is put aside and a new one is in the inbox."""
    row = agency.add("Slow")
    agency.look()
    (first,) = agency.inbox()
    agency.look(TTL_S + 1)
    assert agency.row(row).trigger_status == "Stale"
    assert agency.inbox() == [first]

    agency.restart(reissue=True)
    agency.look()
    (second,) = agency.inbox()
    assert second.name.endswith("-2.json")
    assert (agency.base / "Claude-MM1" / "04_stale" / first.name).exists()
    assert agency.row(row).trigger_status == "Delivered"


def test_a_file_that_vanished_is_said_to_be_missing(agency: Agency) -> None:
    """Not at once, since it may be on its way; and no second one is written for it."""
    row = agency.add("Vanishes")
    agency.look()
    agency.file(row).unlink()
    agency.look()
    assert agency.row(row).trigger_status == "Delivered"
    agency.look(61)
    assert agency.row(row).trigger_status == "Missing"
    assert agency.inbox() == []


def test_a_crash_between_note_and_file_is_made_good(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was noted and never written; the next look writes it, once, under the same name."""
    row = agency.add("Crash")
    with monkeypatch.context() as broken:
        broken.setattr(agency.files._folders, "deliver", _dies)
        with pytest.raises(KeyboardInterrupt):
            agency.look()
    agency.restart()
    agency.look()
    agency.look()
    assert len(agency.inbox()) == 1
    assert agency.row(row).trigger_status == "Delivered"


def _dies(*_: object) -> Path:
    raise KeyboardInterrupt


def test_a_row_given_to_another_agent_moves_its_file(agency: Agency) -> None:
    """Reassigned before anybody took it: the first agent's inbox is empty, the other's has it."""
    row = agency.add("Moved")
    agency.look()
    agency.tasks.update(row.id, {"assigned_to": (agency.pages[CURSOR],)})
    agency.look()
    agency.look()
    assert agency.inbox() == []
    assert len(agency.inbox("Cursor-MM1")) == 1


def test_folders_in_other_spellings_are_the_agents_own(agency: Agency) -> None:
    """A folder that is there is used; the processed file counts wherever the agent has put it."""
    (agency.base / "CursorMM1-Agent-Trigger" / "01_inbox").mkdir(parents=True)
    other = agency.base / "Cursor_MM1_Agent" / "02-Processed"
    other.mkdir(parents=True)
    row = agency.add("Spelt", CURSOR)
    agency.look()
    path = agency.file(row)
    assert path.parent == agency.base / "CursorMM1-Agent-Trigger" / "01_inbox"
    moved = path.rename(other / f"{path.stem}__SUPERSEDED.json")
    os.utime(moved, (1, 1))
    agency.look()
    assert agency.row(row).trigger_status == "Processed"


def test_a_base_that_is_not_there_is_an_issue_until_it_is(agency: Agency) -> None:
    """A volume that is not mounted is never taken for an empty folder, and nothing is created in its place."""
    row = agency.add("Waits for the volume")
    away = agency.base.rename(agency.base.parent / "unmounted")
    agency.look()
    issues = agency.rows.database(ISSUES)
    (issue,) = issues.find_by_key("issue:agent-triggers-dir")
    assert issue.status == "Unreported"
    assert not agency.base.exists()
    away.rename(agency.base)
    agency.look()
    assert agency.row(row).trigger_status == "Delivered"
    agency.issues.catch_up(everything=True)
    assert issues.get(issue.id).status == "Resolved"


def test_without_the_columns_the_ledger_is_enough(agency: Agency) -> None:
    """A database without handoff columns: one file, none again, the end told, and nothing written to the row."""
    origin = agency.tasks.create({"title": "Origin", "status": "Draft"})
    agency.house.notion.update_data_source(agency.tasks.id, properties=dict.fromkeys(COLUMNS))
    agency.rows.refresh()
    try:
        row = agency.add("Bare", handed_off_from=(origin.id,))
        before = agency.house.notion.retrieve_page(row.id)
        for _ in range(3):
            agency.look()
        assert len(agency.inbox()) == 1
        assert agency.house.notion.retrieve_page(row.id)["properties"] == before["properties"]
        agency.tasks.update(row.id, {"status": "Failed"})
        agency.look()
        agency.look(60)
        assert "“Bare” has failed: it was given to Claude MM1" in agency.house.text(origin.id)
    finally:
        agency.house.notion.update_data_source(agency.tasks.id, properties=COLUMNS)


def test_the_worker_looks_after_trigger_files_when_it_is_told_to(agency: Agency) -> None:
    """Through the settings and a real worker."""
    row = agency.add("For Claude")
    asked = {
        "agent_triggers_dir": agency.base,
        "agents": tuple(f"{name}={page}" for name, page in agency.pages.items()),
        "trigger_seconds": 0.1,
    }
    house = replace(agency.house, settings=agency.house.settings.model_copy(update=asked))
    house.work()
    assert len(agency.inbox()) == 1
    assert agency.row(row).trigger_status == "Delivered"
    assert agency.row(row).status == "Ready"


@pytest.mark.parametrize(
    "agents",
    [
        "Claude MM1",
        "Claude MM1=",
        "=00000000000040008000000000000000",
        "Claude MM1=nonsense",
        "—=" + "1" * 32,
    ],
)
def test_agents_that_cannot_be_are_refused_at_start(agents: str) -> None:
    """The sentence names the entry."""
    with pytest.raises(ValidationError):
        Settings.isolated(agents=agents)


def test_agents_that_share_a_folder_or_a_page_are_refused() -> None:
    """One inbox for two agents, or one page for two, would send work to the wrong one."""
    page, other = "1" * 32, "2" * 32
    for agents in (f"Claude MM1={page},Claude-MM1 Agent={other}", f"Claude={page},Cursor={page}"):
        with pytest.raises(ValidationError):
            Settings.isolated(agents=agents)
    assert list(agents_of(Settings.isolated(agents=f"Claude={page}, Cursor={other}").agents)) == [
        "Claude",
        "Cursor",
    ]


@pytest.mark.parametrize(
    "name",
    ["Cursor MM1", "Cursor-MM1", "CursorMM1", "Cursor-MM1-Agent", "Cursor-MM1-Agent-Trigger", "cursor_mm1-gd",
     "Cursor-MM1-Agent-Agent-Trigger"],
)  # fmt: skip
def test_spellings_that_were_met_are_one(name: str) -> None:
    """Up to four folders were found for one agent."""
    assert spelling(name) == "cursormm1"
