"""The engine's contract, the same on both databases: once for ever by id, kept steps, delay, priority, cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent import engine as engine_module
from agent.engine import Engine, RunState, reading
from music_workflow.errors import Removed


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """What the condition says as soon as it is true, or at the end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.02)
    return condition()


@dataclass
class Bench:
    """A started engine with workflows that note what happens to them."""

    engine: Engine
    url: str
    ran: list[Any] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def note(self, payload: Any) -> Any:
        """Notes that it ran."""
        self.ran.append(payload)
        return {"got": payload}

    def two_steps(self, run_id: str) -> str:
        """Keeps a tuple and an error."""

        def count() -> tuple[int, ...]:
            return (1, 2)

        def fail() -> None:
            raise Removed("gone", service="SoundCloud", operation="get")

        self.ran.append((run_id, self.engine.step("count", count)))
        try:
            self.engine.step("fail", fail)
        except Removed as error:
            self.ran.append((run_id, error.service))
        return "done"

    def blocks(self, name: str) -> None:
        """The first one waits until it is released."""
        if name == "first":
            self.release.wait(20)
        self.ran.append(name)

    def long_step(self, run_id: str) -> None:
        """Its first step goes on until it must stop; its second would be noted."""

        def first() -> bool:
            self.started.set()
            return bool(wait_for(lambda: self.engine.must_stop(run_id)))

        def second() -> None:
            self.ran.append("second")

        self.engine.step("first", first)
        self.engine.step("second", second)

    def breaks(self, _payload: Any) -> None:
        """A workflow with a defect."""
        raise RuntimeError("a defect")

    def ended(self, run_id: str) -> Any:
        """The run, once it waits and runs no more."""
        return wait_for(
            lambda: (run := self.engine.status(run_id)) and run.state not in engine_module.LIVE and run
        )


@pytest.fixture(scope="module")
def bench(module_url: str) -> Iterator[Bench]:
    """One engine for all facts about a database."""
    engine = Engine(module_url, poll_s=0.05, lease_s=30)
    bench = Bench(engine, module_url)
    for workflow in (bench.note, bench.two_steps, bench.blocks, bench.long_step, bench.breaks):
        engine.register(workflow.__name__, workflow)
    engine.register("agreed", str, lasting=True)
    engine.start({"default": 4, "one": 1})
    yield bench
    engine.stop()


@pytest.fixture(autouse=True)
def _fresh(bench: Bench) -> None:
    bench.ran.clear()
    bench.started.clear()
    bench.release.clear()


def test_an_id_is_accepted_once(bench: Bench) -> None:
    """A hundred submissions of one id from ten threads: one accepted, one execution."""
    accepted: list[bool] = []

    def submit() -> None:
        accepted.extend(bench.engine.submit("note", "once", "payload", queue="default") for _ in range(10))

    threads = [threading.Thread(target=submit) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert accepted.count(True) == 1
    assert bench.ended("once")
    assert bench.ran == ["payload"]
    assert not bench.engine.submit("note", "once", "payload", queue="default"), "finished ids stay taken"


def test_step_results_and_errors_are_kept_as_they_were(bench: Bench) -> None:
    """A tuple comes back as one; an error can be caught by class and carries its facts."""
    bench.engine.submit("two_steps", "typed", "typed", queue="default")

    assert bench.ended("typed").output == "done"
    assert bench.ran == [("typed", (1, 2)), ("typed", "SoundCloud")]
    assert [(step.name, step.failed) for step in bench.engine.steps("typed")] == [
        ("count", False),
        ("fail", True),
    ]


def test_delay_holds_no_slot_and_priority_decides(bench: Bench) -> None:
    """With one slot: the delayed one lets others pass; lower numbers go first."""
    submit = bench.engine.submit
    submit("blocks", "p0", "first", queue="one")
    assert wait_for(lambda: (run := bench.engine.status("p0")) and run.state is RunState.RUNNING)
    submit("blocks", "p1", "later", queue="one", delay_s=1.0)
    submit("blocks", "p2", "low", queue="one", priority=5)
    submit("blocks", "p3", "high", queue="one", priority=2)
    waiting = {run.run_id: run.state for run in bench.engine.live()}
    bench.release.set()

    assert wait_for(lambda: len(bench.ran) == 4)
    assert bench.ran == ["first", "high", "low", "later"]
    assert waiting == {
        "p0": RunState.RUNNING,
        "p1": RunState.WAITING,
        "p2": RunState.WAITING,
        "p3": RunState.WAITING,
    }


def test_cancel_stops_at_the_next_step(bench: Bench) -> None:
    """The running step may see it; the following one never runs, and what the first returned is not kept."""
    bench.engine.submit("long_step", "cancelled", "cancelled", queue="default")
    assert bench.started.wait(20)
    bench.engine.cancel("cancelled")

    assert bench.ended("cancelled").state is RunState.CANCELLED
    assert wait_for(lambda: not bench.engine._running)
    assert bench.ran == []
    assert bench.engine.steps("cancelled") == ()


def test_what_waits_can_be_cancelled_at_once(bench: Bench) -> None:
    """A delayed workflow never begins."""
    bench.engine.submit("note", "withdrawn", "payload", queue="default", delay_s=600)
    bench.engine.cancel("withdrawn")

    assert bench.engine.status("withdrawn").state is RunState.CANCELLED  # type: ignore[union-attr] # it was submitted
    assert bench.ran == []


def test_a_defect_ends_its_workflow_alone(bench: Bench) -> None:
    """It is remembered as broken, and the next one runs."""
    bench.engine.submit("breaks", "broken", None, queue="default")
    bench.engine.submit("note", "after it", "payload", queue="default")

    assert bench.ended("broken").state is RunState.BROKEN
    assert bench.ended("after it").state is RunState.ENDED


def test_unknown_queue_or_workflow_is_refused(bench: Bench) -> None:
    """What would wait for ever is an error at once."""
    with pytest.raises(ValueError, match="queue"):
        bench.engine.submit("note", "x", None, queue="defualt")
    with pytest.raises(ValueError, match="workflow"):
        bench.engine.submit("ntoe", "x", None, queue="default")


def test_history_can_be_read_beside_the_worker(bench: Bench) -> None:
    """The reader sees runs with payload and output, newest first, and takes no lock."""
    for name in ("read 1", "read 2"):
        bench.engine.submit("note", name, {"a": name}, queue="default")
        assert bench.ended(name)
    with reading(bench.url) as runs:
        newest, before, *_ = runs()

    assert (newest.run_id, newest.payload, newest.output) == (
        "read 2",
        {"a": "read 2"},
        {"got": {"a": "read 2"}},
    )
    assert before.run_id == "read 1"


def test_old_ends_are_forgotten_and_what_may_still_matter_is_not(bench: Bench) -> None:
    """The last attempt of a row is remembered, and all of a row of which something waits; a younger end stays."""
    for name in ("d:row:1", "d:row:2", "d:row:2/report/1", "d:busy:1", "d:busy:2", "single"):
        bench.engine.submit("note", name, None, queue="default")
        assert bench.ended(name)
    bench.engine.submit("note", "d:busy:2/report/1", None, queue="default", delay_s=600)
    bench.engine.submit("agreed", "name", "x", queue="default")
    assert bench.ended("name")

    assert bench.engine.forget(3600) == 0
    assert bench.engine.forget(-1) >= 3
    left = {
        name
        for name in ("d:row:1", "d:row:2", "d:row:2/report/1", "d:busy:1", "d:busy:2", "single")
        if bench.engine.status(name)
    }
    assert left == {"d:row:2", "d:busy:1", "d:busy:2"}
    assert not bench.engine.submit("note", "d:row:2", None, queue="default"), "its id stays taken"
    assert bench.engine.status("name"), "it is registered as lasting"
    bench.engine.cancel("d:busy:2/report/1")
