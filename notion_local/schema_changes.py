"""Changes of a data source's properties: added, altered, renamed, removed, with all that follows from it.

Relations have another side, rollups and formulas refer to other properties, and rows lose values whose property or
option is gone. All functions run inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from notion_local import formula, ids, pages, schema, showing, values
from notion_local import validation as check
from notion_local.errors import ApiError, invalid
from notion_local.schema import Property, Schema
from notion_local.store import Record
from notion_local.workspace import Actor, Workspace

_RELATION_KINDS = ("single_property", "dual_property")


def apply(
    workspace: Workspace, actor: Actor, source: Record, entries: Schema, given: Mapping[str, Any], path: str
) -> None:
    """Add, change, rename and remove properties as a request says, and save the data source.

    Formulas and rollups are resolved last, since they may name properties of the same request.
    """
    before = entries
    _save_schema(workspace, actor, source, entries)
    ordered = sorted(given.items(), key=lambda item: _resolution_order(item[1]))
    for key, change in ordered:
        entries = _changed(workspace, actor, source, entries, key, change, path)
        # A relation to itself reads the schema it is part of.
        _save_schema(workspace, actor, source, entries)
        entries = showing.source_schema(workspace, source.id)
    limit = workspace.faults.settings.schema_limit
    if limit and len(entries) > max(limit, len(before)):
        raise invalid("Your database schema has exceeded the maximum size.")
    if before != entries:
        _forget_values(workspace, source, before, entries)
        workspace.store.changed("data_source.schema_updated", source, actor.user_id, source.edited)


def _resolution_order(change: object) -> int:
    if not isinstance(change, dict):
        return 0
    if "rollup" in change:
        return 2
    return 3 if "formula" in change else 1


def _save_schema(workspace: Workspace, actor: Actor, source: Record, entries: Schema) -> None:
    current = workspace.store.get(source.id) or source
    data = {**current.data, "properties": schema.dump(entries)}
    workspace.store.put(workspace.touch(replace(current, data=data), actor))


def _changed(
    workspace: Workspace, actor: Actor, source: Record, entries: Schema, key: str, change: object, path: str
) -> Schema:
    where = f"{path}.{key}"
    entry = schema.find(entries, key)
    if change is None:
        return _removed(workspace, actor, source, entries, entry, key)
    given = check.an_object(change, where)
    check.no_other_keys(given, where, ("type", "name", "id", "description", *schema.TYPES))
    if "name" in given and entry is not None:
        name = check.a_string(given["name"], f"{where}.name")
        if not name:
            raise invalid(f"body failed validation: {where}.name.length should be ≥ `1`, instead was `0`.")
        entries = schema.renamed(entries, entry, name)
        entry = entries[entry.id]
    kinds = [kind for kind in schema.TYPES if kind in given]
    if not kinds and entry is not None and ({"name", "description"} & given.keys()):
        return _described(entries, entry, given, where)
    if not kinds:
        check.refuse_all([(f"{where}.{kind}", "defined", check.MISSING) for kind in schema.TYPES])
    kind = check.first_type(given, where, kinds)
    if entry is None:
        name = check.a_string(given.get("name", key), f"{where}.name")
        entry = Property(ids.new_property_id(set(entries)), name, kind)
        previous = None
    else:
        previous = entry
        if (entry.type == "title") != (kind == "title"):
            raise invalid(f"Cannot change the type of the title property: {entry.name}.")
    if previous is None and kind == "title":
        raise invalid("Cannot create a second title property.")
    config = schema.parse_config(kind, given[kind], f"{where}.{kind}", previous)
    changed = replace(entry, type=kind, config=config)
    changed = _resolved(workspace, actor, source, entries, changed, previous, f"{where}.{kind}")
    # A relation to its own data source has just changed the other side in the stored schema.
    stored = showing.source_schema(workspace, source.id)
    return _described({**stored, changed.id: changed}, changed, given, where)


def _described(entries: Schema, entry: Property, given: Mapping[str, Any], where: str) -> Schema:
    if "description" not in given:
        return entries
    text = given["description"]
    description = None if text is None else check.a_string(text, f"{where}.description")
    return {**entries, entry.id: replace(entry, description=description or None)}


def _removed(
    workspace: Workspace, actor: Actor, source: Record, entries: Schema, entry: Property | None, key: str
) -> Schema:
    if entry is None:
        raise ApiError(400, "validation_error", f"Could not find property with name or id: {key}")
    if entry.type == "title":
        raise invalid("Cannot delete the title property.")
    if entry.type == "relation":
        _unlink(workspace, actor, entry)
        entries = showing.source_schema(workspace, source.id)
    return {other.id: other for other in entries.values() if other.id != entry.id}


def _resolved(
    workspace: Workspace,
    actor: Actor,
    source: Record,
    entries: Schema,
    entry: Property,
    previous: Property | None,
    path: str,
) -> Property:
    """Return the property with what it refers to found."""
    if entry.type == "formula":
        expression = formula.resolve(entry.config["expression"], entries)
        return replace(entry, config={"expression": expression})
    if entry.type == "rollup":
        return replace(entry, config=_resolve_rollup(workspace, entries, entry.config, path))
    if entry.type == "relation":
        return _resolve_relation(workspace, actor, source, entry, previous, path)
    if previous is not None and previous.type == "relation":
        _unlink(workspace, actor, previous)
    return entry


def _resolve_rollup(
    workspace: Workspace, entries: Schema, given: Mapping[str, Any], path: str
) -> dict[str, Any]:
    allowed = (
        "relation_property_name",
        "relation_property_id",
        "rollup_property_name",
        "rollup_property_id",
        "function",
    )
    check.no_other_keys(given, path, allowed)
    function = check.one_of(given.get("function", check.MISSING), f"{path}.function", schema.ROLLUP_FUNCTIONS)
    relation_key = given.get("relation_property_id") or given.get("relation_property_name")
    relation = schema.find(
        entries, check.a_string(relation_key or check.MISSING, f"{path}.relation_property_name")
    )
    if relation is None or relation.type != "relation":
        raise invalid(f"Could not find relation property with name or id: {relation_key}")
    target_entries = showing.source_schema(workspace, relation.config["data_source_id"])
    target_key = given.get("rollup_property_id") or given.get("rollup_property_name")
    target = schema.find(
        target_entries, check.a_string(target_key or check.MISSING, f"{path}.rollup_property_name")
    )
    if target is None:
        raise invalid(f"Could not find rollup property with name or id: {target_key}")
    return {
        "rollup_property_name": target.name,
        "relation_property_name": relation.name,
        "rollup_property_id": target.id,
        "relation_property_id": relation.id,
        "function": function,
    }


def _resolve_relation(
    workspace: Workspace, actor: Actor, source: Record, entry: Property, previous: Property | None, path: str
) -> Property:
    before = previous.config if previous is not None and previous.type == "relation" else None
    given = entry.config
    if before is not None and not {"data_source_id", "database_id"} & given.keys():
        given = {**given, "data_source_id": before["data_source_id"]}
    check.no_other_keys(given, path, ("type", "data_source_id", "database_id", *_RELATION_KINDS))
    kind = check.first_type(
        {**given, "single_property": given.get("single_property", {})}, path, _RELATION_KINDS
    )
    if "dual_property" in given and given.get("type") != "single_property":
        kind = "dual_property"
    target = _relation_target(workspace, actor, given, path)
    config: dict[str, Any] = {
        "database_id": target.parent,
        "data_source_id": target.id,
        "type": kind,
        kind: {},
    }
    same_target = before is not None and before["data_source_id"] == target.id
    if same_target and before is not None and before["type"] == kind:
        _rename_other_side(workspace, actor, target, before, given)
        return replace(entry, config=before)
    if before is not None and previous is not None and not (same_target and kind == "single_property"):
        _unlink(workspace, actor, previous)
    if kind == "single_property":
        if before is not None and before["type"] == "dual_property" and same_target:
            _make_single(workspace, actor, before)
        return replace(entry, config=config)
    config["dual_property"] = {
        "synced_property_id": _create_other_side(workspace, actor, source, target, entry, given)
    }
    return replace(entry, config=config)


def _rename_other_side(
    workspace: Workspace, actor: Actor, target: Record, before: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Give the other property of a two-way relation the name that a request wants for it."""
    wanted = check.an_object(given.get("dual_property", {}), "dual_property").get("synced_property_name")
    other_id = before.get("dual_property", {}).get("synced_property_id")
    entries = schema.load(target.data["properties"])
    if wanted is None or other_id not in entries or entries[other_id].name == wanted:
        return
    name = check.a_string(wanted, "dual_property.synced_property_name")
    _save_schema(workspace, actor, target, schema.renamed(entries, entries[other_id], name))
    workspace.store.changed("data_source.schema_updated", target, actor.user_id, workspace.now())


def _relation_target(workspace: Workspace, actor: Actor, given: Mapping[str, Any], path: str) -> Record:
    if "data_source_id" in given:
        target_id = check.a_uuid(given["data_source_id"], f"{path}.data_source_id")
        return workspace.find(actor, "data_source", target_id)
    database_id = check.a_uuid(check.member(given, "database_id"), f"{path}.data_source_id")
    return pages.only_source(workspace, workspace.find(actor, "database", database_id))


def _create_other_side(
    workspace: Workspace,
    actor: Actor,
    source: Record,
    target: Record,
    entry: Property,
    given: Mapping[str, Any],
) -> str:
    """Add the other property of a two-way relation to the target, and return its id."""
    entries = schema.load(target.data["properties"])
    wanted = check.an_object(given.get("dual_property", {}), "dual_property").get("synced_property_name")
    title = workspace.title_of(source) or "New database"
    name = schema.free_name(entries, wanted or f"Related to {title} ({entry.name})")
    other = Property(
        ids.new_property_id({*entries, entry.id}),
        name,
        "relation",
        {
            "database_id": source.parent,
            "data_source_id": source.id,
            "type": "dual_property",
            "dual_property": {"synced_property_id": entry.id},
        },
    )
    _save_schema(workspace, actor, target, {**entries, other.id: other})
    workspace.store.changed("data_source.schema_updated", target, actor.user_id, workspace.now())
    return other.id


def _unlink(workspace: Workspace, actor: Actor, entry: Property) -> None:
    """Remove the other property of a two-way relation that goes away."""
    if entry.config.get("type") != "dual_property":
        return
    target = workspace.store.get(entry.config["data_source_id"])
    other_id = entry.config["dual_property"]["synced_property_id"]
    if target is None:
        return
    entries = schema.load(target.data["properties"])
    if other_id in entries:
        del entries[other_id]
        _save_schema(workspace, actor, target, entries)
        workspace.store.changed("data_source.schema_updated", target, actor.user_id, workspace.now())


def _make_single(workspace: Workspace, actor: Actor, before: Mapping[str, Any]) -> None:
    """Let the other property of a former two-way relation go on as a relation of its own."""
    target = workspace.store.get(before["data_source_id"])
    other_id = before["dual_property"]["synced_property_id"]
    if target is None:
        return
    entries = schema.load(target.data["properties"])
    if other_id in entries:
        other = entries[other_id]
        config = {**other.config, "type": "single_property", "single_property": {}}
        config.pop("dual_property", None)
        _save_schema(workspace, actor, target, {**entries, other_id: replace(other, config=config)})


def _forget_values(workspace: Workspace, source: Record, before: Schema, after: Schema) -> None:
    """Drop the values of properties that were removed or changed their type, and of removed options."""
    stale = {
        entry.id
        for entry in before.values()
        if entry.id not in after
        or after[entry.id].type != entry.type
        or {option["id"] for option in entry.options} - {option["id"] for option in after[entry.id].options}
    }
    added = [
        entry for entry in after.values() if entry.id not in before and entry.type in ("status", "checkbox")
    ]
    if not stale and not added:
        return
    for page in workspace.store.rows_of(source.id):
        kept = {}
        for property_id, value in page.data["properties"].items():
            entry = after.get(property_id)
            if property_id not in stale:
                kept[property_id] = value
            elif entry is not None and entry.type == before[property_id].type:
                kept[property_id] = _surviving(entry, value)
        for entry in added:
            if entry.type == "status" and (default := values.default_status(entry)):
                kept[entry.id] = default
        changed = replace(page, data={**page.data, "properties": kept})
        workspace.store.put(changed)
        pages.index(workspace, changed, after)


def _surviving(entry: Property, value: Any) -> Any:
    """Return what remains of a value once options are gone."""
    if entry.type == "multi_select":
        return [option_id for option_id in value if entry.option_by_id(option_id)]
    if value is not None and entry.option_by_id(value) is None:
        return values.default_status(entry) if entry.type == "status" else None
    return value
