"""The workspace itself: durable at every answer, built from a shape file, searched by title."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from notion_local import shapes
from notion_local.store import Store
from notion_local.workspace import Workspace

from .conftest import VERSION, Api, text, title_of

SHAPE = Path(__file__).resolve().parents[2] / ".." / "shared" / "workspaces" / "real_shape.json"


def _serve(data: Path) -> tuple[subprocess.Popen[str], str, str]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "notion_local",
            "serve",
            "--port",
            "0",
            "--token",
            "ntn_t",
            "--data",
            str(data),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().split()[-1] for _ in range(4)]
    return process, lines[0].removesuffix("/v1"), lines[3]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """A page whose creation was answered is there after `kill -9` right behind the answer."""
    headers = {"Authorization": "Bearer ntn_t", "Notion-Version": VERSION}
    process, base_url, root = _serve(tmp_path)
    body = {"parent": {"page_id": root}, "properties": {"title": {"title": text("durable")}}}
    page = httpx.post(f"{base_url}/v1/pages", json=body, headers=headers).json()["id"]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    process, base_url, again = _serve(tmp_path)
    try:
        assert again == root
        assert title_of(httpx.get(f"{base_url}/v1/pages/{page}", headers=headers).json()) == "durable"
    finally:
        process.terminate()
        process.communicate()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Neither objects nor changes of a failed transaction remain, and listeners hear nothing of it."""
    workspace = Workspace(tmp_path / "w.sqlite3")
    heard: list[object] = []
    workspace.store.listen(heard.append)
    seq = workspace.last_seq()
    root = workspace.find(workspace.person, "page", workspace.root_page_id)

    def fail() -> None:
        with workspace.transaction():
            workspace.store.changed("page.created", root, workspace.person_id, 0)
            workspace.store.delete(root.id)
            raise KeyError("midway")

    with pytest.raises(KeyError):
        fail()
    assert workspace.find(workspace.person, "page", root.id) == root
    assert workspace.changes_since(seq) == []
    assert heard == []
    workspace.close()


def test_two_processes_may_read_one_file(tmp_path: Path) -> None:
    """The file is in WAL mode, so that a second reader does not block the server."""
    first = Store(tmp_path / "w.sqlite3")
    second = Store(tmp_path / "w.sqlite3")
    with first.transaction():
        first.set_setting("a", "1")
    assert second.setting("a") == "1"
    first.close()
    second.close()


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """Rather than fail in the middle, the server says so before it starts."""
    path = tmp_path / "w.sqlite3"
    Store(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="another version"):
        Store(path)


@pytest.mark.skipif(not SHAPE.is_file(), reason="the user's shape stands beside the repository, in ../shared")
def test_the_user_s_databases_are_built_from_their_shape(api: Api) -> None:
    """All 207 properties of Agent-Tasks stand there, drift included, and its rows can be queried by its own words."""
    sources = shapes.load(api.server.workspace, SHAPE, rows=3)
    tasks = api.ok("GET", f"data_sources/{sources['agent_tasks']}")
    assert len(tasks["properties"]) == 207
    assert tasks["properties"]["Agent-Workflows"]["type"] == "rollup"
    options = [option["name"] for option in tasks["properties"]["Status"]["status"]["options"]]
    assert "Ready To Publish" in options
    assert len(api.found(sources["agent_tasks"])) == 3
    rows = [
        api.found(sources["agent_tasks"], filter={"property": "Status", "status": {"equals": name}})
        for name in options
    ]
    assert sum(len(found) for found in rows) == 3


def test_a_file_that_is_no_shape_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "x.json").write_text("[]")
    workspace = Workspace()
    with pytest.raises(ValueError, match=r"x\.json is not a shape file"):
        shapes.load(workspace, tmp_path / "x.json")
    workspace.close()


def test_search_is_paged_and_ordered_by_the_last_edit(api: Api) -> None:
    """Results come last edited first, or first, and cursors lead through all of them."""
    for number in range(5):
        api.page(f"Song {number}")
    body = {"query": "song", "page_size": 2, "filter": {"property": "object", "value": "page"}}
    titles = []
    while True:
        answer = api.ok("POST", "search", body)
        titles += [title_of(page) for page in answer["results"]]
        if not answer["has_more"]:
            break
        body["start_cursor"] = answer["next_cursor"]
    assert titles == [f"Song {number}" for number in (4, 3, 2, 1, 0)]
    renamed = api.ok("POST", "search", {"query": "song 3"})["results"][0]["id"]
    api.ok("PATCH", f"pages/{renamed}", {"properties": {"title": {"title": text("Tune")}}})
    assert api.ok("POST", "search", {"query": "song 3"})["results"] == []
    assert len(api.ok("POST", "search", {"query": "TUNE"})["results"]) == 1


def test_a_page_moves_with_what_fits(api: Api) -> None:
    """A row moved to another data source keeps the values of the same name and type; nothing moves beneath itself."""
    old = api.database({"N": {"number": {}}, "Only here": {"rich_text": {}}}, "Old")
    new = api.database({"N": {"number": {}}, "Status": {"status": {}}}, "New")
    row = api.row(old, "walker", N={"number": 7}, **{"Only here": {"rich_text": text("x")}})["id"]
    moved = api.ok("POST", f"pages/{row}/move", {"parent": {"type": "data_source_id", "data_source_id": new}})
    assert moved["properties"]["N"]["number"] == 7
    assert moved["properties"]["Status"]["status"]["name"] == "Not started"
    assert (api.found(old), api.found(new)) == ([], ["walker"])
    assert api.found(new, filter={"property": "N", "number": {"equals": 7}}) == ["walker"]
    outer = api.page("outer")["id"]
    inner = {"parent": {"page_id": outer}, "properties": {"title": {"title": text("inner")}}}
    inside = api.ok("POST", "pages", inner)["id"]
    assert api.refusal("POST", f"pages/{outer}/move", {"parent": {"page_id": inside}})[0] == 400


def test_an_upload_by_url_fails_rather_than_reach_out(api: Api) -> None:
    """It is taken as Notion takes it, and then says that nothing is fetched from other machines."""
    body = {"mode": "external_url", "external_url": "https://example.com/a.png", "filename": "a.png"}
    upload = api.ok("POST", "file_uploads", body)
    read = api.ok("GET", f"file_uploads/{upload['id']}")
    assert read["status"] == "failed"
    assert read["file_import_result"]["error"]["type"] == "download_error"
