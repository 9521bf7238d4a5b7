"""Blocks: the content of pages, as a tree that is read, appended to, changed and trashed.

Parsing happens before anything is written, so that a refused request leaves nothing behind. All functions run inside
the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from notion_local import content, ids, uploads
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.store import Record
from notion_local.workspace import BLOCK_KINDS, Actor, Workspace

MAX_DEPTH = 2
"""Levels of children that one request may nest."""
_POSITIONS = ("start", "end", "after_block")


@dataclass(frozen=True)
class NewBlock:
    """A block that a request wants, parsed and judged."""

    kind: str
    content: dict[str, Any]
    children: list[NewBlock] = field(default_factory=list)


# Parsing


def parse_children(value: object, path: str) -> list[NewBlock]:
    """Return the blocks of a request.

    Raises:
        ApiError: for a wrong shape, too many blocks or too deep a nesting.
    """
    if isinstance(value, check._Missing):  # noqa: SLF001 the mark of an absent key
        check.refuse(path, "defined", value)
    parsed = _parse_list(value, path, MAX_DEPTH, None)
    if (total := _count(parsed)) > check.MAX_BLOCKS:
        raise invalid(
            f"body failed validation: {path} should have at most {check.MAX_BLOCKS} blocks, has {total}."
        )
    return parsed


def _parse_list(value: object, path: str, depth: int, within: str | None) -> list[NewBlock]:
    entries = check.an_array(value, path)
    return [_parse_block(entry, f"{path}[{i}]", depth, within) for i, entry in enumerate(entries)]


def _parse_block(entry: object, path: str, depth: int, within: str | None) -> NewBlock:
    given = check.an_object(entry, path)
    kind = check.first_type(given, path, content.CREATABLE)
    check.no_other_keys(given, path, ("object", "type", "children", kind))
    body = check.an_object(given[kind], f"{path}.{kind}")
    parsed = content.parse(kind, body, f"{path}.{kind}")
    children: list[NewBlock] = []
    where = f"{path}.{kind}.children" if "children" in body else f"{path}.children"
    inner = body.get("children", given.get("children"))
    if inner is not None:
        children = _parse_inner(kind, parsed, inner, where, depth)
    if kind in content.MUST_HAVE_CHILDREN and inner is None:
        check.refuse(f"{path}.{kind}.children", "defined", check.MISSING)
    if kind in content.MUST_HAVE_CHILDREN and len(children) < content.MUST_HAVE_CHILDREN[kind]:
        least = content.MUST_HAVE_CHILDREN[kind]
        raise invalid(
            f"body failed validation: {where}.length should be ≥ `{least}`, instead was `{len(children)}`."
        )
    only = content.ONLY_CHILDREN.get(within) if within else None
    if only is not None and kind != only:
        check.refuse(f"{path}.{only}", "defined", check.MISSING)
    if kind == "table":
        for row in children:
            content.require_fitting_row(parsed["table_width"], row.content["cells"])
    return NewBlock(kind, parsed, children)


def _parse_inner(kind: str, parsed: dict[str, Any], inner: object, where: str, depth: int) -> list[NewBlock]:
    if not content.may_carry_children(kind):
        check.refuse(where, "not present", inner)
    if not inner:
        check.an_array(inner, where)
        return []
    if depth == 0:
        check.refuse(where, "not present", inner)
    if not content.takes_children(kind, parsed):
        raise invalid("Block does not support children.")
    return _parse_list(inner, where, depth - 1, kind)


def _count(parsed: Sequence[NewBlock]) -> int:
    return sum(1 + _count(block.children) for block in parsed)


# Showing


def show(workspace: Workspace, block: Record) -> dict[str, Any]:
    """Return a block, or a page or database as the block it is, as answers show it."""
    kind, body = _body(workspace, block)
    return {
        "object": "block",
        "id": block.id,
        "parent": workspace.parent_of(block),
        "created_time": ids.floored(block.created),
        "last_edited_time": ids.floored(block.edited),
        "created_by": {"object": "user", "id": block.created_by},
        "last_edited_by": {"object": "user", "id": block.edited_by},
        "has_children": _has_children(workspace, block),
        "in_trash": block.in_trash,
        "type": kind,
        kind: body,
    }


def _has_children(workspace: Workspace, block: Record) -> bool:
    if block.kind == "database":
        return False
    source = _synced_source(workspace, block)
    return workspace.store.has_children(source.id, BLOCK_KINDS)


def _synced_source(workspace: Workspace, block: Record) -> Record:
    """Return the block whose children a synced copy shows; any other block itself."""
    synced = block.data.get("content", {}).get("synced_from") if block.kind == "block" else None
    return (workspace.store.get(synced["block_id"]) or block) if synced else block


def _body(workspace: Workspace, block: Record) -> tuple[str, dict[str, Any]]:
    if block.kind == "page":
        return "child_page", {"title": workspace.title_of(block)}
    if block.kind == "database":
        return "child_database", {"title": workspace.title_of(block) or "New database"}
    kind, body = block.data["type"], dict(block.data["content"])
    for key in ("rich_text", "caption"):
        if key in body:
            body[key] = workspace.show_text(body[key])
    if "cells" in body:
        body["cells"] = [workspace.show_text(cell) for cell in body["cells"]]
    if kind in content.FILE_TYPES:
        shown = uploads.show_file(workspace, _without_caption(body), named=kind == "file") or {}
        return kind, {"caption": body["caption"], **shown}
    if "icon" in body:
        body["icon"] = uploads.show_file(workspace, body["icon"])
    return kind, body


def _without_caption(body: dict[str, Any]) -> dict[str, Any]:
    return {key: entry for key, entry in body.items() if key != "caption"}


def list_children(
    workspace: Workspace, parent: Record, page_size: int, start_cursor: str | None
) -> dict[str, Any]:
    """Return a page of the children of a block or page."""
    source = _synced_source(workspace, parent)
    after = None
    if start_cursor is not None:
        first = workspace.store.get(check.a_uuid(start_cursor, "query.start_cursor"))
        if first is None or first.parent != source.id:
            raise invalid(f"The start_cursor provided is invalid: {start_cursor}")
        after = _just_before(first.position)
    found = workspace.store.children(source.id, BLOCK_KINDS, after=after, limit=page_size + 1)
    return _listed(workspace, found, page_size)


def _just_before(position: float) -> float:
    return position - 1e-9


def _listed(workspace: Workspace, found: Sequence[Record], page_size: int) -> dict[str, Any]:
    more = len(found) > page_size
    return {
        "object": "list",
        "results": [show(workspace, block) for block in found[:page_size]],
        "next_cursor": found[page_size].id if more else None,
        "has_more": more,
        "type": "block",
        "block": {},
    }


# Writing


def append_request(
    workspace: Workspace, actor: Actor, parent: Record, body: dict[str, Any], *, old_version: bool
) -> dict[str, Any]:
    """Append the children of a request and answer with them and with what follows them."""
    check.no_other_keys(body, "body", ("children", "after" if old_version else "position", "allow_async"))
    parsed = parse_children(check.member(body, "children"), "body.children")
    workspace.require_editable(parent)
    _require_container(parent, parsed)
    start, end = _gap(workspace, parent, body, len(parsed))
    created = _insert(workspace, actor, parent, parsed, start, end)
    _content_changed(workspace, actor, parent, created)
    if not created:
        return _listed(workspace, [], check.MAX_ARRAY)
    first = _just_before(created[0].position)
    found = workspace.store.children(parent.id, BLOCK_KINDS, after=first, limit=check.MAX_ARRAY + 1)
    return _listed(workspace, found, check.MAX_ARRAY)


def append(workspace: Workspace, actor: Actor, parent: Record, parsed: Sequence[NewBlock]) -> None:
    """Append blocks at the end of a page."""
    if not parsed:
        return
    _, high = workspace.store.positions(parent.id)
    created = _insert(workspace, actor, parent, parsed, high, high + len(parsed) + 1)
    workspace.store.changed(
        "page.content_updated", parent, actor.user_id, workspace.now(), [block.id for block in created]
    )


def _require_container(parent: Record, parsed: Sequence[NewBlock]) -> None:
    if parent.kind == "database":
        raise invalid("Block does not support children.")
    if parent.kind == "page":
        if any(block.kind in ("column", "table_row") for block in parsed):
            raise invalid("Content creation Failed. Fix one: \nBlock type is not supported at this position.")
        return
    kind = parent.data["type"]
    if not content.takes_children(kind, parent.data["content"]):
        raise invalid("Block does not support children.")
    only = content.ONLY_CHILDREN.get(kind)
    for i, block in enumerate(parsed):
        if only is not None and block.kind != only:
            check.refuse(f"body.children[{i}].{only}", "defined", check.MISSING)
        if kind == "table":
            content.require_fitting_row(parent.data["content"]["table_width"], block.content["cells"])


def _gap(workspace: Workspace, parent: Record, body: dict[str, Any], count: int) -> tuple[float, float]:
    """Return the positions between which new blocks go."""
    low, high = workspace.store.positions(parent.id)
    if "after" in body:
        return _gap_after(workspace, parent, check.a_uuid(body["after"], "body.after"), count)
    given = body.get("position")
    if given is None:
        return high, high + count + 1
    position = check.an_object(given, "body.position")
    kind = check.one_of(position.get("type", check.MISSING), "body.position.type", _POSITIONS)
    if kind == "after_block":
        target = check.an_object(check.member(position, "after_block"), "body.position.after_block")
        after = check.a_uuid(check.member(target, "id"), "body.position.after_block.id")
        return _gap_after(workspace, parent, after, count)
    return (low - count - 1, low) if kind == "start" else (high, high + count + 1)


def _gap_after(workspace: Workspace, parent: Record, after: str, count: int) -> tuple[float, float]:
    previous = workspace.store.get(after)
    if (
        previous is None
        or previous.parent != parent.id
        or previous.in_trash
        or previous.kind not in BLOCK_KINDS
    ):
        raise invalid(f"Could not find block with ID: {after} among the children of the parent.")
    following = workspace.store.children(parent.id, BLOCK_KINDS, after=previous.position, limit=1)
    if not following:
        _, high = workspace.store.positions(parent.id)
        return max(previous.position, high), max(previous.position, high) + count + 1
    if following[0].position - previous.position < (count + 1) * 1e-6:
        _spread(workspace, parent)
        return _gap_after(workspace, parent, after, count)
    return previous.position, following[0].position


def _spread(workspace: Workspace, parent: Record) -> None:
    """Give the children of a block whole-numbered positions again."""
    for order, child in enumerate(workspace.store.children(parent.id, BLOCK_KINDS)):
        workspace.store.put(replace(child, position=float(order + 1)))


def position_after(workspace: Workspace, parent: Record, position: dict[str, Any], path: str) -> float:
    """Return a position right after the block that a request names."""
    target = check.an_object(check.member(position, "after_block"), f"{path}.after_block")
    after = check.a_uuid(check.member(target, "id"), f"{path}.after_block.id")
    start, end = _gap_after(workspace, parent, after, 1)
    return (start + end) / 2


def _insert(
    workspace: Workspace, actor: Actor, parent: Record, parsed: Sequence[NewBlock], start: float, end: float
) -> list[Record]:
    now = workspace.now()
    step = (end - start) / (len(parsed) + 1)
    created = []
    for order, block in enumerate(parsed):
        data = {"type": block.kind, "content": _judged(workspace, actor, block)}
        record = Record(
            id=ids.new_record_id(now),
            kind="block",
            parent=parent.id,
            parent_kind="page" if parent.kind == "page" else "block",
            position=start + step * (order + 1),
            created=now,
            edited=now,
            created_by=actor.user_id,
            edited_by=actor.user_id,
            in_trash=False,
            data=data,
        )
        workspace.store.put(record)
        _insert(workspace, actor, record, block.children, 0.0, len(block.children) + 1.0)
        created.append(record)
    return created


def _judged(workspace: Workspace, actor: Actor, block: NewBlock) -> dict[str, Any]:
    """Return the content once everything it refers to is known to exist."""
    body = block.content
    for text in content.texts(body):
        workspace.require_known_targets(actor, text)
    if block.kind == "link_to_page" and body["type"] != "comment_id":
        workspace.find(actor, body["type"].removesuffix("_id"), body[body["type"]])
    if block.kind == "synced_block" and body["synced_from"]:
        workspace.find(actor, "block", body["synced_from"]["block_id"])
    if block.kind in content.FILE_TYPES:
        return uploads.attach(workspace, body) or body
    if body.get("icon"):
        return {**body, "icon": uploads.attach(workspace, body["icon"])}
    return body


def update(workspace: Workspace, actor: Actor, block: Record, body: dict[str, Any]) -> Record:
    """Change a block as a request says: its content, or whether it is in the trash."""
    trash = body.get("in_trash", body.get("archived"))
    if trash is not None:
        check.a_boolean(trash, "body.in_trash" if "in_trash" in body else "body.archived")
    if block.kind != "block":
        raise invalid("Updating child pages and databases through the block endpoint is not supported.")
    kind = block.data["type"]
    check.no_other_keys(body, "body", ("type", "in_trash", "archived", "object", *content.CREATABLE))
    named = [key for key in content.CREATABLE if key in body]
    if trash is not False:
        workspace.require_editable(block)
    if named and named != [kind]:
        raise invalid(f"Block type cannot be changed: the block is a {kind}, instead was {named[0]}.")
    if named:
        changed = content.updated(kind, block.data["content"], body[kind], f"body.{kind}")
        if kind == "table_row":
            _require_fitting(workspace, block, changed)
        data = {"type": kind, "content": _judged(workspace, actor, NewBlock(kind, changed))}
        block = replace(block, data=data)
    if trash is not None:
        block = replace(block, in_trash=trash)
    block = workspace.touch(block, actor)
    workspace.store.put(block)
    _content_changed(workspace, actor, block, [block])
    return block


def _require_fitting(workspace: Workspace, row: Record, changed: dict[str, Any]) -> None:
    table = workspace.store.get(row.parent)
    if table is not None:
        content.require_fitting_row(table.data["content"]["table_width"], changed["cells"])


def delete(workspace: Workspace, actor: Actor, block: Record) -> Record:
    """Put a block, or the page or database that it is, into the trash."""
    workspace.require_editable(block)
    block = replace(workspace.touch(block, actor), in_trash=True)
    workspace.store.put(block)
    if block.kind == "block":
        _content_changed(workspace, actor, block, [block])
    else:
        workspace.store.changed(f"{block.kind}.deleted", block, actor.user_id, block.edited)
        if block.parent_kind != "data_source":
            workspace.touch_container(actor, block.parent)
    return block


def erase(workspace: Workspace, actor: Actor, page: Record) -> None:
    """Put the whole content of a page into the trash."""
    for child in workspace.store.children(page.id, BLOCK_KINDS):
        workspace.store.put(replace(workspace.touch(child, actor), in_trash=True))
    workspace.store.changed("page.content_updated", page, actor.user_id, workspace.now())


def _content_changed(workspace: Workspace, actor: Actor, where: Record, changed: Sequence[Record]) -> None:
    workspace.touch_container(actor, where.id if where.kind == "page" else where.parent)
    container = workspace.page_of(where)
    if container is not None and container.kind == "page":
        workspace.store.changed(
            "page.content_updated", container, actor.user_id, workspace.now(), [block.id for block in changed]
        )
