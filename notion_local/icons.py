"""Icons and covers of pages, databases and callouts."""

from __future__ import annotations

from typing import Any

from notion_local import validation as check
from notion_local import values

_ICONS = ("emoji", "external", "file_upload", "custom_emoji", "file", "icon")
_COVERS = ("external", "file_upload", "file")


def parse(value: object, path: str) -> dict[str, Any] | None:
    """Return the stored form of an icon; None takes it away."""
    if value is None:
        return None
    given = check.an_object(value, path)
    kind = check.first_type(given, path, _ICONS)
    if kind == "emoji":
        check.no_other_keys(given, path, ("type", "emoji"))
        emoji = check.a_string(given["emoji"], f"{path}.emoji")
        if not emoji or emoji.isascii():
            check.refuse(f"{path}.emoji", "a valid emoji", emoji)
        return {"type": "emoji", "emoji": emoji}
    if kind in ("custom_emoji", "icon"):
        return {"type": kind, kind: check.an_object(given[kind], f"{path}.{kind}")}
    return values.parse_file(given, path, named=False)


def parse_cover(value: object, path: str) -> dict[str, Any] | None:
    """Return the stored form of a cover; None takes it away."""
    if value is None:
        return None
    given = check.an_object(value, path)
    check.first_type(given, path, _COVERS)
    return values.parse_file(given, path, named=False)
