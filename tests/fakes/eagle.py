"""Stands in for Eagle: its HTTP interface on loopback, with the habits that catch clients out.

Written from the published interface and from what users of it report. It has no duplicate check; a file shows up some
time after it was taken; errors may come with status 200; the token goes into the query; a folder may be made twice;
an item's name has no extension; what is in the trash is still answered for by id. Each habit that differs between
builds is a field of `Eagle`.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Reply = tuple[int, dict[str, Any]]


@dataclass
class Eagle:
    """The app: what it holds, how this build behaves, and what it was asked."""

    library: str = "/Users/dj/Music.library"
    token: str = ""
    """Wanted in the query when set."""
    has_v2: bool = True
    has_v2_add: bool = True
    """Build 21 lacks it, though it is documented."""
    shows_after_s: float = 0.0
    """An imported file is listed only after so many seconds."""
    lose_answers: int = 0
    """So many imports are done without an answer."""
    refuse: str = ""
    """Imports are refused with this message, under HTTP 200."""
    items: list[dict[str, Any]] = field(default_factory=list)
    folders: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    """Method, path, query and body of each request."""
    base: str = ""

    def imports(self) -> int:
        """How often something was asked to be added."""
        return sum(path.endswith(("item/add", "item/addFromPath")) for _, path, _, _ in self.asked)

    def trash(self, item_id: str) -> None:
        """What a person does in the app."""
        next(item for item in self.items if item["id"] == item_id)["isDeleted"] = True

    # The calls ---------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Reply | None:
        """Answer a request; None breaks the connection off."""
        self.asked.append((method, path, query, body))
        if self.token and query.get("token") != self.token:
            return 401, {"status": "error", "message": "token is invalid"}
        call = self._calls().get((method, path))
        if call is None:
            return 404 if path.startswith("/api/v2") else 405, {"status": "error", "message": "not found"}
        return call(query, body)

    def _calls(self) -> dict[tuple[str, str], Any]:
        calls = {
            ("GET", "/api/library/info"): lambda _q, _b: _good(
                {"library": {"path": self.library, "name": "Music"}, "folders": self.folders}
            ),
            ("GET", "/api/folder/list"): lambda _q, _b: _good(self.folders),
            ("POST", "/api/folder/create"): self._make_folder,
            ("GET", "/api/item/list"): self._list,
            ("GET", "/api/item/info"): self._info,
            ("POST", "/api/item/addFromPath"): self._add_v1,
        }
        if self.has_v2:
            calls |= {
                ("GET", "/api/v2/library/info"): lambda _q, _b: _good({"path": self.library}),
                ("POST", "/api/v2/item/get"): self._get,
            }
        if self.has_v2 and self.has_v2_add:
            calls[("POST", "/api/v2/item/add")] = self._add_v2
        return calls

    def _make_folder(self, _query: dict[str, str], body: dict[str, Any]) -> Reply:
        made: dict[str, Any] = {"id": _id(), "name": body["folderName"], "children": []}
        parent = self._folder(body.get("parent", ""), self.folders)
        (parent["children"] if parent else self.folders).append(made)
        return _good({**made, "folders": [], "images": [], "imagesMappings": {}, "tags": []})

    def _folder(self, folder_id: str, level: list[dict[str, Any]]) -> dict[str, Any] | None:
        for each in level:
            if each["id"] == folder_id:
                return each
            if found := self._folder(folder_id, each["children"]):
                return found
        return None

    def _shown(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        return [item for item in self.items if now >= item["_shows_at"] and not item["isDeleted"]]

    def _list(self, query: dict[str, str], _body: dict[str, Any]) -> Reply:
        tags = [tag for tag in query.get("tags", "").split(",") if tag]
        found = [item for item in self._shown() if set(tags) <= set(item["tags"])]
        return _good([_public(item) for item in found[: int(query.get("limit", "200"))]])

    def _get(self, _query: dict[str, str], body: dict[str, Any]) -> Reply:
        found = [item for item in self._shown() if set(body.get("tags", ())) <= set(item["tags"])]
        page = found[: min(int(body.get("limit", 50)), 1000)]
        return _good(
            {"data": [_public(item) for item in page], "total": len(found), "offset": 0, "limit": 50}
        )

    def _info(self, query: dict[str, str], _body: dict[str, Any]) -> Reply:
        for item in self.items:
            if item["id"] == query.get("id"):
                return _good(_public(item))
        return 200, {"status": "error", "message": "item does not exist"}

    def _add_v1(self, _query: dict[str, str], body: dict[str, Any]) -> Reply | None:
        return self._add(body, [body["folderId"]] if body.get("folderId") else [])

    def _add_v2(self, _query: dict[str, str], body: dict[str, Any]) -> Reply | None:
        return self._add(body, body.get("folders", []))

    def _add(self, body: dict[str, Any], folders: list[str]) -> Reply | None:
        if self.refuse:
            return 200, {"status": "error", "message": self.refuse}
        path = Path(body["path"])
        if not path.is_absolute() or not path.is_file():
            return 200, {"status": "error", "message": f"file does not exist: {path}"}
        if body.get("annotation", "") is None:
            return 400, {"status": "error", "message": "annotation must be a string"}
        item_id = _id()
        item = {
            "id": item_id,
            "name": body.get("name") or item_id,
            "size": path.stat().st_size,
            "ext": path.suffix.lstrip("."),
            "tags": list(body.get("tags", [])),
            "folders": folders,
            "isDeleted": False,
            "url": body.get("website", ""),
            "annotation": body.get("annotation", ""),
            "modificationTime": int(time.time() * 1000),
            "_shows_at": time.monotonic() + self.shows_after_s,
        }
        self.items.append(item)
        if self.lose_answers:
            self.lose_answers -= 1
            return None
        return _good({"id": item_id})


@contextmanager
def running_eagle(**habits: Any) -> Iterator[Eagle]:
    """The app, running for the length of a test."""
    app = Eagle(**habits)
    handler = type("Handler", (_Handler,), {"app": app})
    with _Server(("127.0.0.1", 0), handler) as server:
        app.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield app
        server.shutdown()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    app: Eagle

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass

    def do_GET(self) -> None:
        self._answer("GET", {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer("POST", json.loads(raw or b"{}"))

    def _answer(self, method: str, body: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        reply = self.app.answer(method, parts.path, dict(parse_qsl(parts.query)), body)
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, content = reply
        raw = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _good(data: Any) -> Reply:
    return 200, {"status": "success", "data": data}


def _public(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if not name.startswith("_")}


def _id() -> str:
    return uuid.uuid4().hex[:13].upper()
