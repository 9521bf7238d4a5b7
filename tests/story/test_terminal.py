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
import time
from pathlib import Path

import pytest

from agent.commands import run_logs
from agent.commands.steer import SteerError, Target, resolve
from agent.engine import Run, RunState
from agent.runner import RUN
from notion_schema.databases import AGENT_TASKS
from tests.story.commands import segue
from tests.story.conftest import House
from tests.story.light import eventually, running

SONG = "Test Band - Short Song.m4a"
SOURCE, PAGE = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-00000000000{}"


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
    assert segue(house, "top", "--once").out == "No worker has run here yet."
    with house.worker() as worker, running(worker):
        assert eventually(lambda: any(path.startswith("/slow/") for path in house.media.requests))
        shown = on_a_terminal(house, "top", until="download")
        assert "1 running" in shown
        assert "A slow one" in shown
        assert "Notion: " in shown

        refused = segue(house, "retry", row.id)
        assert refused.code == 1
        assert "“A slow one” is running. Cancel it first" in refused.err

        cancelled = segue(house, "cancel", row.id[:13])
        assert cancelled.code == 0, cancelled.err
        assert "“A slow one”: In Progress → Archived. A worker stops it" in cancelled.out
        followed = segue(house, "logs", row.url, "--follow")
        assert followed.code == 0
        assert "step started step=download" in followed.out
        assert eventually(lambda: "Cancelled by you" in house.row(row.id).result)

        house.workspace.database(AGENT_TASKS).update(row.id, {"link": "", "task_type": "File gaps"})
        assert "“A slow one”: Archived → Ready." in segue(house, "retry", row.url).out
        assert eventually(lambda: house.row(row.id).status == "Blocked")

    house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Completed"})
    nothing = segue(house, "cancel", row.id)
    assert nothing.code == 1
    assert "“A slow one” is Completed; there is nothing to cancel." in nothing.err
    still = segue(house, "top", "--once").out
    assert "0 running · 0 waiting" in still
    assert "A slow one · attempt 2 blocked" in still
    first, latest = segue(house, "logs", f"{row.id}:1").out, segue(house, "logs", row.id).out
    assert "step=download" in first
    assert "state=blocked" in latest
    unknown = segue(house, "logs", "11111111-2222-4333-8444-555555555555")
    assert unknown.code == 1
    assert "This machine has no log of it" in unknown.err


def test_schedules_are_listed_and_the_usual_ones_made_once(house: House) -> None:
    """Added twice, there is one of each; a paused one, a wrong one and a template's next time are shown."""
    database = house.workspace.database(AGENT_TASKS)
    assert "segue schedules add" in segue(house, "schedules").out
    for title, schedule, status in (("Wrong", "now and then", "Ready"), ("Paused", "hourly", "Draft")):
        database.create({"title": title, "task_type": "Clean up", "status": status, "schedule": schedule})
    first = segue(house, "schedules", "add")
    assert first.code == 0, first.err
    assert first.out.count("http") == 2
    assert segue(house, "schedules", "add").out.count("there already") == 2
    assert len(house.rows()) == 4
    listed = segue(house, "schedules").out
    assert re.search(
        r"Clean up what Segue no longer needs Clean up daily at 03:30 \S+ \w{3} \d{4}-\d\d-\d\d 03:30", listed
    )
    assert "Paused Clean up hourly paused: Draft" in listed
    assert "does not understand the Schedule" in listed


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
