"""What the worker costs Notion: requests a task, requests while idle, requests with many rows waiting."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import poller
from notion_schema.client import Notion
from notion_schema.databases import AGENT_TASKS, ISSUES
from tests.story.light import Scene, eventually, scene

MOST_REQUESTS = 7
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[Scene]:
    """A worker that is idle."""
    with scene(tmp_path_factory.mktemp("frugal"), song, poll_idle_seconds=0.5) as at_work:
        at_work.house.workspace.refresh()
        yield at_work


def _sources(at_work: Scene) -> set[str]:
    return {at_work.house.workspace.database(key).id for key in (AGENT_TASKS, ISSUES)}


def test_an_idle_look_is_one_query_for_each_database(at_work: Scene) -> None:
    """Nothing but these queries is sent, and equally many of both."""
    time.sleep(1.0)
    since = time.monotonic()
    time.sleep(1.6)
    sent = Counter(at_work.tally.requests(since=since))
    assert set(sent) <= {f"POST /v1/data_sources/{source}/query" for source in _sources(at_work)}
    counts = sorted(sent.values())
    assert len(counts) == 2
    assert counts[1] - counts[0] <= 1
    assert counts[1] <= 5, "the looks have grown apart"


def test_a_task_costs_few_requests(at_work: Scene) -> None:
    """From Ready to Completed with evidence, log and its Execution-Logs row: at most seven beside the polling."""
    at_work.gate.opened.set()
    since = time.monotonic()
    row = at_work.add()
    assert eventually(lambda: at_work.is_(row, "Completed"))
    time.sleep(0.3)
    # The test itself looked at the row; it does so by GET on the page, as the worker does twice.
    own = at_work.tally.requests(since=since)
    writes = [request for request in own if not request.endswith("/query") and not request.startswith("GET")]
    assert sorted(request.split("/")[0] + request.split("/")[2] for request in writes) == [
        "PATCH blocks",
        "PATCH pages",
        "PATCH pages",
        "POST pages",
    ]
    since = time.monotonic()
    second = at_work.add()
    assert eventually(lambda: at_work.gate.ran.count(second) and not at_work.worker._engine.live())
    time.sleep(0.5)
    beside = [request for request in at_work.tally.requests(since=since) if not request.endswith("/query")]
    assert at_work.is_(second, "Completed")
    assert len(beside) <= MOST_REQUESTS, beside


def test_many_waiting_rows_cost_one_query_a_look(at_work: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 24 rows, ten a page, a full look reads three pages; those in between read one and miss no news."""
    monkeypatch.setattr(poller, "_SECONDS_A_PAGE", 60.0)
    monkeypatch.setattr(poller, "_PAGE", 10)
    monkeypatch.setattr(Notion, "query", functools.partialmethod(Notion.query, page_size=10))
    tasks = at_work.house.workspace.database(AGENT_TASKS)
    for number in range(24):
        at_work.add(title=f"waits {number}", run_after=TOMORROW)
    source = f"POST /v1/data_sources/{tasks.id}/query"
    time.sleep(0.8)
    since = time.monotonic()
    time.sleep(1.2)
    looks = at_work.tally.count(f"{at_work.house.workspace.database(ISSUES).id}/query", since=since)
    assert at_work.tally.count(source, since=since) <= looks + 1
    row = at_work.add(priority="Critical")
    assert eventually(lambda: at_work.is_(row, "Completed"))
    assert at_work.worker.look().postponed == 24


def test_a_call_wakes_the_worker(at_work: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far apart though its looks are: a call brings the next one at once."""
    monkeypatch.setattr(at_work.worker._cadence, "after", lambda **_: 30.0)
    time.sleep(0.6)
    since = time.monotonic()
    time.sleep(0.5)
    assert at_work.tally.count(since=since) == 0
    row = at_work.add()
    at_work.worker.wake()
    assert eventually(lambda: row in at_work.gate.ran, 5)
    at_work.worker.wake()
