"""Databases and their data sources: creating, showing, changing; relations and rollups between them.

A database is a container with a title; its data sources hold the properties and the rows. All functions run inside
the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from notion_local import formula, icons, ids, richtext, schema, schema_changes, showing, uploads, values
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.schema import Property, Schema
from notion_local.store import Cell, Record
from notion_local.workspace import Actor, Workspace

_DEFAULT_NAME = "New database"

# Showing


def show(workspace: Workspace, database: Record) -> dict[str, Any]:
    """Return a database as answers show it."""
    sources = workspace.store.children(database.id, ("data_source",))
    title = database.data["title"] or richtext.plain(_DEFAULT_NAME)
    return {
        "object": "database",
        "id": database.id,
        "title": workspace.show_text(title),
        "description": workspace.show_text(database.data["description"]),
        "parent": workspace.parent_of(database),
        "is_inline": database.data["is_inline"],
        "in_trash": database.in_trash,
        "is_locked": database.data["is_locked"],
        "created_time": ids.precise(database.created),
        "last_edited_time": ids.precise(database.edited),
        "data_sources": [
            {"id": source.id, "name": workspace.title_of(source) or _DEFAULT_NAME} for source in sources
        ],
        "icon": uploads.show_file(workspace, database.data["icon"]),
        "cover": uploads.show_file(workspace, database.data["cover"]),
        "url": f"https://www.notion.so/{ids.bare(database.id)}",
        "public_url": None,
    }


def show_source(workspace: Workspace, source: Record) -> dict[str, Any]:
    """Return a data source as answers show it."""
    database = _database_of(workspace, source)
    entries = schema.load(source.data["properties"])

    def expression(stored: str) -> str:
        return formula.shown(stored, source.id, workspace.id)

    return {
        "object": "data_source",
        "id": source.id,
        "cover": uploads.show_file(workspace, database.data["cover"]),
        "icon": uploads.show_file(workspace, source.data["icon"]),
        "created_time": ids.floored(source.created),
        "created_by": {"object": "user", "id": source.created_by},
        "last_edited_by": {"object": "user", "id": source.edited_by},
        "last_edited_time": ids.floored(source.edited),
        "title": workspace.show_text(source.data["title"]),
        "description": workspace.show_text(database.data["description"]),
        "is_inline": database.data["is_inline"],
        "properties": {
            entry.name: _show_property(workspace, entry, entries, expression)
            for entry in showing.in_answer_order(entries)
        },
        "parent": {"type": "database_id", "database_id": database.id},
        "database_parent": workspace.parent_of(database),
        "url": f"https://www.notion.so/{ids.bare(database.id)}",
        "public_url": None,
        "in_trash": source.in_trash or database.in_trash,
    }


def _show_property(workspace: Workspace, entry: Property, entries: Schema, expression: Any) -> dict[str, Any]:
    shown = schema.show(entry, expression)
    if entry.type == "relation":
        shown["relation"] = _show_relation(workspace, entry)
    if entry.type == "rollup":
        shown["rollup"] = _show_rollup(workspace, entry, entries)
    return shown


def _show_relation(workspace: Workspace, entry: Property) -> dict[str, Any]:
    config = entry.config
    shown: dict[str, Any] = {
        "database_id": config["database_id"],
        "data_source_id": config["data_source_id"],
        "type": config["type"],
        config["type"]: {},
    }
    if config["type"] == "dual_property":
        other_id = config["dual_property"]["synced_property_id"]
        other = showing.source_schema(workspace, config["data_source_id"]).get(other_id)
        shown["dual_property"] = {
            "synced_property_name": other.name if other else "",
            "synced_property_id": ids.encode_property_id(other_id),
        }
    return shown


def _show_rollup(workspace: Workspace, entry: Property, entries: Schema) -> dict[str, Any]:
    config = entry.config
    relation = entries.get(config["relation_property_id"])
    target = relation and showing.source_schema(workspace, relation.config["data_source_id"]).get(
        config["rollup_property_id"]
    )
    return {
        "rollup_property_name": target.name if target else config["rollup_property_name"],
        "relation_property_name": relation.name if relation else config["relation_property_name"],
        "rollup_property_id": config["rollup_property_id"],
        "relation_property_id": config["relation_property_id"],
        "function": config["function"],
    }


def _database_of(workspace: Workspace, source: Record) -> Record:
    database = workspace.store.get(source.parent)
    if database is None:
        raise workspace.missing("database", source.parent)
    return database


# Creating


def create(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> Record:
    """Create a database and its first data source as a request says."""
    check.no_other_keys(
        body, "body", ("parent", "title", "description", "is_inline", "initial_data_source", "icon", "cover")
    )
    parent, parent_kind = _parent(workspace, actor, body)
    title = richtext.parse(body.get("title", []), "body.title")
    initial = check.an_object(body.get("initial_data_source", {}), "body.initial_data_source")
    check.no_other_keys(initial, "body.initial_data_source", ("properties", "title", "icon"))
    now = workspace.now()
    _, high = workspace.store.positions(parent.id)
    database = Record(
        id=ids.new_random_id(),
        kind="database",
        parent=parent.id,
        parent_kind=parent_kind,
        position=high + 1,
        created=now,
        edited=now,
        created_by=actor.user_id,
        edited_by=actor.user_id,
        in_trash=False,
        data={
            "title": title,
            "description": richtext.parse(body.get("description", []), "body.description"),
            "is_inline": check.a_boolean(body.get("is_inline", False), "body.is_inline"),
            "is_locked": False,
            "icon": uploads.attach(workspace, icons.parse(body.get("icon"), "body.icon")),
            "cover": uploads.attach(workspace, icons.parse_cover(body.get("cover"), "body.cover")),
        },
    )
    workspace.store.put(database)
    workspace.store.changed("database.created", database, actor.user_id, now)
    properties = initial.get("properties", {"Name": {"title": {}}})
    _create_source(workspace, actor, database, title, properties, "body.initial_data_source.properties")
    if parent_kind != "workspace":
        workspace.touch_container(actor, parent.id)
    return database


def _parent(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> tuple[Record, str]:
    given = check.an_object(check.member(body, "parent"), "body.parent")
    kind = check.first_type(given, "body.parent", ("page_id", "workspace", "block_id"))
    if kind == "workspace":
        workspace.require_person(actor, "Insufficient permissions for this endpoint.")
        root = workspace.find(actor, "page", workspace.root_page_id)
        return replace(root, id=workspace.id, kind="workspace"), "workspace"
    wanted = kind.removesuffix("_id")
    parent = workspace.find(actor, wanted, check.a_uuid(given[kind], f"body.parent.{kind}"))
    workspace.require_editable(parent)
    return parent, wanted


def create_source(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> Record:
    """Add a data source to a database as a request says."""
    check.no_other_keys(body, "body", ("parent", "properties", "title", "icon"))
    given = check.an_object(check.member(body, "parent"), "body.parent")
    kind = check.first_type(given, "body.parent", ("database_id",))
    database = workspace.find(actor, "database", check.a_uuid(given[kind], "body.parent.database_id"))
    workspace.require_editable(database)
    title = richtext.parse(body.get("title", []), "body.title")
    properties = check.member(body, "properties")
    return _create_source(workspace, actor, database, title, properties, "body.properties", body.get("icon"))


def _create_source(
    workspace: Workspace,
    actor: Actor,
    database: Record,
    title: list[dict[str, Any]],
    properties: object,
    path: str,
    icon: object = None,
) -> Record:
    now = workspace.now()
    _, high = workspace.store.positions(database.id)
    source = Record(
        id=ids.new_random_id(),
        kind="data_source",
        parent=database.id,
        parent_kind="database",
        position=high + 1,
        created=now,
        edited=now,
        created_by=actor.user_id,
        edited_by=actor.user_id,
        in_trash=False,
        data={
            "title": title,
            "icon": uploads.attach(workspace, icons.parse(icon, "body.icon")),
            "properties": [],
        },
    )
    workspace.store.put(source)
    index_title(workspace, source)
    given = check.an_object(properties, path)
    titles = [name for name, entry in given.items() if isinstance(entry, dict) and _is_title(entry)]
    if len(titles) != 1:
        raise invalid("Title is not provided")
    first = Property("title", titles[0], "title")
    rest = {name: entry for name, entry in given.items() if name != titles[0]}
    schema_changes.apply(workspace, actor, source, {"title": first}, rest, path)
    workspace.store.changed("data_source.created", source, actor.user_id, now)
    return workspace.find(actor, "data_source", source.id)


def _is_title(entry: Mapping[str, Any]) -> bool:
    return "title" in entry and entry.get("type", "title") == "title"


# Changing


def update(workspace: Workspace, actor: Actor, database: Record, body: dict[str, Any]) -> Record:
    """Change a database as a request says."""
    check.no_other_keys(
        body,
        "body",
        ("parent", "title", "description", "is_inline", "icon", "cover", "in_trash", "archived", "is_locked"),
    )
    trash = body.get("in_trash", body.get("archived"))
    if trash is not None:
        check.a_boolean(trash, "body.in_trash")
    if trash is not False:
        workspace.require_editable(database)
    data = _attributes(workspace, database, body)
    database = workspace.touch(replace(database, data=data), actor)
    if "parent" in body:
        parent, parent_kind = _parent(workspace, actor, body)
        database = replace(database, parent=parent.id, parent_kind=parent_kind)
        workspace.store.changed("database.moved", database, actor.user_id, database.edited)
    if trash is not None and trash != database.in_trash:
        database = replace(database, in_trash=trash)
        kind = "database.deleted" if trash else "database.undeleted"
        workspace.store.changed(kind, database, actor.user_id, database.edited)
    workspace.store.put(database)
    _pass_on_title(workspace, actor, database, body)
    workspace.store.changed("database.content_updated", database, actor.user_id, database.edited)
    return database


def _attributes(workspace: Workspace, database: Record, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a database's data with what a request changes of it."""
    data = dict(database.data)
    if "title" in body:
        data["title"] = richtext.parse(body["title"], "body.title")
    if "description" in body:
        data["description"] = richtext.parse(body["description"], "body.description")
    for key in ("is_inline", "is_locked"):
        if body.get(key) is not None:
            data[key] = check.a_boolean(body[key], f"body.{key}")
    if "icon" in body:
        data["icon"] = uploads.attach(workspace, icons.parse(body["icon"], "body.icon"))
    if "cover" in body:
        data["cover"] = uploads.attach(workspace, icons.parse_cover(body["cover"], "body.cover"))
    return data


def index_title(workspace: Workspace, source: Record) -> None:
    """Let search find a data source by its title."""
    title = values.indexed(richtext.words(source.data["title"]))
    workspace.store.index("", source.id, [Cell("title", title)] if title else [])


def _pass_on_title(workspace: Workspace, actor: Actor, database: Record, body: Mapping[str, Any]) -> None:
    """Give the only data source of a database the database's new title."""
    sources = workspace.store.children(database.id, ("data_source",))
    if "title" in body and len(sources) == 1:
        data = {**sources[0].data, "title": database.data["title"]}
        source = workspace.touch(replace(sources[0], data=data), actor)
        workspace.store.put(source)
        index_title(workspace, source)


def update_source(workspace: Workspace, actor: Actor, source: Record, body: dict[str, Any]) -> Record:
    """Change a data source as a request says: its title, its properties, its place."""
    check.no_other_keys(body, "body", ("title", "icon", "properties", "in_trash", "archived", "parent"))
    trash = body.get("in_trash", body.get("archived"))
    if trash is not None:
        check.a_boolean(trash, "body.in_trash")
    if trash is not False:
        workspace.require_editable(source)
    data = dict(source.data)
    if "title" in body:
        data["title"] = richtext.parse(body["title"], "body.title")
    if "icon" in body:
        data["icon"] = uploads.attach(workspace, icons.parse(body["icon"], "body.icon"))
    source = workspace.touch(replace(source, data=data), actor)
    if "parent" in body:
        given = check.an_object(body["parent"], "body.parent")
        target = check.a_uuid(check.member(given, "database_id"), "body.parent.database_id")
        source = replace(source, parent=workspace.find(actor, "database", target).id)
        workspace.store.changed("data_source.moved", source, actor.user_id, source.edited)
    if trash is not None and trash != source.in_trash:
        source = replace(source, in_trash=trash)
        kind = "data_source.deleted" if trash else "data_source.undeleted"
        workspace.store.changed(kind, source, actor.user_id, source.edited)
    workspace.store.put(source)
    if "title" in body:
        index_title(workspace, source)
        _take_over_title(workspace, actor, source)
    if body.get("properties") is not None:
        given = check.an_object(body["properties"], "body.properties")
        entries = schema.load(source.data["properties"])
        schema_changes.apply(workspace, actor, source, entries, given, "body.properties")
    return workspace.find(actor, "data_source", source.id)


def _take_over_title(workspace: Workspace, actor: Actor, source: Record) -> None:
    """Give a database the new title of its only data source."""
    database = _database_of(workspace, source)
    if len(workspace.store.children(database.id, ("data_source",))) == 1:
        data = {**database.data, "title": source.data["title"]}
        workspace.store.put(workspace.touch(replace(database, data=data), actor))
