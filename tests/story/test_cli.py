"""The command as a person runs it: what it prints, how it exits, and that it explains itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.story.conftest import House, log_lines

SONG = "Test Band - Short Song.m4a"


def test_task_add_run_and_status(house: House) -> None:
    """A row from the shell, worked by the command, shown by the command; the run id stands in every line of a run."""
    added = house.segue(
        "task", "add", "Sync track", "--url", house.media.link(SONG), "--title", "From the shell"
    )
    assert added.returncode == 0, added.stderr
    assert added.stdout.splitlines()[0] == "From the shell"
    ran = house.segue("run", "--until-idle")
    assert ran.returncode == 0, ran.stderr
    lines = log_lines(ran.stderr)
    assert [line for line in lines if line["event"].startswith("step ") and "run_id" not in line] == []
    assert house.server.token not in ran.stderr
    (row,) = [row for row in house.rows() if row.title == "From the shell"]
    assert row.status == "Completed"
    shown = house.segue("status")
    assert "From the shell · attempt 1" in " ".join(shown.stdout.split())
    assert "done" in shown.stdout


def test_once_works_one_look_only(house: House) -> None:
    """The row is done, its follow-up waits for another time."""
    row = house.add(house.media.link(SONG))
    assert house.segue("run", "--once").returncode == 0
    assert house.row(row.id).status == "Completed"
    (verify,) = [other for other in house.rows() if other.id != row.id]
    assert verify.status == "Ready"


def test_handlers_lists_task_types_with_runbooks(house: House) -> None:
    """For a person who wonders why a row is Blocked."""
    shown = house.segue("handlers").stdout
    assert "Sync track" in shown
    assert "If it stays Blocked" in shown


def test_unknown_task_type_names_the_known_ones(house: House) -> None:
    """One sentence, exit code 1, no traceback."""
    refused = house.segue("task", "add", "Sing a song")
    assert refused.returncode == 1
    assert "Sync track, Verify configuration, Verify run." in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_missing_settings_are_named(tmp_path: Path) -> None:
    """Which variable, and how to get it."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    refused = subprocess.run(
        [sys.executable, "-m", "agent", "run", "--once"],
        env=clean,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "NOTION_TOKEN is not set" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_wrong_token_is_said_to_be_notions(house: House) -> None:
    """The service is named, the remedy too."""
    environment = {**house.environment(), "NOTION_TOKEN": "ntn_" + "x" * 40}
    refused = subprocess.run(
        [sys.executable, "-m", "agent", "run", "--once"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "Notion" in refused.stderr
    assert "x" * 40 not in refused.stderr


def test_provision_twice_changes_nothing(house: House) -> None:
    """The second plan is empty."""
    again = house.segue("provision")
    assert again.returncode == 0, again.stderr
    assert "Everything is there" in again.stdout
