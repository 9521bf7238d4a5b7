"""Whatever is sent, the server answers in Notion's shape: never a 5xx, never a traceback, never silence."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notion_local.server import RunningServer

from .conftest import Api, text

ANSWERS = {200, 400, 401, 403, 404, 409}
KEYS = [
    *(
        "parent",
        "properties",
        "children",
        "filter",
        "sorts",
        "page_size",
        "start_cursor",
        "type",
        "property",
        "and",
    ),
    *(
        "or",
        "title",
        "rich_text",
        "text",
        "content",
        "status",
        "select",
        "name",
        "id",
        "number",
        "date",
        "start",
        "end",
    ),
    *(
        "relation",
        "formula",
        "expression",
        "rollup",
        "paragraph",
        "table",
        "icon",
        "in_trash",
        "position",
        "timestamp",
    ),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["", "\ud83d", "00000000-0000-0000-0000-000000000000", "2026-13-01", "9999-12-31", "today", "a,b"]
    ),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4),
    ),
    max_leaves=12,
)


class World:
    """A server with something in it, and valid requests to begin from."""

    def __init__(self, server: RunningServer) -> None:
        self.api = Api(server)
        self.source = self.api.database(
            {
                "Text": {"rich_text": {}},
                "Number": {"number": {}},
                "Status": {"status": {}},
                "Select": {"select": {"options": [{"name": "a"}]}},
                "Tags": {"multi_select": {}},
                "Date": {"date": {}},
                "Formula": {"formula": {"expression": 'prop("Number") + 1'}},
            }
        )
        self.row = self.api.row(self.source, "x", Number={"number": 1})["id"]
        paragraph = {"paragraph": {"rich_text": text("hi"), "color": "red"}}
        path = f"blocks/{self.row}/children"
        self.block = self.api.ok("PATCH", path, {"children": [paragraph]})["results"][0]["id"]
        values = {
            "Text": {"rich_text": text("a")},
            "Number": {"number": 1},
            "Status": {"status": {"name": "Done"}},
            "Select": {"select": {"name": "b"}},
            "Tags": {"multi_select": [{"name": "t"}]},
            "Date": {
                "date": {
                    "start": "2026-01-01T10:00:00",
                    "end": "2026-01-02T10:00:00",
                    "time_zone": "Europe/Berlin",
                }
            },
        }
        table = {"table": {"table_width": 1, "children": [{"table_row": {"cells": [text("c")]}}]}}
        image = {"image": {"external": {"url": "https://example.com/a.png"}, "caption": text("c")}}
        mention = {
            "paragraph": {
                "rich_text": [{"mention": {"page": {"id": self.row}}}, {"equation": {"expression": "x"}}]
            }
        }
        date_filter = {"property": "Date", "date": {"on_or_before": "2026-01-01"}}
        text_filter = {"or": [{"property": "Text", "rich_text": {"contains": "a"}}, date_filter]}
        self.requests: list[tuple[str, str, Any]] = [
            (
                "POST",
                "pages",
                {"parent": {"data_source_id": self.source}, "properties": values, "children": [paragraph]},
            ),
            (
                "PATCH",
                f"pages/{self.row}",
                {"properties": values, "icon": {"emoji": "🎵"}, "is_locked": False},
            ),
            ("PATCH", path, {"children": [paragraph, table, image, mention], "position": {"type": "start"}}),
            ("PATCH", f"blocks/{self.block}", {"paragraph": {"rich_text": text("x")}}),
            (
                "POST",
                f"data_sources/{self.source}/query",
                {
                    "filter": {"and": [text_filter, {"property": "Number", "number": {"greater_than": 0}}]},
                    "sorts": [{"property": "Formula", "direction": "descending"}],
                    "page_size": 5,
                },
            ),
            (
                "PATCH",
                f"data_sources/{self.source}",
                {
                    "title": text("T"),
                    "properties": {
                        "New": {"select": {"options": [{"name": "n", "color": "red"}]}},
                        "Calc": {"formula": {"expression": 'if(prop("Number") > 1, "a", "b")'}},
                        "Rel": {"relation": {"data_source_id": self.source, "single_property": {}}},
                        "Roll": {
                            "rollup": {
                                "relation_property_name": "Rel",
                                "rollup_property_name": "Number",
                                "function": "sum",
                            }
                        },
                    },
                },
            ),
            (
                "POST",
                "search",
                {"query": "x", "filter": {"property": "object", "value": "page"}, "page_size": 3},
            ),
            ("POST", "comments", {"parent": {"page_id": self.row}, "rich_text": text("c")}),
            ("POST", "file_uploads", {"mode": "multi_part", "filename": "a.txt", "number_of_parts": 2}),
        ]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One server for all examples: what one leaves behind, the next meets."""
    with RunningServer() as server:
        made = World(server)
        yield made
        made.api.http.close()


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, entry in inner for place in _places(entry, (*here, key)))]


def _replaced(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(body)
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return changed


def _judge(world: World, method: str, path: str, body: Any) -> None:
    # Written by hand, since httpx refuses the halves of surrogate pairs that JSON allows.
    response = world.api.http.request(method, f"/v1/{path}", content=json.dumps(body))
    assert response.status_code in ANSWERS, (method, path, body, response.text)
    answer = response.json()
    assert "Traceback" not in response.text
    assert answer["request_id"] == response.headers["x-notion-request-id"]
    if response.status_code != 200:
        assert answer["object"] == "error"
        assert answer["message"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_valid_requests_with_one_part_replaced(world: World, data: st.DataObject) -> None:
    """Any part of a valid body may be anything at all."""
    method, path, body = data.draw(st.sampled_from(world.requests))
    place = data.draw(st.sampled_from(_places(body)))
    _judge(world, method, path, _replaced(body, place, data.draw(JSON)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bodies_made_of_anything(world: World, data: st.DataObject) -> None:
    """Any JSON may be sent to any path."""
    method, path, _ = data.draw(st.sampled_from(world.requests))
    _judge(world, method, path, data.draw(JSON))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    path=st.lists(
        st.sampled_from(
            ["pages", "blocks", "users", "me", "children", "query", "properties", "title", "%00", "é"]
        ),
        max_size=4,
    ),
    query=st.dictionaries(
        st.sampled_from(["page_size", "start_cursor", "block_id", "filter_properties"]),
        st.text(max_size=8),
        max_size=3,
    ),
    method=st.sampled_from(["GET", "DELETE", "POST", "PATCH"]),
)
def test_urls_made_of_anything(world: World, path: list[str], query: dict[str, str], method: str) -> None:
    """Any path, method and query string is answered."""
    response = world.api.http.request(
        method, "/v1/" + "/".join([*path, world.row][: 1 + len(path)]), params=query
    )
    assert response.status_code in ANSWERS
    assert response.json()["object"]
