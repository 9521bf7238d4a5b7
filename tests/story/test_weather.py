"""Notion at its worst while tasks run: every write lands later, once, and never over what a person did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notion_schema.databases import AGENT_TASKS, EXECUTION_LOGS
from tests.story.light import Scene, by_hand, eventually, scene, set_by_hand


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[Scene]:
    """One worker for all weathers; whoever survives the last one goes on to the next."""
    with scene(tmp_path_factory.mktemp("weather"), song) as at_work:
        yield at_work


@pytest.fixture
def at_work(shared_scene: Scene) -> Iterator[Scene]:
    """The worker under a clear sky, with a closed gate."""
    shared_scene.gate.opened.clear()
    yield shared_scene
    shared_scene.gate.opened.set()
    shared_scene.tally.revoked = False
    shared_scene.tally.faults.reset()


def _ended_once(scene: Scene, page_id: str, status: str = "Completed") -> None:
    assert eventually(lambda: scene.is_(page_id, status)), scene.row(page_id)
    assert scene.sections(page_id) == 1
    assert eventually(lambda: scene.log_rows(page_id) == 1)
    assert scene.gate.ran.count(page_id) == 1


def _let_the_worker_see(scene: Scene, page_id: str) -> None:
    """Waits until the worker has read a row anew; what it had read before may be a moment old when it writes."""
    since = time.monotonic()
    # A worker that has given the row up by then reads it no more; a few seconds are enough for one that has not.
    eventually(lambda: scene.tally.count(f"GET /v1/pages/{page_id}", since=since), 5)
    time.sleep(0.3)


def test_an_outage_delays_the_report_and_nothing_else(at_work: Scene) -> None:
    """A task ends while Notion is down: the worker asks a bounded number of times, and the result lands afterwards."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    at_work.tally.faults.set(error_rate=1.0, error_status=503, only=" /v1/")
    down = time.monotonic()
    at_work.gate.opened.set()
    time.sleep(1.5)
    asked = at_work.tally.count(since=down)
    assert 0 < asked < 50, "it neither fell silent nor spun"
    at_work.tally.faults.reset()
    _ended_once(at_work, row)


def test_a_third_of_all_requests_fails(at_work: Scene) -> None:
    """By 409, 429, 500, 502, 503, 504 and 529 in turn: each row is worked once and told once."""
    at_work.gate.opened.set()
    rows = [at_work.add() for _ in range(4)]
    for status in (409, 429, 500, 502, 503, 504, 529):
        at_work.tally.faults.set(error_rate=0.3, error_status=status, retry_after=0, only=" /v1/")
        time.sleep(0.25)
    at_work.tally.faults.reset()
    for row in rows:
        _ended_once(at_work, row)


def test_retry_after_is_obeyed_by_everybody(at_work: Scene) -> None:
    """One 429 that asks for a second: nobody sends anything for that second."""
    at_work.tally.faults.set(error_count=1, error_status=429, retry_after=1, only=" /v1/")
    assert eventually(lambda: not at_work.tally.faults.settings.error_count)
    told, _ = at_work.tally.seen[-1]
    time.sleep(1.3)
    waited = [at - told for at, _ in at_work.tally.seen if at > told]
    assert waited
    # Those that were on their way when the answer came do not count.
    assert not [seconds for seconds in waited if 0.15 < seconds < 0.85]


def test_dropped_answers_double_nothing(at_work: Scene) -> None:
    """Page section, log row and status are written and each answer is lost: each is recognised, and stands once."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    at_work.tally.faults.set(drop_count=3, only=" /v1/")
    at_work.gate.opened.set()
    _ended_once(at_work, row)
    assert at_work.tally.faults.settings.drop_count == 0


def test_stale_queries_after_a_dropped_answer_leave_one_row(at_work: Scene) -> None:
    """The log row cannot be seen when it is looked for, is made twice, and one of the two is trashed later."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    at_work.tally.faults.set(drop_count=1, only="POST /v1/pages", stale_seconds=1.2)
    at_work.gate.opened.set()
    assert eventually(lambda: at_work.is_(row, "Completed"))
    logs = at_work.house.workspace.database(EXECUTION_LOGS)
    trashed = lambda: len(list(at_work.house.notion.query(logs.id, in_trash=True)))  # noqa: E731 - said once
    assert eventually(lambda: trashed() == 1), "the weather was not bad enough for this test"
    assert eventually(lambda: at_work.log_rows(row) == 1)


def test_stale_queries_start_nothing_twice(at_work: Scene) -> None:
    """Queries show the row as ready long after it was taken, and after it was done."""
    at_work.gate.opened.set()
    at_work.tally.faults.set(stale_seconds=1.0)
    rows = [at_work.add() for _ in range(2)]
    assert eventually(lambda: all(at_work.is_(row, "Completed") for row in rows))
    time.sleep(1.0)
    for row in rows:
        _ended_once(at_work, row)
        assert at_work.row(row).attempt == 1


def test_what_a_person_does_meanwhile_stays(at_work: Scene) -> None:
    """While the last word cannot be written, a person sets another status, title and date: all three stay."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    at_work.tally.faults.set(error_rate=1.0, error_status=502, only=f"PATCH /v1/pages/{row}")
    at_work.gate.opened.set()
    assert eventually(lambda: at_work.log_rows(row) == 1)
    set_by_hand(at_work.house, row, {"status": "Draft", "title": "Mine now", "description": "hands off"})
    _let_the_worker_see(at_work, row)
    at_work.tally.faults.reset()
    time.sleep(0.5)
    assert eventually(lambda: at_work.sections(row) == 1)
    kept = at_work.row(row)
    assert (kept.status, kept.title, kept.description) == ("Draft", "Mine now", "hands off")


def test_a_claim_that_stumbles_is_not_written_over_a_person(at_work: Scene) -> None:
    """Notion will not let the row be taken; a person puts it aside meanwhile; it is not taken afterwards."""
    at_work.gate.opened.set()
    at_work.tally.faults.set(error_rate=1.0, error_status=409, only="PATCH /v1/pages")
    row = at_work.add()
    assert eventually(lambda: at_work.tally.count(f"PATCH /v1/pages/{row}"))
    set_by_hand(at_work.house, row, {"status": "Draft"})
    _let_the_worker_see(at_work, row)
    at_work.tally.faults.reset()
    time.sleep(0.5)
    assert at_work.row(row).status == "Draft"
    assert row not in at_work.gate.ran
    set_by_hand(at_work.house, row, {"status": "Ready"})
    _ended_once(at_work, row)


def test_a_revoked_token_is_told_and_survived(at_work: Scene) -> None:
    """401 for everything while a task ends; with the token back, its result lands and new rows are worked."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    at_work.tally.revoked = True
    at_work.gate.opened.set()
    time.sleep(1.0)
    assert any("does not accept the token" in why for why in at_work.worker.look().failed.values())
    at_work.tally.revoked = False
    _ended_once(at_work, row)
    _ended_once(at_work, at_work.add())


def test_a_database_unshared_and_shared_again(at_work: Scene) -> None:
    """404 for the task database and its rows while a task ends: not taken for an empty one; all goes on afterwards."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    database = at_work.house.workspace.database(AGENT_TASKS)
    at_work.tally.faults.set(unshared=[database.place.database_id])
    at_work.gate.opened.set()
    time.sleep(0.7)
    assert AGENT_TASKS in at_work.worker.look().failed
    at_work.tally.faults.reset()
    _ended_once(at_work, row)
    _ended_once(at_work, at_work.add())


def test_columns_change_under_a_run(at_work: Scene) -> None:
    """Renamed, retyped, deleted, robbed of an option while a task runs: what can be written is, the status always."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    tasks = at_work.house.workspace.database(AGENT_TASKS)
    words = [word for word in tasks.options("run_state") if word != "Done"]
    changes = {
        "Result": {"name": "Ergebnis"},
        "Finished": {"rich_text": {}},
        "Worker": None,
        "Run state": {"select": {"options": [{"name": word} for word in words]}},
    }
    by_hand(at_work.house, "PATCH", f"data_sources/{tasks.id}", {"properties": changes})
    at_work.gate.opened.set()
    tasks.refresh()
    _ended_once(at_work, row)
    assert "WAIT" not in at_work.row(row).result
    assert row in at_work.row(row).result, "the renamed column is the same column"
    _ended_once(at_work, at_work.add())


def test_a_row_trashed_and_restored_while_it_runs(at_work: Scene) -> None:
    """In the trash it is stopped; restored and set to Ready it runs anew."""
    row = at_work.add("wait")
    assert eventually(lambda: row in at_work.gate.inside)
    at_work.house.workspace.database(AGENT_TASKS).trash(row)
    time.sleep(0.5)
    at_work.gate.opened.set()
    at_work.house.notion.update_page(row, in_trash=False)
    set_by_hand(at_work.house, row, {"status": "Ready"})
    assert eventually(lambda: at_work.is_(row, "Completed"))
    assert at_work.row(row).attempt == 2
