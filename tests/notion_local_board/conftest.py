"""The board's routes behind a real HTTP server on loopback, with a feed of changes that the test writes.

Real: uvicorn, sockets, headers, the guard, the stream, the static files. Stood in for: the workspace, whose part
here is three methods.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from notion_local.board import Session, board_routes


@dataclass(frozen=True)
class Change:
    """One entry of the feed."""

    seq: int
    kind: str
    object_id: str
    parent_id: str


@dataclass
class Feed:
    """A change sequence in memory."""

    changes: list[Change] = field(default_factory=list)
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def last_seq(self) -> int:
        """The newest place in the sequence."""
        return len(self.changes)

    def changes_since(self, seq: int) -> list[Change]:
        """Changes after `seq`."""
        return self.changes[seq:]

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Wake a listener at each change."""
        self.listeners.append(wake)
        return lambda: self.listeners.remove(wake)

    def note(self, object_id: str, kind: str = "page.properties_updated") -> None:
        """Add a change and wake whoever listens."""
        self.changes.append(Change(len(self.changes) + 1, kind, object_id, "a-data-source"))
        for wake in list(self.listeners):
            wake()


@dataclass
class Served:
    """A running server: its port, and its feed."""

    port: int
    feed: Feed
    closing: threading.Event

    @property
    def url(self) -> str:
        """The board's address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(session: Session | None = None) -> Iterator[Served]:
    """Serve the board's routes, with an API of one endpoint that says yes."""

    async def echo(request: Request) -> Response:
        return JSONResponse({"method": request.method})

    feed, closing = Feed(), threading.Event()
    api = [Route("/pages", echo, methods=["GET", "POST", "PATCH"])]
    app = Starlette(routes=board_routes(feed, api=api, session=session, closing=closing.is_set))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(server.servers[0].sockets[0].getsockname()[1], feed, closing)
    finally:
        closing.set()
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture
def board() -> Iterator[Served]:
    """The board as it is bound to loopback."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def door() -> Iterator[Served]:
    """The same, kept for all the tests of a module that only knock."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def locked_door() -> Iterator[Served]:
    """The board as it is bound elsewhere: with a session token."""
    with serving(Session("right-token")) as served:
        yield served
