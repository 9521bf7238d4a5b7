"""Pages as answers show them: their stored values, their rollups, their formulas, one property at a time.

Reads only. Called whenever a page leaves the server, and by queries that compare computed values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from notion_local import dates, evaluation, ids, rollups, schema, uploads, values
from notion_local import formula as formulas
from notion_local.errors import ApiError, invalid
from notion_local.formula_functions import FormulaError
from notion_local.schema import COMPUTED, TITLE_ONLY, Property, Schema
from notion_local.store import Cell, Record
from notion_local.workspace import Workspace

MAX_SHOWN_REFERENCES = 25
_MAX_DEPENDENCY_DEPTH = 10


def schema_of(workspace: Workspace, page: Record) -> Schema:
    """Return the properties that a page has."""
    if page.parent_kind != "data_source":
        return TITLE_ONLY
    return source_schema(workspace, page.parent)


def source_schema(workspace: Workspace, source_id: str) -> Schema:
    """Return the properties of a data source."""
    source = workspace.store.get(source_id)
    return schema.load(source.data["properties"]) if source else TITLE_ONLY


def show(
    workspace: Workspace, page: Record, entries: Schema | None = None, only: Collection[str] | None = None
) -> dict[str, Any]:
    """Return a page as answers show it.

    Args:
        workspace: where it is.
        page: the page.
        entries: its properties when the caller knows them.
        only: ids of the properties to show; all when None.
    """
    entries = schema_of(workspace, page) if entries is None else entries
    shown = {}
    for entry in in_answer_order(entries):
        if only is None or entry.id in only:
            shown[entry.name] = {
                "id": ids.encode_property_id(entry.id),
                "type": entry.type,
                **show_value(workspace, page, entry, entries),
            }
    title = workspace.title_of(page)
    slug = ids.slug(title)
    return {
        "object": "page",
        "id": page.id,
        "created_time": ids.floored(page.created),
        "last_edited_time": ids.floored(page.edited),
        "created_by": {"object": "user", "id": page.created_by},
        "last_edited_by": {"object": "user", "id": page.edited_by},
        "cover": uploads.show_file(workspace, page.data.get("cover")),
        "icon": uploads.show_file(workspace, page.data.get("icon")),
        "parent": workspace.parent_of(page),
        "in_trash": page.in_trash,
        "is_archived": False,
        "is_locked": bool(page.data.get("is_locked")),
        "properties": shown,
        "url": f"https://www.notion.so/{slug + '-' if slug else ''}{ids.bare(page.id)}",
        "public_url": None,
    }


def show_some(workspace: Workspace, page: Record, keys: Sequence[str]) -> dict[str, Any]:
    """Return a page with the properties that a request names; all of them when it names none."""
    entries = schema_of(workspace, page)
    if not keys:
        return show(workspace, page, entries)
    return show(workspace, page, entries, schema.property_ids(keys, entries))


def in_answer_order(entries: Schema) -> list[Property]:
    """Return properties in the order of answers: by id, the title last."""
    return sorted(entries.values(), key=lambda entry: (entry.id == "title", entry.id))


def show_value(workspace: Workspace, page: Record, entry: Property, entries: Schema) -> dict[str, Any]:
    """Return the part of a page's answer that holds one value."""
    if entry.type == "relation":
        related = page.data["properties"].get(entry.id, [])
        return {
            "relation": [{"id": target} for target in related[:MAX_SHOWN_REFERENCES]],
            "has_more": len(related) > MAX_SHOWN_REFERENCES,
        }
    value = full_value(workspace, page, entry, entries)
    if entry.type in ("title", "rich_text", "people"):
        value = value[:MAX_SHOWN_REFERENCES] if _mentions(value) > MAX_SHOWN_REFERENCES else value
    return {entry.type: value}


def _mentions(value: list[dict[str, Any]]) -> int:
    return sum(1 for item in value if item.get("type") == "mention" or item.get("object") == "user")


def full_value(  # noqa: C901, PLR0911 one case per type
    workspace: Workspace, page: Record, entry: Property, entries: Schema
) -> Any:
    """Return one value as answers show it, with all its references."""
    kind = entry.type
    stored = page.data["properties"].get(entry.id, values.empty(kind))
    if kind in ("title", "rich_text"):
        return workspace.show_text(stored)
    if kind in ("select", "status"):
        option = entry.option_by_id(stored) if stored else None
        return _shown_option(option) if option else None
    if kind == "multi_select":
        options = (entry.option_by_id(option_id) for option_id in stored)
        return [_shown_option(option) for option in options if option]
    if kind == "people":
        return [workspace.show_user(user_id) for user_id in stored]
    if kind == "relation":
        return [{"id": target} for target in stored]
    if kind == "files":
        return [uploads.show_file(workspace, item, named=True) for item in stored]
    if kind in _AUTOMATIC:
        return _AUTOMATIC[kind](workspace, page)
    if kind == "unique_id":
        return {"prefix": entry.config.get("prefix"), "number": page.data.get("number")}
    if kind == "rollup":
        return rollup(workspace, page, entry, entries)
    if kind == "formula":
        return formula(workspace, page, entry, entries)
    if kind == "verification":
        return stored and {"state": stored["state"], "verified_by": None, "date": stored["date"]}
    return {} if kind == "button" else stored


_AUTOMATIC: dict[str, Callable[[Workspace, Record], Any]] = {
    "created_time": lambda _workspace, page: ids.floored(page.created),
    "last_edited_time": lambda _workspace, page: ids.floored(page.edited),
    "created_by": lambda workspace, page: workspace.show_user(page.created_by),
    "last_edited_by": lambda workspace, page: workspace.show_user(page.edited_by),
    "last_visited_time": lambda _workspace, _page: None,
}


def _shown_option(option: dict[str, Any]) -> dict[str, Any]:
    return {"id": option["id"], "name": option["name"], "color": option["color"]}


def property_item(
    workspace: Workspace, page: Record, key: str, page_size: int, start_cursor: str | None
) -> dict[str, Any]:
    """Return one property of a page: a property item, or a page of a list of them.

    Raises:
        ApiError: when the page has no such property.
    """
    entries = schema_of(workspace, page)
    entry = schema.find(entries, key)
    if entry is None:
        raise ApiError(404, "object_not_found", f"Could not find property with name or id: {key}")
    shown_id = ids.encode_property_id(entry.id)
    if entry.type not in ("title", "rich_text", "people", "relation", "rollup"):
        return {
            "object": "property_item",
            "type": entry.type,
            "id": shown_id,
            entry.type: full_value(workspace, page, entry, entries),
        }
    item_type, items, summary = _items(workspace, page, entry, entries)
    start = _item_start(start_cursor, len(items))
    chosen = items[start : start + page_size]
    more = start + page_size < len(items)
    cursor = str(start + page_size) if more else None
    url = f"https://api.notion.com/v1/pages/{page.id}/properties/{shown_id}?start_cursor={cursor}"
    return {
        "object": "list",
        "results": [
            {"object": "property_item", "type": item_type, "id": shown_id, item_type: item} for item in chosen
        ],
        "next_cursor": cursor,
        "has_more": more,
        "type": "property_item",
        "property_item": {
            "id": shown_id,
            "next_url": url if more else None,
            "type": entry.type,
            entry.type: summary,
        },
    }


def _items(
    workspace: Workspace, page: Record, entry: Property, entries: Schema
) -> tuple[str, list[Any], dict[str, Any]]:
    if entry.type != "rollup":
        return entry.type, full_value(workspace, page, entry, entries), {}
    value = full_value(workspace, page, entry, entries)
    if value["type"] != "array":
        return "relation", [], value
    items = value["array"]
    return (
        (items[0]["type"] if items else "relation"),
        [item[item["type"]] for item in items],
        {**value, "array": []},
    )


def _item_start(cursor: str | None, length: int) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or int(cursor) > length:
        raise invalid(f"The start_cursor provided is invalid: {cursor}")
    return int(cursor)


# Computed values


def rollup(
    workspace: Workspace, page: Record, entry: Property, entries: Schema, depth: int = 0
) -> dict[str, Any]:
    """Return the value of a rollup as answers show it."""
    function = entry.config["function"]
    relation = entries.get(entry.config["relation_property_id"])
    if relation is None or relation.type != "relation" or depth > _MAX_DEPENDENCY_DEPTH:
        return {"type": "unsupported", "unsupported": {}, "function": function}
    target_entries = source_schema(workspace, relation.config["data_source_id"])
    target = target_entries.get(entry.config["rollup_property_id"])
    if target is None:
        return {"type": "unsupported", "unsupported": {}, "function": function}
    related = workspace.store.get_many(page.data["properties"].get(relation.id, []))
    found = [full_value(workspace, other, target, target_entries) for other in related if not other.in_trash]
    return {**rollups.rolled(function, found, target), "function": function}


def formula(
    workspace: Workspace, page: Record, entry: Property, entries: Schema, depth: int = 0
) -> dict[str, Any]:
    """Return the value of a formula as answers show it; what cannot be computed is an empty text, as in Notion."""
    expression = entry.config["expression"]
    if not expression or depth > _MAX_DEPENDENCY_DEPTH:
        return {"type": "string", "string": None}

    def lookup(property_id: str) -> evaluation.Value:
        other = entries.get(property_id)
        return None if other is None else plain_value(workspace, page, other, entries, depth + 1)

    now = workspace.now() / 1000
    try:
        result = evaluation.evaluate(formulas.parse(expression), lookup, now)
    except FormulaError:
        return {"type": "string", "string": None}
    return evaluation.shown(result, evaluation.kind_of(formulas.parse(expression), _kinds(entries)))


def _kinds(entries: Schema) -> dict[str, str]:
    kinds = {"number": "number", "unique_id": "number", "checkbox": "boolean", "date": "date"}
    kinds |= {"created_time": "date", "last_edited_time": "date"}
    return {
        entry.id: kinds.get(entry.type, "string") for entry in entries.values() if entry.type not in COMPUTED
    }


def plain_value(
    workspace: Workspace, page: Record, entry: Property, entries: Schema, depth: int = 0
) -> evaluation.Value:
    """Return a property's value as formulas see it."""
    if entry.type == "formula":
        shown = formula(workspace, page, entry, entries, depth)
        return evaluation.from_date(shown["date"]) if shown["type"] == "date" else shown[shown["type"]]
    if entry.type == "rollup":
        value = rollup(workspace, page, entry, entries, depth)
        if value["type"] == "array":
            return [evaluation.from_answer(item["type"], item[item["type"]]) for item in value["array"]]
        return evaluation.from_date(value["date"]) if value["type"] == "date" else value.get("number")
    if entry.type == "relation":
        return list(page.data["properties"].get(entry.id, []))
    return evaluation.from_answer(entry.type, full_value(workspace, page, entry, entries))


def computed_cells(workspace: Workspace, page: Record, entry: Property, entries: Schema) -> list[Cell]:
    """Return what a query compares of a computed value."""
    shown = (formula if entry.type == "formula" else rollup)(workspace, page, entry, entries)
    kind = shown["type"]
    value: Any = shown.get(kind)
    if kind == "array":
        return [cell for item in value for cell in _answer_cells(entry.id, item["type"], item[item["type"]])]
    return _answer_cells(entry.id, kind, value)


def _answer_cells(  # noqa: PLR0911 one case per type
    property_id: str, kind: str, value: Any
) -> list[Cell]:
    """Return cells for a value in its answer's form."""
    if kind in ("boolean", "checkbox"):
        return [Cell(property_id, None, 1.0 if value else 0.0)]
    if value in (None, "", []):
        return []
    if kind == "number":
        return [Cell(property_id, None, float(value))]
    if kind == "date":
        return [Cell(property_id, value["start"], dates.seconds(dates.moment(value["start"])))]
    if isinstance(value, str):
        return [Cell(property_id, values.indexed(value))]
    if kind in ("title", "rich_text"):
        return [Cell(property_id, values.indexed("".join(run["plain_text"] for run in value)))]
    if isinstance(value, dict):
        return [Cell(property_id, values.indexed(str(value.get("name") or value.get("id") or "")))]
    return [cell for item in value for cell in _answer_cells(property_id, "item", item)]
