"""The board's event stream: which objects changed, told to every open page as it happens.

Server-sent events, written by hand: the format is four lines, and a stream must end when its server does, in a
thread of a test as much as under SIGTERM. An event names what changed and carries no values; the page reads those
through the API, so that a stream can neither leak nor go stale. Served at `/board/events`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

PING_SECONDS = 15.0
RETRY_MILLISECONDS = 1000
# A page that was away for longer than this many changes reads everything anew: cheaper than each row by itself.
BACKLOG_LIMIT = 500


class Change(Protocol):
    """One entry of the workspace's change sequence."""

    @property
    def seq(self) -> int:
        """Its place in the sequence: rising, never used twice."""

    @property
    def kind(self) -> str:
        """What changed: page, block, comment, data_source, database."""

    @property
    def object_id(self) -> str:
        """The id of what changed."""

    @property
    def page_id(self) -> str | None:
        """The page it stands on, for a block or a comment."""

    @property
    def data_source_id(self) -> str | None:
        """The data source it belongs to, where it has one."""


class ChangeFeed(Protocol):
    """The part of the workspace that the stream needs. All three may be called from any thread."""

    @property
    def last_seq(self) -> int:
        """The newest place in the sequence; 0 for an untouched workspace."""

    def changes_since(self, seq: int) -> Sequence[Change]:
        """Every change after `seq`, oldest first."""

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each change, from the thread that made it; returns what ends that."""

    @property
    def closing(self) -> bool:
        """True once the server is going away; set before a last wake."""


class EventStream:
    """The ASGI endpoint. `Last-Event-ID` (or `?since=`) says where a returning page left off."""

    def __init__(self, feed: ChangeFeed) -> None:
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the page or the server goes away."""
        from starlette.requests import Request

        request = Request(scope, receive)
        response = StreamingResponse(self._events(_resume_point(request)), media_type="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _events(self, resume: int | None) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        unsubscribe = self._feed.subscribe(lambda: loop.call_soon_threadsafe(changed.set))
        try:
            position, opening = self._opening(resume)
            yield opening
            while not self._feed.closing:
                changed.clear()
                for change in self._feed.changes_since(position):
                    position = change.seq
                    yield _event("change", position, _described(change))
                try:
                    await asyncio.wait_for(changed.wait(), PING_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            unsubscribe()

    def _opening(self, resume: int | None) -> tuple[int, str]:
        """Where the stream starts, and the first words of it.

        `hello` continues; `reset` tells a page that what it holds cannot be brought up to date piece by piece: the
        sequence began anew (another workspace on this port) or too much has happened.
        """
        newest = self._feed.last_seq
        follows = resume is not None and 0 <= newest - resume <= BACKLOG_LIMIT
        position = resume if resume is not None and follows else newest
        name = "hello" if resume is None or follows else "reset"
        return position, f"retry: {RETRY_MILLISECONDS}\n" + _event(name, position, {"seq": position})


def _resume_point(request: Request) -> int | None:
    given = request.headers.get("last-event-id") or request.query_params.get("since", "")
    return int(given) if given.isascii() and given.isdigit() else None


def _described(change: Change) -> dict[str, str | None]:
    return {
        "kind": change.kind,
        "id": change.object_id,
        "page": change.page_id,
        "source": change.data_source_id,
    }


def _event(name: str, seq: int, data: dict[str, str | None] | dict[str, int]) -> str:
    return f"id: {seq}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
