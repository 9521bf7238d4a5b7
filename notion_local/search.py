"""Search by title over pages and data sources, last edited first unless a request sorts otherwise."""

from __future__ import annotations

from typing import Any

from notion_local import databases, showing, values
from notion_local import validation as check
from notion_local.store import Record
from notion_local.workspace import Actor, Workspace

_KINDS = ("page", "data_source")


def run(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> list[str]:
    """Return the ids of what a search finds, everything of it, in order."""
    check.no_other_keys(body, "body", ("query", "filter", "sort", "start_cursor", "page_size"))
    wanted = values.indexed(check.a_string(body.get("query", ""), "body.query"))
    kinds: tuple[str, ...] = _KINDS
    if body.get("filter") is not None:
        given = check.an_object(body["filter"], "body.filter")
        check.no_other_keys(given, "body.filter", ("property", "value"))
        check.one_of(given.get("property", check.MISSING), "body.filter.property", ("object",))
        kinds = (check.one_of(given.get("value", check.MISSING), "body.filter.value", _KINDS),)
    oldest_first = _oldest_first(body)
    found = workspace.store.titled(kinds, wanted.split(), oldest_first=oldest_first)
    if actor.is_person or not workspace.faults.unshared:
        return found
    records = workspace.store.get_many(found)
    return [record.id for record in records if workspace.shared(actor, record)]


def _oldest_first(body: dict[str, Any]) -> bool:
    if body.get("sort") is None:
        return False
    given = check.an_object(body["sort"], "body.sort")
    check.no_other_keys(given, "body.sort", ("timestamp", "direction"))
    check.one_of(given.get("timestamp", check.MISSING), "body.sort.timestamp", ("last_edited_time",))
    words = ("ascending", "descending")
    return check.one_of(given.get("direction", "descending"), "body.sort.direction", words) == "ascending"


def show(workspace: Workspace, record: Record) -> dict[str, Any]:
    """Return a result as answers show it."""
    if record.kind == "page":
        return showing.show(workspace, record)
    return databases.show_source(workspace, record)
