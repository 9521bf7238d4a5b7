"""The web page of the workspace: its databases as tables and boards, live.

A guest of the server: `board_routes` gives `notion_local.app` the routes to mount. The page itself speaks the
Notion API like any other client (`/board/v1`, as the person in front of the screen); nothing here reads or
writes the store, so what the page shows is what the API says.
"""

from notion_local.board.guard import Session
from notion_local.board.routes import board_routes

__all__ = ["Session", "board_routes"]
