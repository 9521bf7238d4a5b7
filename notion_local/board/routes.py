"""The board's routes: the page, its files, its event stream and, behind the same guard, the Notion API.

`notion_local.app` calls `board_routes` once and mounts what it returns; the routes of the API it hands in
answer as the person in front of the screen. Nothing here knows what a page or a database is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from notion_local.board.events import ChangeFeed, EventStream
from notion_local.board.guard import Guard, Session

# Modules import each other by plain name, without a version in the address: the browser asks each time
# whether its copy is still the newest, so that an upgraded server never runs against yesterday's script.
REVALIDATE = "no-cache"


def board_routes(
    feed: ChangeFeed,
    *,
    api: Sequence[BaseRoute] = (),
    session: Session | None = None,
    closing: Callable[[], bool] = lambda: False,
) -> list[BaseRoute]:
    """The routes of the board.

    Args:
        feed: Where changes are read from and waited for: the workspace.
        api: The Notion API's routes acting as the person; served at `/board/v1`.
        session: Asked of every request when the server is bound to more than loopback.
        closing: True once the server is going away, so that open streams end and let it.

    Returns:
        Routes for `/`, `/static`, `/board/events` and `/board/v1`, each behind the guard.
    """
    static = resources.files("notion_local.board").joinpath("static")
    index = str(static.joinpath("index.html"))
    guard = [Middleware(Guard, session=session)]

    async def page(_request: Request) -> Response:
        return FileResponse(index, headers={"Cache-Control": REVALIDATE})

    return [
        Route("/", page, methods=["GET"], middleware=guard),
        Mount("/static", _FreshFiles(directory=str(static)), middleware=guard),
        Mount(
            "/board",
            routes=[
                Route("/events", EventStream(feed, closing), methods=["GET"]),
                Mount("/v1", routes=list(api)),
            ],
            middleware=guard,
        ),
    ]


class _FreshFiles(StaticFiles):
    """Static files that a browser may keep but must ask about."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, or 304 where the browser's copy is the same."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = REVALIDATE
        return response
