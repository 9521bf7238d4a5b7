"""Engines in processes of their own, killed, stopped, frozen and racing: one result, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from agent.shutdown import LOST
from tests.agent import programs
from tests.agent.conftest import BOTH
from tests.agent.test_engine import wait_for
from tests.fakes.postgres import Postgres

REPOSITORY = Path(__file__).resolve().parents[2]
IDS = int(os.environ.get("RACE_IDS", "100"))
"""`make chaos` races over 1,000."""


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty engine database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'engine.sqlite'}"
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@contextmanager
def _worker(url: str, tmp_path: Path, what: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with (tmp_path / f"{what}.log").open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, programs.__file__, url, str(tmp_path / "out"), what],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def _lines(tmp_path: Path) -> list[str]:
    out = tmp_path / "out"
    return out.read_text(encoding="utf-8").splitlines() if out.exists() else []


def _saw(tmp_path: Path, line: str, seconds: float = 30) -> bool:
    return bool(wait_for(lambda: line in _lines(tmp_path), seconds))


def test_kill_nine_is_survived(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The finished step is not run again; the one in flight is, knows that it may have happened, and is kept once."""
    with _worker(url, tmp_path, "first") as first:
        assert _saw(tmp_path, "first long")
        first.send_signal(signal.SIGKILL)
        first.wait()
    if not url.startswith("sqlite"):
        an_hour_later = "UPDATE segue.worker_lease SET expires_at = expires_at - interval '1 hour'"
        request.getfixturevalue("postgres").run(an_hour_later, url.rsplit("/", 1)[1])
    with _worker(url, tmp_path, "second"):
        assert _saw(tmp_path, "second result kept True"), (tmp_path / "second.log").read_text()

    assert _lines(tmp_path) == ["first short", "first long", "second long", "second result kept True"]


def test_a_polite_stop_keeps_the_step_and_leaves_the_rest(postgres: Postgres, tmp_path: Path) -> None:
    """SIGTERM: the step that ends within the grace is kept, no other begins, and another worker goes on at once."""
    with postgres.database() as url:
        _stop_politely(url, tmp_path)

    assert _lines(tmp_path) == ["first short", "first long", "first stopped", "second result kept False"]


def _stop_politely(url: str, tmp_path: Path) -> None:
    with _worker(url, tmp_path, "first") as first:
        assert _saw(tmp_path, "first long")
        first.terminate()
        time.sleep(0.2)
        (tmp_path / "go").touch()
        assert first.wait(20) == 0
    with _worker(url, tmp_path, "second"):
        assert _saw(tmp_path, "second result kept False")


def test_who_asks_twice_does_not_wait(tmp_path: Path) -> None:
    """The second signal ends the worker at once, in the middle of its step."""
    with _worker(f"sqlite:///{tmp_path / 'engine.sqlite'}", tmp_path, "first") as first:
        assert _saw(tmp_path, "first long")
        first.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert first.poll() is None
        first.send_signal(signal.SIGINT)

        assert first.wait(5) == 128 + signal.SIGINT


def test_a_frozen_worker_loses_its_run_and_ends_itself(postgres: Postgres, tmp_path: Path) -> None:
    """SIGSTOP past the lease, taken over, SIGCONT: one result, by the new owner; the old one says why it ends."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database())
        first = stack.enter_context(_worker(url, tmp_path, "first"))
        assert _saw(tmp_path, "first long")
        second = stack.enter_context(_worker(url, tmp_path, "second"))
        assert second.stdout
        assert second.stdout.readline() == "up\n"
        first.send_signal(signal.SIGSTOP)
        assert _saw(tmp_path, "second result kept True"), (tmp_path / "second.log").read_text()
        first.send_signal(signal.SIGCONT)

        assert first.wait(20) == LOST
        assert second.poll() is None
    assert _lines(tmp_path) == ["first short", "first long", "second long", "second result kept True"]
    assert "worker stops" in (tmp_path / "first.log").read_text()
    assert "runs of a dead worker handed on" in (tmp_path / "second.log").read_text()


def test_pollers_race(url: str, tmp_path: Path) -> None:
    """Each id is accepted once and runs once: by two pollers in one process, on PostgreSQL in two processes."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_worker(url, tmp_path, "race", IDS=str(IDS)))
            for _ in range(1 if url.startswith("sqlite") else 2)
        ]
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == "up\n"
        (tmp_path / "go").touch()
        assert {worker.wait(120) for worker in workers} == {0}

    lines = _lines(tmp_path)
    accepted = [int(line.split()[1]) for line in lines if line.startswith("accepted")]
    assert len(accepted) == 2 * len(workers)
    assert sum(accepted) == IDS
    ran = sorted(line for line in lines if line.startswith("light"))
    assert ran == sorted(f"light {number}" for number in range(IDS))
