"""The official Python client works against the server as against Notion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from notion_client import Client
from notion_client.helpers import collect_paginated_api

from notion_local.server import RunningServer

from .conftest import VERSION, text, title_of


def test_a_database_is_created_filled_queried_and_read_back(notion: Client, server: RunningServer) -> None:
    """A row comes back from a query by status with the values it was given."""
    database = notion.databases.create(
        parent={"type": "page_id", "page_id": server.root_page_id},
        title=text("Agent-Tasks"),
        initial_data_source={
            "properties": {
                "Task": {"title": {}},
                "Status": {"status": {"options": [{"name": "Ready", "color": "blue"}, {"name": "Done"}]}},
                "Progress": {"number": {"format": "percent"}},
                "Link": {"url": {}},
                "Downloaded": {"checkbox": {}},
                "Tags": {"multi_select": {"options": [{"name": "house"}]}},
                "Due": {"date": {}},
            }
        },
    )
    source = database["data_sources"][0]["id"]
    values = {
        "Task": {"title": text("Sync a track")},
        "Status": {"status": {"name": "Ready"}},
        "Progress": {"number": 0.25},
        "Link": {"url": "https://example.com/a"},
        "Downloaded": {"checkbox": True},
        "Tags": {"multi_select": [{"name": "house"}, {"name": "new here"}]},
        "Due": {"date": {"start": "2026-03-01", "end": "2026-03-04"}},
    }
    page = notion.pages.create(parent={"type": "data_source_id", "data_source_id": source}, properties=values)
    notion.pages.create(
        parent={"type": "data_source_id", "data_source_id": source},
        properties={"Status": {"status": {"name": "Done"}}},
    )
    found = notion.data_sources.query(source, filter={"property": "Status", "status": {"equals": "Ready"}})

    assert [row["id"] for row in found["results"]] == [page["id"]]
    read = notion.pages.retrieve(page["id"])["properties"]
    assert read["Progress"]["number"] == 0.25
    assert read["Link"]["url"] == "https://example.com/a"
    assert read["Downloaded"]["checkbox"] is True
    assert [option["name"] for option in read["Tags"]["multi_select"]] == ["house", "new here"]
    assert read["Due"]["date"] == {"start": "2026-03-01", "end": "2026-03-04", "time_zone": None}
    options = notion.data_sources.retrieve(source)["properties"]["Tags"]["multi_select"]["options"]
    assert [option["name"] for option in options] == ["house", "new here"]


def test_a_page_keeps_its_blocks_in_order(notion: Client, server: RunningServer) -> None:
    """Blocks stand where they were put: at the start, at the end, after another, within another."""
    page = notion.pages.create(
        parent={"page_id": server.root_page_id},
        properties={"title": {"title": text("Log")}},
        children=[{"paragraph": {"rich_text": text("two")}}],
    )
    first = notion.blocks.children.list(page["id"])["results"][0]
    notion.blocks.children.append(
        page["id"], children=[{"paragraph": {"rich_text": text("one")}}], position={"type": "start"}
    )
    notion.blocks.children.append(page["id"], children=[{"to_do": {"rich_text": text("four")}}])
    notion.blocks.children.append(
        page["id"],
        children=[{"toggle": {"rich_text": text("three"), "children": [{"divider": {}}]}}],
        position={"type": "after_block", "after_block": {"id": first["id"]}},
    )

    blocks = notion.blocks.children.list(page["id"])["results"]
    assert [block[block["type"]]["rich_text"][0]["plain_text"] for block in blocks] == [
        "one",
        "two",
        "three",
        "four",
    ]
    assert [block["has_children"] for block in blocks] == [False, False, True, False]
    ticked = notion.blocks.update(blocks[3]["id"], to_do={"checked": True})
    assert ticked["to_do"]["checked"] is True
    notion.blocks.delete(blocks[0]["id"])
    assert len(notion.blocks.children.list(page["id"])["results"]) == 3


def test_every_page_of_a_long_query_is_found_once(notion: Client, server: RunningServer) -> None:
    """Following cursors through 250 rows meets each row exactly once."""
    database = notion.databases.create(parent={"page_id": server.root_page_id}, title=text("Many"))
    source = database["data_sources"][0]["id"]
    for number in range(250):
        notion.pages.create(
            parent={"data_source_id": source}, properties={"Name": {"title": text(str(number))}}
        )

    rows = collect_paginated_api(notion.data_sources.query, data_source_id=source, page_size=100)
    assert sorted(int(title_of(row)) for row in rows) == list(range(250))


def test_a_file_is_uploaded_attached_and_served(notion: Client, server: RunningServer) -> None:
    """The bytes behind an image block's URL are those that were sent, and the URL is signed."""
    upload = notion.file_uploads.create(filename="wave.png", content_type="image/png")
    assert upload["status"] == "pending"
    sent = notion.file_uploads.send(upload["id"], file=("wave.png", b"\x89PNG picture", "image/png"))
    assert (sent["status"], sent["content_length"]) == ("uploaded", 12)
    children = [{"image": {"type": "file_upload", "file_upload": {"id": upload["id"]}}}]
    block = notion.blocks.children.append(server.root_page_id, children=children)["results"][0]

    url = block["image"]["file"]["url"]
    served = httpx.get(url)
    assert (served.status_code, served.content) == (200, b"\x89PNG picture")
    assert served.headers["content-type"] == "image/png"
    assert httpx.get(url.replace("signature=", "signature=0")).status_code == 403


def test_a_file_in_parts_is_put_together(notion: Client, server: RunningServer) -> None:
    """A multi-part upload can be attached once all parts were sent, in any order, and completed."""
    upload = notion.file_uploads.create(mode="multi_part", filename="log.txt", number_of_parts=2)
    notion.file_uploads.send(upload["id"], file=("log.txt", b"world", "text/plain"), part_number="2")
    notion.file_uploads.send(upload["id"], file=("log.txt", b"hello ", "text/plain"), part_number="1")
    done = notion.file_uploads.complete(upload["id"])
    assert (done["status"], done["content_length"]) == ("uploaded", 11)
    children = [{"file": {"type": "file_upload", "file_upload": {"id": upload["id"]}}}]
    block = notion.blocks.children.append(server.root_page_id, children=children)["results"][0]
    assert httpx.get(block["file"]["file"]["url"]).content == b"hello world"


def test_comments_form_a_discussion(notion: Client, server: RunningServer) -> None:
    """A second comment on a page joins the discussion of the first, and both are listed, oldest first."""
    first = notion.comments.create(parent={"page_id": server.root_page_id}, rich_text=text("approve?"))
    second = notion.comments.create(discussion_id=first["discussion_id"], rich_text=text("yes"))
    assert second["discussion_id"] == first["discussion_id"]
    listed = notion.comments.list(block_id=server.root_page_id)["results"]
    assert [comment["rich_text"][0]["plain_text"] for comment in listed] == ["approve?", "yes"]
    assert listed[0]["display_name"] == {"type": "integration", "resolved_name": "Segue"}


def test_search_finds_pages_and_data_sources_by_title(notion: Client, server: RunningServer) -> None:
    """Search is by words of the title and can be narrowed to data sources."""
    notion.databases.create(parent={"page_id": server.root_page_id}, title=text("Music Tracks"))
    notion.pages.create(
        parent={"page_id": server.root_page_id}, properties={"title": {"title": text("Music notes")}}
    )
    both = notion.search(query="music")["results"]
    assert {result["object"] for result in both} == {"page", "data_source"}
    sources = notion.search(query="tracks", filter={"property": "object", "value": "data_source"})["results"]
    assert [source["title"][0]["plain_text"] for source in sources] == ["Music Tracks"]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """A folder for a workspace on disk."""
    return tmp_path / "workspace"


def test_a_workspace_on_disk_survives_a_restart(kept: Path) -> None:
    """Ids, rows and users are the same after the server was stopped and started on the same folder."""
    with RunningServer(kept) as server, Client(auth=server.token, base_url=server.base_url) as notion:
        page = notion.pages.create(
            parent={"page_id": server.root_page_id}, properties={"title": {"title": text("Stay")}}
        )
        me = notion.users.me()["id"]
        root = server.root_page_id
    with (
        RunningServer(kept, token=server.token) as again,
        Client(auth=again.token, base_url=again.base_url, notion_version=VERSION) as notion,
    ):
        assert again.root_page_id == root
        assert notion.users.me()["id"] == me
        assert title_of(notion.pages.retrieve(page["id"])) == "Stay"


def test_the_older_version_has_its_own_shape(server: RunningServer) -> None:
    """Version 2025-09-03 shows `archived` and appends `after` a block."""
    client = Client(auth=server.token, base_url=server.base_url, notion_version="2025-09-03", retry=False)
    with client as notion:
        page = notion.pages.create(
            parent={"page_id": server.root_page_id}, properties={"title": {"title": text("Old")}}
        )
        assert page["archived"] is False
        two = notion.blocks.children.append(page["id"], children=[{"divider": {}}, {"breadcrumb": {}}])[
            "results"
        ]
        notion.blocks.children.append(
            page["id"], children=[{"equation": {"expression": "x"}}], after=two[0]["id"]
        )
        kinds = [block["type"] for block in notion.blocks.children.list(page["id"])["results"]]
        assert kinds == ["divider", "equation", "breadcrumb"]
