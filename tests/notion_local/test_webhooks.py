"""Subscribers are told of changes: signed, gathered, retried; and the board can follow the sequence of changes."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from notion_local.server import RunningServer
from notion_local.webhooks import Webhooks

from .conftest import Api, text


class Listener:
    """A subscriber on loopback that keeps what it was sent, and refuses the first so many events."""

    def __init__(self) -> None:
        self.refusals = 0
        self.received: list[tuple[dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.received.append((dict(self.headers), body))
                refused = listener.refusals > 0 and b"verification_token" not in body
                listener.refusals -= 1 if refused else 0
                self.send_response(503 if refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def events(self, least: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        """What was sent after the handshake, once there is enough of it."""
        deadline = time.monotonic() + seconds
        while len(self.received) < least + 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        return [json.loads(body) for _, body in self.received[1:]]

    def close(self) -> None:
        """Stop."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A subscriber."""
    running = Listener()
    yield running
    running.close()


def test_an_event_is_signed_and_names_what_changed(api: Api, listener: Listener) -> None:
    """The signature is the HMAC-SHA256 of the raw body under the token of the handshake; no values are sent."""
    answer = api.http.post("/_control/webhooks", json={"url": listener.url})
    assert answer.status_code == 200
    token = json.loads(listener.received[0][1])["verification_token"]
    page = api.page("Hello")["id"]
    events = listener.events(1)

    headers, body = listener.received[1]
    expected = "sha256=" + hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    assert {key.lower(): value for key, value in headers.items()}["x-notion-signature"] == expected
    assert (events[0]["type"], events[0]["entity"]) == ("page.created", {"id": page, "type": "page"})
    assert events[0]["authors"] == [{"id": api.server.workspace.bot_id, "type": "bot"}]
    assert events[0]["attempt_number"] == 1
    assert "Hello" not in body.decode()


def test_edits_within_a_window_become_one_event(api: Api, listener: Listener) -> None:
    """Three edits of two properties are told once, naming both; a page that came and went is not told at all."""
    source = api.database({"A": {"number": {}}, "B": {"number": {}}})
    row = api.row(source, "x")["id"]
    properties = api.ok("GET", f"data_sources/{source}")["properties"]
    webhooks = Webhooks(api.server.workspace, window=0.4)
    webhooks.subscribe(listener.url)
    try:
        for name, number in (("A", 1), ("B", 2), ("A", 3)):
            api.ok("PATCH", f"pages/{row}", {"properties": {name: {"number": number}}})
        fleeting = api.row(source, "gone")["id"]
        api.ok("PATCH", f"pages/{fleeting}", {"in_trash": True})
        events = listener.events(1)
        time.sleep(0.6)
    finally:
        webhooks.stop()

    assert len(listener.received) == 2
    assert events[0]["type"] == "page.properties_updated"
    assert set(events[0]["data"]["updated_properties"]) == {properties["A"]["id"], properties["B"]["id"]}
    assert events[0]["data"]["parent"]["data_source_id"] == source


def test_a_refused_event_is_sent_again(api: Api, listener: Listener) -> None:
    """After two refusals the third attempt carries the same event id and its number."""
    webhooks = Webhooks(api.server.workspace, window=0.05, backoff=0.05)
    webhooks.subscribe(listener.url)
    listener.refusals = 2
    try:
        api.page("Again")
        events = listener.events(3)
    finally:
        webhooks.stop()

    assert [event["attempt_number"] for event in events] == [1, 2, 3]
    assert len({event["id"] for event in events}) == 1


def test_changes_are_numbered_and_wake_who_waits(api: Api) -> None:
    """Each write adds to one growing sequence, names its actor, and wakes a waiting thread at once."""
    workspace = api.server.workspace
    seq = workspace.last_seq()
    woken = threading.Event()
    thread = threading.Thread(target=lambda: workspace.wait_for_change(seq, 10) and woken.set())
    thread.start()
    page = api.page("Change")["id"]
    thread.join(5)

    assert woken.is_set()
    changes = workspace.changes_since(seq)
    assert [(change.kind, change.object_id, change.actor) for change in changes] == [
        ("page.created", page, workspace.bot_id)
    ]
    assert [change.seq for change in changes] == sorted({change.seq for change in changes})
    assert workspace.wait_for_change(workspace.last_seq(), 0.01) is False


def test_the_person_acts_through_the_board_s_door(server: RunningServer, api: Api) -> None:
    """What is written at /board/v1 is the person's; the integration's own edit takes over as last editor."""
    body = {"parent": {"page_id": server.root_page_id}, "properties": {"title": {"title": text("Mine")}}}
    made = api.http.post("/board/v1/pages", json=body, headers={"Origin": server.base_url}).json()
    assert made["created_by"]["id"] == server.workspace.person_id
    edited = api.ok("PATCH", f"pages/{made['id']}", {"icon": {"emoji": "🎧"}})
    assert edited["created_by"]["id"] == server.workspace.person_id
    assert edited["last_edited_by"]["id"] == server.workspace.bot_id
