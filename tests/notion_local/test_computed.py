"""Relations, rollups, formulas and unique ids: what one page says because of another."""

from __future__ import annotations

import contextlib
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_local import formula
from notion_local.errors import ApiError
from notion_local.formula import Binary, Call, Items, Literal, Node, Unary

from .conftest import Api


def _ids(page: dict[str, Any], name: str) -> list[str]:
    return [target["id"] for target in page["properties"][name]["relation"]]


def test_a_two_way_relation_is_kept_on_both_sides(api: Api) -> None:
    """Linking, unlinking and the other side's edits show on both; the other property is named after the first."""
    artists = api.database({}, "Artists")
    tracks = api.database({"By": {"relation": {"data_source_id": artists, "dual_property": {}}}}, "Tracks")
    other = "Related to Tracks (By)"
    ada = api.row(artists, "Ada")["id"]
    song = api.row(tracks, "Song", By={"relation": [{"id": ada}]})["id"]
    assert _ids(api.ok("GET", f"pages/{ada}"), other) == [song]
    api.ok("PATCH", f"pages/{song}", {"properties": {"By": {"relation": []}}})
    assert _ids(api.ok("GET", f"pages/{ada}"), other) == []
    api.ok("PATCH", f"pages/{ada}", {"properties": {other: {"relation": [{"id": song}]}}})
    assert _ids(api.ok("GET", f"pages/{song}"), "By") == [ada]
    assert api.found(tracks, filter={"property": "By", "relation": {"contains": ada}}) == ["Song"]
    rename = {"By": {"relation": {"dual_property": {"synced_property_name": "Songs"}}}}
    api.ok("PATCH", f"data_sources/{tracks}", {"properties": rename})
    assert _ids(api.ok("GET", f"pages/{ada}"), "Songs") == [song]
    other = "Songs"
    api.ok("PATCH", f"data_sources/{tracks}", {"properties": {"By": None}})
    assert other not in api.ok("GET", f"data_sources/{artists}")["properties"]


def test_a_two_way_relation_to_itself(api: Api) -> None:
    """Both sides stand in the one data source, keep each other in step, and go together."""
    source = api.database({})
    both = {"relation": {"data_source_id": source, "dual_property": {"synced_property_name": "Parts"}}}
    names = set(api.ok("PATCH", f"data_sources/{source}", {"properties": {"Part of": both}})["properties"])
    assert names == {"Name", "Part of", "Parts"}
    whole = api.row(source, "whole")["id"]
    part = api.row(source, "part", **{"Part of": {"relation": [{"id": whole}]}})["id"]
    assert _ids(api.ok("GET", f"pages/{whole}"), "Parts") == [part]
    left = api.ok("PATCH", f"data_sources/{source}", {"properties": {"Parts": None}})["properties"]
    assert set(left) == {"Name"}


def test_a_relation_shows_25_pages_and_lists_them_all(api: Api) -> None:
    """The page shows 25 and says that there are more; the property endpoint pages through all of them."""
    targets = api.database({}, "Targets")
    source = api.database({"To": {"relation": {"data_source_id": targets, "single_property": {}}}})
    linked = [api.row(targets, str(number))["id"] for number in range(30)]
    page = api.row(source, "many", To={"relation": [{"id": target} for target in linked]})
    assert (len(_ids(page, "To")), page["properties"]["To"]["has_more"]) == (25, True)
    path = f"pages/{page['id']}/properties/To?page_size=20"
    first = api.ok("GET", path)
    second = api.ok("GET", f"{path}&start_cursor={first['next_cursor']}")
    assert [item["relation"]["id"] for item in first["results"] + second["results"]] == linked
    assert (first["has_more"], second["has_more"]) == (True, False)


@pytest.mark.parametrize(
    ("target", "function", "value"),
    [
        ("N", "sum", {"type": "number", "number": 12}),
        ("N", "average", {"type": "number", "number": 4}),
        ("N", "median", {"type": "number", "number": 3}),
        ("N", "max", {"type": "number", "number": 8}),
        ("N", "range", {"type": "number", "number": 7}),
        ("N", "percent_not_empty", {"type": "number", "number": 0.75}),
        ("Name", "count", {"type": "number", "number": 4}),
        ("Name", "unique", {"type": "number", "number": 4}),
        ("Tick", "checked", {"type": "number", "number": 1}),
        (
            "Day",
            "latest_date",
            {"type": "date", "date": {"start": "2026-03-02", "end": None, "time_zone": None}},
        ),
        (
            "N",
            "show_original",
            {"type": "array", "array": [{"type": "number", "number": n} for n in (1, 3, 8, None)]},
        ),
    ],
)
def test_a_rollup_computes_over_related_pages(
    api: Api, target: str, function: str, value: dict[str, Any]
) -> None:
    """Each function gives Notion's kind of value."""
    items = api.database({"N": {"number": {}}, "Tick": {"checkbox": {}}, "Day": {"date": {}}}, "Items")
    orders = api.database(
        {
            "Items": {"relation": {"data_source_id": items, "single_property": {}}},
            "Roll": {
                "rollup": {
                    "relation_property_name": "Items",
                    "rollup_property_name": target,
                    "function": function,
                }
            },
        }
    )
    rows = [
        api.row(items, "a", N={"number": 1}, Tick={"checkbox": True}, Day={"date": {"start": "2026-03-02"}}),
        api.row(items, "b", N={"number": 3}, Day={"date": {"start": "2026-01-01"}}),
        api.row(items, "c", N={"number": 8}),
        api.row(items, "d"),
    ]
    order = api.row(orders, "order", Items={"relation": [{"id": row["id"]} for row in rows]})
    assert order["properties"]["Roll"]["rollup"] == {**value, "function": function}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('prop("N") * 2 + 1', {"type": "number", "number": 15}),
        ('if(prop("N") > 5, "big", "small")', {"type": "string", "string": "big"}),
        ('prop("N") > 5 ? "big" : "small"', {"type": "string", "string": "big"}),
        ('prop("Tags").map(upper(current)).join("/")', {"type": "string", "string": "A/B"}),
        ('prop("Tags").includes("a")', {"type": "boolean", "boolean": True}),
        ('let(x, prop("N"), x * x)', {"type": "number", "number": 49}),
        ('dateBetween(parseDate("2026-03-10"), prop("Day"), "days")', {"type": "number", "number": 9}),
        (
            'formatDate(dateAdd(prop("Day"), 1, "months"), "YYYY-MM-DD")',
            {"type": "string", "string": "2026-04-01"},
        ),
        ('prop("Day")', {"type": "date", "date": {"start": "2026-03-01", "end": None, "time_zone": None}}),
        ('prop("Nothing") * 2', {"type": "number", "number": 0}),
        ("1 / 0", {"type": "number", "number": None}),
        ('not empty(prop("Name"))', {"type": "boolean", "boolean": True}),
        ("2 ^ 3 ^ 2 % 7", {"type": "number", "number": 1}),
        ('format(1.5) + "!" + 2', {"type": "string", "string": "1.5!2"}),
    ],
)
def test_a_formula_computes(api: Api, expression: str, value: dict[str, Any]) -> None:
    """Texts, numbers, dates, lists and conditions come out as Notion types them."""
    source = api.database(
        {
            "N": {"number": {}},
            "Nothing": {"number": {}},
            "Day": {"date": {}},
            "Tags": {"multi_select": {}},
            "F": {"formula": {"expression": expression}},
        }
    )
    row = api.row(
        source,
        "x",
        N={"number": 7},
        Day={"date": {"start": "2026-03-01"}},
        Tags={"multi_select": [{"name": "a"}, {"name": "b"}]},
    )
    assert row["properties"]["F"]["formula"] == value


def test_unique_ids_count_and_are_not_given_twice(api: Api) -> None:
    """Numbers go on after a row was trashed."""
    source = api.database({"ID": {"unique_id": {"prefix": "TASK"}}})
    first = api.row(source, "a")
    api.ok("PATCH", f"pages/{first['id']}", {"in_trash": True})
    second = api.row(source, "b")
    assert first["properties"]["ID"]["unique_id"] == {"prefix": "TASK", "number": 1}
    assert second["properties"]["ID"]["unique_id"]["number"] == 2


def test_a_renamed_option_and_property_keep_their_rows(api: Api) -> None:
    """Values hang on ids: both keys work after a rename, and filters follow."""
    source = api.database({"State": {"select": {"options": [{"name": "go"}]}}})
    row = api.row(source, "x", State={"select": {"name": "go"}})
    shown_id = row["properties"]["State"]["id"]
    option = row["properties"]["State"]["select"]["id"]
    change = {
        "properties": {"State": {"name": "Phase", "select": {"options": [{"id": option, "name": "run"}]}}}
    }
    api.ok("PATCH", f"data_sources/{source}", change)
    assert api.ok("GET", f"pages/{row['id']}")["properties"]["Phase"]["select"]["name"] == "run"
    assert api.found(source, filter={"property": shown_id, "select": {"equals": "run"}}) == ["x"]


_NAMES = st.sampled_from(["abs", "round", "concat", "empty", "format"])
_LEAVES: st.SearchStrategy[Node] = st.one_of(
    st.integers(0, 10**6).map(lambda number: Literal(float(number))),
    st.text(string.printable, max_size=8).map(Literal),
    st.booleans().map(Literal),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(_NAMES, st.lists(inner, min_size=1, max_size=3)).map(
            lambda pair: Call(pair[0], tuple(pair[1]))
        ),
        st.tuples(st.sampled_from(["+", "-", "*", "/", "==", ">=", "and", "or", "^"]), inner, inner).map(
            lambda parts: Binary(*parts)
        ),
        st.tuples(st.sampled_from(["not", "-"]), inner).map(lambda parts: Unary(*parts)),
        st.lists(inner, max_size=3).map(lambda items: Items(tuple(items))),
    ),
    max_leaves=12,
)


@given(_TREES)
def test_a_printed_formula_reads_back_as_itself(tree: Node) -> None:
    """Printing and reading are inverse for every tree."""
    assert formula.parse(formula.printed(tree, str)) == tree


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_formulas(words: str) -> None:
    """Whatever stands in a formula is read or refused."""
    with contextlib.suppress(ApiError):
        formula.parse(words)
