"""What `segue top` sees of a worker at work, on either database, and how it says it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from agent import engine as engine_module
from agent import records
from agent.checks import engine as engine_check
from agent.commands import history, steer, steer_cli, top
from agent.engine import Engine, reading
from agent.outcome import Outcome
from agent.report import Report, RowRef
from agent.runner import REPORT, RUN
from handlers.registry import load
from notion_schema.pace import Standing
from notion_schema.vocabulary import State

SOURCE, PAGE = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000001"


def _ref(number: int) -> RowRef:
    return RowRef(
        database="agent_tasks",
        page_id=PAGE,
        attempt=number,
        run_id=f"{SOURCE}:{PAGE}:{number}",
    )


@pytest.fixture(scope="module")
def at_work(module_url: str) -> Iterator[str]:
    """An engine in the middle of a Sync track, with a second attempt in line and a report delivered before."""
    engine = Engine(module_url, poll_s=0.05)
    reached, leave = threading.Event(), threading.Event()

    def run(_payload: Any) -> None:
        engine.keep("clock", float, lambda: time.time() - 65)
        engine.keep("claim", dict[str, Any], lambda: {"row": {"title": "A song", "task_type": "Sync track"}})
        engine.keep("identify", str, lambda: "it")
        reached.set()
        leave.wait(30)

    engine.register(RUN, run)
    engine.register(REPORT, str)
    engine.start({"one": 1, "report": 1})
    try:
        for number in (1, 2):
            engine.submit(RUN, _ref(number).run_id, records.dump(_ref(number), RowRef), queue="one")
        report = Report(
            ref=_ref(1), title="Before", task_type="Sync track", outcome=Outcome(state=State.DONE, summary="Filed."),
            started_at=1.0, ended_at=3.5, steps=(), log="",
        )  # fmt: skip
        engine.submit(REPORT, "r", {"report": records.dump(report, Report), "delivery": 1}, queue="report")
        assert reached.wait(30)
        deadline = time.monotonic() + 30
        while len(engine.live()) > 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        yield module_url
    finally:
        leave.set()
        engine.stop()


def test_a_worker_at_work_is_seen_from_outside(at_work: str) -> None:
    """Title, task type, the step it is at with its share, its age; what waits; what ended last."""
    with reading(at_work) as read:
        seen = top.take(read, load(), Standing(free=2, burst=3, in_line=0, closed_s=0.0), ended=5)
    (running,) = seen.running
    steps = load().handlers["Sync track"].steps
    assert (running.title, running.task_type, running.name) == ("A song", "Sync track", f"{PAGE}:1")
    assert running.step == list(steps)[1]
    assert running.percent == round(100 * steps["identify"] / sum(steps.values()))
    assert 65 <= running.age_s < 120
    assert (seen.waiting, seen.reports, seen.rows) == (1, 0, 0)
    (ended,) = seen.ended
    assert (ended.name, ended.state, ended.took, ended.result) == (
        "Before · attempt 1", "done", "2.5 s", "Filed.",
    )  # fmt: skip
    console = Console(width=160)
    with console.capture() as captured:
        console.print(top.render(seen))
    assert "1 running · 1 waiting · Notion: 2 of 3 requests free" in captured.get()
    assert "A song" in captured.get()


def test_what_waits_for_long_is_seen_behind_newer_runs(at_work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, doctor and the beginning of a run's id know every live run, however many began after it."""
    monkeypatch.setattr(engine_module, "_LATEST", 1)
    with reading(at_work) as read:
        assert len(read()) == 1
        assert steer.resolve(_ref(1).run_id, steer_cli._runs(read)) == steer.Target(PAGE, "1")
    shown = [line.name for line in history.recent(at_work, 5)]
    assert shown == [f"{PAGE}:2", "Before · attempt 1"], "newest first, the first one by its report"
    (said,) = [one.found for one in engine_check.check(at_work) if one.name == "database"]
    assert "; 2 runs wait or work." in said


@pytest.mark.parametrize(
    ("pace", "says"),
    [
        (None, "Notion not asked yet"),
        (Standing(free=0, burst=3, in_line=12, closed_s=0.0), "Notion: 12 requests in line"),
        (
            Standing(free=3, burst=3, in_line=0, closed_s=185.2),
            "Notion asked to be left alone for another 3:05",
        ),
    ],
)
def test_notion_s_pace_is_said_in_words(pace: Standing | None, says: str) -> None:
    """A pause that Notion asked for comes before everything else."""
    snapshot = top.Snapshot(running=(), waiting=0, reports=2, rows=1, ended=(), pace=pace)
    assert (
        top.summary(snapshot)
        == f"0 running · 0 waiting · 2 reports on their way · 1 rows being filed · {says}"
    )


@pytest.mark.parametrize(
    ("seconds", "says"), [(-3, "0 s"), (59.9, "59 s"), (60, "1:00"), (3599, "59:59"), (7207, "2:00:07")]
)
def test_lengths_of_time_are_short(seconds: float, says: str) -> None:
    """Seconds, then minutes, then hours."""
    assert top.age(seconds) == says
