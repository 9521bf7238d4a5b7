"""``segue doctor`` and the Verify configuration task: what is well, what stands in, what is wrong and whose it is."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from notion_schema.databases import AGENT_TASKS
from tests.story.conftest import House, furnished

Lines = dict[tuple[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[House]:
    """A house for the tests that change nothing in Notion, or put it back."""
    with furnished(tmp_path_factory.mktemp("doctor"), song) as house:
        yield house


def examine(house: House, **other: str) -> tuple[int, Lines, str]:
    """Runs the command; its exit code, its lines by service and name, and all it printed."""
    result = CliRunner().invoke(app, ["doctor", "--json"], env={**house.environment(), **other})
    told = json.loads(result.stdout)
    assert told["ok"] == (result.exit_code == 0)
    return result.exit_code, {(one["service"], one["name"]): one for one in told["checks"]}, result.output


def wrong(lines: Lines) -> list[tuple[str, str]]:
    """What fails."""
    return [name for name, one in lines.items() if one["verdict"] == "fail"]


def test_a_house_in_order_passes_with_its_stand_ins_as_warnings(looked_at: House) -> None:
    """Exit code 0; each database, status word, folder and codec is named; what is not set up is no “OK”."""
    code, lines, output = examine(looked_at, TRIGGER_SECRET="abcdefghijklmnopqrstuvwxyz")
    assert (code, wrong(lines)) == (0, [])
    assert "ready is “Ready”" in lines["Notion", "Agent-Tasks: status words"]["found"]
    assert "ready is “Unreported”" in lines["Notion", "Issues+Questions: status words"]["found"]
    assert lines["Notion", "Agent-Tasks: task types"]["verdict"] == "pass"
    assert lines["This machine", "OUT_DIR"]["verdict"] == "pass"
    assert lines["FFmpeg", "codecs"]["verdict"] == "pass"
    assert lines["Settings", "NOTION_TOKEN"]["found"] == "Set by NOTION_TOKEN in the environment."
    assert lines["Spotify", "app"]["verdict"] == "warn"
    assert looked_at.server.token not in output
    assert "abcdefgh" not in output


def test_people_read_lines_with_remedies(looked_at: House) -> None:
    """Grouped by service, a mark for each line, an arrow before each remedy, a sum at the end."""
    result = CliRunner().invoke(app, ["doctor"], env=looked_at.environment())
    assert result.exit_code == 0, result.output
    assert "\nNotion\n  ✓ token: Notion knows it as" in result.output
    assert "! app: No app is set up" in result.output
    assert "→ Set SPOTIFY_CLIENT_ID" in result.output
    assert result.output.rstrip().endswith("0 failed.")


@pytest.mark.parametrize(
    ("change", "service", "name", "said"),
    [
        ({"NOTION_TOKEN": "ntn_wrong"}, "Notion", "token", "does not accept the token"),
        ({"NOTION_TOKEN": ""}, "Settings", "NOTION_TOKEN", "not set"),
        ({"TRACKS_DB_ID": "nonsense"}, "Notion", "Music Tracks", "holds no Notion id"),
        ({"TRACKS_DB_ID": ""}, "Settings", "TRACKS_DB_ID", "not set"),
        ({"TRACKS_DB_ID": "{tasks}"}, "Notion", "Agent-Tasks and Music Tracks", "the same database"),
        ({"TRACKS_DB_ID": "{page}"}, "Notion", "Music Tracks", "not a database"),
        ({"AGENT_TASKS_STATUS_READY": "To Do"}, "Notion", "Agent-Tasks: Status", "no option “To Do”"),
        (
            {"AGENT_TASKS_STATUS_DONE": "Archived"},
            "Notion",
            "Agent-Tasks: Status",
            "done, cancelled and archived",
        ),
        ({"OUT_DIR": "/mnt/not-there/music"}, "This machine", "OUT_DIR", "not mounted"),
        ({"OUT_DIR": "{file}"}, "This machine", "OUT_DIR", "not a folder"),
        ({"MIN_FREE_MB": "999999999"}, "This machine", "OUT_DIR", "must stay free"),
        ({"MUSIC_DIRECTORY_PATHS": "/nowhere"}, "This machine", "MUSIC_DIRECTORY_PATHS", "not there"),
        ({"VOLUME_INDEX_PATH": "/nowhere/i.json"}, "This machine", "VOLUME_INDEX_PATH", "not there"),
        ({"EAGLE_API_BASE": "http://127.0.0.1:{closed}"}, "Eagle", "app", "Eagle"),
        ({"ENGINE_DATABASE_URL": "mysql://me:verysecret@x/y"}, "Engine", "database", "mysql"),
    ],
)
def test_what_is_wrong_is_named_with_whose_it_is(
    looked_at: House, tmp_path: Path, change: dict[str, str], service: str, name: str, said: str
) -> None:
    """Exit code 1, one failing line for the one thing that is wrong, and nothing else is blamed."""
    file = tmp_path / "file"
    file.write_text("")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        known = {
            "tasks": looked_at.settings.agent_tasks_db_id,
            "page": looked_at.server.root_page_id,
            "file": str(file),
            "closed": str(closed.getsockname()[1]),
        }
        code, lines, output = examine(
            looked_at, **{variable: value.format(**known) for variable, value in change.items()}
        )
    assert code == 1
    assert said in lines[service, name]["found"]
    assert {each[0] for each in wrong(lines)} <= {service, *(["Notion"] if "NOTION_TOKEN" in change else [])}
    assert "verysecret" not in output


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({"SPOTIFY_CLIENT_ID": "x"}, ("Settings", "SPOTIFY_CLIENT_SECRET"), "neither is used"),
        ({"EAGLE_TOKEN": "x"}, ("Settings", "EAGLE_TOKEN"), "no effect without EAGLE_API_BASE"),
        ({"DATABASE_ID": "x"}, ("Settings", "TRACKS_DB_ID"), "TRACKS_DB_ID is used"),
        ({"EXECUTION_LOGS_DB_ID": ""}, ("Notion", "Execution-Logs"), "no row is written"),
        ({"AGENT_PAGE_ID": "0" * 32}, ("Notion", "Agent-Tasks: assignment"), "by Task Type alone"),
    ],
)
def test_what_is_used_in_place_of_something_is_a_warning(
    looked_at: House, change: dict[str, str], name: tuple[str, str], said: str
) -> None:
    """It works, with less; the line says what is missing, and the exit code stays 0."""
    code, lines, _ = examine(looked_at, **change)
    assert (code, lines[name]["verdict"]) == (0, "warn")
    assert said in lines[name]["found"]


def test_slips_in_the_env_file(looked_at: House, tmp_path: Path) -> None:
    """A misspelt name, a value that the environment overrides, a file that others can read."""
    env = tmp_path / ".env"
    env.write_text("TRACK_DB_ID=x\nMY_OWN=1\nWORKER_NAME=one\n")
    env.chmod(0o644)
    code, lines, _ = examine(looked_at, WORKER_NAME="two")
    assert code == 0
    assert "TRACKS_DB_ID has" in lines["Settings", "TRACK_DB_ID"]["found"]
    assert "the environment is used" in lines["Settings", "WORKER_NAME"]["found"]
    assert "Other users" in lines["Settings", ".env"]["found"]
    assert ("Settings", "MY_OWN") not in lines


def test_a_setting_that_cannot_be_understood_is_named(looked_at: House) -> None:
    """Not a traceback, and not the value."""
    result = CliRunner().invoke(
        app, ["doctor"], env={**looked_at.environment(), "POLL_SECONDS": "often-secret"}
    )
    assert result.exit_code == 1
    assert "POLL_SECONDS" in str(result.exception)
    assert "often-secret" not in str(result.exception) + result.output


def test_a_damaged_engine_is_told_from_a_whole_one(looked_at: House, tmp_path: Path) -> None:
    """The file is read through; nothing of it is changed."""
    file = tmp_path / "engine.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("y" * 900,) for _ in range(200)])
    connection.close()
    content = bytearray(file.read_bytes())
    content[8192:24576] = b"\xff" * 16384
    file.write_bytes(content)
    code, lines, _ = examine(looked_at, ENGINE_DATABASE_URL=f"sqlite:///{file}")
    assert code == 1
    assert "damaged" in lines["Engine", "file"]["found"]
    assert file.read_bytes() == content


def test_rows_that_nobody_would_notice_are_listed(house: House) -> None:
    """Without a status, with one that means nothing, and claimed by a worker that is gone: each with its link."""
    tasks = house.workspace.database(AGENT_TASKS)
    mine = tasks.create({"title": "Forgotten", "task_type": "Sync track", "status": "Ready"})
    theirs = tasks.create({"title": "Somebody's", "status": "Ready"})
    words = [{"name": word} for word in tasks.options("status")]
    # As a select, and so that the rows that were there lose their word.
    house.notion.update_data_source(tasks.id, properties={"Status": {"select": {"options": words}}})
    tasks.refresh()
    draft = tasks.create({"title": "Sketch", "task_type": "Sync track", "status": "Draft"})
    late = datetime.now(UTC) - timedelta(hours=2)
    lost = tasks.create(
        {
            "title": "Lost",
            "task_type": "Sync track",
            "status": "In Progress",
            "lease_until": late,
            "worker": "old",
        }
    )
    code, lines, output = examine(house)
    assert code == 0
    without = [
        one for one in json.loads(output)["checks"] if one["name"] == "Agent-Tasks: rows without a status"
    ]
    assert [one["verdict"] for one in without] == ["warn", "warn"]
    assert mine.url in without[0]["found"]
    assert theirs.url in without[1]["found"]
    meaningless = lines["Notion", "Agent-Tasks: rows with a status that means nothing"]
    assert f"“Sketch” (Draft) {draft.url}" in meaningless["found"]
    expired = lines["Notion", "Agent-Tasks: claims that ran out"]
    assert (expired["verdict"], lost.url in expired["found"]) == ("warn", True)
    assert "last one: old" in expired["found"]


def test_the_task_says_it_on_its_row(house: House) -> None:
    """All well: Completed with each line on the page. A column gone: Failed, the remedy in Result, an issue filed."""
    row = house.add("", "Verify configuration")
    house.work()
    assert house.row(row.id).status == "Completed"
    assert "0 failed" in house.row(row.id).result
    text = house.text(row.id)
    assert "Spotify: app | ⚠️ warning" in text
    assert "Notion: token | ✅ pass" in text

    tracks = house.workspace.database("music_tracks")
    house.notion.update_database(tracks.place.database_id, in_trash=True)
    again = house.add("", "Verify configuration")
    with house.worker() as worker:
        worker.run_until_idle()
    failed = house.row(again.id)
    assert failed.status == "Failed"
    assert "Music Tracks" in failed.result
    assert any("Verify configuration" in issue.title for issue in house.issues())


def test_an_empty_mount_point_is_told_from_a_library(house: House) -> None:
    """The folder is there and the tracks are not: that is a volume to be mounted, not an empty library."""
    house.add(house.media.link("Test Band - Short Song.m4a"))
    house.work()
    _, lines, _ = examine(house)
    assert lines["This machine", "OUT_DIR: known tracks"]["verdict"] == "pass"
    house.settings.out_dir.rename(house.settings.out_dir.with_name("unmounted"))
    house.settings.out_dir.mkdir()
    code, lines, _ = examine(house)
    assert code == 1
    assert "Mount its volume" in lines["This machine", "OUT_DIR: known tracks"]["found"]
