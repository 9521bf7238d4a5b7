"""Clients that others wrote create, query and read back a database: ultimate-notion, and Notion's own in JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from notion_client import Client

from notion_local.server import RunningServer

from .conftest import VERSION

REPOSITORY = Path(__file__).resolve().parents[2]


def _javascript_client() -> Path | None:
    """The official client where somebody has installed it: in the repository, or where an environment variable says."""
    places = [REPOSITORY / "node_modules", Path(os.environ.get("NODE_MODULES", "/nonexistent"))]
    found = (place / "@notionhq" / "client" / "build" / "src" / "index.js" for place in places)
    return next((path for path in found if path.is_file()), None)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(
    _javascript_client() is None, reason="npm's @notionhq/client is not installed (NODE_MODULES)"
)
def test_the_official_javascript_client(server: RunningServer) -> None:
    """It creates a database, follows cursors, reads a page back and understands a refusal."""
    script = Path(__file__).with_name("official.mjs")
    done = subprocess.run(
        ["node", str(script), str(_javascript_client()), server.base_url, server.token, server.root_page_id],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "found": [3, 2],
        "read": 3,
        "refusal": {"code": "validation_error", "status": 400},
    }


def test_ultimate_notion(server: RunningServer) -> None:
    """Its schemas, typed pages and fluent queries work, with its own client pointed at the server."""
    uno = pytest.importorskip("ultimate_notion")
    config = uno.config.Config(ultimate_notion=uno.config.UNOCfg(token=server.token, cfg_path=__file__))
    client = Client(auth=server.token, base_url=server.base_url, notion_version=VERSION)
    with client, uno.Session(config, client=client) as notion:
        root = notion.get_page(server.root_page_id)
        status = [uno.Option("Ready", color=uno.Color.BLUE), uno.Option("Done", color=uno.Color.GREEN)]

        class Task(uno.Schema, db_title="Tasks of a stranger"):
            name = uno.PropType.Title("Name")
            state = uno.PropType.Select("State", options=status)
            points = uno.PropType.Number("Points")

        database = (
            notion.create_ds(parent=root, schema=Task)
            if hasattr(notion, "create_ds")
            else notion.create_db(parent=root, schema=Task)
        )
        Task.create(name="one", state=status[0], points=1)
        Task.create(name="two", state=status[1], points=2)
        found = database.query.filter((uno.prop("State") == "Done") & (uno.prop("Points") > 1)).execute()
        assert [page.title for page in found] == ["two"]
        page = found[0]
        page.props.points = 5
        page.append([uno.Heading1("Log"), uno.Paragraph("done")])
        assert notion.get_page(page.id).props.points == 5
        assert len(page.children) == 2
