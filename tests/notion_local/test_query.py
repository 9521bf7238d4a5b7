"""Queries: every kind of filter, sorts, pages of results, and what a query lags behind on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from notion_local import query
from notion_local.__main__ import clock_from
from notion_local.faults import Faults
from notion_local.server import RunningServer
from notion_local.shapes import fill
from tests.conftest import traffic_file

from .conftest import Api, text


@pytest.fixture(scope="module")
def world() -> Any:
    """Three rows with a value of every kind, and one that is empty; the clock shows Wednesday, 10 June 2026."""
    clock = clock_from(datetime(2026, 6, 10, 12, 0, 5, tzinfo=UTC))
    with RunningServer(clock=clock, record=traffic_file()) as server:
        api = Api(server)
        artists = api.database({}, "Artists")
        ada = api.row(artists, "Ada")["id"]
        source = api.database(
            {
                "Text": {"rich_text": {}},
                "Link": {"url": {}},
                "Mail": {"email": {}},
                "Number": {"number": {}},
                "Select": {"select": {"options": [{"name": "high"}, {"name": "low"}]}},
                "Status": {"status": {"options": [{"name": "Ready"}, {"name": "Done"}]}},
                "Tags": {"multi_select": {"options": [{"name": "a"}, {"name": "b"}]}},
                "Done": {"checkbox": {}},
                "Date": {"date": {}},
                "People": {"people": {}},
                "Artist": {"relation": {"data_source_id": artists, "single_property": {}}},
                "Artists": {
                    "rollup": {
                        "relation_property_name": "Artist",
                        "rollup_property_name": "Name",
                        "function": "count",
                    }
                },
                "Twice": {"formula": {"expression": 'prop("Number") * 2'}},
                "Files": {"files": {}},
                "ID": {"unique_id": {"prefix": "T"}},
                "Made": {"created_time": {}},
                "Maker": {"created_by": {}},
            }
        )
        api.row(
            source,
            "Track 10",
            Text={"rich_text": text("Hello World")},
            Link={"url": "https://example.com/ten"},
            Mail={"email": "ten@example.com"},
            Number={"number": 10},
            Select={"select": {"name": "low"}},
            Status={"status": {"name": "Done"}},
            Tags={"multi_select": [{"name": "a"}, {"name": "b"}]},
            Done={"checkbox": True},
            Date={"date": {"start": "2026-06-10"}},
            People={"people": [{"id": server.workspace.person_id}]},
            Artist={"relation": [{"id": ada}]},
            Files={"files": [{"name": "x", "external": {"url": "https://example.com/x"}}]},
        )
        api.row(
            source,
            "Track 9",
            Text={"rich_text": text("hello")},
            Number={"number": 9.5},
            Select={"select": {"name": "high"}},
            Tags={"multi_select": [{"name": "a"}]},
            Date={"date": {"start": "2026-06-08T09:30:00+02:00"}},
        )
        api.row(source, "Track 1", Number={"number": -1}, Date={"date": {"start": "2025-06-01"}})
        api.row(source, "Empty")
        yield api, source, ada
        api.http.close()


T10, T9, T1, EMPTY = "Track 10", "Track 9", "Track 1", "Empty"


@pytest.mark.parametrize(
    ("key", "condition", "found"),
    [
        ("Text", {"rich_text": {"equals": "HELLO"}}, {T9}),
        ("Text", {"rich_text": {"does_not_equal": "hello"}}, {T10, T1, EMPTY}),
        ("Text", {"rich_text": {"contains": "world"}}, {T10}),
        ("Text", {"rich_text": {"does_not_contain": "world"}}, {T9, T1, EMPTY}),
        ("Text", {"rich_text": {"starts_with": "hello"}}, {T10, T9}),
        ("Text", {"rich_text": {"ends_with": "world"}}, {T10}),
        ("Text", {"rich_text": {"is_empty": True}}, {T1, EMPTY}),
        ("Name", {"title": {"starts_with": "track 1"}}, {T10, T1}),
        ("Link", {"url": {"contains": "ten"}}, {T10}),
        ("Mail", {"email": {"is_not_empty": True}}, {T10}),
        ("Number", {"number": {"equals": 9.5}}, {T9}),
        ("Number", {"number": {"does_not_equal": 10}}, {T9, T1, EMPTY}),
        ("Number", {"number": {"greater_than": 9}}, {T10, T9}),
        ("Number", {"number": {"less_than_or_equal_to": 9.5}}, {T9, T1}),
        ("Number", {"number": {"is_empty": True}}, {EMPTY}),
        ("Select", {"select": {"equals": "low"}}, {T10}),
        ("Select", {"select": {"equals": ["low", "high"]}}, {T10, T9}),
        ("Select", {"select": {"does_not_equal": "low"}}, {T9, T1, EMPTY}),
        ("Status", {"status": {"equals": "Ready"}}, {T9, T1, EMPTY}),
        ("Status", {"status": {"does_not_equal": ["Ready"]}}, {T10}),
        ("Tags", {"multi_select": {"contains": "b"}}, {T10}),
        ("Tags", {"multi_select": {"does_not_contain": "b"}}, {T9, T1, EMPTY}),
        ("Done", {"checkbox": {"equals": True}}, {T10}),
        ("Done", {"checkbox": {"does_not_equal": True}}, {T9, T1, EMPTY}),
        ("Date", {"date": {"equals": "2026-06-08"}}, {T9}),
        ("Date", {"date": {"before": "2026-06-08"}}, {T1}),
        ("Date", {"date": {"after": "2026-06-08"}}, {T10}),
        ("Date", {"date": {"on_or_after": "2026-06-08"}}, {T10, T9}),
        ("Date", {"date": {"equals": "2026-06-08T07:30:00Z"}}, {T9}),
        ("Date", {"date": {"equals": "today"}}, {T10}),
        ("Date", {"date": {"before": "one_week_ago"}}, {T1}),
        ("Date", {"date": {"past_week": {}}}, {T10, T9}),
        ("Date", {"date": {"this_week": {}}}, {T10, T9}),
        ("Date", {"date": {"next_year": {}}}, {T10}),
        ("Date", {"date": {"is_empty": True}}, {EMPTY}),
        ("People", {"people": {"is_not_empty": True}}, {T10}),
        ("Maker", {"created_by": {"contains": "me"}}, {T10, T9, T1, EMPTY}),
        ("Artist", {"relation": {"is_empty": True}}, {T9, T1, EMPTY}),
        ("Files", {"files": {"is_not_empty": True}}, {T10}),
        ("ID", {"unique_id": {"less_than": 3}}, {T10, T9}),
        ("Twice", {"formula": {"number": {"greater_than": 18}}}, {T10, T9}),
        ("Artists", {"rollup": {"number": {"equals": 1}}}, {T10}),
        ("Made", {"created_time": {"past_week": {}}}, {T10, T9, T1, EMPTY}),
    ],
)
def test_a_filter_finds_its_rows(world: Any, key: str, condition: dict[str, Any], found: set[str]) -> None:
    """Each condition of each type finds exactly the rows it should."""
    api, source, _ = world
    assert set(api.found(source, filter={"property": key, **condition})) == found


def test_a_relation_is_found_by_its_target(world: Any) -> None:
    """A relation is filtered by the page it points to."""
    api, source, ada = world
    assert api.found(source, filter={"property": "Artist", "relation": {"contains": ada}}) == [T10]


def test_filters_are_joined(world: Any) -> None:
    """Conditions nest two levels of and/or; a third is refused."""
    api, source, _ = world
    high = {"property": "Select", "select": {"equals": "high"}}
    ticked = {"property": "Done", "checkbox": {"equals": True}}
    positive = {"property": "Number", "number": {"greater_than": 0}}
    assert set(api.found(source, filter={"and": [{"or": [high, ticked]}, positive]})) == {T10, T9}
    assert (
        api.found(source, filter={"timestamp": "created_time", "created_time": {"before": "2026-06-01"}})
        == []
    )
    three = {"and": [{"or": [{"and": [high]}]}]}
    assert api.refusal("POST", f"data_sources/{source}/query", {"filter": three})[0] == 400


@pytest.mark.parametrize(
    ("sorts", "order"),
    [
        ([{"property": "Number", "direction": "ascending"}], [T1, T9, T10, EMPTY]),
        ([{"property": "Number", "direction": "descending"}], [T10, T9, T1, EMPTY]),
        ([{"property": "Name", "direction": "ascending"}], [EMPTY, T1, T9, T10]),
        ([{"property": "Select", "direction": "ascending"}, {"property": "Number"}], [T9, T10, T1, EMPTY]),
        ([{"property": "Twice", "direction": "descending"}], [T10, T9, EMPTY, T1]),
        ([{"property": "Date", "direction": "ascending"}], [T1, T9, T10, EMPTY]),
        ([{"timestamp": "created_time", "direction": "ascending"}, {"property": "ID"}], [T10, T9, T1, EMPTY]),
    ],
)
def test_rows_are_put_in_order(world: Any, sorts: list[dict[str, str]], order: list[str]) -> None:
    """Numbers by value, texts with numbers naturally, options by their place in the schema, the empty last."""
    api, source, _ = world
    assert api.found(source, sorts=sorts) == order


def test_only_the_wanted_properties_are_shown(world: Any) -> None:
    """`filter_properties` narrows each row; an unknown one is refused."""
    api, source, _ = world
    path = f"data_sources/{source}/query"
    rows = api.ok("POST", f"{path}?filter_properties=Number&filter_properties=title", {})["results"]
    assert {tuple(sorted(row["properties"])) for row in rows} == {("Name", "Number")}
    assert api.refusal("POST", f"{path}?filter_properties=nope", {})[0] == 400


def test_a_query_ends_at_its_cap(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last page of a larger data source says that the result is incomplete; the cap is lowered for speed."""
    assert query.MAX_RESULTS == 10_000
    monkeypatch.setattr(query, "MAX_RESULTS", 250)
    source = api.database({})
    fill(api.server.workspace, source, 260)
    seen: set[str] = set()
    body: dict[str, Any] = {"page_size": 100}
    while True:
        answer = api.ok("POST", f"data_sources/{source}/query", body)
        seen |= {row["id"] for row in answer["results"]}
        if not answer["has_more"]:
            break
        assert "request_status" not in answer
        body["start_cursor"] = answer["next_cursor"]

    assert len(seen) == 250
    assert answer["request_status"] == {
        "type": "incomplete",
        "incomplete_reason": "query_result_limit_reached",
    }


def test_a_row_that_leaves_the_filter_leaves_the_later_pages(api: Api) -> None:
    """A page of results is judged when it is read, and no row is met twice or skipped."""
    source = api.database({"N": {"number": {}}})
    rows = [api.row(source, str(number), N={"number": number})["id"] for number in range(6)]
    body: dict[str, Any] = {
        "filter": {"property": "N", "number": {"less_than": 10}},
        "sorts": [{"property": "N"}],
        "page_size": 3,
    }
    first = api.ok("POST", f"data_sources/{source}/query", body)
    api.ok("PATCH", f"pages/{rows[0]}", {"properties": {"N": {"number": 99}}})
    api.ok("PATCH", f"pages/{rows[4]}", {"properties": {"N": {"number": 99}}})
    second = api.ok("POST", f"data_sources/{source}/query", {**body, "start_cursor": first["next_cursor"]})
    assert [row["id"] for row in first["results"]] == rows[:3]
    assert [row["id"] for row in second["results"]] == [rows[3], rows[5]]


def test_an_expired_cursor_is_refused(api: Api) -> None:
    """A cursor is good for as long as the fault says."""
    source = api.database({})
    for number in range(3):
        api.row(source, str(number))
    api.server.workspace.faults.set(cursor_seconds=0)
    cursor = api.ok("POST", f"data_sources/{source}/query", {"page_size": 1})["next_cursor"]
    _, code, message = api.refusal("POST", f"data_sources/{source}/query", {"start_cursor": cursor})
    assert (code, message) == ("validation_error", f"The start_cursor provided is invalid: {cursor}")


def test_a_lagging_query_shows_the_world_as_it_was() -> None:
    """For some seconds a query finds a claimed row as it was and a new row not at all; the page itself is current."""
    now = [1_780_000_000.0]
    with RunningServer(clock=lambda: now[0], faults=Faults()) as server:
        api = Api(server)
        source = api.database({"Status": {"status": {"options": [{"name": "Ready"}, {"name": "Running"}]}}})
        row = api.row(source, "work")["id"]
        server.workspace.faults.set(stale_seconds=5)
        running = {"Status": {"status": {"name": "Running"}}}
        api.ok("PATCH", f"pages/{row}", {"properties": running})
        api.row(source, "new")
        ready = {"filter": {"property": "Status", "status": {"equals": "Ready"}}}

        stale = api.ok("POST", f"data_sources/{source}/query", ready)["results"]
        assert [page["properties"]["Status"]["status"]["name"] for page in stale] == ["Ready"]
        fresh = api.ok("GET", f"pages/{row}")
        assert fresh["properties"]["Status"]["status"]["name"] == "Running"
        now[0] += 6
        assert api.found(source, filter=ready["filter"]) == ["new"]
        api.http.close()
