"""How a worker begins and ends: stopped in the middle of a long step, started while Notion is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from agent import wiring
from agent.engine import HaltedError
from notion_schema.errors import Unavailable
from tests.story.conftest import House
from tests.story.light import QUICK, eventually

SONG = "Test Band - Short Song.m4a"
GRACE_S = 0.2


def test_sigterm_in_the_middle_of_a_heavy_step(house: House, tmp_path: Path) -> None:
    """The whole group is signalled, as Ctrl-C and service managers do: it ends in time with 0, its children too.

    The row says what it said; the next start does the step again, and one result stands.
    """
    row = house.add(house.media.link(SONG))
    errors = tmp_path / "worker.log"
    with errors.open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-m", "agent", "run"],
            env={**house.environment(), "STOP_GRACE_SECONDS": str(GRACE_S)},
            stderr=file,
            start_new_session=True,
        )
    try:
        begun = '"step": "convert and analyse", "event": "step started"'
        assert eventually(lambda: begun in errors.read_text("utf-8"), 60)
        children = psutil.Process(worker.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(worker.pid, signal.SIGTERM)
        assert worker.wait(30) == 0, errors.read_text(encoding="utf-8")[-2000:]
        took = time.monotonic() - began
    finally:
        worker.kill()
        worker.wait()

    assert took < GRACE_S + 10
    assert psutil.wait_procs(children, timeout=5)[1] == [], "a child went on without its worker"
    assert house.row(row.id).status == "In Progress"
    assert house.files() == []

    again = house.segue("run", "--until-idle")
    assert again.returncode == 0, again.stderr[-2000:]
    done = house.row(row.id)
    assert (done.status, done.attempt) == ("Completed", 1)
    assert len(house.files()) == 3
    assert len(house.tracks()) == 1
    assert sum(block["type"] == "heading_2" for block in house.page(row.id)) == 1
    assert sorted(log.run_id for log in house.logs() if row.id in log.tasks) == [done.run_id]


def test_a_worker_that_starts_during_an_outage_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is to run for ever waits until Notion is back; one that is to end says that Notion is away."""
    monkeypatch.setattr(wiring, "Patience", QUICK)
    faults = house.server.workspace.faults
    faults.set(error_rate=1.0, error_status=503, only=" /v1/")
    with pytest.raises(Unavailable, match="down"), wiring.worker(house.settings):
        pytest.fail("it must not get so far")
    back = threading.Timer(0.5, faults.reset)
    back.start()

    began = time.monotonic()
    with wiring.worker(house.settings, patient=True) as worker:
        assert time.monotonic() - began > 0.5
        assert not worker.look().failed
    back.join()


def test_a_worker_that_lost_its_lease_sends_nothing_more(house: House) -> None:
    """The last question before each request; what it raises is raised, and Notion hears nothing."""

    def lost() -> None:
        raise HaltedError

    with wiring.notion(house.settings, before_send=lost) as notion, pytest.raises(HaltedError):
        notion.me()
    assert house.notion.me()
