"""The server as a process or a thread: sockets, start, stop.

`serve` blocks and is what the command line calls; `RunningServer` is what tests, the demo and other programs use.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from notion_local.app import create_app
from notion_local.board.guard import LOOPBACK_NAMES, Session
from notion_local.doors import Recorder
from notion_local.faults import Faults
from notion_local.webhooks import Webhooks
from notion_local.workspace import Workspace

DATABASE_NAME = "workspace.sqlite3"
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


def open_workspace(data: Path | None, **options: Any) -> Workspace:
    """Return the workspace kept in a folder, created when absent; in memory when the folder is None."""
    if data is None:
        return Workspace(None, **options)
    data.mkdir(parents=True, exist_ok=True)
    return Workspace(data / DATABASE_NAME, **options)


def new_token() -> str:
    """Return a token in the shape of an integration's."""
    return f"ntn_{secrets.token_hex(24)}"


class RunningServer:
    """A server in a thread of this process; use it as a context manager.

    Args:
        data: the folder of the workspace; None keeps it in memory.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        token: the integration's token; a new one when None.
        record: a file to which every exchange is appended.
        faults: what shall go wrong.
        webhook_window: seconds for which changes are gathered before subscribers are told.
        **options: further arguments of `Workspace`.

    Attributes:
        base_url: what a Notion client takes as its base URL.
        board_url: the web board.
        token: the integration's token.
        root_page_id: the page shared with the integration.
        workspace: what is served, for direct access.
        webhooks: who is told of changes.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        record: Path | None = None,
        faults: Faults | None = None,
        webhook_window: float = 1.0,
        **options: Any,
    ) -> None:
        self.token = token or new_token()
        self.workspace = open_workspace(data, faults=faults, **options)
        self.root_page_id = self.workspace.root_page_id
        self._recorder = Recorder(record) if record else None
        self.webhooks = Webhooks(self.workspace, window=webhook_window)
        self._socket = _listening(host, port)
        self.port = int(self._socket.getsockname()[1])
        self.base_url = f"http://{host}:{self.port}"
        abroad = host not in LOOPBACK_NAMES
        self.board_url = f"{self.base_url}/?token={self.token}" if abroad else f"{self.base_url}/"
        self.workspace.public_url = self.base_url
        app = create_app(
            self.workspace,
            token=self.token,
            recorder=self._recorder,
            webhooks=self.webhooks,
            session=Session(self.token) if abroad else None,
            closing=lambda: self._server.should_exit,
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="notion-local", daemon=True
        )

    def __enter__(self) -> Self:
        """Start, and return once requests are answered."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("notion_local did not start")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and close everything."""
        self.stop()

    def stop(self) -> None:
        """Stop, and close everything; a second call does nothing."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(_STOP_SECONDS)
        self._socket.close()
        self.webhooks.stop()
        if self._recorder:
            self._recorder.close()
        self.workspace.close()

    def wait(self) -> None:
        """Block until the server stops, or until Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(0.5)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio leaves Nagle on, and every small answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    return listener


def serve(data: Path | None = None, **options: Any) -> None:
    """Serve until Ctrl-C, telling on standard output where; takes what `RunningServer` takes."""
    with RunningServer(data, **options) as server:
        print(f"Notion API  {server.base_url}/v1", flush=True)  # noqa: T201 the command's output
        print(f"Board       {server.board_url}", flush=True)  # noqa: T201 the command's output
        print(f"Token       {server.token}", flush=True)  # noqa: T201 the command's output
        print(f"Root page   {server.root_page_id}", flush=True)  # noqa: T201 the command's output
        try:
            server.wait()
        except KeyboardInterrupt:
            return
