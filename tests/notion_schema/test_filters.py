"""Filters follow the live types; what cannot be asked is said, never answered with nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest

from notion_schema.errors import SchemaDrift
from notion_schema.filters import Comparison, Condition, Filter, all_of, any_of, compile_filter, sort_by
from notion_schema.properties import Checkbox, Date, MultiSelect, Number, Relation, Select, Text, Title
from notion_schema.rows import Binding, Row, bind
from notion_schema.vocabulary import Priority

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Gig(Row):
    """A row to filter."""

    title: Annotated[str, Title("Name")] = ""
    urgency: Annotated[Priority | None, Select("Urgency", words=Priority)] = None
    tags: Annotated[tuple[str, ...], MultiSelect("Tags")] = ()
    venue: Annotated[tuple[str, ...], Relation("Venue")] = ()
    fee: Annotated[float | None, Number("Fee")] = None
    paid: Annotated[bool, Checkbox("Paid")] = False
    doors: Annotated[datetime | None, Date("Doors")] = None
    notes: Annotated[str, Text("Notes")] = ""


USUAL = {
    "Name": "title", "Urgency": "select", "Tags": "multi_select", "Venue": "relation", "Fee": "number",
    "Paid": "checkbox", "Doors": "date",
}  # fmt: skip


def bound(**types: str) -> Binding[Gig]:
    """Gig bound to columns of these types; the others as usual."""
    config = {"options": [{"name": "3 - High"}, {"name": "live"}]}
    return bind(
        Gig,
        {
            "id": "ds",
            "properties": {
                name: {"id": name.lower(), "name": name, "type": kind, kind: config}
                for name, kind in {**USUAL, **types}.items()
            },
        },
        title="Gigs",
    )


@pytest.mark.parametrize(
    ("wanted", "types", "expected"),
    [
        (Condition("title", Comparison.CONTAINS, "x"), {}, {"property": "name", "title": {"contains": "x"}}),
        (Condition("urgency", Comparison.EQUALS, Priority.HIGH), {},
         {"property": "urgency", "select": {"equals": "3 - High"}}),
        (Condition("urgency", Comparison.EQUALS, "live"), {"Urgency": "status"},
         {"property": "urgency", "status": {"equals": "live"}}),
        (Condition("urgency", Comparison.EQUALS, "live"), {"Urgency": "rich_text"},
         {"property": "urgency", "rich_text": {"equals": "live"}}),
        (Condition("tags", Comparison.EQUALS, "live"), {}, {"property": "tags", "multi_select": {"contains": "live"}}),
        (Condition("tags", Comparison.NOT_EQUALS, "live"), {},
         {"property": "tags", "multi_select": {"does_not_contain": "live"}}),
        (Condition("venue", Comparison.EQUALS, "v"), {}, {"property": "venue", "relation": {"contains": "v"}}),
        (Condition("venue", Comparison.CONTAINS, "v"), {"Venue": "people"},
         {"property": "venue", "people": {"contains": "v"}}),
        (Condition("venue", Comparison.CONTAINS, "v"), {"Venue": "rollup"},
         {"property": "venue", "rollup": {"any": {"relation": {"contains": "v"}}}}),
        (Condition("fee", Comparison.EQUALS, 3), {}, {"property": "fee", "number": {"equals": 3}}),
        (Condition("fee", Comparison.EQUALS, "3"), {"Fee": "formula"},
         {"property": "fee", "formula": {"string": {"equals": "3"}}}),
        (Condition("paid", Comparison.EQUALS, value=True), {}, {"property": "paid", "checkbox": {"equals": True}}),
        (Condition("paid", Comparison.EQUALS, value=False), {"Paid": "formula"},
         {"property": "paid", "formula": {"checkbox": {"equals": False}}}),
        (Condition("paid", Comparison.IS_EMPTY), {}, {"property": "paid", "checkbox": {"equals": False}}),
        (Condition("paid", Comparison.IS_NOT_EMPTY), {}, {"property": "paid", "checkbox": {"equals": True}}),
        (Condition("doors", Comparison.IS_EMPTY), {}, {"property": "doors", "date": {"is_empty": True}}),
        (Condition("doors", Comparison.ON_OR_AFTER, NOON), {},
         {"property": "doors", "date": {"on_or_after": "2026-11-23T12:00:00+00:00"}}),
        (Condition("doors", Comparison.BEFORE, NOON), {"Doors": "formula"},
         {"property": "doors", "formula": {"date": {"before": "2026-11-23T12:00:00+00:00"}}}),
    ],
)  # fmt: skip
def test_a_question_is_put_in_the_words_of_the_live_type(
    wanted: Filter, types: dict[str, str], expected: dict[str, Any]
) -> None:
    """The same question, whatever the column has become."""
    assert compile_filter(wanted, bound(**types)) == expected


@pytest.mark.parametrize(
    ("wanted", "types", "words"),
    [
        (Condition("urgency", Comparison.EQUALS, "dead"), {}, "no option “dead”"),
        (Condition("notes", Comparison.EQUALS, "x"), {}, "no column “Notes”"),
        (Condition("fee", Comparison.EQUALS, 3), {"Fee": "formula"}, "cannot look for rows by it"),
        (Condition("venue", Comparison.IS_EMPTY), {"Venue": "rollup"}, "cannot look for rows by it"),
    ],
)
def test_what_cannot_be_asked_is_drift(wanted: Filter, types: dict[str, str], words: str) -> None:
    """Neither is the filter sent nor is it left out."""
    with pytest.raises(SchemaDrift, match=words):
        compile_filter(wanted, bound(**types))


def test_joining_keeps_within_two_levels() -> None:
    """Groups of the same kind merge, single members stand alone, and nothing joined is nothing."""
    a, b, c = (Condition("title", Comparison.EQUALS, letter) for letter in "abc")
    joined = all_of(any_of(a, any_of(b, c)), None, all_of(a, all_of(b)))
    assert joined is not None
    compiled = compile_filter(joined, bound())
    assert [list(member) for member in compiled["and"]] == [
        ["or"],
        ["property", "title"],
        ["property", "title"],
    ]
    assert len(compiled["and"][0]["or"]) == 3
    assert any_of(a) == a
    assert all_of(None, any_of()) is None


def test_sorting_is_by_column_or_by_time() -> None:
    """Attributes sort by their column's id, times by Notion's timestamps."""
    assert sort_by("fee", bound(), descending=True) == {"property": "fee", "direction": "descending"}
    assert sort_by("created_time", bound()) == {"timestamp": "created_time", "direction": "ascending"}
