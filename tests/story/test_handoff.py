"""Work is handed on by code, exactly once: follow-ups, the word back, the ends of chains, answers to questions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent import answers, page
from agent.answers import Answers
from agent.handing_on import returns
from agent.handing_on.handoff import Handoff
from agent.handing_on.returns import Returns
from agent.ledger import Ledger
from agent.outcome import Outcome
from agent.present import row_of
from agent.problems import issue_notes
from agent.problems.issues import Issues
from agent.report import Report, RowRef
from handlers import registry
from handlers.base import FollowUp
from notion_schema.client import Notion
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.errors import NotShared
from notion_schema.vocabulary import State
from notion_schema.workspace import Database
from tests.story.conftest import House, furnished


class Desk:
    """What a worker hands on with, over the real workspace."""

    def __init__(self, house: House, name: str) -> None:
        self.house = house
        self.now = 1_800_000_000.0
        folder = house.settings.data_dir / name
        tables = (*issue_notes.TABLES, *answers.TABLES, *returns.TABLES)
        self.ledger = Ledger(f"sqlite:///{folder / 'engine.sqlite'}", folder, *tables)
        self.issues = Issues(house.workspace, self.ledger, str, stale_s=30.0)
        self.returns = Returns(house.workspace, self.ledger, str, lambda: self.now)
        self.answers = Answers(house.notion, self.ledger)
        types = registry.load()
        self.handoff = Handoff(house.workspace, self.issues, types.reviews, most_links=5)

    def file(self, row: TaskRow, task_type: str, effect: str = "next") -> str | None:
        """A row gives rise to a follow-up."""
        report = Report(
            ref=RowRef(database=AGENT_TASKS, page_id=row.id, attempt=1, run_id=f"run of {row.id}"),
            title=row.title,
            task_type=row.task_type or "",
            outcome=Outcome(state=State.DONE, summary="Done."),
            started_at=0.0,
            ended_at=1.0,
            steps=(),
            log="",
            handed_off_from=row.handed_off_from,
        )
        wanted = FollowUp(
            effect=effect, task_type=task_type, title=f"After {row.title}", description="Because."
        )
        return self.handoff.file(report, wanted, look_first=False)

    def lines(self, page_id: str) -> list[str]:
        """What the page was told of handed-off rows."""
        return [line for line in self.house.text(page_id).splitlines() if line.startswith("↩")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[House]:
    """One house for all; each test has rows of its own."""
    with furnished(tmp_path_factory.mktemp("handoff"), song) as house:
        yield house


@pytest.fixture
def desk(house: House, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A worker's desk with an empty ledger."""
    desk = Desk(house, request.node.name)
    with closing(desk.ledger):
        yield desk


def _child(desk: Desk, *parents: str, **values: Any) -> TaskRow:
    made = desk.house.add("", title=values.pop("title", "A part"))
    return desk.house.workspace.database(AGENT_TASKS).update(made.id, {"handed_off_from": parents, **values})


def test_the_worker_tells_originators_and_counts_chains(desk: Desk) -> None:
    """A handed-off row fails: its originator reads it once, also after a restart. The sixth in a chain is not filed."""
    tasks = desk.house.workspace.database(AGENT_TASKS)
    origin = tasks.update(desk.house.add("", title="Origin").id, {"status": "Draft"})
    part = _child(desk, origin.id, task_type="Verify run", description="Run ID: nobody-knows-it")
    last = origin
    for number in range(1, 6):
        last = _child(desk, last.id, title=f"Link {number}", status="Draft")
    link = "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"
    tasks.update(last.id, {"link": link, "status": "Ready"})

    desk.house.work()
    desk.house.work()

    assert desk.house.row(part.id).status == "Failed"
    (line,) = desk.lines(origin.id)
    assert "“A part” has failed: The library has no record of nobody-knows-it" in line
    assert desk.house.row(last.id).status == "Blocked"
    assert [each for each in desk.house.rows() if each.handed_off_from == (last.id,)] == []
    assert [each for each in desk.house.issues() if each.tasks == (last.id,)]


def test_many_ends_are_told_in_few_requests(desk: Desk) -> None:
    """A hundred and twenty rows of one playlist end: each has its line, and they share their requests."""
    origin = desk.house.add("", title="A playlist")
    part = _child(desk, origin.id)
    before = sum(desk.house.notion.counts().values())
    for number in range(120):
        desk.returns.ended(part, State.DONE, f"run {number}", f"Track {number}.")
        desk.returns.ended(part, State.DONE, f"run {number}", f"Track {number}.")
    for _ in range(40):
        desk.returns.catch_up()
        desk.now += 1
    used = sum(desk.house.notion.counts().values()) - before
    assert len(desk.lines(origin.id)) == 120
    assert used <= 8, used


def test_a_blocked_originator_goes_on_when_all_it_waits_for_is_done(desk: Desk) -> None:
    """Not after the first of two prerequisites, not after a failure; a row blocked for another reason stays."""
    tasks = desk.house.workspace.database(AGENT_TASKS)
    origin = desk.house.add("", title="Waits for two")
    parts = [_child(desk, origin.id, title=f"Part {number}") for number in (1, 2)]
    tasks.update(origin.id, {"status": "Blocked", "prerequisites": tuple(part.id for part in parts)})
    other = desk.house.add("", title="Needs a person")
    tasks.update(other.id, {"status": "Blocked"})

    desk.returns.ended(parts[0], State.FAILED, "run 1", "It broke.")
    assert desk.returns.catch_up() == 0
    tasks.update(parts[0].id, {"status": "Completed"})
    desk.returns.ended(parts[0], State.DONE, "run 2", "Mended.")
    desk.now += 60
    assert desk.returns.catch_up() == 0
    assert desk.house.row(origin.id).status == "Blocked"

    tasks.update(parts[1].id, {"status": "Completed"})
    desk.returns.ended(parts[1], State.DONE, "run 1", "Fine.")
    desk.returns.ended(_child(desk, other.id), State.DONE, "run 1", "Fine.")
    desk.now += 60
    assert desk.returns.catch_up() == 1

    assert desk.house.row(origin.id).status == "Ready"
    assert desk.house.row(other.id).status == "Blocked"
    assert len(desk.lines(origin.id)) == 3
    tasks.update(origin.id, {"status": "Draft"})


def test_a_lost_answer_does_not_double_the_line(desk: Desk) -> None:
    """The line was appended and the answer lost: it is looked for before it is written again."""
    origin = desk.house.add("", title="Told once")
    part = _child(desk, origin.id)
    desk.returns.ended(part, State.DONE, "run 1", "Fine.")
    desk.house.server.workspace.faults.set(drop_count=1, only="PATCH /v1/blocks")
    try:
        desk.returns.catch_up()
    finally:
        desk.house.server.workspace.faults.set(drop_count=0, only="")
    desk.now += 600
    desk.returns.catch_up()
    assert len(desk.lines(origin.id)) == 1


def test_an_originator_that_is_gone_or_recurring_is_not_told(desk: Desk) -> None:
    """A trashed row is left alone, and a template does not collect a line for every child it ever made."""
    tasks = desk.house.workspace.database(AGENT_TASKS)
    gone, template = desk.house.add("", title="Gone"), desk.house.add("", title="Every day")
    tasks.update(template.id, {"schedule": "daily at 07:00"})
    tasks.trash(gone.id)
    desk.returns.ended(_child(desk, gone.id, template.id), State.DONE, "run 1", "Fine.")
    desk.returns.catch_up()
    assert desk.lines(template.id) == []
    with desk.ledger.notes() as notes:
        assert notes.rows("SELECT * FROM handed_back WHERE told = 0") == []
    tasks.update(template.id, {"status": "Draft"})


def test_a_withdrawn_token_does_not_make_rows_gone(desk: Desk) -> None:
    """Only a row that Notion does not find is gone; a refusal of the token tells nothing about rows."""
    tasks = desk.house.workspace.database(AGENT_TASKS)
    row = desk.house.add("", title="There")
    with Notion("ntn_withdrawn", base_url=desk.house.server.base_url) as refused:
        blind = Database(refused, tasks.spec, tasks.place, tasks.binding)
        with pytest.raises(NotShared):
            row_of(blind, row.id)
    assert row_of(tasks, row.id) is not None
    assert row_of(tasks, "00000000-0000-4000-8000-000000000000") is None
    tasks.trash(row.id)
    assert row_of(tasks, row.id) is None


def test_a_chain_of_handoffs_ends(desk: Desk) -> None:
    """Five follow-ups may come of one another; the sixth is an issue that names it, and no row."""
    tasks = desk.house.workspace.database(AGENT_TASKS)
    row = desk.house.add("", title="One")
    for _ in range(5):
        filed = desk.file(row, "Sync track")
        assert filed is not None
        row = tasks.get(filed)
        tasks.update(row.id, {"status": "Draft"})
    before = len(desk.house.rows())

    assert desk.file(row, "Sync track") is None

    assert len(desk.house.rows()) == before
    (issue,) = [each for each in desk.house.issues() if each.tasks == (row.id,)]
    assert issue.title.startswith("Not handed on")
    assert "number 6 in a chain of handoffs that may have 5" in issue.description


def test_rows_that_are_handed_off_from_each_other_end_too(desk: Desk) -> None:
    """A circle that a person made of the relation is counted once around, not for ever."""
    one = desk.house.add("", title="One")
    two = _child(desk, one.id, title="Two")
    desk.house.workspace.database(AGENT_TASKS).update(one.id, {"handed_off_from": (two.id,)})
    filed = desk.file(desk.house.row(one.id), "Sync track")
    assert filed is not None
    desk.house.workspace.database(AGENT_TASKS).update(filed, {"status": "Draft"})


def test_a_review_is_not_reviewed(desk: Desk) -> None:
    """A Verify run gives rise to no Verify run; a Sync track does."""
    review = desk.house.add("", task_type="Verify run", title="A review")
    assert desk.file(review, "Verify run") is None
    sync = desk.house.add("", title="A sync")
    assert desk.file(sync, "Verify run") is not None


# Answers -------------------------------------------------------------------------------------------------------------


def _blocks(*parts: tuple[str, str, bool]) -> list[dict[str, Any]]:
    return [
        {"type": kind, kind: {"rich_text": [{"plain_text": text}], "checked": checked}}
        for kind, text, checked in parts
    ]


def test_only_ticks_below_the_latest_question_count() -> None:
    """Not those of an older question, nor a person's own list; attempts that wait in between change nothing."""
    own = ("to_do", "buy milk", True)
    first = [
        ("heading_2", "Attempt 1: needs you", False),
        ("to_do", "old", True),
        ("heading_3", "Steps", False),
    ]
    second = [
        ("heading_2", "Attempt 2: needs you", False),
        ("to_do", "new", True),
        ("to_do", "not this", False),
    ]
    later = [("heading_2", "Attempt 3: to be tried again", False), ("paragraph", "Run x", False)]
    done = [("heading_2", "Attempt 4: completed", False)]

    assert page.ticked(_blocks(own, *first)) == ("old",)
    assert page.ticked(_blocks(own, *first, *second)) == ("new",)
    assert page.ticked(_blocks(own, *first, *second, *later)) == ("new",)
    assert page.ticked(_blocks(*first, *second, *done)) == ()
    assert page.ticked(_blocks(*first, ("heading_2", "Attempt 2: needs you", False))) == ()
    assert page.ticked(_blocks(*first, ("heading_1", "Mine", False), own)) == ("old",)


def test_an_old_answer_gives_way_to_a_tick(desk: Desk) -> None:
    """Answer still holds the reply to the question before; the tick below the new question is what counts."""
    tasks = desk.house.workspace.database(AGENT_TASKS)
    row = desk.house.add("", title="Asked twice")
    desk.house.notion.append_children(
        row.id,
        [
            {"type": "heading_2", "heading_2": {"rich_text": _text("Attempt 2: needs you")}},
            {"type": "to_do", "to_do": {"rich_text": _text("this one"), "checked": True}},
        ],
    )
    row = tasks.update(row.id, {"answer": "Artist - Title", "question": "Which?", "status": "Draft"})
    desk.answers.asked(row)

    assert desk.answers.of(row) == "this one"
    changed = tasks.update(row.id, {"answer": "wait"})
    assert desk.answers.of(changed) == "this one\nwait"
    # Claimed, and tried again later: the question is not shown any more, the answer holds.
    waiting = tasks.update(row.id, {"answer": "Artist - Title", "question": ""})
    assert desk.answers.of(waiting) == "this one"
    desk.answers.settled(row.id)
    assert desk.answers.of(waiting) == "Artist - Title"


def test_a_row_that_was_asked_nothing_costs_no_request_for_its_answer(desk: Desk) -> None:
    """The page is not read."""
    row = desk.house.add("", title="Never asked")
    before = desk.house.notion.counts()
    assert desk.answers.of(row) == ""
    assert desk.house.notion.counts() == before


def _text(content: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": content}}]
