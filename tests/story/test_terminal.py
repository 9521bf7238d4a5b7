"""The terminal commands as a person runs them, beside a worker that is at work: top, cancel, retry, logs, schedules."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import run_logs
from agent.engine import Run, RunState
from agent.runner import RUN
from agent.steer import SteerError, Target, resolve
from notion_schema.databases import AGENT_TASKS
from tests.story.conftest import House

SONG = "Test Band - Short Song.m4a"
SOURCE, PAGE = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-00000000000{}"


@contextlib.contextmanager
def running(house: House) -> Iterator[None]:
    """A worker in this process that works on until the end."""
    with house.worker() as worker:
        thread = threading.Thread(target=worker.run_forever)
        thread.start()
        try:
            yield
        finally:
            worker.ask_to_stop()
            thread.join()


def wait_for(condition: Callable[[], object], seconds: float = 30) -> bool:
    """Whether it comes true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return bool(condition())


def on_a_terminal(house: House, *arguments: str, until: str) -> str:
    """What a command shows on a terminal of its own until a text is there; then Ctrl-C."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", *arguments],
        env={**house.environment(), "TERM": "xterm", "COLUMNS": "200", "LINES": "50"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 40
    try:
        while until.encode() not in seen and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # the other end is closed when the command ends
            while process.poll() is None or select.select([ours], [], [], 0)[0]:
                if select.select([ours], [], [], 0.2)[0]:
                    seen += os.read(ours, 65536)
        assert process.wait(20) == 0, seen.decode(errors="replace")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
    return seen.decode(errors="replace")


def test_top_logs_cancel_and_retry_steer_a_run(house: House) -> None:
    """Seen live with its step, its log followed, cancelled by the beginning of its id, set going again by its link."""
    row = house.add(house.media.link(f"slow/{SONG}"), title="A slow one")
    assert "No worker has run here yet." in house.segue("top", "--once").stdout
    with running(house):
        assert wait_for(lambda: any(path.startswith("/slow/") for path in house.media.requests))
        shown = on_a_terminal(house, "top", until="download")
        assert "1 running" in shown
        assert "A slow one" in shown
        assert "Notion: " in shown

        refused = house.segue("retry", row.id)
        assert refused.returncode == 1
        assert "“A slow one” is running. Cancel it first" in " ".join(refused.stderr.split())

        follower = subprocess.Popen(
            [sys.executable, "-m", "agent", "logs", row.url, "--follow"],
            env=house.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        cancelled = house.segue("cancel", row.id[:13])
        assert cancelled.returncode == 0, cancelled.stderr
        assert "“A slow one”: In Progress → Archived. A worker stops it" in " ".join(cancelled.stdout.split())
        told, _ = follower.communicate(timeout=40)
        assert follower.returncode == 0
        assert "step started step=download" in told
        assert wait_for(lambda: "Cancelled by you" in house.row(row.id).result)

        house.workspace.database(AGENT_TASKS).update(row.id, {"link": house.media.link(SONG)})
        again = house.segue("retry", row.url)
        assert "“A slow one”: Archived → Ready." in again.stdout
        assert wait_for(lambda: house.row(row.id).status == "Completed", 60)

    nothing = house.segue("cancel", row.id)
    assert nothing.returncode == 1
    assert "“A slow one” is Completed; there is nothing to cancel." in " ".join(nothing.stderr.split())
    still = house.segue("top", "--once").stdout
    assert "0 running · 0 waiting" in still
    assert re.search(r"A slow one · attempt 2 +done", still)
    first, latest = house.segue("logs", f"{row.id}:1"), house.segue("logs", row.id)
    assert "step=download" in first.stdout
    assert "state=done" in latest.stdout
    assert first.stdout != latest.stdout
    unknown = house.segue("logs", "11111111-2222-4333-8444-555555555555")
    assert unknown.returncode == 1
    assert "This machine has no log of it" in " ".join(unknown.stderr.split())


def test_schedules_are_listed_and_the_usual_ones_made_once(house: House) -> None:
    """Added twice, there is one of each; a paused one, a wrong one and a template's next time are shown."""
    database = house.workspace.database(AGENT_TASKS)
    assert "segue schedules add" in house.segue("schedules").stdout
    for title, schedule, status in (("Wrong", "now and then", "Ready"), ("Paused", "hourly", "Draft")):
        database.create({"title": title, "task_type": "Clean up", "status": status, "schedule": schedule})
    first = house.segue("schedules", "add")
    assert first.returncode == 0, first.stderr
    again = house.segue("schedules", "add")
    assert again.stdout.count("there already") == first.stdout.count("http")
    assert len([row for row in house.rows() if row.title == "Clean up what Segue no longer needs"]) == 1
    listed = house.segue("schedules").stdout
    assert re.search(
        r"Clean up what Segue no longer needs +Clean up +daily at 03:30 \S+ +\w{3} \d{4}-\d\d-\d\d 03:30",
        listed,
    )
    assert re.search(r"Paused .* paused: Draft", listed)
    assert "does not understand the Schedule" in " ".join(listed.split())


def _run(page: int, attempt: str) -> Run:
    name = f"{SOURCE}:{PAGE.format(page)}:{attempt}"
    return Run(
        run_id=name, workflow=RUN, state=RunState.ENDED, payload=None, output=None, created_at=0, updated_at=0
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (PAGE.format(1), Target(PAGE.format(1))),
        (f"https://www.notion.so/A-row-{PAGE.format(1).replace('-', '')}?pvs=4", Target(PAGE.format(1))),
        (f"{PAGE.format(1)}:2", Target(PAGE.format(1), "2")),
        (f"{SOURCE}:{PAGE.format(2)}:1.2", Target(PAGE.format(2), "1.2")),
        (f"{PAGE.format(1)}:", Target(PAGE.format(1))),
    ],
)
def test_a_row_is_named_by_link_id_or_run(text: str, target: Target) -> None:
    """A run's id names its attempt as well; the beginning will do where it is the beginning of one row's runs."""
    assert resolve(text, [_run(1, "1"), _run(1, "2"), _run(2, "1.2")]) == target


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bbbb", "may mean 2 rows"),
        ("bbb", "names no row"),
        ("cccccccc", "names no row"),
        ("", "names no row"),
        (SOURCE[:8], "may mean 2 rows"),
    ],
)
def test_what_names_no_row_or_several_is_refused(text: str, says: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(SteerError, match=says):
        resolve(text, [_run(1, "1"), _run(2, "1")])


def test_a_log_is_read_to_its_last_half_line(tmp_path: Path) -> None:
    """What is written while it is followed comes line by line, what was written before the end is not lost."""
    file = tmp_path / "10.log"
    for name in ("2.log", "1.log", "1.2.log", "notes.log", "3.txt"):
        (tmp_path / name).touch()
    file.write_text("one\ntw")
    asked: list[int] = []

    def goes_on() -> bool:
        asked.append(1)
        with file.open("a") as more:
            more.write("o\nthree" if len(asked) == 1 else "!")
        return len(asked) == 1

    assert list(run_logs.lines(file, goes_on=goes_on)) == ["one", "two", "three!"]
    assert run_logs.attempts(tmp_path) == ["1", "1.2", "2", "10"]
    assert run_logs.attempts(tmp_path / "missing") == []
