"""Pages: creating, changing and trashing them; `showing` answers with them.

A page under a data source has the properties of its schema; any other page has a title alone. All functions run
inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from notion_local import blocks, icons, ids, schema, uploads, values
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.schema import TITLE_ONLY, Property, Schema
from notion_local.showing import schema_of, source_schema
from notion_local.store import Record
from notion_local.workspace import Actor, Workspace

_CREATE_KEYS = (
    "parent",
    "properties",
    "icon",
    "cover",
    "children",
    "content",
    "markdown",
    "template",
    "position",
    "allow_async",
)
_UPDATE_KEYS = (
    "properties",
    "icon",
    "cover",
    "in_trash",
    "archived",
    "is_archived",
    "is_locked",
    "template",
    "erase_content",
    "allow_async",
)


# Writing


def create(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> Record:
    """Create a page as a request says, with its children."""
    check.no_other_keys(body, "body", _CREATE_KEYS)
    parent, parent_kind = _parent(workspace, actor, body)
    given = check.an_object(body.get("properties", {}), "body.properties")
    for key in ("markdown", "template"):
        if key in body:
            raise invalid(f"body failed validation: body.{key} is not supported by this server.")
    children = blocks.parse_children(body.get("children", body.get("content", [])), "body.children")
    entries = source_schema(workspace, parent.id) if parent_kind == "data_source" else TITLE_ONLY
    now = workspace.now()
    page = Record(
        id=ids.new_record_id(now),
        kind="page",
        parent=parent.id,
        parent_kind=parent_kind,
        position=_position(workspace, body.get("position"), parent),
        created=now,
        edited=now,
        created_by=actor.user_id,
        edited_by=actor.user_id,
        in_trash=False,
        data={
            "properties": {},
            "icon": uploads.attach(workspace, icons.parse(body.get("icon"), "body.icon")),
            "cover": uploads.attach(workspace, icons.parse_cover(body.get("cover"), "body.cover")),
        },
    )
    if parent_kind == "data_source":
        page.data["number"] = next_number(workspace, parent.id)
        for entry in entries.values():
            if entry.type == "status" and (default := values.default_status(entry)):
                page.data["properties"][entry.id] = default
    page, entries, _ = _with_properties(workspace, actor, page, entries, given)
    _save(workspace, page, entries, before=None)
    workspace.store.changed("page.created", page, actor.user_id, now)
    blocks.append(workspace, actor, page, children)
    if parent_kind != "data_source":
        workspace.touch_container(actor, parent.id)
    return page


def next_number(workspace: Workspace, source_id: str) -> int:
    """Return the next unique number of a data source."""
    name = f"number:{source_id}"
    number = int(workspace.store.setting(name) or 0) + 1
    workspace.store.set_setting(name, str(number))
    return number


def _parent(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> tuple[Record, str]:
    given = check.an_object(check.member(body, "parent"), "body.parent")
    known = ("page_id", "database_id", "data_source_id", "workspace", "block_id")
    kind = check.first_type(given, "body.parent", known)
    if kind == "workspace":
        if not actor.is_person:
            raise invalid(
                'Provided "workspace" parent is not allowed for this integration: internal integrations can only'
                " create pages under a page or a data source."
            )
        root = workspace.find(actor, "page", workspace.root_page_id)
        return replace(root, id=workspace.id, kind="workspace"), "workspace"
    target = check.a_uuid(given[kind], f"body.parent.{kind}")
    if kind == "database_id":
        source = only_source(workspace, workspace.find(actor, "database", target))
        workspace.require_editable(source)
        return source, "data_source"
    wanted = {"page_id": "page", "data_source_id": "data_source", "block_id": "block"}[kind]
    parent = workspace.find(actor, wanted, target)
    workspace.require_editable(parent)
    return parent, wanted


def only_source(workspace: Workspace, database: Record) -> Record:
    """Return a database's data source.

    Raises:
        ApiError: when it has several.
    """
    sources = workspace.store.children(database.id, ("data_source",))
    if len(sources) != 1:
        raise invalid("Databases with multiple data sources are not supported in this API version.")
    return sources[0]


def _position(workspace: Workspace, given: object, parent: Record) -> float:
    if parent.kind == "data_source":
        return 0.0  # rows have an order by what a query sorts by, none of their own
    low, high = workspace.store.positions(parent.id)
    if given is None:
        return high + 1
    body = check.an_object(given, "body.position")
    kind = check.one_of(
        body.get("type", check.MISSING), "body.position.type", ("page_start", "page_end", "after_block")
    )
    if kind == "after_block":
        return blocks.position_after(workspace, parent, body, "body.position")
    return low - 1 if kind == "page_start" else high + 1


def update(workspace: Workspace, actor: Actor, page: Record, body: dict[str, Any]) -> Record:
    """Change a page as a request says."""
    check.no_other_keys(body, "body", _UPDATE_KEYS)
    trash = _trash_flag(body)
    if trash is not False:
        workspace.require_editable(page)
    before = page
    given = check.an_object(body.get("properties", {}), "body.properties")
    entries = schema_of(workspace, page)
    page = workspace.touch(
        replace(page, data={**page.data, "properties": dict(page.data["properties"])}), actor
    )
    if "icon" in body:
        page.data["icon"] = uploads.attach(workspace, icons.parse(body["icon"], "body.icon"))
    if "cover" in body:
        page.data["cover"] = uploads.attach(workspace, icons.parse_cover(body["cover"], "body.cover"))
    if body.get("is_locked") is not None:
        page.data["is_locked"] = check.a_boolean(body["is_locked"], "body.is_locked")
    page, entries, updated = _with_properties(workspace, actor, page, entries, given)
    if trash is not None and trash != page.in_trash:
        page = replace(page, in_trash=trash)
        kind = "page.deleted" if trash else "page.undeleted"
        workspace.store.changed(kind, page, actor.user_id, page.edited)
        if page.parent_kind != "data_source":
            workspace.touch_container(actor, page.parent)
    _save(workspace, page, entries, before=before)
    if body.get("erase_content"):
        blocks.erase(workspace, actor, page)
    if given or "icon" in body or "cover" in body or "is_locked" in body:
        workspace.store.changed("page.properties_updated", page, actor.user_id, page.edited, updated)
    return page


def move(workspace: Workspace, actor: Actor, page: Record, body: dict[str, Any]) -> Record:
    """Put a page under another page or data source; of its properties those that exist there by name and type stay."""
    check.no_other_keys(body, "body", ("parent",))
    workspace.require_editable(page)
    parent, parent_kind = _parent(workspace, actor, body)
    step: Record | None = parent if parent_kind != "workspace" else None
    while step is not None:
        if step.id == page.id:
            raise invalid("A page cannot be moved beneath itself.")
        step = workspace.store.get(step.parent) if step.parent_kind != "workspace" else None
    before = schema_of(workspace, page)
    entries = source_schema(workspace, parent.id) if parent_kind == "data_source" else TITLE_ONLY
    stored = page.data["properties"]
    kept = {"title": stored["title"]} if "title" in stored else {}
    if parent.id == page.parent:
        kept = stored
    else:
        kept |= _matching(before, entries, stored)
    data = {**page.data, "properties": kept}
    if parent_kind == "data_source" and parent.id != page.parent:
        data["number"] = next_number(workspace, parent.id)
    moved = replace(
        page,
        parent=parent.id,
        parent_kind=parent_kind,
        position=_position(workspace, None, parent),
        data=data,
    )
    moved = workspace.touch(moved, actor)
    _save(workspace, moved, entries, before=page)
    workspace.store.changed("page.moved", moved, actor.user_id, moved.edited)
    return moved


def _matching(before: Schema, after: Schema, stored: dict[str, Any]) -> dict[str, Any]:
    """Return the values that fit another schema: same name, same type, and no options of their own."""
    fitting = {}
    for entry in after.values():
        other = schema.find(before, entry.name)
        plain = entry.type in values.WRITABLE and entry.type not in (
            *schema.OPTION_TYPES,
            "relation",
            "title",
        )
        if other is not None and plain and other.type == entry.type and other.id in stored:
            fitting[entry.id] = stored[other.id]
        elif entry.type == "status" and (default := values.default_status(entry)):
            fitting[entry.id] = default
    return fitting


def _trash_flag(body: dict[str, Any]) -> bool | None:
    for key in ("in_trash", "archived", "is_archived"):
        if body.get(key) is not None:
            return check.a_boolean(body[key], f"body.{key}")
    return None


def _with_properties(
    workspace: Workspace, actor: Actor, page: Record, entries: Schema, given: dict[str, Any]
) -> tuple[Record, Schema, list[str]]:
    """Return the page with the values of a request, the schema with new options, the ids of what was set."""
    stored = page.data["properties"]
    updated = []
    grown = False
    for key, value in given.items():
        entry = schema.find(entries, key)
        if entry is None:
            raise invalid(f"{key} is not a property that exists.")
        written = values.parse(entry, value, f"body.properties.{key}")
        if written.entry != entry:
            entries, grown = {**entries, entry.id: written.entry}, True
        kept = _checked(workspace, actor, page, written)
        if entry.type == "relation":
            _mirror(workspace, actor, page, entry, stored.get(entry.id, []), kept)
        stored[entry.id] = kept
        updated.append(entry.id)
    if grown:
        _grow(workspace, page.parent, entries, actor)
    return page, entries, updated


def _grow(workspace: Workspace, source_id: str, entries: Schema, actor: Actor) -> None:
    source = workspace.store.get(source_id)
    if source is None:
        raise workspace.missing("data_source", source_id)
    source = workspace.touch(replace(source, data={**source.data, "properties": schema.dump(entries)}), actor)
    workspace.store.put(source)
    workspace.store.changed("data_source.schema_updated", source, actor.user_id, source.edited)


def _checked(workspace: Workspace, actor: Actor, page: Record, written: values.Written) -> Any:
    """Return the value once everything it refers to is known to exist."""
    kind, value = written.entry.type, written.value
    if kind in ("title", "rich_text"):
        workspace.require_known_targets(actor, value)
    elif kind == "people":
        for user_id in value:
            workspace.find(actor, "user", user_id)
    elif kind == "files":
        return [uploads.attach(workspace, item) for item in value]
    elif kind == "relation":
        target = written.entry.config["data_source_id"]
        for page_id in value:
            related = workspace.find(actor, "page", page_id) if page_id != page.id else page
            if related.parent != target:
                raise invalid(
                    f"Page with ID {page_id} does not belong to the data source related by {written.entry.name}."
                )
    return value


def _mirror(
    workspace: Workspace, actor: Actor, page: Record, entry: Property, before: list[str], after: list[str]
) -> None:
    """Keep the other side of a two-way relation in step."""
    other_id = entry.config.get("dual_property", {}).get("synced_property_id")
    if other_id is None:
        return
    for target_id in [*(set(before) - set(after)), *(target for target in after if target not in before)]:
        if target_id == page.id:
            continue
        target = workspace.store.get(target_id)
        if target is None:
            continue
        linked = [linked for linked in target.data["properties"].get(other_id, []) if linked != page.id]
        if target_id in after:
            linked.append(page.id)
        data = {**target.data, "properties": {**target.data["properties"], other_id: linked}}
        changed = workspace.touch(replace(target, data=data), actor)
        _save(workspace, changed, schema_of(workspace, changed), before=target)
        workspace.store.changed("page.properties_updated", changed, actor.user_id, changed.edited, [other_id])


def _save(workspace: Workspace, page: Record, entries: Schema, before: Record | None) -> None:
    workspace.store.put(page)
    lag = workspace.faults.settings.stale_seconds
    if lag > 0 and page.parent_kind == "data_source":
        workspace.store.lag(page.id, workspace.now() + int(lag * 1000), before)
        return
    index(workspace, page, entries)


def index(workspace: Workspace, page: Record, entries: Schema) -> None:
    """Bring what queries and search see of a page up to date."""
    stored = page.data["properties"]
    cells = [
        cell
        for entry in entries.values()
        for cell in values.cells(entry, stored.get(entry.id, values.empty(entry.type)))
    ]
    workspace.store.index(page.parent if page.parent_kind == "data_source" else "", page.id, cells)


def reindex(workspace: Workspace, pages: Iterable[Record], entries: Schema) -> None:
    """Bring the index of several pages up to date, after their schema changed."""
    for page in pages:
        index(workspace, page, entries)
