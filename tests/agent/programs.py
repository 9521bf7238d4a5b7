"""A worker process for tests that kill, stop or race workers: an engine with one workflow that notes what it does.

Run as a file: ``python programs.py URL OUT WHAT``. Each line of OUT is one thing that happened, in order. The long step
goes on until a file named ``go`` lies beside OUT, or, in a run that was begun before, not at all.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from agent import log, shutdown
from agent.engine import Engine

LEASE_S = 3.0


class _Program:
    def __init__(self, engine: Engine, out: Path, name: str) -> None:
        self._engine, self._out, self._name = engine, out, name

    def note(self, words: str) -> None:
        with self._out.open("a", encoding="utf-8") as file:
            file.write(f"{words}\n")

    def may_go(self) -> bool:
        return (self._out.parent / "go").exists()

    def short(self) -> str:
        self.note(f"{self._name} short")
        return "kept"

    def long(self, run_id: str) -> bool:
        self.note(f"{self._name} long")
        while not self._engine.is_rerun(run_id) and not self.may_go():
            self._engine.guard()
            time.sleep(0.02)
        return self._engine.is_rerun(run_id)

    def last(self, first: str, again: bool) -> None:  # noqa: FBT001 - what the step before it returned
        self.note(f"{self._name} result {first} {again}")

    def steps(self, run_id: str) -> None:
        first = self._engine.step("short", self.short)
        again = self._engine.step("long", self.long, run_id)
        self._engine.step("last", self.last, first, again)

    def submit_light(self) -> None:
        while not self.may_go():
            time.sleep(0.01)
        accepted = sum(
            self._engine.submit("light", f"light {number}", f"light {number}", queue="default")
            for number in range(int(os.environ["IDS"]))
        )
        self.note(f"accepted {accepted}")


def _main(url: str, out: Path, name: str) -> None:
    log.configure(as_json=True)
    engine = Engine(url, poll_s=0.05, lease_s=LEASE_S, worker=name)
    program = _Program(engine, out, name)
    engine.register("steps", program.steps)
    engine.register("light", program.note)
    engine.start({"default": 8})
    stop = threading.Event()
    shutdown.on_signals(stop.set, 5)
    if name == "first":
        engine.submit("steps", "run", "run", queue="default")
    print("up", flush=True)
    if name == "race":
        pollers = [threading.Thread(target=program.submit_light) for _ in range(2)]
        for poller in pollers:
            poller.start()
        for poller in pollers:
            poller.join()
    while not stop.wait(0.02) and (name != "race" or engine.live()):
        pass
    engine.stop(5)
    program.note(f"{name} stopped")
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
