"""Page content: text in Notion's portions, block builders, and batches Notion accepts.

Notion counts text in UTF-16 units (2,000 a run, 100 runs a list), blocks by the hundred and nesting by two
levels. Everything here is pure: JSON in, JSON out. What does not fit is cut where a reader sees it, never
silently. Called by ``client`` (batches), ``properties`` (runs) and the worker's reporting (builders).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Color = Literal["default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"]

RUN_UNITS = 2000
RUNS = 100
BATCH_BLOCKS = 100
REQUEST_BLOCKS = 1000
REQUEST_BYTES = 450_000
"""Notion's limit is 500 KB; the difference is for what surrounds the blocks."""
CUT = "… (cut; the full text is in the page)"
_BMP_END = 0xFFFF


def units(text: str) -> int:
    """Length of a text as Notion counts it, in UTF-16 units."""
    return len(text) + sum(1 for character in text if ord(character) > _BMP_END)


def split_units(text: str, size: int = RUN_UNITS) -> Iterator[str]:
    """Cut a text into pieces of at most ``size`` UTF-16 units, never through a character."""
    start = used = 0
    for index, character in enumerate(text):
        width = 2 if ord(character) > _BMP_END else 1
        if used + width > size:
            yield text[start:index]
            start, used = index, 0
        used += width
    if start < len(text):
        yield text[start:]


def cut(text: str, most: int, note: str = CUT) -> str:
    """The text, or its beginning and a note that it was cut; at most ``most`` UTF-16 units."""
    if units(text) <= most:
        return text
    room = max(0, most - units(note))
    return next(split_units(text, room), "") + note if room else next(split_units(note, most), "")


def rich_text(
    text: str, *, most: int = RUN_UNITS * RUNS, note: str = CUT, link: str | None = None
) -> list[Json]:
    """A text as runs that Notion accepts.

    Args:
        text: Any text; characters Notion cannot store (lone surrogates, NUL) are replaced.
        most: Longest text in UTF-16 units before it is cut.
        note: Put at the end of a text that was cut.
        link: Address every run points to.
    """
    storable = text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    pieces = split_units(cut(storable, min(most, RUN_UNITS * RUNS), note))
    return [
        {"type": "text", "text": {"content": piece, **({"link": {"url": link}} if link else {})}}
        for piece in pieces
    ]


def plain_text(source: Iterable[Json] | Json) -> str:
    """The whole text of a rich text list or of a block, formatting and children left out."""
    if isinstance(source, dict):
        body = source.get(str(source.get("type", "")), {})
        return plain_text(body.get("rich_text", [])) if isinstance(body, dict) else ""
    return "".join(run["plain_text"] if "plain_text" in run else _content(run) for run in source)


def _content(run: Json) -> str:
    text = run.get("text")
    return str(text.get("content", "")) if isinstance(text, dict) else ""


# --- builders -------------------------------------------------------------------------------------------


def _block(kind: str, body: Json) -> Json:
    return {"object": "block", "type": kind, kind: body}


def _textual(kind: str, text: str, children: Sequence[Json] = (), **more: Any) -> Json:
    body: Json = {"rich_text": rich_text(text), **more}
    if children:
        body["children"] = list(children)
    return _block(kind, body)


def paragraph(text: str, *, link: str | None = None) -> Json:
    """A paragraph, as a whole a link when one is given."""
    return _block("paragraph", {"rich_text": rich_text(text, link=link)})


def heading(level: Literal[1, 2, 3], text: str, children: Sequence[Json] = ()) -> Json:
    """A heading; with children it can be folded."""
    return _textual(f"heading_{level}", text, children, is_toggleable=bool(children))


def bulleted(text: str, children: Sequence[Json] = ()) -> Json:
    """One item of a bulleted list."""
    return _textual("bulleted_list_item", text, children)


def to_do(text: str, *, checked: bool = False) -> Json:
    """A line with a box to tick."""
    return _textual("to_do", text, checked=checked)


def toggle(text: str, children: Sequence[Json]) -> Json:
    """A line that unfolds."""
    return _textual("toggle", text, children)


def callout(text: str, emoji: str = "💡", *, color: Color = "default") -> Json:
    """A framed sentence with a sign before it."""
    ground = color if color == "default" else f"{color}_background"
    return _textual("callout", text, icon={"type": "emoji", "emoji": emoji}, color=ground)


def code(text: str, language: str = "plain text") -> Json:
    """A listing; what exceeds Notion's 200,000 units is cut at the end, with a note."""
    return _textual("code", text, language=language)


def divider() -> Json:
    """A line across the page."""
    return _block("divider", {})


def table(rows: Sequence[Sequence[str]], *, header: bool = True) -> Json:
    """A table of plain texts; short rows are filled up.

    Raises:
        ValueError: When there is no row or no column: Notion has no empty tables.
    """
    width = max((len(row) for row in rows), default=0)
    if not width:
        raise ValueError("A table needs at least one row with one cell.")
    lines = [
        _block("table_row", {"cells": [rich_text(cell) for cell in (*row, *([""] * (width - len(row))))]})
        for row in rows
    ]
    return _block(
        "table",
        {"table_width": width, "has_column_header": header, "has_row_header": False, "children": lines},
    )


def image(upload_id: str, caption: str = "") -> Json:
    """A picture from a finished upload."""
    return _uploaded("image", upload_id, caption)


def file(upload_id: str, caption: str = "") -> Json:
    """A file to download, from a finished upload."""
    return _uploaded("file", upload_id, caption)


def _uploaded(kind: str, upload_id: str, caption: str) -> Json:
    return _block(
        kind, {"type": "file_upload", "file_upload": {"id": upload_id}, "caption": rich_text(caption)}
    )


# --- batches --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """Blocks for one append call, and what has to follow it.

    Attributes:
        blocks: At most a hundred blocks, with the children that may travel along.
        later: For a block by its place in ``blocks``, the children to append to it once it has an id.
    """

    blocks: list[Json]
    later: dict[int, list[Json]] = field(default_factory=dict)


def batches(children: Sequence[Json]) -> Iterator[Batch]:
    """Divide blocks into calls within Notion's limits: 100 siblings, two levels, 1,000 blocks, 500 KB."""
    blocks: list[Json] = []
    later: dict[int, list[Json]] = {}
    count = size = 0
    for child in children:
        sent, rest = _divide(child)
        its_count = 1 + len(children_of(sent))
        its_size = len(json.dumps(sent, ensure_ascii=True))
        full = (
            len(blocks) == BATCH_BLOCKS
            or count + its_count > REQUEST_BLOCKS
            or size + its_size > REQUEST_BYTES
        )
        if blocks and full:
            yield Batch(blocks, later)
            blocks, later, count, size = [], {}, 0, 0
        if rest:
            later[len(blocks)] = rest
        blocks.append(sent)
        count, size = count + its_count, size + its_size
    if blocks:
        yield Batch(blocks, later)


def children_of(block: Json) -> list[Json]:
    """The children a block carries in its own JSON."""
    body = block.get(block["type"], {})
    return list(body.get("children", [])) if isinstance(body, dict) else []


def _divide(block: Json) -> tuple[Json, list[Json]]:
    """A block with the children that may travel with it, and those that may not."""
    nested = children_of(block)
    if not nested:
        return block, []
    # A table must be born with a row; its rows have no children. Anything deeper than that follows level by
    # level.
    shallow = not any(children_of(child) for child in nested)
    along = _fitting(nested) if shallow else 0
    body = {key: value for key, value in block[block["type"]].items() if key != "children"}
    if along:
        body["children"] = nested[:along]
    return {**block, block["type"]: body}, nested[along:]


def _fitting(blocks: Sequence[Json]) -> int:
    """How many of these siblings may travel inside one parent."""
    size = 0
    for index, block in enumerate(blocks[:BATCH_BLOCKS]):
        size += len(json.dumps(block, ensure_ascii=True))
        if index and size > REQUEST_BYTES // 2:
            return index
    return min(len(blocks), BATCH_BLOCKS)
