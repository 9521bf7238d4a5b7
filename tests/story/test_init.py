"""The first evening: ``segue init`` on an empty workspace, on the real one, and where something is in the way."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.commands.env_file import EnvFile
from notion_local import databases, server, shapes
from notion_local.server import RunningServer
from notion_schema import provisioning
from notion_schema.client import Notion
from notion_schema.databases import SPECS
from tests.conftest import traffic_file

SHAPE = Path("workspaces") / "real_shape.json"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[RunningServer]:
    """An empty workspace."""
    with RunningServer(tmp_path / "workspace", record=traffic_file()) as running:
        yield running


@pytest.fixture
def real(tmp_path: Path, shared: Path) -> Iterator[RunningServer]:
    """The owner's databases, as far as they are known."""
    with closing(server.open_workspace(tmp_path / "workspace")) as workspace:
        shapes.load(workspace, shared / SHAPE)
    with RunningServer(tmp_path / "workspace", record=traffic_file()) as running:
        yield running


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which nothing of Segue's stands yet; the commands are run there."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NOTION_RATE_PER_S", "500")
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def segue(running: RunningServer, *arguments: str, answers: str = "") -> Result:
    """Runs the command as a person would, with what they type."""
    environment = {"NOTION_BASE_URL": running.base_url}
    return CliRunner().invoke(app, list(arguments), input=answers, env=environment)


def client(running: RunningServer) -> Notion:
    """A client of the workspace."""
    return Notion(running.token, base_url=running.base_url, rate_per_s=1000)


def schema(running: RunningServer) -> dict[str, Any]:
    """Every shared data source as it is, by title."""
    with client(running) as notion:
        return {source["title"][0]["plain_text"]: source for source in notion.search_data_sources()}


def make(running: RunningServer, title: str) -> str:
    """A database with a title and nothing more; its id."""
    with client(running) as notion:
        made = notion.create_database(
            page_id=running.root_page_id, title=title, properties={"Name": {"title": {}}}
        )
    return str(made["id"])


def test_an_empty_workspace_is_set_up_under_a_page(local: RunningServer, at_home: Path) -> None:
    """Token typed, page named, everything agreed to: six databases, a private .env, and the command to go on with."""
    result = segue(local, "init", answers=f"{local.token}\n{local.root_page_id}\ny\ny\ny\n")
    assert result.exit_code == 0, result.output
    assert local.token not in result.output
    assert "segue doctor" in result.output
    set_to = EnvFile(at_home / ".env").values()
    assert set_to["NOTION_TOKEN"] == local.token
    assert {spec.title for spec in SPECS.values()} == set(schema(local))
    again = segue(local, "init", answers="")
    assert again.exit_code == 0, again.output
    assert "nothing is to be added" in again.output
    assert "?" not in again.output.replace("?v=", "")


def test_the_real_workspace_is_recognised_and_fitted(real: RunningServer, at_home: Path) -> None:
    """All six are found by themselves, only what is missing is added, and a second run has nothing to do."""
    before = schema(real)
    (at_home / "token").write_text(f"{real.token}\n")
    first = segue(real, "init", "--yes", "--token-file", "token")
    assert first.exit_code == 0, first.output
    for spec in SPECS.values():
        assert f"{spec.title}: “{spec.title}” (the same title" in first.output
    after = schema(real)
    for title, source in before.items():
        for name, live in source["properties"].items():
            kept = after[title]["properties"][name]
            assert (kept["id"], kept["type"]) == (live["id"], live["type"])
    assert after["Agent-Projects"]["properties"].keys() == before["Agent-Projects"]["properties"].keys()
    env = (at_home / ".env").read_bytes()

    second = segue(real, "init", "--yes")

    assert second.exit_code == 0, second.output
    assert "nothing is to be added" in second.output
    assert (at_home / ".env").read_bytes() == env
    assert schema(real) == after


def test_two_databases_of_one_title_are_asked_about(real: RunningServer, at_home: Path) -> None:
    """Both are listed with their links, and the one that is chosen is the one."""
    with client(real) as notion:
        [tasks] = [s for s in notion.search_data_sources() if s["title"][0]["plain_text"] == "Agent-Tasks"]
        copy = {
            name: {live["type"]: {} if live["type"] != "status" else {"options": live["status"]["options"]}}
            for name, live in tasks["properties"].items()
            if live["type"] in ("title", "status", "select", "rich_text", "number", "date")
        }
        for live in copy.values():
            for option in live.get("status", {}).get("options", []):
                option.pop("id")
        other = notion.create_database(page_id=real.root_page_id, title="🗂 Agent Tasks", properties=copy)
    unattended = segue(real, "init", "--yes", "--token-env", "SEGUE_TOKEN")
    assert unattended.exit_code == 2
    assert "SEGUE_TOKEN is not set" in unattended.output

    (at_home / "token").write_text(real.token)
    unattended = segue(real, "init", "--yes", "--token-file", "token")
    assert unattended.exit_code == 1
    assert "AGENT_TASKS_DB_ID" in unattended.output
    assert not (at_home / ".env").exists()

    asked = segue(real, "init", "--token-file", "token", answers="7\n2\nn\n")
    assert "Type a number from 0 to 2" in asked.output
    listed = [line for line in asked.output.splitlines() if line.startswith(("  1", "  2"))]
    assert any(other["id"].replace("-", "") in line for line in listed)
    assert asked.exit_code == 1
    assert not (at_home / ".env").exists()


def test_what_is_set_is_kept_and_nothing_is_overwritten_unasked(local: RunningServer, at_home: Path) -> None:
    """A person's own link stays, and another value is replaced only with a yes."""
    with client(local) as notion:
        places = provisioning.apply(notion, provisioning.plan(notion, parent_page_id=local.root_page_id))
    link = f"https://www.notion.so/x-{places['agent_tasks'].database_id.replace('-', '')}?v=1"
    (at_home / ".env").write_text(f"AGENT_TASKS_DB_ID={link}\nTRACKS_DB_ID=nonsense\nMINE=1\n")
    (at_home / "token").write_text(local.token)

    refused = segue(local, "init", "--token-file", "token", answers="n\ny\n")

    assert "TRACKS_DB_ID does not serve" in refused.output
    assert EnvFile(at_home / ".env").values()["TRACKS_DB_ID"] == "nonsense"
    assert refused.exit_code == 1
    agreed = segue(local, "init", answers="y\ny\n" * 3)
    assert agreed.exit_code == 0, agreed.output
    values = EnvFile(at_home / ".env").values()
    assert values["AGENT_TASKS_DB_ID"] == link
    assert values["TRACKS_DB_ID"] == places["music_tracks"].database_id
    assert values["MINE"] == "1"


def test_a_database_with_several_data_sources(local: RunningServer, at_home: Path) -> None:
    """The settings are told which ones there are; init takes the one that fits and writes its own id."""
    with client(local) as notion:
        places = provisioning.apply(notion, provisioning.plan(notion, parent_page_id=local.root_page_id))
    database_id = places["music_tracks"].database_id
    with local.workspace.transaction():
        second = databases.create_source(
            local.workspace,
            local.workspace.person,
            {
                "parent": {"database_id": database_id},
                "title": [{"text": {"content": "Wish list"}}],
                "properties": {"Name": {"title": {}}},
            },
        )
    (at_home / ".env").write_text(f"NOTION_TOKEN={local.token}\nTRACKS_DB_ID={database_id}\n")
    told = segue(local, "init", answers="y\ny\n" * 3)
    assert told.exit_code == 0, told.output
    assert "holds 2 data sources" in told.output
    assert second.id in told.output
    assert EnvFile(at_home / ".env").values()["TRACKS_DB_ID"] == places["music_tracks"].data_source_id


def test_nothing_shared_says_how_to_share(local: RunningServer, at_home: Path) -> None:
    """Nobody is left in front of an empty list, and nothing is written."""
    (at_home / "token").write_text(local.token)
    result = segue(local, "init", "--yes", "--token-file", "token")
    assert result.exit_code == 1
    assert "Connections" in result.output
    assert "--page" in result.output
    assert not (at_home / ".env").exists()


def test_a_page_in_place_of_a_database_is_said_to_be_one(local: RunningServer, at_home: Path) -> None:
    """The commonest slip: the link of the page that the database stands on."""
    (at_home / ".env").write_text(f"NOTION_TOKEN={local.token}\nTRACKS_DB_ID={local.root_page_id}\n")
    result = segue(local, "init", answers="\nn\n")
    assert "is the page “" in result.output
    assert "not a database" in result.output


def test_a_wrong_token_ends_it_with_the_remedy(local: RunningServer, at_home: Path) -> None:
    """And is not repeated anywhere."""
    (at_home / "token").write_text("ntn_wrong12345")
    result = segue(local, "init", "--yes", "--token-file", "token")
    assert result.exit_code == 1
    assert "does not accept the token" in str(result.exception or result.output)
    assert "ntn_wrong12345" not in result.output + str(result.exception)
    assert not (at_home / ".env").exists()


def test_a_token_typed_at_a_terminal_is_not_shown(
    local: RunningServer, at_home: Path, tmp_path: Path
) -> None:
    """Through a real terminal and the real process: neither the screen nor .env's readers see it."""
    environment = {**os.environ, "NOTION_BASE_URL": local.base_url, "DATA_DIR": str(tmp_path / "data")}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "init"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=at_home,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = _until(ours, b"not shown")
        time.sleep(0.3)
        os.write(ours, f"{local.token}\n".encode())
        shown += _until(ours, b"do without")
        os.write(ours, b"\x03")
        process.terminate()
        process.wait(10)
    os.close(ours)
    assert local.token.encode() not in shown
    assert b"Notion knows the token as" in shown


def _until(screen: int, words: bytes) -> bytes:
    shown = b""
    deadline = time.monotonic() + 30
    while words not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(screen, 4096)
    return shown
