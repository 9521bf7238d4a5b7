"""A scripted HTTP server on loopback: it answers what a test tells it to, and keeps what it was asked.

For what no honest workspace does on demand: a dropped connection after the write, a proxy's page, a dying cursor.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON body, or ``None``."""
        return json.loads(self.raw) if self.raw else None


@dataclass(frozen=True)
class Reply:
    """An answer; ``drop`` closes the connection instead, after the request was read."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    delay_s: float = 0.0


Answer = Reply | Callable[[Asked], Reply]


class Scripted:
    """The server's script and its memory."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.asked: list[Asked] = []
        self._script: list[Answer] = []
        self._always: Answer = Reply(
            {"object": "error", "code": "unscripted", "message": "no answer left"}, 400
        )
        self._lock = threading.Lock()

    def answer(self, *answers: Answer, then: Answer | None = None) -> None:
        """Answer with these in turn, and afterwards always with ``then``."""
        self._script = list(answers)
        if then is not None:
            self._always = then

    def take(self, asked: Asked) -> Reply:
        """The next answer."""
        with self._lock:
            self.asked.append(asked)
            answer = self._script.pop(0) if self._script else self._always
        return answer if isinstance(answer, Reply) else answer(asked)


@contextmanager
def scripted() -> Iterator[Scripted]:
    """A running server; stopped, with all its connections, at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    script = Scripted(f"http://127.0.0.1:{server.server_address[1]}")
    server.script = script  # type: ignore[attr-defined]  # the handler has no other way to reach it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def error(status: int, code: str = "", message: str = "", **headers: str) -> Reply:
    """Notion's error body."""
    body = {
        "object": "error",
        "status": status,
        "code": code,
        "message": message,
        "request_id": f"req-{status}",
    }
    return Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = Asked(
            self.command,
            parts.path,
            parse_qsl(parts.query),
            {k.lower(): v for k, v in self.headers.items()},
            raw,
        )
        reply = self.server.script.take(asked)  # type: ignore[attr-defined]  # see above
        threading.Event().wait(reply.delay_s)
        if reply.drop:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"content-type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None:
        """Say nothing: the test looks at ``Scripted.asked``."""
