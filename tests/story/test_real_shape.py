"""The owner's real workspace on a working day: 2,000 rows, 100 of them Segue's, from ``segue init`` to the last report.

Inputs: the shape of the real databases (../shared), rows generated from it, rows as people and agents leave them. What
the owner reads on the way is compared with ``golden/real_shape.txt``; ``SEGUE_WRITE_GOLDEN=1`` writes it anew.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from agent import setup, wiring
from agent.cli import app
from agent.commands.env_file import EnvFile
from agent.settings import Settings
from handlers import registry
from notion_local import pages, schema, server, shapes
from notion_local.server import RunningServer
from notion_local.workspace import Workspace as LocalWorkspace
from notion_schema.databases import AGENT_TASKS, ISSUES
from notion_schema.workspace import Database, Workspace
from tests.story.conftest import furnished

GOLDEN = Path(__file__).parent / "golden" / "real_shape.txt"
SONG = "Test Band - Short Song.m4a"
FOREIGN = {
    "agent_tasks": 300,
    "issues_questions": 1000,
    "music_tracks": 250,
    "agent_projects": 200,
    "music_artists": 80,
    "music_playlists": 50,
    "execution_logs": 20,
}
STATUSLESS = {"agent_tasks": 4, "issues_questions": 3}
OF_PEOPLE = ("Draft", "Planning", "Ready To Publish", "Review", "Blocked", "Failed", "Completed", "Archived")
UNTOUCHED = "left alone"
Schemas = dict[str, dict[str, tuple[str, str]]]


@dataclass(frozen=True)
class Planned:
    """A row of Segue's as a person or an earlier worker left it."""

    page_id: str
    what: str
    status: str
    moves: bool


@dataclass(frozen=True)
class Day:
    """What the day left behind."""

    exchanges: list[dict[str, Any]]
    schemas: list[Schemas]
    before: dict[str, str]
    after: dict[str, str]
    planned: list[Planned]
    rows: dict[str, Any]
    diagnoses: list[dict[str, str]]
    report: str


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, shared: Path, song: Path) -> Day:
    """The whole day, lived once for all facts."""
    folder = tmp_path_factory.mktemp("real")
    for name in ("home", "shop"):
        (folder / name).mkdir()
    sources = filled(folder / "workspace", shared / "workspaces" / "real_shape.json")
    traffic = folder / "traffic.jsonl"
    with (
        pytest.MonkeyPatch.context() as patch,
        furnished(folder / "shop", song) as shop,
        RunningServer(folder / "workspace", record=traffic) as running,
    ):
        patch.chdir(folder / "home")
        (folder / "home" / "token").write_text(running.token)
        before = content(running, sources)
        schemas, told = [columns(running, sources)], []
        for words in (("init", "--yes", "--token-file", "token"), ("provision", "--apply")):
            told.append(segue(folder, running, *words))
            schemas.append(columns(running, sources))
        settings = settings_of(folder, running)
        with wiring.notion(settings) as notion:
            workspace = wiring.workspace(notion, settings)
            planned = rows_of_segue(running, workspace, shop.media.link(SONG))
            untouched = content(running, sources)
            diagnoses = json.loads(segue(folder, running, "doctor", "--json"))["checks"]
            with wiring.worker(settings) as worker:
                worker.start()
                worker.run_until_idle()
                worker.stop()
            workspace.refresh()
            rows = {
                row.id: row
                for key in (AGENT_TASKS, ISSUES)
                for row in known_to_segue(workspace.database(key))
            }
        after = content(running, sources)
    exchanges = [json.loads(line) for line in traffic.read_text().splitlines()]
    alone = before | {one.page_id: untouched[one.page_id] for one in planned if not one.moves}
    return Day(
        exchanges=exchanges,
        schemas=schemas,
        before=alone,
        after={page_id: after.get(page_id, "gone") for page_id in alone},
        planned=planned,
        rows=rows,
        diagnoses=diagnoses,
        report=report(folder, told, diagnoses, planned, rows, frozenset(before)),
    )


# The workspace as it is ----------------------------------------------------------------------------------------------


def filled(data: Path, shape: Path) -> dict[str, str]:
    """The real databases with 1,900 rows of people and other agents; their data source ids by key."""
    with closing(server.open_workspace(data)) as workspace:
        sources = shapes.load(workspace, shape)
        for key, count in FOREIGN.items():
            shapes.fill(workspace, sources[key], count, seed=11)
        for key, count in STATUSLESS.items():
            rows = sorted(
                workspace.store.rows_of(sources[key]), key=lambda row: str(row.data["properties"]["title"])
            )
            take_status(workspace, sources[key], [row.id for row in rows[:count]])
    return sources


def take_status(workspace: LocalWorkspace, source_id: str, page_ids: list[str]) -> None:
    """Leaves rows without any status, as rows in real workspaces are and the API cannot make them."""
    source = workspace.store.get(source_id)
    assert source is not None
    entries = schema.load(source.data["properties"])
    status = next(entry.id for entry in entries.values() if entry.name == "Status")
    with workspace.transaction():
        for record in workspace.store.get_many(page_ids):
            kept = {name: value for name, value in record.data["properties"].items() if name != status}
            bare = replace(record, data={**record.data, "properties": kept})
            workspace.store.put(bare)
            pages.index(workspace, bare, entries)


def content(running: RunningServer, sources: dict[str, str]) -> dict[str, str]:
    """Every row, whole, with who edited it when: page id -> all the store keeps."""
    store = running.workspace.store
    return {record.id: repr(record) for source in sources.values() for record in store.rows_of(source)}


def columns(running: RunningServer, sources: dict[str, str]) -> Schemas:
    """Names, ids and types of all columns, by database key."""
    found: Schemas = {}
    for key, source_id in sources.items():
        source = running.workspace.store.get(source_id)
        assert source is not None
        entries = schema.load(source.data["properties"]).values()
        found[key] = {entry.name: (entry.id, entry.type) for entry in entries}
        assert len(found[key]) == len(entries)
    return found


def rows_of_segue(running: RunningServer, workspace: Workspace, link: str) -> list[Planned]:
    """A hundred rows with a Task Type of Segue's, in every state that people and earlier workers leave."""
    made: list[Planned] = []

    def add(key: str, count: int, what: str, status: str, *, moves: bool, **more: Any) -> list[str]:
        values = {"title": what, "task_type": "Sync track", "status": status, **more}
        ids = [workspace.database(key).create(values, new_options=("task_type",)).id for _ in range(count)]
        made.extend(Planned(page_id, what, status, moves) for page_id in ids)
        return ids

    now = datetime.now(UTC)
    add(AGENT_TASKS, 1, "a track", "Ready", moves=True, link=link)
    add(AGENT_TASKS, 6, "no link", "Ready", moves=True)
    add(AGENT_TASKS, 2, "no link, by another name", "Ready", moves=True, task_type="Music Track Sync")
    add(AGENT_TASKS, 1, "everything", "Ready", moves=True, task_type="Verify configuration")
    add(AGENT_TASKS, 10, "not before tomorrow", "Ready", moves=False, run_after=now + timedelta(days=1))
    add(ISSUES, 4, "an issue that is a task", "Unreported", moves=True)
    for status in OF_PEOPLE:
        add(AGENT_TASKS, 5, UNTOUCHED, status, moves=False)
    for status in ("Waiting on Client", "Reported + Waiting For Response", "Resolved"):
        add(ISSUES, 10, UNTOUCHED, status, moves=False)
    forgotten = add(AGENT_TASKS, 6, "forgotten", "Ready", moves=False)
    take_status(running.workspace, workspace.database(AGENT_TASKS).id, forgotten)
    assert len(made) == 100
    return made


# The day -------------------------------------------------------------------------------------------------------------


def environment(folder: Path, running: RunningServer) -> dict[str, str]:
    """What a process of this day is told beside its ``.env``."""
    return {
        "NOTION_BASE_URL": running.base_url,
        "NOTION_RATE_PER_S": "1000",
        "DATA_DIR": str(folder / "data"),
        "OUT_DIR": str(folder / "library"),
        "VOLUME_INDEX_PATH": str(folder / "index.json"),
        "COLUMNS": "200",
    }


def segue(folder: Path, running: RunningServer, *arguments: str) -> str:
    """Runs a command as a person would; what it printed."""
    result = CliRunner().invoke(app, list(arguments), env=environment(folder, running))
    assert result.exit_code == 0, result.output
    return result.stdout


def settings_of(folder: Path, running: RunningServer) -> Settings:
    """What ``init`` has written, for a worker in this process."""
    env = EnvFile(folder / "home" / ".env").values()
    given = {variable.lower(): env[variable] for variable in setup.VARIABLES.values()}
    return Settings.isolated(
        notion_token=SecretStr(env["NOTION_TOKEN"]),
        notion_base_url=running.base_url,
        notion_rate_per_s=1000.0,
        data_dir=folder / "data",
        out_dir=folder / "library",
        volume_index_path=folder / "index.json",
        allow_private_addresses=True,
        poll_seconds=1.0,
        worker_name="tests",
        **given,
    )


def known_to_segue(database: Database[Any]) -> Iterator[Any]:
    """The rows of a task database that have a Task Type of Segue's or were filed by it."""
    served = [name for name in registry.load().names if name in database.options("task_type")]
    wanted = (database.equals("task_type", *served), database.is_not_empty("segue_key"))
    return database.query(database.any_of(*wanted))


def report(
    folder: Path,
    told: list[str],
    diagnoses: list[dict[str, str]],
    planned: list[Planned],
    rows: dict[str, Any],
    foreign: frozenset[str],
) -> str:
    """What the owner reads on that day, without what differs from run to run."""
    ours = {one.page_id: one for one in planned}
    ended = Counter(f"{one.what}: {one.status} -> {rows[one.page_id].status}" for one in planned)
    new = Counter(
        f"{row.database_key}: {row.title} [{row.status}]"
        for row in rows.values()
        if row.id not in ours and row.id not in foreign
    )
    notion = [one for one in diagnoses if one["service"] == "Notion" and one["name"] != "pace"]
    parts = {
        "segue init": told[0],
        "segue provision --apply": told[1],
        "segue doctor, Notion": "\n".join(
            f"{one['verdict']} {one['name']}: {one['found']} {one['remedy']}".rstrip() for one in notion
        ),
        "Segue's rows": "\n".join(f"{count} of {line}" for line, count in sorted(ended.items())),
        "New rows": "\n".join(f"{count} of {line}" for line, count in sorted(new.items())),
    }
    text = "\n\n".join(f"== {title}\n{part.strip()}" for title, part in parts.items()) + "\n"
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"https?://[^\s)”;]+", "LINK", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    # The list of task types grows with every handler and is tested elsewhere.
    text = re.sub(r"All \d+ can be chosen", "All can be chosen", text)
    return re.sub(r"gets the options “.*", "gets the options …", text)


# The facts -----------------------------------------------------------------------------------------------------------


def test_no_write_is_refused(day: Day) -> None:
    """Whatever the real columns have become, Notion takes every write."""
    writes = [one for one in day.exchanges if one["method"] in ("POST", "PATCH", "DELETE")]
    assert len(writes) > 200
    assert [(one["method"], one["path"], one["response"]) for one in writes if one["status"] >= 400] == []


def test_nothing_is_added_twice_or_changed(day: Day) -> None:
    """Columns keep name, id and type; no name comes twice, in whatever case; the second provisioning adds nothing."""
    before, after_init, after_provision = day.schemas
    assert after_provision == after_init
    for key, live in before.items():
        assert {name: after_init[key][name] for name in live} == live
        folded = Counter(" ".join(name.split()).casefold() for name in after_init[key])
        had = Counter(" ".join(name.split()).casefold() for name in live)
        assert {name for name, count in folded.items() if count > 1} == {n for n, c in had.items() if c > 1}
    assert after_init["agent_projects"] == before["agent_projects"]


def test_rows_that_are_not_segues_stay_to_the_byte(day: Day) -> None:
    """1,900 rows of people and agents, and those of Segue's that wait for a person: also their time of editing."""
    assert len(day.before) == sum(FOREIGN.values()) + sum(not one.moves for one in day.planned)
    assert [page_id for page_id, was in day.before.items() if day.after[page_id] != was] == []


def test_no_row_is_hidden(day: Day) -> None:
    """Every due row of Segue's is done or asks; every row without a status stands in doctor's lines."""
    moved = [day.rows[one.page_id] for one in day.planned if one.moves]
    assert [row.title for row in moved if row.status in ("Ready", "Unreported", "In Progress", None)] == []
    assert all(row.result or row.question for row in moved)
    listed = [one["found"] for one in day.diagnoses if one["name"].endswith("rows without a status")]
    counted = sum(int(found.split()[0]) for found in listed)
    assert counted == sum(STATUSLESS.values()) + sum(one.what == "forgotten" for one in day.planned)


def test_the_owner_reads_this(day: Day) -> None:
    """The whole day as text."""
    if os.environ.get("SEGUE_WRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(day.report, encoding="utf-8")
    assert day.report == GOLDEN.read_text(encoding="utf-8"), "See SEGUE_WRITE_GOLDEN in this file's head."
