"""A Notion page reads like the Markdown it was made from."""

from __future__ import annotations

from typing import Any

from agent.rows.page_markdown import render
from gap_analysis.reading import analyse


def _block(kind: str, text: str = "", **more: Any) -> dict[str, Any]:
    marks = {name: more.pop(name, False) for name in ("bold", "code", "strikethrough")}
    inside = more.pop("inside", [])
    runs = [{"plain_text": text, "annotations": marks}] if text else []
    return {
        "id": text,
        "type": kind,
        kind: {"rich_text": runs, **more},
        "has_children": bool(inside),
        "inside": inside,
    }


def _rendered(*blocks: dict[str, Any]) -> str:
    by_id = {block["id"]: block["inside"] for block in _all(blocks)}
    return render(blocks, lambda block_id: by_id[block_id])


def _all(blocks: Any) -> list[dict[str, Any]]:
    return [one for block in blocks for one in (block, *_all(block["inside"]))]


def test_boxes_and_what_is_inside_them() -> None:
    """Ticks, nesting and struck-out text survive; a toggle's content stands at its own level."""
    text = _rendered(
        _block("heading_2", "1. Part"),
        _block("to_do", "Outer", checked=False, inside=[_block("to_do", "Inner", checked=True)]),
        _block("toggle", "More", inside=[_block("to_do", "Gone", checked=False, strikethrough=True)]),
        _block("bulleted_list_item", "A bullet", inside=[_block("paragraph", "its detail")]),
    )
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines == [
        "## 1. Part",
        "- [ ] Outer",
        "    - [x] Inner",
        "More",
        "- [ ] ~~Gone~~",
        "- A bullet",
        "    its detail",
    ]


def test_code_pictures_and_other_pages_name_no_gap() -> None:
    """A listing is no list; a page inside the page is another document."""
    text = _rendered(
        _block("code", "- [ ] not me\n```\n- [ ] nor me"),
        _block("image"),
        _block("child_page", inside=[_block("to_do", "Elsewhere", checked=False)]),
        _block("to_do", "Me", checked=False),
    )
    assert [gap.mentions[0].wording for gap in analyse(text).gaps] == ["Me"]


def test_spaces_stay_outside_the_marks() -> None:
    """Notion's bold often takes the space behind the word along; Markdown would not read it as bold then."""
    runs = [
        {"plain_text": "Gap: ", "annotations": {"bold": True}},
        {"plain_text": "No retries", "annotations": {}},
    ]
    block = {"id": "x", "type": "paragraph", "paragraph": {"rich_text": runs}, "has_children": False}
    assert render([block], lambda _: ()).strip() == "**Gap:** No retries"
