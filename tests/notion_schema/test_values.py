"""Values cross the edge whole, whatever type the column has become."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_schema import blocks, values
from notion_schema.properties import (
    Checkbox,
    Date,
    Files,
    Kind,
    MultiSelect,
    Number,
    People,
    Relation,
    Select,
    Status,
    Text,
    Title,
    UniqueId,
    Url,
)
from notion_schema.values import FileRef, UnknownOption, Unwritable
from notion_schema.vocabulary import Priority, RunState

IDS = st.lists(st.uuids().map(str), unique=True, max_size=100).map(tuple)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5000)
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.none()
MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def live(kind: str, *options: str) -> dict[str, Any]:
    """A live property."""
    config = {"options": [{"id": f"o{n}", "name": name} for n, name in enumerate(options)]} if options else {}
    return {"id": "x", "name": "X", "type": kind, kind: config}


def stored(written: dict[str, Any]) -> dict[str, Any]:
    """What Notion returns for what was written."""
    [(kind, content)] = written.items()
    if kind in {"title", "rich_text"}:
        content = [{**run, "plain_text": run["text"]["content"]} for run in content]
    return {"id": "x", "type": kind, kind: content}


def round_trip(column: Kind, value: Any, prop: dict[str, Any]) -> Any:
    """The value after writing and reading it."""
    return column.decode(stored(column.encode(value, prop)))


@given(TEXT, st.sampled_from(["rich_text", "title"]))
def test_texts_come_back_whole(text: str, kind: str) -> None:
    """All runs are read; nothing is lost at their borders."""
    assert round_trip(Text("X"), text, live(kind)) == text


@given(NUMBERS, st.sampled_from(["number", "rich_text"]))
def test_numbers_come_back_exactly(number: float | None, kind: str) -> None:
    """Also when the column has become a text."""
    assert round_trip(Number("X"), number, live(kind)) == number


@given(MOMENTS, st.sampled_from(["date", "rich_text"]), st.integers(-14 * 60, 14 * 60))
def test_moments_come_back_in_any_zone(moment: datetime, kind: str, offset: int) -> None:
    """Notion keeps milliseconds, and the instant is the same."""
    shifted = moment.astimezone(timezone(timedelta(minutes=offset)))
    assert round_trip(Date("X"), shifted, live(kind)) == moment


@given(IDS, st.sampled_from(["relation", "people"]))
def test_links_come_back_in_order(ids: tuple[str, ...], kind: str) -> None:
    """Relations and people alike."""
    assert round_trip(Relation("X"), ids, live(kind)) == ids


@given(st.lists(WORDS, unique=True, min_size=1, max_size=20))
def test_words_come_back_in_order(words: list[str]) -> None:
    """Every word that is among the options is written."""
    assert round_trip(MultiSelect("X"), words, live("multi_select", *words)) == tuple(words)


@given(WORDS, st.sampled_from(["select", "status", "rich_text", "multi_select"]))
def test_one_word_comes_back_from_whatever_the_column_is(word: str, kind: str) -> None:
    """A status may be a select, a text or a list."""
    assert round_trip(Status("X"), word, live(kind, "other", word)) == word


@given(st.booleans())
def test_ticks_come_back(ticked: bool) -> None:  # noqa: FBT001  hypothesis passes it
    """A box is a box."""
    assert round_trip(Checkbox("X"), ticked, live("checkbox")) is ticked


@pytest.mark.parametrize(
    ("column", "prop"),
    [
        (Text("X"), live("rich_text")),
        (Number("X"), live("number")),
        (Date("X"), live("date")),
        (Select("X"), live("select", "a")),
        (Url("X"), live("url")),
        (Relation("X"), live("relation")),
        (MultiSelect("X"), live("multi_select", "a")),
    ],
)
def test_nothing_clears_a_column(column: Kind, prop: dict[str, Any]) -> None:
    """``None`` is written as Notion's own emptiness and read back as empty."""
    assert column.encode(None, prop)[prop["type"]] in (None, [])
    assert not round_trip(column, None, prop)


def test_a_select_does_not_grow_by_accident() -> None:
    """A word that is no option is refused, unless growing was allowed; a comma never fits."""
    prop = live("select", "Ready")
    with pytest.raises(UnknownOption, match="Raedy"):
        Select("X").encode("Raedy", prop)
    assert Select("X").encode("Raedy", prop, new_options=True) == {"select": {"name": "Raedy"}}
    with pytest.raises(UnknownOption):
        Select("X").encode("a, b", prop, new_options=True)


def test_a_status_never_grows() -> None:
    """Notion refuses unknown status names, so that allowing it changes nothing."""
    with pytest.raises(UnknownOption):
        Status("X").encode("Cancelled", live("status", "Ready"), new_options=True)


@pytest.mark.parametrize(
    "kind", ["rollup", "formula", "created_time", "last_edited_by", "button", "unique_id"]
)
@pytest.mark.parametrize("column", [Text("X"), Number("X"), Relation("X"), Date("X"), Checkbox("X")])
def test_what_notion_computes_is_not_written(column: Kind, kind: str) -> None:
    """Every read-only type refuses every kind of value."""
    with pytest.raises(Unwritable, match=kind.replace("_", " ")):
        column.encode("1", live(kind))


def test_more_links_than_notion_takes_are_refused_not_cut() -> None:
    """101 links are said to be too many."""
    with pytest.raises(Unwritable, match="100 entries"):
        Relation("X").encode([str(n) for n in range(101)], live("relation"))


def test_a_text_is_cut_at_its_own_limit_with_a_note() -> None:
    """A result of one sentence does not become a page."""
    written = Text("X", most=100).encode("z" * 500, live("rich_text"))
    text = blocks.plain_text(written["rich_text"])
    assert len(text) == 100
    assert text.endswith(blocks.CUT)


def test_a_relation_that_became_a_rollup_is_still_read() -> None:
    """The ids of all rolled-up relations, in their order."""
    rollup = {
        "id": "x",
        "type": "rollup",
        "rollup": {
            "type": "array",
            "function": "show_original",
            "array": [
                {"type": "relation", "relation": [{"id": "a"}, {"id": "b"}]},
                {"type": "relation", "relation": [{"id": "c"}]},
            ],
        },
    }
    assert Relation("X").decode(rollup) == ("a", "b", "c")


def test_an_empty_rollup_is_no_relation() -> None:
    """The shape seen live for unassigned tasks."""
    empty = {
        "id": "x",
        "type": "rollup",
        "rollup": {"type": "array", "array": [], "function": "show_original"},
    }
    assert Relation("X").decode(empty) == ()
    assert Text("X").decode(empty) == ""


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (Text("X"), {"type": "formula", "formula": {"type": "string", "string": "8A"}}, "8A"),
        (Text("X"), {"type": "formula", "formula": {"type": "number", "number": 3}}, "3"),
        (Text("X"), {"type": "checkbox", "checkbox": True}, "Yes"),
        (Text("X"), {"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]}, "a, b"),
        (Text("X"), {"type": "number", "number": 12.5}, "12.5"),
        (Text("X"), {"type": "email", "email": "a@b.org"}, "a@b.org"),
        (Number("X"), {"type": "rich_text", "rich_text": [{"plain_text": " 128,5 "}]}, 128.5),
        (Number("X"), {"type": "rich_text", "rich_text": [{"plain_text": "fast"}]}, None),
        (Number("X"), {"type": "rich_text", "rich_text": [{"plain_text": "nan"}]}, None),
        (Number("X"), {"type": "rollup", "rollup": {"type": "number", "number": 7, "function": "sum"}}, 7.0),
        (Date("X"), {"type": "formula", "formula": {"type": "date", "date": {"start": "2026-01-02T03:04:00Z"}}},
         datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        (Date("X"), {"type": "rich_text", "rich_text": [{"plain_text": "soon"}]}, None),
        (Checkbox("X"), {"type": "select", "select": {"name": "Yes"}}, True),
        (Checkbox("X"), {"type": "formula", "formula": {"type": "boolean", "boolean": False}}, False),
        (UniqueId("X"), {"type": "unique_id", "unique_id": {"prefix": "SEG", "number": 12}}, "SEG-12"),
        (UniqueId("X"), {"type": "unique_id", "unique_id": {"prefix": None, "number": 12}}, "12"),
        (People("X"), {"type": "created_by", "created_by": {"object": "user", "id": "u"}}, ("u",)),
        (Title("X"), {"type": "title", "title": [{"plain_text": "Fix "}, {"plain_text": "DRM"}]}, "Fix DRM"),
        (Url("X"), {"type": "rich_text", "rich_text": [{"plain_text": " https://x.org "}]}, "https://x.org"),
        (Url("X"), {"type": "url", "url": None}, None),
        (Files("X"), {"type": "files", "files": [{"name": "a", "type": "external", "external": {"url": "u"}}]},
         (FileRef("a", "u", hosted=False),)),
        (Text("X"), {"type": "brand_new_type", "brand_new_type": {"a": 1}}, ""),
    ],
)  # fmt: skip
def test_reading_follows_the_type_the_value_has(
    column: Kind, value: dict[str, Any], expected: object
) -> None:
    """A declared column takes what it can from whatever the property has become."""
    assert column.decode({"id": "x", **value}) == expected


def test_a_day_means_its_local_midnight_and_a_zone_is_kept() -> None:
    """Run after 24 November is not before that day here; a named zone is that zone's clock."""
    day = Date("X").decode({"type": "date", "date": {"start": "2026-11-24", "end": None, "time_zone": None}})
    assert day == datetime(2026, 11, 24).astimezone()
    zoned = {"type": "date", "date": {"start": "2026-11-24T09:00:00", "time_zone": "Europe/Berlin"}}
    assert Date("X").decode(zoned) == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_a_day_is_written_as_a_day() -> None:
    """A date without a time stays without one."""
    assert Date("X").encode(date(2026, 11, 24), live("date")) == {"date": {"start": "2026-11-24"}}


@pytest.mark.parametrize(("text", "word"), [
    ("Critical", Priority.CRITICAL), ("5 - Critical", Priority.CRITICAL), ("P0", Priority.CRITICAL),
    ("3 - High", Priority.HIGH), (" high ", Priority.HIGH), ("P3", Priority.LOW), ("Routine", Priority.ROUTINE),
])  # fmt: skip
def test_priorities_are_read_in_all_their_spellings(text: str, word: Priority) -> None:
    """What people write for urgency means the same."""
    assert Select("X", words=Priority).decode({"type": "select", "select": {"name": text}}) is word


def test_a_priority_is_written_in_the_spelling_the_database_has() -> None:
    """High goes out as “3 - High” where that is the option, also when it was given as a text."""
    prop = live("select", "3 - High", "5 - Critical")
    assert Select("X", words=Priority).encode(Priority.HIGH, prop) == {"select": {"name": "3 - High"}}
    assert Select("X", words=Priority).encode("High", prop) == {"select": {"name": "3 - High"}}


def test_priorities_are_ordered() -> None:
    """Critical before high before medium before low before routine."""
    assert [word.value for word in sorted(Priority, key=lambda word: word.rank)] == [
        "Critical",
        "High",
        "Medium",
        "Low",
        "Routine",
    ]


def test_a_word_of_another_system_means_nothing() -> None:
    """An unknown run state is none, and no error."""
    assert Select("X", words=RunState).decode({"type": "select", "select": {"name": "Zombie"}}) is None


@given(st.dictionaries(st.sampled_from(sorted(values.READERS)), st.none(), min_size=1, max_size=1))
def test_an_empty_property_of_any_type_is_read_as_empty(content: dict[str, None]) -> None:
    """Notion writes null for nothing, in every type."""
    [kind] = content
    for column in (Text("X"), Number("X"), Relation("X"), Date("X"), MultiSelect("X"), Checkbox("X")):
        assert not column.decode({"id": "x", "type": kind, kind: None})


@pytest.mark.parametrize(
    ("column", "value", "prop"),
    [
        (Date("X"), "tomorrow", live("date")),
        (Number("X"), "fast", live("number")),
        (Number("X"), True, live("number")),
        (Url("X"), "https://x.org/" + "a" * 2000, live("url")),
    ],
)
def test_a_value_that_does_not_fit_is_said_before_notion_says_it(
    column: Kind, value: object, prop: dict[str, Any]
) -> None:
    """The clause tells what is wrong with the value."""
    with pytest.raises(Unwritable, match=r"no date|no number|longer than"):
        column.encode(value, prop)


def test_a_select_takes_one_word() -> None:
    """Two are not joined into one."""
    with pytest.raises(UnknownOption, match="a, b"):
        Select("X").encode(("a", "b"), live("select", "a", "b"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "Yes"), (False, "No"), (("a", "b"), "a, b"), (date(2026, 1, 2), "2026-01-02"), (3, "3")],
)
def test_any_value_can_stand_in_a_text(value: object, text: str) -> None:
    """As a person would write it."""
    assert round_trip(Text("X"), value, live("rich_text")) == text


def test_people_and_files_are_written_by_id() -> None:
    """Users by their id, files by their uploads."""
    assert People("X").encode("u", live("people")) == {"people": [{"object": "user", "id": "u"}]}
    upload = {"type": "file_upload", "file_upload": {"id": "f"}}
    assert Files("X").encode(("f",), live("files")) == {"files": [upload]}
    assert Files("X").encode("f", live("files")) == {"files": [upload]}
    assert Files("X").decode({"type": "files", "files": None}) == ()


@pytest.mark.parametrize(
    ("column", "rollup", "expected"),
    [
        (Date("X"), {"type": "date", "date": {"start": "2026-01-02T03:04:00Z"}},
         datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        (Date("X"), {"type": "date", "date": None}, None),
        (Number("X"), {"type": "number", "number": None}, None),
        (Text("X"), {"type": "array", "array": [{"type": "rich_text", "rich_text": [{"plain_text": "a"}]}]}, "a"),
        (Text("X"), {"type": "array", "array": [{"type": "number", "number": 1}, {"type": "url", "url": "u"}]}, "1, u"),
        (Text("X"), {"type": "array", "array": [{"type": "date", "date": {"start": "2026-01-02T03:04:00Z"}}]},
         "2026-01-02T03:04:00+00:00"),
        (Text("X"), {"type": "array", "array": [{"type": "relation", "relation": [{"id": "a"}, {"id": "b"}]}]}, "a, b"),
    ],
)  # fmt: skip
def test_rollups_are_read_as_what_they_roll_up(
    column: Kind, rollup: dict[str, Any], expected: object
) -> None:
    """Dates, numbers, texts and links, one or many."""
    assert column.decode({"type": "rollup", "rollup": {**rollup, "function": "show_original"}}) == expected


def test_a_zone_this_machine_does_not_know_is_local_time() -> None:
    """The row can still be read."""
    odd = {"type": "date", "date": {"start": "2026-11-24T09:00:00", "time_zone": "Mars/Olympus"}}
    assert Date("X").decode(odd) == datetime(2026, 11, 24, 9).astimezone()


def test_words_are_read_out_of_files_and_texts() -> None:
    """A list that became something else is still a list."""
    assert MultiSelect("X").decode({"type": "rich_text", "rich_text": [{"plain_text": "a, b ,"}]}) == (
        "a",
        "b",
    )
    assert values.as_words((FileRef("cover.png", "u", hosted=True),)) == ("cover.png",)
    assert values.as_instant(3.0) is None
