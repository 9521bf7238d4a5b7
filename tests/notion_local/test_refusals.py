"""What Notion refuses is refused with its status, its code and its sentence."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from .conftest import VERSION, Api, text

NIL = "00000000-0000-0000-0000-000000000000"


def test_an_unknown_token_is_unauthorized(api: Api) -> None:
    """Another token, none at all, and another scheme each get their sentence."""
    url = f"{api.server.base_url}/v1/users/me"
    wrong = httpx.get(url, headers={"Authorization": "Bearer no", "Notion-Version": VERSION})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["message"]) == (
        401,
        "unauthorized",
        "API token is invalid.",
    )
    basic = httpx.get(url, headers={"Authorization": "Basic eA==", "Notion-Version": VERSION})
    assert basic.json()["message"] == 'Authorization header must use the format "Bearer <token>".'


def test_a_missing_version_is_named(api: Api) -> None:
    """A request without a version is refused before anything else is looked at."""
    response = httpx.get(
        f"{api.server.base_url}/v1/users/me", headers={"Authorization": f"Bearer {api.server.token}"}
    )
    assert response.json()["code"] == "missing_version"
    assert response.json()["message"] == (
        "Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`."
    )


def test_a_version_before_data_sources_is_refused(api: Api) -> None:
    """Version 2022-06-28 gets the sentence that it gets for a database with several sources."""
    response = api.call("GET", f"pages/{api.server.root_page_id}", headers={"Notion-Version": "2022-06-28"})
    assert (response.status_code, response.json()["message"]) == (
        400,
        "Databases with multiple data sources are not supported in this API version.",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nowhere"), ("DELETE", "pages"), ("POST", f"databases/{NIL}/query"), ("PUT", "search")],
)
def test_an_unknown_url_is_invalid_rather_than_not_found(api: Api, method: str, path: str) -> None:
    """An unknown path, or a method that a path does not have, is a 400."""
    body = {} if method in ("POST", "PUT") else None
    assert api.refusal(method, path, body) == (400, "invalid_request_url", "Invalid request URL.")


def test_a_malformed_id_is_quoted(api: Api) -> None:
    """An id that is no UUID is refused by its path, a UUID that nothing has by Notion's 404 sentence."""
    assert api.refusal("GET", "pages/AAA") == (
        400,
        "validation_error",
        'path failed validation: path.page_id should be a valid uuid, instead was `"AAA"`.',
    )
    assert api.refusal("GET", "pages/12345678-1234-1234-1234-123456789abc")[0] == 400
    assert api.refusal("GET", f"pages/{NIL}") == (
        404,
        "object_not_found",
        (
            f"Could not find page with ID: {NIL}. Make sure the relevant pages and databases are shared with your"
            ' integration "Segue".'
        ),
    )


@pytest.mark.parametrize("raw", [b"{", b"[1", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(api: Api, raw: bytes) -> None:
    """Whatever is wrong with it, the answer is one sentence."""
    response = api.http.post("/v1/search", content=raw)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_json")


TOO_LONG = "x" * 2001
PARAGRAPH = {"paragraph": {"rich_text": text("x")}}


def _nested(levels: int) -> dict[str, Any]:
    """A toggle with so many levels of children."""
    return {"toggle": {"rich_text": [], "children": [_nested(levels - 1)] if levels else []}}


@pytest.mark.parametrize(
    ("children", "sentence"),
    [
        (
            [{"paragraph": {"rich_text": text(TOO_LONG)}}],
            (
                "body failed validation: body.children[0].paragraph.rich_text[0].text.content.length should be ≤"
                " `2000`, instead was `2001`."
            ),
        ),
        (
            [{"paragraph": {"rich_text": text("😀" * 1001)}}],
            (
                "body failed validation: body.children[0].paragraph.rich_text[0].text.content.length should be ≤"
                " `2000`, instead was `2002`."
            ),
        ),
        (
            [PARAGRAPH] * 101,
            "body failed validation: body.children.length should be ≤ `100`, instead was `101`.",
        ),
        (
            [{"paragraph": {"rich_text": "x"}}],
            'body failed validation: body.children[0].paragraph.rich_text should be an array, instead was `"x"`.',
        ),
        (
            [{"paragraph": {"rich_text": [], "colour": "red"}}],
            'body failed validation: body.children[0].paragraph.colour should be not present, instead was `"red"`.',
        ),
        (
            [{"table": {"table_width": 2, "children": [{"table_row": {"cells": [[]]}}]}}],
            (
                "Content creation Failed. Fix one: \nNumber of cells in table row must match the table width of the"
                " parent table"
            ),
        ),
    ],
)
def test_content_beyond_the_limits_is_refused(api: Api, children: list[Any], sentence: str) -> None:
    """Texts are measured in UTF-16 units, arrays in items, and the offending path is named."""
    refused = api.refusal("PATCH", f"blocks/{api.server.root_page_id}/children", {"children": children})
    assert refused == (400, "validation_error", sentence)


def test_a_third_level_of_children_is_refused(api: Api) -> None:
    """One request nests two levels of children; the next level should be not present."""
    status, code, message = api.refusal(
        "PATCH", f"blocks/{api.server.root_page_id}/children", {"children": [_nested(3)]}
    )
    assert (status, code) == (400, "validation_error")
    assert "children should be not present" in message
    api.ok("PATCH", f"blocks/{api.server.root_page_id}/children", {"children": [_nested(2)]})


def test_a_refused_request_leaves_nothing_behind(api: Api) -> None:
    """When the second of two blocks is refused, the first is not there either."""
    good_then_bad = [PARAGRAPH, {"link_to_page": {"page_id": NIL}}]
    path = f"blocks/{api.server.root_page_id}/children"
    assert api.refusal("PATCH", path, {"children": good_then_bad})[0] == 404
    assert api.ok("GET", path)["results"] == []


def test_a_body_beyond_500_kilobytes_or_1000_blocks_is_refused(api: Api) -> None:
    """Both limits hold together with the one on each array."""
    path = f"blocks/{api.server.root_page_id}/children"
    wide = {"toggle": {"rich_text": [], "children": [PARAGRAPH] * 100}}
    assert api.refusal("PATCH", path, {"children": [wide] * 11})[0] == 400
    heavy = [{"paragraph": {"rich_text": text("x" * 2000) * 5}}] * 60
    assert len(json.dumps(heavy)) > 500_000
    assert api.refusal("PATCH", path, {"children": heavy})[0] == 400


def test_a_body_of_any_size_is_answered(api: Api) -> None:
    """Ten megabytes are read past and refused, for JSON as for forms, and the connection goes on."""
    assert api.http.post("/v1/search", content=b"x" * 10_000_000).status_code == 400
    upload = api.ok("POST", "file_uploads", {"filename": "a.txt"})["id"]
    form = {"file": ("a.txt", b"x" * 6_000_000, "text/plain")}
    sent = api.http.post(f"/v1/file_uploads/{upload}/send", files=form)
    assert (sent.status_code, sent.json()["code"]) == (400, "validation_error")
    assert api.ok("GET", f"file_uploads/{upload}")["status"] == "pending"


@pytest.fixture
def source(api: Api) -> str:
    """A data source with a status, a select, a number and a formula."""
    return api.database(
        {
            "Status": {"status": {"options": [{"name": "Ready"}, {"name": "Done"}]}},
            "Kind": {"select": {"options": [{"name": "a"}]}},
            "Count": {"number": {}},
            "Double": {"formula": {"expression": 'prop("Count") * 2'}},
        }
    )


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (
            {"Status": {"status": {"name": "Redy"}}},
            'Invalid status option. Status option "Redy" does not exist".',
        ),
        ({"Statsu": {"status": {"name": "Ready"}}}, "Statsu is not a property that exists."),
        ({"Status": {"select": {"name": "Ready"}}}, "Status is expected to be status."),
        ({"Kind": {"select": {"name": "a,b"}}}, "Invalid select option, commas not allowed: a,b"),
        (
            {"Count": {"number": "7"}},
            'body failed validation: body.properties.Count.number should be a number, instead was `"7"`.',
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(api: Api, source: str, properties: Any, sentence: str) -> None:
    """An unknown status, property or type is refused in Notion's words, and no row appears."""
    body = {"parent": {"data_source_id": source}, "properties": properties}
    assert api.refusal("POST", "pages", body) == (400, "validation_error", sentence)
    assert api.found(source) == []


def test_a_computed_property_cannot_be_written(api: Api, source: str) -> None:
    """Writing a formula is refused by listing what could have been written."""
    body = {"parent": {"data_source_id": source}, "properties": {"Double": {"formula": {"number": 2}}}}
    status, _, message = api.refusal("POST", "pages", body)
    assert status == 400
    assert message.startswith(
        "body failed validation. Fix one:\nbody.properties.Double.title should be defined"
    )


def test_an_unknown_select_option_comes_into_being(api: Api, source: str) -> None:
    """Unlike a status, a select takes a new word and keeps it in its schema."""
    api.row(source, "x", Kind={"select": {"name": "brand new"}})
    options = api.ok("GET", f"data_sources/{source}")["properties"]["Kind"]["select"]["options"]
    assert [option["name"] for option in options] == ["a", "brand new"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            {"filter": {"property": "No", "number": {"equals": 1}}},
            "Could not find property with name or id: No",
        ),
        ({"sorts": [{"property": "No"}]}, "Could not find sort property with name or id: No"),
        (
            {"filter": {"property": "Count", "rich_text": {"equals": "1"}}},
            (
                "The property type in the database does not match the property type of the filter provided: database"
                " property number does not match filter rich_text"
            ),
        ),
        ({"page_size": 101}, "body failed validation: body.page_size should be ≤ `100`, instead was `101`."),
        ({"page_size": 0}, "body failed validation: body.page_size should be ≥ `1`, instead was `0`."),
        (
            {"page_size": "10"},
            'body failed validation: body.page_size should be a number, instead was `"10"`.',
        ),
        ({"start_cursor": "s:x:y"}, "The start_cursor provided is invalid: s:x:y"),
        ({"fliter": {}}, "body failed validation: body.fliter should be not present, instead was `{}`."),
    ],
)
def test_queries_that_make_no_sense_are_refused(api: Api, source: str, query: Any, sentence: str) -> None:
    """A wrong filter, sort, page size or cursor is refused in Notion's words."""
    assert api.refusal("POST", f"data_sources/{source}/query", query) == (400, "validation_error", sentence)


def test_a_page_in_the_trash_can_only_be_restored(api: Api) -> None:
    """Editing, appending and deleting are refused; restoring brings it back."""
    page = api.page("Gone")["id"]
    sentence = "Can't edit block that is archived. You must unarchive the block before editing."
    api.ok("PATCH", f"pages/{page}", {"in_trash": True})
    assert api.ok("GET", f"pages/{page}")["in_trash"] is True
    edits: list[tuple[str, str, Any]] = [
        ("PATCH", f"pages/{page}", {"properties": {"title": {"title": text("x")}}}),
        ("PATCH", f"blocks/{page}/children", {"children": [PARAGRAPH]}),
        ("DELETE", f"blocks/{page}", None),
    ]
    for method, path, body in edits:
        assert api.refusal(method, path, body) == (400, "validation_error", sentence)
    assert api.ok("PATCH", f"pages/{page}", {"in_trash": False})["in_trash"] is False


def test_long_values_are_cut_where_they_are_quoted(api: Api) -> None:
    """A refusal quotes at most 55 units of what was there."""
    _, _, message = api.refusal("POST", "search", {"query": ["y" * 100]})
    assert message.endswith('instead was `["' + "y" * 53 + "...`.")
