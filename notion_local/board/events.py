"""The board's event stream: which objects changed, told to every open page as it happens.

Server-sent events, written by hand: the format is four lines, and a stream must end when its server does, in
a thread of a test as much as under SIGTERM. An event names what changed and carries no values; the page
reads those through the API, so that a stream can neither leak nor go stale. Served at `/board/events`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

PING_SECONDS = 15.0
# How often a silent stream looks whether the server is going away.
GLANCE_SECONDS = 0.5
RETRY_MILLISECONDS = 1000
# A page that was away for longer than this many changes reads everything anew: cheaper than row by row.
BACKLOG_LIMIT = 500


class Change(Protocol):
    """One entry of the workspace's change sequence."""

    @property
    def seq(self) -> int:
        """Its place in the sequence: rising, never used twice."""

    @property
    def kind(self) -> str:
        """What happened, in the words of Notion's webhooks: `page.properties_updated`."""

    @property
    def object_id(self) -> str:
        """The id of what changed."""

    @property
    def parent_id(self) -> str:
        """The id of what it belongs to: a row's data source, a comment's page."""


class ChangeFeed(Protocol):
    """The part of the workspace that the stream needs. Each may be called from any thread."""

    def last_seq(self) -> int:
        """The newest place in the sequence; 0 for an untouched workspace."""

    def changes_since(self, seq: int) -> Sequence[Change]:
        """Changes after `seq`, oldest first; perhaps not all of them at once."""

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each change, from the thread that made it; returns what ends that."""


class EventStream:
    """The ASGI endpoint. `Last-Event-ID` (or `?since=`) says where a returning page left off.

    Args:
        feed: Where changes are read from and waited for.
        closing: True once the server is going away: a stream that did not end would keep it.
    """

    def __init__(self, feed: ChangeFeed, closing: Callable[[], bool]) -> None:
        self._feed = feed
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the page or the server goes away."""
        events = self._events(_resume_point(Request(scope, receive)))
        response = StreamingResponse(
            events, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )
        await response(scope, receive, send)

    async def _events(self, resume: int | None) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._feed.subscribe(wake)
        try:
            position, opening = await run_in_threadpool(self._opening, resume)
            yield opening
            silent_since = loop.time()
            while not self._closing():
                changed.clear()
                for change in await run_in_threadpool(self._feed.changes_since, position):
                    position, silent_since = change.seq, loop.time()
                    yield _event("change", position, _described(change))
                if not await _within(GLANCE_SECONDS, changed) and loop.time() - silent_since > PING_SECONDS:
                    silent_since = loop.time()
                    yield ": still here\n\n"
        finally:
            unsubscribe()

    def _opening(self, resume: int | None) -> tuple[int, str]:
        """Where the stream starts, and its first words.

        `hello` continues; `reset` tells a page that what it holds cannot be brought up to date piece by
        piece: the sequence began anew (another workspace on this port) or too much has happened.
        """
        newest = self._feed.last_seq()
        if resume is not None and 0 <= newest - resume <= BACKLOG_LIMIT:
            position, name = resume, "hello"
        else:
            position, name = newest, "hello" if resume is None else "reset"
        return position, f"retry: {RETRY_MILLISECONDS}\n" + _event(name, position, {})


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _resume_point(request: Request) -> int | None:
    given = request.headers.get("last-event-id") or request.query_params.get("since", "")
    return int(given) if given.isascii() and given.isdigit() else None


def _described(change: Change) -> dict[str, str]:
    return {"kind": change.kind, "id": change.object_id, "parent": change.parent_id}


def _event(name: str, seq: int, data: dict[str, str]) -> str:
    return f"id: {seq}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
