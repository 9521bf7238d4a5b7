"""Workspaces for these tests: the real client over real HTTP against ``notion_local`` on loopback.

Nothing is replaced. ``home`` is a workspace that provisioning has set up, fresh for each test; ``real`` is one built
with the columns and options of the owner's real databases.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notion_local.server import RunningServer
from notion_schema import provisioning
from notion_schema.calls import Patience
from notion_schema.client import Notion
from notion_schema.workspace import Workspace
from tests.conftest import traffic_file

SHAPE = Path(__file__).resolve().parents[2] / ".." / "shared" / "workspaces" / "real_shape.json"
TASK_TYPES = ("Sync track", "Verify run")
QUICK = Patience(attempts=4, total_s=5.0, first_wait_s=0.01, longest_wait_s=0.05, settle_s=0.05)


@dataclass(frozen=True)
class Home:
    """A server, a client, and the databases set up on it."""

    server: RunningServer
    notion: Notion
    ids: dict[str, str]

    def open(self, **options: Any) -> Workspace:
        """The workspace as a worker opens it."""
        return Workspace.open(self.notion, self.ids, **options)


def client_of(server: RunningServer) -> Notion:
    """A client with little patience and no pace to speak of."""
    return Notion(server.token, base_url=server.base_url, rate_per_s=10_000, patience=QUICK)


@pytest.fixture
def local() -> Iterator[RunningServer]:
    """An empty workspace."""
    with RunningServer(record=traffic_file()) as server:
        yield server


@pytest.fixture
def notion(local: RunningServer) -> Iterator[Notion]:
    """A client of it."""
    with client_of(local) as client:
        yield client


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a workspace with the six databases as provisioning creates them, and their ids."""
    folder = tmp_path_factory.mktemp("provisioned")
    with RunningServer(folder, record=traffic_file()) as server, client_of(server) as notion:
        wanted = provisioning.plan(notion, parent_page_id=server.root_page_id, task_types=TASK_TYPES)
        places = provisioning.apply(notion, wanted)
    return folder, {key: place.database_id for key, place in places.items()}


@pytest.fixture
def home(provisioned: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Home]:
    """A workspace of one's own with the six databases."""
    folder, ids = provisioned
    copy = shutil.copytree(folder, tmp_path / "workspace")
    with RunningServer(copy, record=traffic_file()) as server, client_of(server) as notion:
        yield Home(server, notion, dict(ids))


@pytest.fixture
def real(local: RunningServer, notion: Notion) -> Home:
    """A workspace with the owner's real databases, as far as an API can create them."""
    if not SHAPE.exists():
        pytest.skip(
            "the real workspace's shape (shared/workspaces/real_shape.json) is not beside this checkout"
        )
    ids: dict[str, str] = {}
    sources: dict[str, str] = {}
    databases = json.loads(SHAPE.read_text())["databases"]
    for one in databases:
        properties = {
            name: created for name, live in one["properties"].items() if (created := _created(live))
        }
        made = notion.create_database(page_id=local.root_page_id, title=one["title"], properties=properties)
        ids[one["key"]] = made["id"]
        sources[one["title"]] = sources[one["key"]] = made["data_sources"][0]["id"]
    for one in databases:
        relations = {
            name: _relation(sources.get(name, sources[one["key"]]))
            for name, live in one["properties"].items()
            if live["type"] == "relation"
        }
        if relations:
            notion.update_data_source(sources[one["key"]], properties=relations)
    return Home(local, notion, {key: value for key, value in ids.items() if key != "agent_projects"})


def _relation(data_source_id: str) -> dict[str, Any]:
    return {"relation": {"data_source_id": data_source_id, "type": "single_property", "single_property": {}}}


def _created(live: dict[str, Any]) -> dict[str, Any] | None:
    kind = live["type"]
    if kind in {"relation", "rollup", "button"}:
        return None
    if kind == "formula":
        return {"formula": {"expression": "1 + 1"}}
    if kind in {"select", "status", "multi_select"}:
        return {kind: {"options": [{"name": name} for name in live.get("options", ["One"])]}}
    return {kind: {}}
