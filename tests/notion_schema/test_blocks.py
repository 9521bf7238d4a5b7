"""Text in portions, blocks in batches: nothing lost, nothing over Notion's limits."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_schema import blocks

NUL = "\x00"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NUL), max_size=300)


def utf16(text: str) -> int:
    """UTF-16 units, by the codec."""
    return len(text.encode("utf-16-le")) // 2


@given(TEXT, st.integers(2, 50))
def test_pieces_are_whole_characters_within_the_size(text: str, size: int) -> None:
    """Pieces join to the text, none is too long, and none could hold one more character."""
    pieces = list(blocks.split_units(text, size))
    assert "".join(pieces) == text
    assert all(0 < utf16(piece) <= size for piece in pieces)
    assert all(utf16(a + b[0]) > size for a, b in pairwise(pieces))


@given(st.text(max_size=300))
def test_units_are_those_of_utf_16(text: str) -> None:
    """The count agrees with the codec."""
    assert blocks.units(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(TEXT, st.integers(0, 400))
def test_a_cut_is_within_bounds_and_says_so(text: str, most: int) -> None:
    """What fits is left alone; what does not ends with the note, as far as there is room for it."""
    shortened = blocks.cut(text, most)
    assert utf16(shortened) <= most
    if utf16(text) <= most:
        assert shortened == text
    elif most >= utf16(blocks.CUT):
        assert shortened.endswith(blocks.CUT)
        assert text.startswith(shortened.removesuffix(blocks.CUT))


def test_long_text_becomes_runs_of_two_thousand_units() -> None:
    """An emoji on the border moves to the next run as a whole."""
    runs = blocks.rich_text("x" * 1999 + "🎵" + "y")
    assert [run["text"]["content"] for run in runs] == ["x" * 1999, "🎵y"]


def test_text_beyond_a_hundred_runs_is_cut_with_a_note() -> None:
    """200,000 units are the most a property holds."""
    runs = blocks.rich_text("🎵" * 150_000)
    assert len(runs) == 100
    assert blocks.plain_text(runs).endswith(blocks.CUT)
    assert sum(utf16(run["text"]["content"]) for run in runs) <= 200_000


def test_what_notion_cannot_store_is_replaced() -> None:
    """NUL and half characters do not make a write fail."""
    assert blocks.plain_text(blocks.rich_text("a\x00b\ud83cc")) == "a\ufffdb\ufffdc"


def test_plain_text_reads_all_runs_and_blocks() -> None:
    """Mentions and formatted runs count, and blocks without text are empty."""
    runs = [{"type": "text", "plain_text": "BPM "}, {"type": "mention", "plain_text": "@Ada"}]
    assert blocks.plain_text(runs) == "BPM @Ada"
    assert blocks.plain_text({"type": "paragraph", "paragraph": {"rich_text": runs}}) == "BPM @Ada"
    assert blocks.plain_text({"type": "divider", "divider": {}}) == ""


def test_a_table_is_rectangular() -> None:
    """Short rows are filled up, so that Notion accepts them."""
    table = blocks.table([("Step", "Took"), ("fetch",)])["table"]
    assert table["table_width"] == 2
    assert [len(row["table_row"]["cells"]) for row in table["children"]] == [2, 2]


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_table_is_refused(rows: list[list[str]]) -> None:
    """Notion has none, so the slip shows here."""
    with pytest.raises(ValueError, match="at least one row"):
        blocks.table(rows)


def nested(depth: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of bulleted lines, nested so deep."""
    below = nested(depth - 1) if depth else st.just([])
    line = st.builds(blocks.bulleted, st.uuids().map(str), below)
    return st.lists(line, max_size=3)


def replay(children: list[dict[str, Any]]) -> list[Any]:
    """What stands on the page after sending the batches: (text, below) for each block."""
    page: list[Any] = []
    for batch in blocks.batches(children):
        assert 0 < len(batch.blocks) <= blocks.BATCH_BLOCKS
        for place, block in enumerate(batch.blocks):
            inside = blocks.children_of(block)
            assert not any(blocks.children_of(child) for child in inside)
            assert len(inside) <= blocks.BATCH_BLOCKS
            below = [(blocks.plain_text(child), []) for child in inside]
            page.append((blocks.plain_text(block), below + replay(batch.later.get(place, []))))
        assert sum(1 + len(blocks.children_of(block)) for block in batch.blocks) <= blocks.REQUEST_BLOCKS
    return page


def tree(children: list[dict[str, Any]]) -> list[Any]:
    """The blocks as (text, below)."""
    return [(blocks.plain_text(block), tree(blocks.children_of(block))) for block in children]


@given(nested(3))
def test_any_tree_of_blocks_arrives_whole_and_in_order(children: list[dict[str, Any]]) -> None:
    """Batches within the limits, sent level by level, add up to the tree."""
    assert replay(children) == tree(children)


def test_wide_and_heavy_content_is_divided() -> None:
    """A table of 250 rows and 30 listings of 200,000 units keep within rows, blocks and bytes."""
    children = [
        blocks.table([(str(n), "x") for n in range(250)]),
        *(blocks.code("x" * 200_000) for _ in range(5)),
        *(blocks.toggle("Log", [blocks.paragraph("y")] * 100) for _ in range(30)),
    ]
    found = list(blocks.batches(children))
    assert len(found[0].later[0]) == 150
    for batch in found:
        assert len(json.dumps(batch.blocks)) < 500_000
        assert sum(1 + len(blocks.children_of(block)) for block in batch.blocks) <= 1000
    assert sum(len(batch.blocks) for batch in found) == len(children)
