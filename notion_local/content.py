"""The content of blocks: which types there are, what each may say, how an answer shows it.

One table describes every type by its fields; blocks of all types are parsed and shown by the same few functions.
Pure: where a block stands and which children it has is `blocks`' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from notion_local import icons, richtext, values
from notion_local import validation as check
from notion_local.errors import invalid

LANGUAGES = (
    *[
        "abap",
        "abc",
        "agda",
        "arduino",
        "assembly",
        "bash",
        "basic",
        "bnf",
        "c",
        "c#",
        "c++",
        "clojure",
        "coffeescript",
        "coq",
        "css",
        "dart",
        "dhall",
        "diff",
        "docker",
    ],
    *[
        "ebnf",
        "elixir",
        "elm",
        "erlang",
        "f#",
        "flow",
        "fortran",
        "gherkin",
        "glsl",
        "go",
        "graphql",
        "groovy",
        "haskell",
        "hcl",
        "html",
        "idris",
        "java",
    ],
    *[
        "javascript",
        "json",
        "julia",
        "kotlin",
        "latex",
        "less",
        "lisp",
        "livescript",
        "lua",
        "makefile",
        "markdown",
        "markup",
        "matlab",
        "mathematica",
    ],
    *[
        "mermaid",
        "nix",
        "objective-c",
        "ocaml",
        "pascal",
        "perl",
        "php",
        "powershell",
        "prolog",
        "protobuf",
        "purescript",
        "python",
        "r",
        "racket",
    ],
    *[
        "reason",
        "ruby",
        "rust",
        "sass",
        "scala",
        "scheme",
        "scss",
        "shell",
        "smalltalk",
        "solidity",
        "sql",
        "swift",
        "toml",
        "typescript",
        "vb.net",
    ],
    *["verilog", "vhdl", "webassembly", "xml", "yaml", "java/c/c++/c#"],
    *("ascii art", "llvm ir", "notion formula", "plain text", "visual basic"),
)

Parser = Callable[[Any, str], Any]


@dataclass(frozen=True)
class BlockType:
    """One type of block.

    Attributes:
        fields: how each key of its content is parsed, in the order answers show them.
        defaults: what stands for keys that a request leaves out; without one the key is required.
        children: whether blocks can stand beneath it.
    """

    fields: Mapping[str, Parser]
    defaults: Mapping[str, Any]
    children: bool = False


def _color(value: Any, path: str) -> str:
    return check.one_of(value, path, richtext.TEXT_COLORS)


def _url(value: Any, path: str) -> str:
    return check.a_string(value, path, most=check.MAX_URL)


def _expression(value: Any, path: str) -> str:
    return check.a_string(value, path, most=check.MAX_EQUATION)


def _language(value: Any, path: str) -> str:
    return check.one_of(value, path, LANGUAGES)


def _ratio(value: Any, path: str) -> float:
    ratio = check.a_number(value, path)
    if not 0 < ratio < 1:
        check.refuse(path, "a number between 0 and 1", value)
    return ratio


def _width(value: Any, path: str) -> int:
    width = check.a_number(value, path)
    if isinstance(width, float) or width < 1:
        check.refuse(path, "≥ `1`", value)
    return width


def _cells(value: Any, path: str) -> list[list[dict[str, Any]]]:
    return [richtext.parse(cell, f"{path}[{i}]") for i, cell in enumerate(check.an_array(value, path))]


def _synced_from(value: Any, path: str) -> dict[str, Any] | None:
    if value is None:
        return None
    given = check.an_object(value, path)
    return {"type": "block_id", "block_id": check.a_uuid(check.member(given, "block_id"), f"{path}.block_id")}


def _boolean(value: Any, path: str) -> bool:
    return check.a_boolean(value, path)


_TEXT: dict[str, Parser] = {"rich_text": richtext.parse}
_COLORED = {"color": "default"}
_PLAIN = BlockType({**_TEXT, "color": _color}, {**_COLORED}, children=True)
_HEADING = BlockType(
    {**_TEXT, "is_toggleable": _boolean, "color": _color}, {**_COLORED, "is_toggleable": False}
)
_LINK = BlockType({"caption": richtext.parse, "url": _url}, {"caption": []})
_EMPTY = BlockType({}, {})
FILE_TYPES = ("image", "video", "pdf", "file", "audio")

TYPES: dict[str, BlockType] = {
    "paragraph": BlockType(
        {**_TEXT, "icon": icons.parse, "color": _color}, {**_COLORED, "icon": None}, children=True
    ),
    "heading_1": _HEADING,
    "heading_2": _HEADING,
    "heading_3": _HEADING,
    "heading_4": _HEADING,
    "bulleted_list_item": _PLAIN,
    "numbered_list_item": _PLAIN,
    "quote": _PLAIN,
    "toggle": _PLAIN,
    "template": BlockType({**_TEXT}, {}, children=True),
    "to_do": BlockType(
        {**_TEXT, "checked": _boolean, "color": _color}, {**_COLORED, "checked": False}, children=True
    ),
    "callout": BlockType(
        {**_TEXT, "icon": icons.parse, "color": _color},
        {**_COLORED, "icon": {"type": "emoji", "emoji": "💡"}},
        children=True,
    ),
    "code": BlockType(
        {"caption": richtext.parse, **_TEXT, "language": _language}, {"caption": [], "language": "plain text"}
    ),
    "equation": BlockType({"expression": _expression}, {}),
    "divider": _EMPTY,
    "breadcrumb": _EMPTY,
    "table_of_contents": BlockType({"color": _color}, {**_COLORED}),
    "bookmark": _LINK,
    "embed": _LINK,
    "link_preview": BlockType({"url": _url}, {}),
    "column_list": BlockType({}, {}, children=True),
    "column": BlockType({"width_ratio": _ratio}, {"width_ratio": None}, children=True),
    "tab": BlockType({}, {}, children=True),
    "table": BlockType(
        {"table_width": _width, "has_column_header": _boolean, "has_row_header": _boolean},
        {"has_column_header": False, "has_row_header": False},
        children=True,
    ),
    "table_row": BlockType({"cells": _cells}, {}),
    "synced_block": BlockType({"synced_from": _synced_from}, {"synced_from": None}, children=True),
}
"""Every type whose content is a plain set of fields; files and links to pages are parsed by hand."""

CREATABLE = (*TYPES, *FILE_TYPES, "link_to_page")
MUST_HAVE_CHILDREN = {"column_list": 2, "table": 1}
ONLY_CHILDREN = {"column_list": "column", "table": "table_row", "tab": "paragraph"}
_LINK_TARGETS = ("page_id", "database_id", "comment_id")


def takes_children(kind: str, content: Mapping[str, Any]) -> bool:
    """Tell whether blocks may be appended beneath a block."""
    if kind.startswith("heading_"):
        return bool(content.get("is_toggleable"))
    return kind in TYPES and TYPES[kind].children


def may_carry_children(kind: str) -> bool:
    """Tell whether a request may write children inside a block of this type."""
    return kind.startswith("heading_") or (kind in TYPES and TYPES[kind].children)


def parse(kind: str, value: object, path: str) -> dict[str, Any]:
    """Return the stored content of a new block, its children aside."""
    given = check.an_object(value, path)
    own = {key: entry for key, entry in given.items() if key != "children"}
    if kind in FILE_TYPES:
        return _parse_file(kind, own, path)
    if kind == "link_to_page":
        return _parse_link_to_page(own, path)
    described = TYPES[kind]
    check.no_other_keys(own, path, described.fields)
    content = {}
    for key, parser in described.fields.items():
        if key in own and not (own[key] is None and key in described.defaults):
            content[key] = parser(own[key], f"{path}.{key}")
        elif key in described.defaults:
            content[key] = described.defaults[key]
        else:
            check.refuse(f"{path}.{key}", "defined", check.MISSING)
    return _consistent(kind, content)


def updated(kind: str, content: dict[str, Any], value: object, path: str) -> dict[str, Any]:
    """Return the content of a block after an update, which may name some of its keys only."""
    given = check.an_object(value, path)
    if kind in FILE_TYPES:
        return _updated_file(kind, content, given, path)
    if kind == "link_to_page":
        return _parse_link_to_page(given, path)
    described = TYPES[kind]
    fixed = ("table_width", "synced_from")
    allowed = [key for key in described.fields if key not in fixed]
    # Clients send a block back whole; children are not changed this way, so only an empty list passes.
    empty_children = ("children",) if given.get("children") == [] else ()
    check.no_other_keys(given, path, (*allowed, *empty_children))
    changed = {
        key: described.fields[key](entry, f"{path}.{key}")
        for key, entry in given.items()
        if key in allowed and not (entry is None and key in described.defaults)
    }
    return _consistent(kind, {**content, **changed})


def _consistent(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    if kind == "column" and content.get("width_ratio") is None:
        return {}
    return content


def _parse_file(kind: str, given: dict[str, Any], path: str) -> dict[str, Any]:
    allowed = ("type", "caption", "external", "file_upload", "file", *(("name",) if kind == "file" else ()))
    check.no_other_keys(given, path, allowed)
    source = {key: entry for key, entry in given.items() if key != "caption"}
    stored = values.parse_file(source, path, named=False)
    stored["caption"] = richtext.parse(given.get("caption", []), f"{path}.caption")
    if kind == "file" and "name" not in stored and stored["type"] == "external":
        stored["name"] = values.name_in_url(stored["external"]["url"])
    return stored


def _updated_file(kind: str, content: dict[str, Any], given: dict[str, Any], path: str) -> dict[str, Any]:
    if any(key in given for key in ("external", "file_upload", "file")):
        merged = {"caption": given.get("caption", []), **given}
        changed = _parse_file(kind, merged, path)
        if "caption" not in given:
            changed["caption"] = content["caption"]
        if kind == "file" and "name" not in given and "name" in content:
            changed["name"] = content["name"]
        return changed
    check.no_other_keys(given, path, ("type", "caption", "name"))
    changed = dict(content)
    if "caption" in given:
        changed["caption"] = richtext.parse(given["caption"], f"{path}.caption")
    if "name" in given and kind == "file":
        changed["name"] = _with_extension(
            check.a_string(given["name"], f"{path}.name"), content.get("name", "")
        )
    return changed


def _with_extension(name: str, before: str) -> str:
    """Return a file's new name with the extension it had, which Notion keeps."""
    extension = PurePosixPath(before).suffix
    return name if not extension or name.endswith(extension) else name + extension


def _parse_link_to_page(given: dict[str, Any], path: str) -> dict[str, Any]:
    check.no_other_keys(given, path, ("type", *_LINK_TARGETS))
    kind = check.first_type(given, path, _LINK_TARGETS)
    return {"type": kind, kind: check.a_uuid(given[kind], f"{path}.{kind}")}


def texts(content: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Return every rich text that stands in a block's content."""
    found = [content[key] for key in ("rich_text", "caption") if key in content]
    return found + list(content.get("cells", []))


def require_fitting_row(width: int, cells: list[Any]) -> None:
    """Refuse a table row whose cells are not as many as the table is wide."""
    if len(cells) != width:
        raise invalid(
            "Content creation Failed. Fix one: \nNumber of cells in table row must match the table width of the parent"
            " table"
        )
