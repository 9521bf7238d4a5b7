"""Issues file themselves: one row for equal failures, with a true count, resolved and reopened as the tasks go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pytest

from agent.ledger import Ledger
from agent.log import Redaction
from agent.outcome import Issue, Outcome
from agent.problems import issue_notes
from agent.problems.issues import Issues
from agent.report import Report, RowRef
from handlers import registry
from handlers.base import CannotDo, Done, Evidence, Job, Tools, handler
from notion_schema.databases import AGENT_TASKS, ISSUES, IssueRow, TaskRow
from notion_schema.vocabulary import State
from tests.story.conftest import House, furnished

SECRET = "a-very-secret-thing"
STALE_S = 30.0


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


class Desk:
    """One worker's issues, over the real workspace, without the worker."""

    def __init__(self, house: House, name: str) -> None:
        self.clock = Clock()
        self.house = house
        folder = house.settings.data_dir / name
        self.folder = folder
        self.ledger = Ledger(f"sqlite:///{folder / 'engine.sqlite'}", folder, *issue_notes.TABLES)
        self.issues = Issues(
            house.workspace, self.ledger, Redaction((SECRET,)).clean, stale_s=STALE_S, clock=self.clock
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def fail(self, page_id: str, run: str, kind: str = "a", **more: Any) -> None:
        """A run of a task ended in failure."""
        issue = Issue(title="Sync track: it is gone", description="It is gone.", fingerprint=kind, **more)
        self.issues.failed(self.report(page_id, run), issue)

    def succeed(self, page_id: str) -> None:
        """A run of a task ended well."""
        self.issues.succeeded(self.report(page_id, "good"))

    def report(self, page_id: str, run: str) -> Report:
        """What a run of a task hands over."""
        return Report(
            ref=RowRef(database=AGENT_TASKS, page_id=page_id, attempt=1, run_id=run),
            title="A task",
            task_type="Sync track",
            outcome=Outcome(state=State.FAILED, summary="It is gone."),
            started_at=self.clock.now - 1,
            ended_at=self.clock.now,
            steps=(),
            log="12:00:00 info what was logged",
        )

    def cycle(self, later_s: float = 0.0) -> None:
        """The worker looks again after some time."""
        self.clock.now += later_s
        self.issues.catch_up()

    def row(self, signature: str = "a") -> IssueRow:
        """The one row that stands for a kind of failure."""
        (row,) = self.house.workspace.database(ISSUES).find_by_key(f"issue:{signature}")
        return row

    def requests(self) -> int:
        """How many requests were sent so far."""
        return sum(self.house.notion.counts().values())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[House]:
    """One house for all; each test has kinds of failure of its own."""
    with furnished(tmp_path_factory.mktemp("issues"), song) as house:
        yield house


@pytest.fixture
def desk(house: House, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A worker's issues; every switch is off again afterwards."""
    with Desk(house, request.node.name) as desk:
        yield desk
    house.server.workspace.faults.set(error_count=0, error_rate=0.0, drop_count=0, stale_seconds=0.0, only="")


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch."""

    link: str

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the link."""
        return cls(row.link or "")


@handler("Fetch", attempts=1, steps={"fetch": 1})
def fetch(job: Job[Request], tools: Tools) -> Done:
    """Fails for what is missing."""
    return Done(summary=job.step("fetch", _fetch, job.request.link), evidence=(Evidence("Fetched", "it"),))


def _fetch(link: str) -> str:
    if "missing" in link:
        raise CannotDo(f"{link} is gone.")
    return "Fetched."


def test_a_failure_is_filed_resolved_and_reopened(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows fail alike: one issue with both and the count; mended, it is resolved; broken again, it is reopened."""
    monkeypatch.setattr(registry, "load", lambda: registry.Registry({"Fetch": fetch}))
    tasks = house.workspace.database(AGENT_TASKS)
    asked = {"task_type": "Fetch", "status": "Ready", "link": "https://example.org/missing-1"}
    rows = [
        tasks.create({"title": f"Fetch {number}", **asked}, new_options=("task_type",)) for number in (1, 2)
    ]
    house.work()
    assert [house.row(row.id).status for row in rows] == ["Failed", "Failed"]
    (issue,) = house.issues()
    assert (issue.status, issue.occurrences, set(issue.tasks)) == ("Unreported", 2, {row.id for row in rows})
    assert issue.task_type is None
    assert issue.first_seen is not None
    assert issue.last_seen is not None
    assert "step started" in house.text(issue.id)

    for row in rows:
        tasks.update(row.id, {"link": "https://example.org/there", "status": "Ready"})
    house.work()
    assert [house.row(row.id).status for row in rows] == ["Completed", "Completed"]
    (issue,) = house.issues()
    assert issue.status == "Resolved"
    assert "every task that failed so has since succeeded" in issue.result
    assert "every task that failed so has since succeeded" in house.text(issue.id)

    tasks.update(rows[0].id, {"link": "https://example.org/missing-3", "status": "Ready"})
    house.work()
    (issue,) = house.issues()
    assert (issue.status, issue.occurrences) == ("Unreported", 3)
    assert "It has happened again" in house.text(issue.id)


def test_a_thousand_equal_failures_make_one_row_and_a_handful_of_requests(desk: Desk) -> None:
    """The count is exact, a hundred tasks are linked, the row says how many there are."""
    pages = [desk.house.add("", title=f"Task {number}").id for number in range(105)]
    before = desk.requests()
    for number in range(1000):
        desk.fail(pages[number % len(pages)], f"run {number}", "thousand")
        if number % 100 == 0:
            desk.cycle(0.1)
    desk.cycle(700)
    used = desk.requests() - before

    row = desk.row("thousand")
    assert row.occurrences == 1000
    assert len(row.tasks) == 100
    assert row.last_error == "1,000 failed attempts on 105 tasks; the first 100 of them are linked."
    assert used <= 12, used


def test_a_report_delivered_twice_counts_once(desk: Desk) -> None:
    """After a crash the same run is told again; the number does not change."""
    page = desk.house.add("").id
    for _ in range(3):
        desk.fail(page, "the same run", "twice")
    desk.cycle(700)
    assert desk.row("twice").occurrences == 1


def test_nothing_is_asked_of_notion_while_nothing_happens(desk: Desk) -> None:
    """An idle cycle costs no request."""
    desk.fail(desk.house.add("").id, "run", "idle")
    desk.cycle(STALE_S + 1)
    before = desk.requests()
    for _ in range(20):
        desk.cycle(60)
    assert desk.requests() == before


def test_while_notion_is_away_the_failures_are_counted(desk: Desk) -> None:
    """They stand in the row once Notion is back, in another process."""
    page = desk.house.add("").id
    with _away(desk.house):
        for number in range(7):
            desk.fail(page, f"run {number}", "away")
    with Desk(desk.house, desk.folder.name) as later:
        later.cycle(3600)
    assert desk.row("away").occurrences == 7


@contextmanager
def _away(house: House) -> Iterator[None]:
    """Notion answers nothing for a while, and the client has little patience."""
    impatient = house.notion._sender._patience
    house.notion._sender._patience = replace(impatient, attempts=1)
    house.server.workspace.faults.set(error_rate=1.0)
    try:
        yield
    finally:
        house.notion._sender._patience = impatient
        house.server.workspace.faults.set(error_rate=0.0)


def test_a_lost_answer_does_not_make_a_second_row(desk: Desk) -> None:
    """The row was created and the answer lost: it is looked for after queries have caught up, never filed again."""
    page = desk.house.add("").id
    impatient = desk.house.notion._sender._patience
    desk.house.notion._sender._patience = replace(impatient, attempts=1)
    desk.house.server.workspace.faults.set(drop_count=1, stale_seconds=0.5, only="POST /v1/pages")
    try:
        desk.fail(page, "run 1", "lost")
    finally:
        desk.house.notion._sender._patience = impatient
    desk.house.server.workspace.faults.set(stale_seconds=0.0)
    desk.fail(page, "run 2", "lost")
    desk.cycle(STALE_S - 1)
    time.sleep(0.6)
    desk.cycle(STALE_S + 60)
    assert desk.row("lost").occurrences == 2


def test_of_two_rows_filed_at_the_same_time_one_remains(house: House) -> None:
    """Two workers with separate ledgers, and queries that lag: the older row stays and counts for both."""
    tasks = [house.add("").id for _ in range(2)]
    with Desk(house, "race-1") as one, Desk(house, "race-2") as two:
        _race(house, one, two, tasks)
    row = one.row("race")
    assert row.occurrences == 2
    assert set(row.tasks) == set(tasks)


def _race(house: House, one: Desk, two: Desk, tasks: list[str]) -> None:
    house.server.workspace.faults.set(stale_seconds=0.5)
    try:
        one.fail(tasks[0], "run 1", "race")
        two.fail(tasks[1], "run 2", "race")
    finally:
        house.server.workspace.faults.set(stale_seconds=0.0)
    time.sleep(0.6)
    assert len(house.workspace.database(ISSUES).find_by_key("issue:race")) == 2
    for desk in (one, two, one, two):
        desk.cycle(STALE_S + 60)


def test_what_a_person_made_of_an_issue_stays(desk: Desk) -> None:
    """Their status and texts are kept when the task succeeds; the page tells that it did."""
    page = desk.house.add("").id
    desk.fail(page, "run 1", "theirs")
    issues = desk.house.workspace.database(ISSUES)
    words = {
        "status": "Troubleshooting",
        "title": "Mine now",
        "description": "My words.",
        "result": "My result.",
    }
    issues.update(desk.row("theirs").id, words)

    desk.succeed(page)
    desk.cycle(60)

    row = desk.row("theirs")
    assert (row.status, row.title, row.description) == ("Troubleshooting", "Mine now", "My words.")
    assert row.result.startswith("My result.\n")
    assert "has since succeeded" in desk.house.text(row.id)


def test_an_issue_that_a_person_closed_is_reopened_by_a_relapse_alone(desk: Desk) -> None:
    """Failures from before the closing leave it closed; one after it opens it, with a note."""
    page = desk.house.add("").id
    desk.fail(page, "run 1", "closed")
    desk.clock.now -= 600
    desk.fail(page, "run 2", "closed")
    desk.clock.now += 600
    desk.house.workspace.database(ISSUES).update(desk.row("closed").id, {"status": "Resolved"})
    # The clock of Notion's edit times is the machine's own, and the first failure fell into the same minute.
    with desk.ledger.notes() as notes:
        notes.run("UPDATE issue SET last_seen = last_seen - 600 WHERE key = 'issue:closed'")
    desk.cycle(60)
    assert (desk.row("closed").status, desk.row("closed").occurrences) == ("Resolved", 2)

    desk.fail(page, "run 3", "closed")
    desk.cycle(700)

    assert (desk.row("closed").status, desk.row("closed").occurrences) == ("Unreported", 3)
    assert "happened again since this was closed" in desk.house.text(desk.row("closed").id)


def test_a_client_facing_issue_is_not_touched(desk: Desk) -> None:
    """A person made it one; from then on it stays as it is."""
    page = desk.house.add("").id
    desk.fail(page, "run 1", "client")
    issues = desk.house.workspace.database(ISSUES)
    row = issues.update(desk.row("client").id, {"kinds": ("Client-Facing Issue",)}, new_options=("kinds",))
    desk.cycle(STALE_S + 1)
    before = desk.house.notion.retrieve_page(row.id)

    desk.fail(page, "run 2", "client")
    desk.succeed(page)
    desk.cycle(700)

    after = desk.house.notion.retrieve_page(row.id)
    assert {**after, "request_id": ""} == {**before, "request_id": ""}


def test_a_client_facing_issue_is_not_worked(house: House) -> None:
    """Whatever its Task Type: only people answer to clients."""
    issues = house.workspace.database(ISSUES)
    asked = {"status": "Unreported", "task_type": "Verify run"}
    ours = issues.create({"title": "Ours", **asked}, new_options=("task_type",))
    theirs = issues.create(
        {"title": "A client's", "kinds": ("Client-Facing Issue",), **asked},
        new_options=("task_type", "kinds"),
    )
    with house.worker() as worker:
        found = [each.row.id for each in worker.look().ready]
    issues.trash(ours.id)
    issues.trash(theirs.id)
    assert ours.id in found
    assert theirs.id not in found


def test_a_deleted_issue_comes_back_only_with_a_new_failure(desk: Desk) -> None:
    """What a person threw away is not filed again for old failures, but a new one is not hidden."""
    page = desk.house.add("").id
    desk.fail(page, "run 1", "deleted")
    desk.house.workspace.database(ISSUES).trash(desk.row("deleted").id)
    desk.cycle(700)
    assert desk.house.workspace.database(ISSUES).find_by_key("issue:deleted") == []

    desk.fail(page, "run 2", "deleted")
    desk.cycle(700)

    assert desk.row("deleted").occurrences == 2


def test_a_database_without_the_optional_columns_and_words_serves_too(desk: Desk) -> None:
    """No High, no Occurrences, no Result: the row is filed, resolved with its note in Description, and reopened."""
    issues = desk.house.workspace.database(ISSUES)
    properties = desk.house.notion.retrieve_data_source(issues.id)["properties"]
    gone = ("Occurrences", "First seen", "Last seen", "Result", "Priority", "Last error")
    desk.house.notion.update_data_source(issues.id, properties=dict.fromkeys(gone))
    issues.refresh()
    try:
        page = desk.house.add("").id
        desk.fail(page, "run 1", "plain")
        desk.succeed(page)
        desk.cycle(60)
        assert desk.row("plain").status == "Resolved"
        assert "has since succeeded" in desk.row("plain").description
        desk.fail(page, "run 2", "plain")
        desk.cycle(60)
        assert desk.row("plain").status == "Unreported"
    finally:
        restored = {
            name: {properties[name]["type"]: properties[name][properties[name]["type"]]} for name in gone
        }
        desk.house.notion.update_data_source(issues.id, properties=restored)
        issues.refresh()


def test_secrets_are_taken_out(desk: Desk) -> None:
    """Neither a known secret nor what looks like one reaches the row or its page."""
    link = f"https://example.org/a?token={'x' * 20}"
    desk.fail(desk.house.add("").id, "run", "secret", details=f"Traceback: {SECRET} at {link}")
    text = desk.house.text(desk.row("secret").id)
    assert "Traceback" in text
    assert SECRET not in text
    assert "x" * 20 not in text


def test_a_state_of_affairs_is_one_issue_until_it_is_over(desk: Desk) -> None:
    """Told a hundred times it costs one row; its words follow; resolved with a note; back again, the same row opens."""
    before = desk.requests()
    for _ in range(100):
        desk.issues.report("drift:tempo", "Tempo is gone", "Add the column Tempo.", tags=("Schema Drift",))
    assert desk.requests() - before <= 3
    assert (desk.row("drift:tempo").occurrences, desk.row("drift:tempo").tags) == (1, ("Schema Drift",))

    desk.issues.report("drift:tempo", "Tempo is gone", "Add the columns Tempo and Key.")
    desk.cycle(60)
    assert desk.row("drift:tempo").description == "Add the columns Tempo and Key."
    desk.house.workspace.database(ISSUES).update(desk.row("drift:tempo").id, {"description": "Mine."})
    desk.issues.report("drift:tempo", "Tempo is gone", "Add the column Key.")
    desk.cycle(60)
    assert desk.row("drift:tempo").description == "Mine."
    assert "Add the column Key." in desk.house.text(desk.row("drift:tempo").id)

    desk.clock.now += 60
    desk.issues.resolve("drift:tempo", "The column is there again.")
    row = desk.row("drift:tempo")
    assert row.status == "Resolved"
    assert "The column is there again." in row.result

    desk.clock.now += 60
    desk.issues.report("drift:tempo", "Tempo is gone", "Add the columns Tempo and Key.")
    assert (desk.row("drift:tempo").status, desk.row("drift:tempo").occurrences) == ("Unreported", 2)


def test_resolving_what_was_never_reported_does_nothing(desk: Desk) -> None:
    """No row, no request."""
    before = desk.requests()
    desk.issues.resolve("drift:never", "Fine.")
    desk.cycle(60)
    assert desk.requests() == before
