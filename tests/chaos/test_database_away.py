"""PostgreSQL dies under a worker in the middle of a step: it says so in a few lines and ends with its own code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.shutdown import LOST
from tests.agent import programs
from tests.fakes.postgres import serving
from tests.story.light import eventually

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_worker_does_not_idle_beside_a_dead_database(tmp_path: Path) -> None:
    """After its lease has run out it ends; by then the library underneath has complained hundreds of times."""
    log, out = tmp_path / "log", tmp_path / "out"
    with serving() as server, server.database() as url, log.open("wb") as errors:
        if server.process is None:
            pytest.skip("the server of SEGUE_TEST_POSTGRES_URL is not ours to stop")
        worker = subprocess.Popen(
            [sys.executable, programs.__file__, url, str(out), "first"],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            assert eventually(lambda: out.exists() and "first long" in out.read_text(encoding="utf-8"), 60)
            server.process.send_signal(signal.SIGQUIT)
            server.process.wait()
            assert worker.wait(60) == LOST
        finally:
            worker.kill()
            worker.wait()
    lines = log.read_text(encoding="utf-8").splitlines()
    assert "the engine's database does not answer" in log.read_text(encoding="utf-8")
    assert "worker stops" in lines[-1]
    assert len(lines) < 40, lines
    print(f"\nended with {LOST} after {len(lines)} lines")
