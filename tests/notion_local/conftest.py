"""A server in memory on a free port of loopback, spoken to over real HTTP by the official Python client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from notion_client import Client

from notion_local import blocks, comments
from notion_local.server import RunningServer
from tests.conftest import traffic_file

VERSION = "2026-03-11"


def text(words: str) -> list[dict[str, Any]]:
    """Rich text of a request."""
    return [{"type": "text", "text": {"content": words}}]


class Api:
    """Plain HTTP with the integration's token: what a refusal looks like before a client wraps it."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.base_url,
            headers={"Authorization": f"Bearer {server.token}", "Notion-Version": VERSION},
            timeout=30,
        )

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """One request beneath /v1."""
        return self.http.request(method, f"/v1/{path}", json=body, **options)

    def ok(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer of a request that must succeed."""
        response = self.call(method, path, body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Status, code and sentence of a request that must be refused."""
        response = self.call(method, path, body)
        answer = response.json()
        assert answer["object"] == "error"
        assert answer["status"] == response.status_code
        assert answer["request_id"] == response.headers["x-notion-request-id"]
        return response.status_code, answer["code"], answer["message"]

    def database(self, properties: dict[str, Any], title: str = "Tasks") -> str:
        """The id of the data source of a new database under the root page."""
        answer = self.ok(
            "POST",
            "databases",
            {
                "parent": {"type": "page_id", "page_id": self.server.root_page_id},
                "title": text(title),
                "initial_data_source": {"properties": {"Name": {"title": {}}, **properties}},
            },
        )
        source_id: str = answer["data_sources"][0]["id"]
        return source_id

    def row(self, source_id: str, name: str, **properties: Any) -> dict[str, Any]:
        """A new row."""
        return self.ok(
            "POST",
            "pages",
            {
                "parent": {"type": "data_source_id", "data_source_id": source_id},
                "properties": {"Name": {"title": text(name)}, **properties},
            },
        )

    def page(self, title: str) -> dict[str, Any]:
        """A new page under the root page."""
        return self.ok(
            "POST",
            "pages",
            {
                "parent": {"page_id": self.server.root_page_id},
                "properties": {"title": {"title": text(title)}},
            },
        )

    def found(self, source_id: str, **query: Any) -> list[str]:
        """The titles that a query finds, in its order."""
        results = self.ok("POST", f"data_sources/{source_id}/query", query)["results"]
        return [title_of(row) for row in results]


def title_of(page: dict[str, Any]) -> str:
    """The plain title of an answered page."""
    value = next(entry for entry in page["properties"].values() if entry["type"] == "title")
    return "".join(run["plain_text"] for run in value["title"])


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningServer]:
    with RunningServer(record=traffic_file()) as running:
        yield running


@pytest.fixture
def server(_running: RunningServer) -> Iterator[RunningServer]:
    """A server in memory, the same for a module, its root page empty and nothing going wrong."""
    workspace = _running.workspace
    with workspace.transaction():
        for child in workspace.store.children(workspace.root_page_id, ("page", "database", "block")):
            blocks.delete(workspace, workspace.person, child)
        for comment in workspace.store.children(workspace.root_page_id, ("comment",)):
            comments.delete(workspace, workspace.person, comment)
    yield _running
    workspace.faults.reset()


@pytest.fixture
def api(server: RunningServer) -> Iterator[Api]:
    """Plain HTTP against it."""
    wrapped = Api(server)
    yield wrapped
    wrapped.http.close()


@pytest.fixture
def notion(server: RunningServer) -> Iterator[Client]:
    """The official Python client against it, without retries of its own."""
    client = Client(auth=server.token, base_url=server.base_url, notion_version=VERSION, retry=False)
    yield client
    client.close()
