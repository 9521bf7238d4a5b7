"""What the real API answered, as recorded: every page, property and block there is read without a slip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from notion_schema import blocks, values
from notion_schema.ids import parse_id
from notion_schema.properties import Checkbox, Date, MultiSelect, Number, People, Relation, Text, Title
from notion_schema.rows import Row, bind

RECORDINGS = Path(__file__).resolve().parents[2] / ".." / "shared" / "notion_recordings"
UNREADABLE = {"button", "place", "verification"}


@dataclass(frozen=True, kw_only=True)
class AnyRow(Row):
    """A row that reads its title wherever it stands."""

    title: Annotated[str, Title("Name")] = ""


def objects(kind: str) -> Iterator[dict[str, Any]]:
    """Every recorded object of a kind, in answers and in lists."""

    def inside(found: Any) -> Iterator[dict[str, Any]]:
        if isinstance(found, dict):
            if found.get("object") == kind:
                yield found
            for value in found.values():
                yield from inside(value)
        elif isinstance(found, list):
            for value in found:
                yield from inside(value)

    for file in sorted(RECORDINGS.rglob("*.jsonl")):
        with file.open() as lines:
            for line in lines:
                yield from inside(json.loads(line)["response"])


@pytest.fixture(scope="module", autouse=True)
def recordings() -> None:
    """Skip where the recordings are not."""
    if not RECORDINGS.exists():
        pytest.skip("the recorded traffic (shared/notion_recordings) is not beside this checkout")


def test_every_recorded_value_is_read() -> None:
    """No type is unknown but those that hold nothing to read, and every kind takes what it can of each."""
    seen: set[str] = set()
    kinds = [Text("X"), Number("X"), Relation("X"), Date("X"), MultiSelect("X"), Checkbox("X"), People("X")]
    for page in objects("page"):
        for live in page["properties"].values():
            if "type" not in live:
                continue
            seen.add(live["type"])
            for kind in kinds:
                kind.decode(live)
    assert seen >= {"title", "status", "relation", "rollup", "formula", "unique_id", "date", "people"}
    assert seen - UNREADABLE <= set(values.READERS)


def test_texts_are_those_that_notion_shows() -> None:
    """The plain text of every recorded page, block and run is what Notion calls its plain text."""
    for block in objects("block"):
        runs = block.get(block["type"], {}).get("rich_text", [])
        assert blocks.plain_text(block) == "".join(run["plain_text"] for run in runs)


def test_every_recorded_data_source_can_be_bound_and_its_title_is_found() -> None:
    """The title is bound by its type in each; pages are read with it."""
    bound = 0
    for source in objects("data_source"):
        if source.get("properties"):
            binding = bind(AnyRow, source, title="Recorded")
            assert binding.columns["title"].id == "title"
            bound += 1
    assert bound > 20


def test_every_recorded_link_holds_its_page() -> None:
    """Links of pages and databases, old and new, parse to the id they came with."""
    checked = 0
    for kind in ("page", "database"):
        for one in objects(kind):
            if "url" in one:
                assert parse_id(one["url"]) == one["id"]
                checked += 1
    assert checked > 100


def test_recorded_times_are_instants() -> None:
    """Both of Notion's forms of time are understood."""
    for kind in ("page", "database", "data_source"):
        for one in objects(kind):
            if "created_time" in one:
                moment = values.instant(one["created_time"])
                assert moment is not None
                assert moment.tzinfo is not None
