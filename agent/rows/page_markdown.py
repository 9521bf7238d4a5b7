"""A page's blocks as Markdown, as far as a text analysis needs: headings, lists with boxes, bold labels, code.

Pure but for the callable that fetches children. Called by ``gap_rows``; what has no text (pictures, embeds) is
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Json = dict[str, Any]
Children = Callable[[str], Iterable[Json]]

_HEADINGS = {f"heading_{level}": "#" * level for level in (1, 2, 3, 4)}
_LIST_SIGNS = {"bulleted_list_item": "- ", "numbered_list_item": "1. "}
_SEPARATE_PAGES = ("child_page", "child_database")
_INDENT = "    "


def render(blocks: Iterable[Json], children: Children) -> str:
    """The Markdown of a page.

    Args:
        blocks: Its blocks in order.
        children: Fetches the blocks inside one, by its id.
    """
    return "\n".join(_lines(blocks, children, ""))


def _lines(blocks: Iterable[Json], children: Children, indent: str) -> Iterator[str]:
    for block in blocks:
        kind = block["type"]
        body = block.get(kind) or {}
        text = _marked(body.get("rich_text", ()))
        inside = indent
        if kind in _HEADINGS:
            yield from ("", f"{_HEADINGS[kind]} {text}", "")
        elif kind == "to_do":
            yield f"{indent}- [{'x' if body.get('checked') else ' '}] {text}"
            inside = indent + _INDENT
        elif kind in _LIST_SIGNS:
            yield f"{indent}{_LIST_SIGNS[kind]}{text}"
            inside = indent + _INDENT
        elif kind == "code":
            yield from ("~~~~~", text, "~~~~~")
        elif text:
            yield from ("", *(f"{indent}{line}" for line in text.split("\n")), "")
        if block.get("has_children") and kind not in _SEPARATE_PAGES:
            yield from _lines(children(block["id"]), children, inside)


def _marked(runs: Iterable[Json]) -> str:
    return "".join(_run(run) for run in runs)


def _run(run: Json) -> str:
    text = str(run.get("plain_text", ""))
    core = text.strip()
    if not core:
        return text
    marks = run.get("annotations") or {}
    for name, sign in (("code", "`"), ("bold", "**"), ("strikethrough", "~~")):
        if marks.get(name):
            core = f"{sign}{core}{sign}"
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{core}{after}"
