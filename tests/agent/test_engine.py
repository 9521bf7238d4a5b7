"""The engine's contract: once for ever by id, kept steps, recovery, delay, cancel, one worker per file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.engine import Engine, EngineInUseError, RunState, reading
from music_workflow.errors import Removed

REPOSITORY = Path(__file__).resolve().parents[2]


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'engine.sqlite'}"


def _wait_for(condition: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return condition()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that is not started yet; stopped at the end."""
    engine = Engine(_url(tmp_path), poll_s=0.05)
    yield engine
    engine.stop()


def test_an_id_is_accepted_once(engine: Engine) -> None:
    """A hundred submissions of one id from ten threads: one accepted, one execution."""
    ran: list[str] = []
    engine.register("work", ran.append)
    engine.start({"default": 4})
    accepted: list[bool] = []

    def submit() -> None:
        accepted.extend(engine.submit("work", "id-1", "payload", queue="default") for _ in range(10))

    threads = [threading.Thread(target=submit) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted.count(True) == 1
    assert _wait_for(lambda: not engine.live())
    assert ran == ["payload"]
    assert not engine.submit("work", "id-1", "payload", queue="default"), "finished ids stay taken"


def test_step_results_and_errors_are_kept_as_they_were(engine: Engine) -> None:
    """A dataclass comes back as one; an error can be caught by class and carries its facts."""
    seen: list[Any] = []

    def count() -> tuple[int, ...]:
        return (1, 2)

    def fail() -> None:
        raise Removed("gone", service="SoundCloud", operation="get")

    def workflow(_payload: Any) -> str:
        seen.append(engine.step("count", count))
        try:
            engine.step("fail", fail)
        except Removed as error:
            seen.append(error.service)
        return "done"

    engine.register("work", workflow)
    engine.start({"default": 1})
    engine.submit("work", "id-1", None, queue="default")
    run = _wait_for(lambda: (run := engine.status("id-1")) and run.state is RunState.ENDED and run)
    assert run.output == "done"
    assert seen == [(1, 2), "SoundCloud"]
    assert [(step.name, step.failed) for step in engine.steps("id-1")] == [("count", False), ("fail", True)]


def test_delay_holds_no_slot_and_priority_decides(engine: Engine) -> None:
    """With one slot: the delayed one lets others pass; lower numbers go first."""
    order: list[str] = []
    release = threading.Event()

    def workflow(name: str) -> None:
        if name == "first":
            release.wait(10)
        order.append(name)

    engine.register("work", workflow)
    engine.start({"default": 1})
    engine.submit("work", "0", "first", queue="default")
    _wait_for(lambda: (run := engine.status("0")) and run.state is RunState.RUNNING)
    engine.submit("work", "1", "later", queue="default", delay_s=1.5)
    engine.submit("work", "2", "low", queue="default", priority=5)
    engine.submit("work", "3", "high", queue="default", priority=2)
    release.set()
    assert _wait_for(lambda: len(order) == 4)
    assert order == ["first", "high", "low", "later"]


def test_cancel_stops_at_the_next_step(engine: Engine) -> None:
    """The running step may see it; the following one never runs."""
    ran: list[str] = []
    started = threading.Event()

    def first() -> bool:
        started.set()
        return bool(_wait_for(lambda: engine.is_cancelled("id-1")))

    def second() -> None:
        ran.append("second")

    def workflow(_payload: Any) -> None:
        engine.step("first", first)
        engine.step("second", second)

    engine.register("work", workflow)
    engine.start({"default": 1})
    engine.submit("work", "id-1", None, queue="default")
    assert started.wait(10)
    engine.cancel("id-1")
    _wait_for(lambda: not engine.live())
    time.sleep(0.5)
    run = engine.status("id-1")
    assert run
    assert run.state is RunState.CANCELLED
    assert ran == []


def test_unknown_queue_or_workflow_is_refused(engine: Engine) -> None:
    """What would wait for ever is an error at once."""
    engine.register("work", str)
    engine.start({"default": 1})
    with pytest.raises(ValueError, match="queue"):
        engine.submit("work", "id-1", None, queue="defualt")
    with pytest.raises(ValueError, match="workflow"):
        engine.submit("wrok", "id-1", None, queue="default")


PROGRAM = """
import os, sys, time
from agent.engine import Engine
engine = Engine(sys.argv[1], poll_s=0.05)
out = open(sys.argv[2], "a", buffering=1)
def one() -> str:
    out.write("one\\n"); return "kept"
def two() -> bool:
    out.write("two\\n")
    if not engine.is_rerun("id-1"): time.sleep(60)
    return engine.is_rerun("id-1")
def workflow(payload):
    first = engine.step("one", one)
    out.write(f"rerun {engine.step('two', two)} {first}\\n")
engine.register("work", workflow)
engine.start({"default": 1})
engine.submit("work", "id-1", None, queue="default")
while engine.live(): time.sleep(0.05)
out.write("idle\\n")
os._exit(0)
"""


def test_kill_nine_resumes_at_the_step_in_flight(tmp_path: Path) -> None:
    """The finished step is not run again; the one in flight is, and knows that it may have happened."""
    program, out = tmp_path / "program.py", tmp_path / "out"
    program.write_text(PROGRAM, encoding="utf-8")
    out.touch()
    command = [sys.executable, str(program), _url(tmp_path), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    first = subprocess.Popen(command, env=environment)
    assert _wait_for(lambda: "two" in out.read_text(), 20)
    first.send_signal(signal.SIGKILL)
    first.wait()
    subprocess.run(command, env=environment, check=True, timeout=40)
    assert out.read_text().split("\n") == ["one", "two", "two", "rerun True kept", "idle", ""]


def test_a_second_worker_on_the_same_file_is_refused(tmp_path: Path) -> None:
    """With a sentence that says what to do; after the first ends, it may start."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time\nfrom agent.engine import Engine\ne = Engine(sys.argv[1]); e.start({'q': 1})\n"
        "print('up', flush=True); time.sleep(60)\n",
        encoding="utf-8",
    )
    other = subprocess.Popen(
        [sys.executable, str(program), _url(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout
    assert other.stdout.readline() == "up\n"
    with pytest.raises(EngineInUseError, match="Another Segue worker"):
        Engine(_url(tmp_path)).start({"q": 1})
    other.kill()
    other.wait()
    other.stdout.close()
    again = Engine(_url(tmp_path))
    again.start({"q": 1})
    again.stop()


def test_history_can_be_read_beside_the_worker(engine: Engine, tmp_path: Path) -> None:
    """The reader sees runs with payload and output, and takes no lock."""
    engine.register("work", lambda payload: {"got": payload})
    engine.start({"default": 1})
    engine.submit("work", "id-1", {"a": 1}, queue="default")
    assert _wait_for(lambda: not engine.live())
    with reading(_url(tmp_path)) as runs:
        (run,) = runs()
    assert (run.run_id, run.payload, run.output) == ("id-1", {"a": 1}, {"got": {"a": 1}})
