"""Rows and runs are kept true to each other, and nothing that goes wrong with one row stops the others."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent import runner, worker
from agent.report import RowRef
from agent.reporting import Claim, Reporting
from notion_schema.databases import AGENT_TASKS
from notion_schema.rows import Binding
from notion_schema.vocabulary import RunState
from tests.story.light import (
    Gate,
    Scene,
    eventually,
    light_handler,
    scene,
    set_by_hand,
)

HASTY = "Hasty task"


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[Scene]:
    """One worker for all; it knows a task type that has a second and no more."""
    gate = Gate()
    hasty = light_handler(gate, task_type=HASTY, timeout_s=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "_ASK_AGAIN_S", 0.1)
        patch.setattr(runner, "_HANGING_AFTER_S", 0.2)
        with scene(tmp_path_factory.mktemp("repair"), song, handlers=(hasty,), gate=gate) as at_work:
            yield at_work


@pytest.fixture
def at_work(shared_scene: Scene) -> Iterator[Scene]:
    """The worker, with a closed gate."""
    shared_scene.gate.opened.clear()
    yield shared_scene
    shared_scene.gate.opened.set()
    shared_scene.tally.faults.reset()


def _taken_elsewhere(at_work: Scene, until: datetime) -> str:
    """A row that the worker of another engine has taken, as far as one can see."""
    source = at_work.house.workspace.database(AGENT_TASKS).id
    row = at_work.add(status="Draft")
    set_by_hand(
        at_work.house,
        row,
        {
            "status": "In Progress",
            "run_state": RunState.RUNNING,
            "attempt": 1,
            "run_id": f"{source}:{row}:1",
            "worker": "studio (77) · engine 0badcafe",
            "lease_until": until,
        },
    )
    return row


def test_a_row_set_to_running_by_hand_is_repaired(at_work: Scene) -> None:
    """No run of it ever was: it is set to Ready, worked, and its log says why."""
    row = at_work.add(status="In Progress")
    assert eventually(lambda: at_work.is_(row, "Completed"))
    assert "no run of it ever was" in at_work.house.text(row)


def test_a_row_whose_run_is_not_known_is_repaired(at_work: Scene) -> None:
    """Somebody changed its Run ID, or the engine's memory was lost: it is tried again."""
    row = at_work.add(status="Draft")
    source = at_work.house.workspace.database(AGENT_TASKS).id
    values = {
        "status": "In Progress",
        "run_state": RunState.RUNNING,
        "run_id": f"{source}:{row}:8",
        "attempt": 8,
    }
    set_by_hand(at_work.house, row, values)
    assert eventually(lambda: at_work.is_(row, "Completed"))
    assert at_work.row(row).attempt == 9
    assert "is not known here" in at_work.house.text(row)


def test_another_engine_keeps_its_row_while_its_lease_lasts(at_work: Scene) -> None:
    """A live lease is respected and the reason is logged once; when it has run out, the row is taken over."""
    row = _taken_elsewhere(at_work, datetime.now(UTC) + timedelta(hours=1))
    time.sleep(1.0)
    assert at_work.is_(row, "In Progress")
    assert row not in at_work.gate.ran
    set_by_hand(at_work.house, row, {"lease_until": datetime.now(UTC) - timedelta(minutes=2)})
    assert eventually(lambda: at_work.is_(row, "Completed"))
    assert at_work.row(row).attempt == 2
    assert "studio (77) · engine 0badcafe had this row, and its lease ran out" in at_work.house.text(row)


def test_a_lease_that_is_renewed_is_respected_without_a_word(at_work: Scene) -> None:
    """The other engine renews its lease with each word of progress; that the row is left alone is logged once."""
    with capture_logs() as said:
        row = _taken_elsewhere(at_work, datetime.now(UTC) + timedelta(hours=1))

        def told() -> int:
            return sum(one["event"].startswith("row left alone") and one["page"] == row for one in said)

        assert eventually(told)
        set_by_hand(at_work.house, row, {"lease_until": datetime.now(UTC) + timedelta(hours=2)})
        time.sleep(1.0)
        assert told() == 1
    set_by_hand(at_work.house, row, {"status": "Draft"})


def test_a_run_that_another_engine_took_over_stops(at_work: Scene) -> None:
    """It ends here, writes no status, and its page says whose the row is."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    theirs = {
        "worker": "studio (77) · engine 0badcafe",
        "lease_until": datetime.now(UTC) + timedelta(hours=1),
    }
    set_by_hand(at_work.house, row, {**theirs, "attempt": 2, "run_id": "x:y:2"})
    at_work.gate.opened.set()
    time.sleep(1.0)
    kept = at_work.row(row)
    assert (kept.status, kept.attempt, kept.run_id) == ("In Progress", 2, "x:y:2")
    set_by_hand(at_work.house, row, {"status": "Draft"})


def test_ready_again_while_it_runs_starts_anew(at_work: Scene) -> None:
    """The run is stopped and says so; a second attempt follows."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    set_by_hand(at_work.house, row, {"status": "Ready"})
    assert eventually(lambda: "Set to Ready by you while it ran" in at_work.house.text(row))
    at_work.gate.opened.set()
    assert eventually(lambda: at_work.is_(row, "Completed"))
    assert at_work.row(row).attempt == 2


def test_a_row_that_cannot_be_read_stops_nobody(at_work: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of ours in reading one row: it is Blocked with a sentence, the others are worked."""
    decode = Binding.decode

    def poisoned(self: Binding[Any], page: dict[str, Any], *more: Any) -> Any:
        row = decode(self, page, *more)
        if getattr(row, "title", "") == "poison":
            raise RuntimeError("boom")
        return row

    monkeypatch.setattr(Binding, "decode", poisoned)
    bad = at_work.add(title="poison", priority="Critical")
    good = at_work.add()
    at_work.gate.opened.set()
    assert eventually(lambda: at_work.is_(good, "Completed"))

    def said() -> str:
        page = at_work.house.notion.retrieve_page(bad)
        return "".join(run["plain_text"] for run in page["properties"]["Question"]["rich_text"])

    assert eventually(lambda: "cannot read this row (RuntimeError: boom)" in said())


def test_a_row_that_cannot_be_taken_stops_nobody(at_work: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of ours in taking one row: tried a few times, then Blocked with a sentence; the others are worked."""
    claim = Reporting.claim
    bad = at_work.add(status="Draft", priority="Critical")

    def slips(self: Reporting, ref: RowRef) -> Claim:
        if ref.page_id == bad:
            raise KeyError("oops")
        return claim(self, ref)

    monkeypatch.setattr(Reporting, "claim", slips)
    set_by_hand(at_work.house, bad, {"status": "Ready"})
    good = at_work.add()
    assert eventually(lambda: at_work.is_(good, "Completed"))
    assert eventually(lambda: at_work.is_(bad, "Blocked"))
    assert "could not begin this row: KeyError: 'oops'" in at_work.row(bad).question
    monkeypatch.setattr(Reporting, "claim", claim)
    set_by_hand(at_work.house, bad, {"status": "Ready"})
    assert eventually(lambda: at_work.is_(bad, "Completed"))


def test_a_cycle_that_fails_is_followed_by_the_next(at_work: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was, the worker neither ends nor spins, and goes on when it is over."""
    engine = at_work.worker._engine
    live, failures = engine.live, []

    def broken() -> Any:
        failures.append(time.monotonic())
        raise MemoryError("no room")

    monkeypatch.setattr(engine, "live", broken)
    time.sleep(1.2)
    monkeypatch.setattr(engine, "live", live)
    assert 2 <= len(failures) <= 12
    row = at_work.add()
    assert eventually(lambda: at_work.is_(row, "Completed"))


def test_a_step_that_hangs_is_given_up(at_work: Scene) -> None:
    """It cannot be stopped, but its row is told, waits to be tried again, and others are worked."""
    row = at_work.add("wait", task_type=HASTY)
    assert eventually(lambda: row in at_work.gate.inside)
    assert eventually(lambda: at_work.row(row).run_state is RunState.WAITING, 20)
    told = at_work.row(row)
    assert "“pass” has not ended" in told.last_error
    assert told.run_after
    assert told.run_after > datetime.now(UTC)
    at_work.gate.opened.set()
    time.sleep(0.5)
    assert at_work.is_(row, "Ready"), "the step that ended after all changes nothing"


def test_no_step_begins_after_the_time_is_up(at_work: Scene) -> None:
    """The first step took too long: the second is not begun, and the row is tried later."""
    row = at_work.add("dawdle", task_type=HASTY)
    assert eventually(lambda: at_work.row(row).run_state is RunState.WAITING, 20)
    assert "“end” was not begun" in at_work.row(row).last_error


def test_later_is_visible_counted_and_spread(at_work: Scene) -> None:
    """Each try moves Run after further away, two rows not alike; the last one fails and files an issue."""
    first, second = at_work.add("later"), at_work.add("later")
    waits = []
    for number in (1, 2):
        for row in (first, second):
            assert eventually(
                lambda row=row, n=number: at_work.row(row).attempt == n and at_work.is_(row, "Ready")
            )
        told = [at_work.row(row) for row in (first, second)]
        assert all(f"Attempt {number} of 3" in row.result for row in told)
        waits.append(
            [(row.run_after - row.finished).total_seconds() for row in told if row.run_after and row.finished]
        )
        for row in (first, second):
            set_by_hand(at_work.house, row, {"run_after": None})
    # A minute, then five, each a fifth more or less; Finished is shown floored to the minute, Run after rounded up.
    assert all(48 <= wait < 72 + 120 for wait in waits[0]), waits
    assert all(240 <= wait < 360 + 120 for wait in waits[1]), waits
    for row in (first, second):
        assert eventually(lambda row=row: at_work.is_(row, "Failed"))
        assert "Tried 3 times" in at_work.row(row).last_error
    assert eventually(lambda: [issue for issue in at_work.house.issues() if first in issue.tasks])


def test_a_log_too_long_for_a_page_says_how_much_is_missing(at_work: Scene) -> None:
    """The page shows its end, and counts what it does not show."""
    row = at_work.add(status="Draft")
    kept = at_work.house.settings.data_dir / "runs" / row / "1.log"
    kept.parent.mkdir(parents=True)
    kept.write_text("chatter\n" * 20_000, encoding="utf-8")
    set_by_hand(at_work.house, row, {"status": "Ready"})
    assert eventually(lambda: at_work.is_(row, "Completed"))
    said = re.search(r"the first ([\d,]+) characters are in the worker's log", at_work.house.text(row))
    assert said
    assert int(said[1].replace(",", "")) >= 100_000


def test_a_person_may_rename_and_answer_while_it_runs(at_work: Scene) -> None:
    """Title, Description, Priority and Answer are the person's: the run changes none of them."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    mine = {"title": "Renamed", "description": "other words", "priority": "Low", "answer": "forty-two"}
    set_by_hand(at_work.house, row, mine)
    at_work.gate.opened.set()
    assert eventually(lambda: at_work.is_(row, "Completed"))
    kept = at_work.row(row)
    assert (kept.title, kept.description, kept.priority, kept.answer) == tuple(mine.values())
