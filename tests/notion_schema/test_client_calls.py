"""Calls the worker makes beside rows: content, comments, files, search; against ``notion_local``."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from notion_local.server import RunningServer
from notion_schema import blocks
from notion_schema.calls import Position
from notion_schema.client import NOTION_VERSION, Notion
from notion_schema.databases import AGENT_TASKS
from notion_schema.errors import SchemaDrift
from notion_schema.workspace import Workspace

from .conftest import Home


def texts(notion: Notion, page_id: str) -> list[str]:
    """The lines of a page."""
    return [blocks.plain_text(block) for block in notion.list_children(page_id)]


@pytest.fixture
def page_id(local: RunningServer, notion: Notion) -> str:
    """A page with nothing on it."""
    title = {"title": {"title": blocks.rich_text("Notes")}}
    return str(notion.create_page(page_id=local.root_page_id, properties=title)["id"])


def test_every_builder_makes_what_notion_accepts(notion: Notion, page_id: str) -> None:
    """One of each kind of block is taken, and its text comes back."""
    upload = notion.upload_file(b"\x89PNG", filename="wave.png", content_type="image/png")
    wanted = [
        blocks.heading(1, "One"),
        blocks.heading(2, "Two", [blocks.paragraph("inside")]),
        blocks.heading(3, "Three"),
        blocks.paragraph("linked", link="https://example.org"),
        blocks.bulleted("bullet", [blocks.bulleted("inner")]),
        blocks.to_do("tick", checked=True),
        blocks.toggle("Log", [blocks.code("x = 1", "python")]),
        blocks.callout("note", "🎧", color="green"),
        blocks.code("plain"),
        blocks.divider(),
        blocks.table([("a", "b"), ("c", "d")]),
        blocks.image(upload, "waveform"),
        blocks.file(upload),
    ]
    ids = notion.append_children(page_id, wanted)
    assert len(ids) == len(wanted)
    assert [block["type"] for block in notion.list_children(page_id)] == [block["type"] for block in wanted]
    assert texts(notion, page_id) == [blocks.plain_text(block) for block in wanted]


def test_blocks_are_placed_changed_and_deleted(notion: Notion, page_id: str) -> None:
    """At the start, after another, with new text, and gone."""
    [first] = notion.append_children(page_id, [blocks.paragraph("first")])
    notion.append_children(page_id, [blocks.paragraph("zero")], position=Position(start=True))
    notion.append_children(page_id, [blocks.paragraph("second")])
    notion.append_children(page_id, [blocks.paragraph("between")], position=Position(after=first))
    assert texts(notion, page_id) == ["zero", "first", "between", "second"]
    notion.update_block(first, "paragraph", {"rich_text": blocks.rich_text("1st")})
    notion.delete_block(notion.append_children(page_id, [blocks.divider()])[0])
    assert texts(notion, page_id) == ["zero", "1st", "between", "second"]


def test_a_block_whose_deletion_got_no_answer_is_deleted(home: Home) -> None:
    """Deleting it a second time is not tried."""
    page = home.open().database(AGENT_TASKS).create({"title": "A"}, [blocks.paragraph("x")]).id
    [block] = home.notion.list_children(page)
    home.server.workspace.faults.set(drop_count=1, only="DELETE /v1/blocks")
    assert home.notion.delete_block(block["id"])["in_trash"]
    assert texts(home.notion, page) == []


def test_a_lost_append_is_not_repeated_when_its_blocks_are_found(home: Home) -> None:
    """The lookup's blocks stand for the answer, and the line is there once."""
    notion = home.notion
    page = home.open().database(AGENT_TASKS).create({"title": "A"}).id
    home.server.workspace.faults.set(drop_count=1, only="PATCH /v1/blocks")
    [made] = notion.append_children(
        page, [blocks.paragraph("once")], lookup=lambda: {"results": list(notion.list_children(page))}
    )
    assert texts(notion, page) == ["once"]
    assert [block["id"] for block in notion.list_children(page)] == [made]


def test_comments_start_and_answer_a_discussion(notion: Notion, page_id: str) -> None:
    """A comment on the page, and one in the same discussion."""
    first = notion.create_comment("Approve?", page_id=page_id)
    second = notion.create_comment("Yes", discussion_id=first["discussion_id"])
    assert second["discussion_id"] == first["discussion_id"]


@pytest.mark.parametrize("places", [{}, {"page_id": "a", "discussion_id": "b"}])
def test_a_comment_or_page_needs_one_place(notion: Notion, places: dict[str, str]) -> None:
    """None or two are slips in our own code."""
    with pytest.raises(ValueError, match="one place"):
        notion.create_comment("x", **places)
    with pytest.raises(ValueError, match="one parent"):
        notion.create_page(properties={}, **({"page_id": "a", "data_source_id": "b"} if places else {}))


def test_an_upload_is_found_by_its_name(notion: Notion, tmp_path: Path) -> None:
    """The latest finished one; an empty file is a file too."""
    empty = tmp_path / "run.log.txt"
    empty.touch()
    first = notion.upload_file(empty, filename="run.log.txt", content_type="text/plain")
    second = notion.upload_file(b"x", filename="run.log.txt", content_type="text/plain")
    assert notion.find_upload("run.log.txt") in {first, second}
    assert notion.find_upload("other.txt") is None


def test_search_finds_databases_by_title(home: Home) -> None:
    """All of them, or those with the words."""
    assert len(list(home.notion.search_data_sources())) == 6
    [found] = home.notion.search_data_sources("Execution-Logs")
    assert blocks.plain_text(found["title"]) == "Execution-Logs"
    assert home.notion.me()["type"] == "bot"


def test_a_database_takes_title_description_and_icon(home: Home) -> None:
    """What provisioning may set later without touching columns."""
    answer = home.notion.update_database(
        home.ids[AGENT_TASKS], title="Tasks", description="All of them", icon={"type": "emoji", "emoji": "🎛️"}
    )
    assert blocks.plain_text(answer["title"]) == "Tasks"
    assert blocks.plain_text(answer["description"]) == "All of them"


def test_a_database_with_several_tables_asks_which_one(home: Home) -> None:
    """Their names and ids are listed, and any of the ids opens that one."""
    made = httpx.post(
        f"{home.server.base_url}/v1/data_sources",
        headers={"Authorization": f"Bearer {home.server.token}", "Notion-Version": NOTION_VERSION},
        json={
            "parent": {"type": "database_id", "database_id": home.ids[AGENT_TASKS]},
            "title": blocks.rich_text("Old tasks"),
            "properties": {"Name": {"title": {}}},
        },
    )
    assert made.status_code == 200, made.text
    workspace = home.open()
    with pytest.raises(SchemaDrift, match=r"holds 2 data sources.*Old tasks"):
        workspace.database(AGENT_TASKS)
    opened = Workspace.open(home.notion, {AGENT_TASKS: made.json()["id"]}).database(AGENT_TASKS)
    assert opened.title == "Old tasks"
    with pytest.raises(SchemaDrift, match="Status"):
        opened.check()
