"""A small workspace for the board's tests and screenshots, made through the API like any other client would."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import httpx

VERSION = "2026-03-11"
TASK_STATUSES = {
    "Archived": "default",
    "Completed": "green",
    "Ready": "purple",
    "Draft": "gray",
    "Planning": "default",
    "Ready To Publish": "pink",
    "In Progress": "blue",
    "Review": "yellow",
    "Blocked": "orange",
    "Failed": "red",
}
ISSUE_STATUSES = (
    "Unreported",
    "Troubleshooting",
    "Solution In Progress",
    "Reported + Waiting For Response",
    "Waiting on Client",
    "Resolved",
)


class Client:
    """The integration's door to a workspace: plain requests, an error for every refusal.

    Args:
        base_url: The server's address.
        token: The integration's bearer token.
    """

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Notion-Version": VERSION}
        self._http = httpx.Client(base_url=f"{base_url}/v1/", headers=headers, timeout=30)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """One request and its answer."""
        response = self._http.request(method, path, json=body, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        answer: dict[str, Any] = response.json()
        return answer

    def database(self, root: str, title: str, icon: str, properties: dict[str, Any]) -> str:
        """Create a database below a page; the id of its data source."""
        body = {
            "parent": {"type": "page_id", "page_id": root},
            "title": [text(title)],
            "icon": {"type": "emoji", "emoji": icon},
            "initial_data_source": {"properties": properties},
        }
        made = self.call("POST", "databases", body)
        return str(made["data_sources"][0]["id"])

    def row(
        self, source: str, properties: dict[str, Any], children: list[dict[str, Any]] | None = None
    ) -> str:
        """Create a row; its id."""
        body: dict[str, Any] = {
            "parent": {"type": "data_source_id", "data_source_id": source},
            "properties": properties,
        }
        if children:
            body["children"] = children
        return str(self.call("POST", "pages", body)["id"])

    def change(self, page: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Write properties of a row."""
        return self.call("PATCH", f"pages/{page}", {"properties": properties})

    def read(self, page: str) -> dict[str, Any]:
        """A row's properties by name."""
        answer: dict[str, Any] = self.call("GET", f"pages/{page}")["properties"]
        return answer

    def upload(self, filename: str, content: bytes, content_type: str) -> str:
        """Upload a file; the id to attach it by."""
        body = {"mode": "single_part", "filename": filename, "content_type": content_type}
        made = self.call("POST", "file_uploads", body)
        self.call(
            "POST", f"file_uploads/{made['id']}/send", None, files={"file": (filename, content, content_type)}
        )
        return str(made["id"])


def png(width: int, height: int) -> bytes:
    """A grey picture in the PNG format."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + bytes(min(255, 90 + 2 * x) for x in range(width)) for _ in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def text(content: str) -> dict[str, Any]:
    """One run of rich text."""
    return {"type": "text", "text": {"content": content}}


def title(content: str) -> dict[str, Any]:
    """A title value."""
    return {"title": [text(content)]}


def words(content: str) -> dict[str, Any]:
    """A text value."""
    return {"rich_text": [text(content)]}


def status(name: str) -> dict[str, Any]:
    """A status value."""
    return {"status": {"name": name}}


def block(kind: str, content: str = "", **more: Any) -> dict[str, Any]:
    """A text block."""
    return {"type": kind, kind: {"rich_text": [text(content)] if content else [], **more}}


def options(*names: str) -> dict[str, Any]:
    """A list of options with the default colour."""
    return {"options": [{"name": name} for name in names]}


def task_properties() -> dict[str, Any]:
    """The columns of Agent-Tasks that the board's tests use."""
    colours = [{"name": name, "color": colour} for name, colour in TASK_STATUSES.items()]
    priorities = [
        {"name": name, "color": colour}
        for name, colour in (("Urgent", "red"), ("High", "orange"), ("Medium", "default"), ("Low", "default"))
    ]
    return {
        "Task Name": {"title": {}},
        "Status": {"status": {"options": colours}},
        "Task Type": {"select": options("Sync track", "Verify run", "Fix DRM failure", "Find duplicates")},
        "Priority": {"select": {"options": priorities}},
        "Progress": {"number": {"format": "number"}},
        "Step": {"rich_text": {}},
        "Link": {"url": {}},
        "Question": {"rich_text": {}},
        "Answer": {"rich_text": {}},
        "Last error": {"rich_text": {}},
        "Result": {"rich_text": {}},
        "Worker": {"rich_text": {}},
        "Run ID": {"rich_text": {}},
        "Attempt": {"number": {}},
        "Started": {"date": {}},
        "Finished": {"date": {}},
        "Run after": {"date": {}},
        "Tags": {"multi_select": options("library", "urgent ears", "night shift")},
        "Archive": {"checkbox": {}},
        "Artwork": {"files": {}},
        "Owner": {"people": {}},
    }


def track_properties() -> dict[str, Any]:
    """The columns of Music Tracks."""
    return {
        "Title": {"title": {}},
        "Artist Name": {"rich_text": {}},
        "Tempo": {"number": {}},
        "Key": {"rich_text": {}},
        "Audio Duration (seconds)": {"number": {}},
        "Downloaded": {"checkbox": {}},
        "Genre": {"select": options("House", "Ambient", "Techno", "Dub")},
        "M4A File Path": {"rich_text": {}},
        "WAV File Path": {"rich_text": {}},
        "AIFF File Path": {"rich_text": {}},
    }


def make_databases(client: Client, root: str) -> dict[str, str]:
    """Create the databases; their data source ids by short name."""
    made = {
        "tasks": client.database(root, "Agent-Tasks", "🎛️", task_properties()),
        "issues": client.database(
            root,
            "Issues+Questions",
            "🧯",
            {
                "Name": {"title": {}},
                "Status": {"status": options(*ISSUE_STATUSES)},
                "Priority": {"select": options("High", "Low")},
                "Description": {"rich_text": {}},
            },
        ),
        "tracks": client.database(root, "Music Tracks", "💿", track_properties()),
    }
    relation = {
        "relation": {"data_source_id": made["tasks"], "type": "single_property", "single_property": {}}
    }
    for source, name in (("tasks", "Handed off from"), ("issues", "Agent-Tasks")):
        client.call("PATCH", f"data_sources/{made[source]}", {"properties": {name: relation}})
    return made


def page_content(picture: str | None = None) -> list[dict[str, Any]]:
    """A page with a block of every common type."""
    cells = [
        ["Check", "Expected", "Found"],
        ["Duration", "187.2 s", "187.2 s"],
        ["Sample rate", "48 kHz", "48 kHz"],
    ]
    rows = [{"type": "table_row", "table_row": {"cells": [[text(cell)] for cell in row]}} for row in cells]
    link = {
        "type": "text",
        "text": {"content": "the label's site", "link": {"url": "https://example.com/label"}},
    }
    bold = {"type": "text", "text": {"content": "once"}, "annotations": {"bold": True}}
    code = {"type": "text", "text": {"content": "acquire.fetch"}, "annotations": {"code": True}}
    blocks = [
        {
            "type": "callout",
            "callout": {
                "rich_text": [text("Verified: three files, one decode, hashes as recorded.")],
                "icon": {"type": "emoji", "emoji": "✅"},
                "color": "green_background",
            },
        },
        block("heading_2", "What happened"),
        {
            "type": "paragraph",
            "paragraph": {"rich_text": [text("Fetched "), bold, text(" by "), code, text(" from "), link]},
        },
        {
            "type": "table",
            "table": {"table_width": 3, "has_column_header": True, "has_row_header": False, "children": rows},
        },
        block("heading_3", "Before release"),
        block("to_do", "Listen to the first minute", checked=True),
        block("to_do", "Choose the cover", checked=False),
        block("bulleted_list_item", "M4A, AAC 256k"),
        block("bulleted_list_item", "WAV, 24 bit"),
        block("numbered_list_item", "Decode"),
        block("numbered_list_item", "Measure"),
        block("quote", "One track flowing into the next without a gap."),
        block("toggle", "The whole log", children=[block("paragraph", "Nothing unusual.")]),
        block(
            "code",
            "12:04:01 fetch     1.9 s\n12:04:03 decode    0.8 s\n12:04:04 analyse   2.2 s",
            language="plain text",
        ),
        {"type": "divider", "divider": {}},
        {"type": "bookmark", "bookmark": {"url": "https://example.com/tracks/nocturne"}},
    ]
    if picture:
        blocks.insert(3, {"type": "image", "image": {"type": "file_upload", "file_upload": {"id": picture}}})
    return blocks
