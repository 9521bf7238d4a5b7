"""A house to tell stories in: the embedded workspace, provisioned databases, music on loopback, a worker to start.

Everything is real: HTTP, SQLite, audio, files, child processes. Tests create rows as a person would and read rows,
pages and files as a person would.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent import log, setup, wiring
from agent.commands import tasks
from agent.settings import Settings
from agent.worker import Worker
from music_workflow import synthesizer
from notion_local.server import RunningServer
from notion_schema.blocks import plain_text
from notion_schema.client import Notion
from notion_schema.databases import AGENT_TASKS, EXECUTION_LOGS, ISSUES, TRACKS, IssueRow, TaskRow, TrackRow
from notion_schema.workspace import Workspace
from tests.conftest import traffic_file

BPM, KEY, SECONDS = 124.0, "A minor", 12.0


class _Files(http.server.SimpleHTTPRequestHandler):
    requests: list[str]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass

    def do_GET(self) -> None:
        self.requests.append(urllib.parse.unquote(self.path))
        if self.path.startswith("/slow/"):
            self._trickle(Path(self.directory) / urllib.parse.unquote(self.path.removeprefix("/slow/")))
        else:
            super().do_GET()

    def _trickle(self, path: Path) -> None:
        """Sends a file so slowly that a test has time to interfere."""
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "audio/mp4")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), 4096):
            try:
                self.wfile.write(content[start : start + 4096])
            except ConnectionError:
                return
            time.sleep(0.05)


@dataclass
class Media:
    """Audio files served on loopback, and what was asked for."""

    folder: Path
    base_url: str
    requests: list[str] = field(default_factory=list)

    def link(self, name: str) -> str:
        """The address of a file."""
        return f"{self.base_url}/{urllib.parse.quote(name)}"

    def downloads(self, name: str) -> int:
        """How often a file was asked for."""
        return self.requests.count(f"/{name}")


@dataclass
class House:
    """The whole world of one story."""

    server: RunningServer
    settings: Settings
    notion: Notion
    workspace: Workspace
    media: Media

    def add(self, link: str, task_type: str = "Sync track", **more: Any) -> TaskRow:
        """A person creates a row."""
        return tasks.add(self.workspace, task_type, url=link, **more)

    def row(self, page_id: str) -> TaskRow:
        """A task row as it is now."""
        return self.workspace.database(AGENT_TASKS).get(page_id)

    def rows(self) -> list[TaskRow]:
        """All task rows."""
        return list(self.workspace.database(AGENT_TASKS).query())

    def tracks(self) -> list[TrackRow]:
        """All Music Tracks rows."""
        return list(self.workspace.database(TRACKS).query())

    def issues(self) -> list[IssueRow]:
        """All issues."""
        return list(self.workspace.database(ISSUES).query())

    def logs(self) -> list[Any]:
        """All Execution-Logs rows."""
        return list(self.workspace.database(EXECUTION_LOGS).query())

    def page(self, page_id: str) -> list[dict[str, Any]]:
        """The blocks of a page, children inside."""
        found = list(self.notion.list_children(page_id))
        for block in found:
            if block["has_children"]:
                block["children"] = list(self.notion.list_children(block["id"]))
        return found

    def text(self, page_id: str) -> str:
        """Everything a page says."""
        return "\n".join(_texts(self.page(page_id)))

    def files(self) -> list[Path]:
        """The audio files in the library."""
        return sorted(path for path in self.settings.out_dir.rglob("*") if path.is_file())

    def uploads(self) -> list[Any]:
        """All file uploads that were ever begun."""
        answer = httpx.get(
            f"{self.server.base_url}/v1/file_uploads",
            headers={"Authorization": f"Bearer {self.server.token}", "Notion-Version": "2026-03-11"},
        )
        return list(answer.raise_for_status().json()["results"])

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """A started worker."""
        with wiring.worker(self.settings) as worker:
            worker.start()
            try:
                yield worker
            finally:
                worker.stop()

    def work(self) -> None:
        """The worker runs until there is nothing left to do."""
        with self.worker() as worker:
            assert worker.run_until_idle()

    def environment(self) -> dict[str, str]:
        """What a worker process needs to be told."""
        settings = self.settings
        return {
            **os.environ,
            "NOTION_TOKEN": settings.notion_token.get_secret_value(),
            "NOTION_BASE_URL": settings.notion_base_url,
            "NOTION_RATE_PER_S": str(settings.notion_rate_per_s),
            "AGENT_TASKS_DB_ID": settings.agent_tasks_db_id,
            "ISSUES_QUESTIONS_DB_ID": settings.issues_questions_db_id,
            "TRACKS_DB_ID": settings.tracks_db_id,
            "EXECUTION_LOGS_DB_ID": settings.execution_logs_db_id,
            "ARTISTS_DB_ID": settings.artists_db_id,
            "PLAYLISTS_DB_ID": settings.playlists_db_id,
            "COLUMNS": "200",
            "DATA_DIR": str(settings.data_dir),
            "OUT_DIR": str(settings.out_dir),
            "VOLUME_INDEX_PATH": str(settings.volume_index_path),
            "ALLOW_PRIVATE_ADDRESSES": "1",
            "POLL_SECONDS": str(settings.poll_seconds),
            "LOG_JSON": "1",
        }

    def segue(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command as a person would."""
        return subprocess.run(
            [sys.executable, "-m", "agent", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def _texts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        if block["type"] == "table_row":
            yield " | ".join(plain_text(cell) for cell in block["table_row"]["cells"])
        yield plain_text(block)
        yield from _texts(block.get("children", []))


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short piece of known tempo and key, tagged like a release."""
    path = tmp_path_factory.mktemp("music") / "Test Band - Short Song.m4a"
    synthesizer.render(
        str(path),
        bpm=BPM,
        key=KEY,
        seconds=SECONDS,
        style="house",
        seed=7,
        title="Short Song",
        artists=("Test Band",),
        format="m4a",
    )
    return path


@contextmanager
def furnished(folder: Path, song: Path) -> Iterator[House]:
    """A house of its own in ``folder``: the song on loopback, a provisioned workspace, settings for a worker."""
    shelf = folder / "media"
    shelf.mkdir()
    (shelf / song.name).write_bytes(song.read_bytes())
    (folder / "library").mkdir()
    log.configure(as_json=False)
    requests: list[str] = []
    handler = functools.partial(type("Files", (_Files,), {"requests": requests}), directory=str(shelf))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files,
        RunningServer(data=folder / "workspace", record=traffic_file()) as server,
    ):
        thread = threading.Thread(target=files.serve_forever, daemon=True)
        thread.start()
        settings = Settings.isolated(
            notion_token=SecretStr(server.token),
            notion_base_url=server.base_url,
            notion_rate_per_s=500.0,
            data_dir=folder / "data",
            out_dir=folder / "library",
            volume_index_path=folder / "index.json",
            allow_private_addresses=True,
            poll_seconds=0.2,
            worker_name="tests",
        )
        with wiring.notion(settings) as notion:
            ids = setup.apply(notion, setup.plan(notion, settings, server.root_page_id))
            settings = setup.with_databases(settings, ids)
            media = Media(shelf, f"http://127.0.0.1:{files.server_port}", requests)
            yield House(server, settings, notion, wiring.workspace(notion, settings), media)
        files.shutdown()
        thread.join()


@pytest.fixture
def house(tmp_path: Path, song: Path) -> Iterator[House]:
    """A house for one test."""
    with furnished(tmp_path, song) as house:
        yield house


def log_lines(text: str) -> list[dict[str, Any]]:
    """The JSON lines among a worker's output."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
