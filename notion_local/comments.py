"""Comments on pages and blocks, and the discussions they form. All functions run inside the caller's transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from notion_local import ids, richtext
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.store import Record
from notion_local.workspace import BLOCK_KINDS, Actor, Workspace


def create(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> Record:
    """Add a comment to a page, a block or a discussion."""
    check.no_other_keys(body, "body", ("parent", "discussion_id", "rich_text", "attachments", "display_name"))
    text = richtext.parse(check.member(body, "rich_text"), "body.rich_text")
    if ("parent" in body) == ("discussion_id" in body):
        check.refuse_all(
            [
                ("body.parent", "defined", body.get("parent", check.MISSING)),
                ("body.discussion_id", "defined", body.get("discussion_id", check.MISSING)),
            ]
        )
    if "parent" in body:
        target = _target(workspace, actor, body["parent"])
        discussion = _discussion_of(workspace, target) or ids.new_record_id(workspace.now())
    else:
        discussion = check.a_uuid(body["discussion_id"], "body.discussion_id")
        target = _discussed(workspace, actor, discussion)
    workspace.require_editable(target)
    workspace.require_known_targets(actor, text)
    now = workspace.now()
    _, high = workspace.store.positions(target.id)
    comment = Record(
        id=ids.new_record_id(now),
        kind="comment",
        parent=target.id,
        parent_kind="page" if target.kind == "page" else "block",
        position=high + 1,
        created=now,
        edited=now,
        created_by=actor.user_id,
        edited_by=actor.user_id,
        in_trash=False,
        data={"discussion": discussion, "text": text},
    )
    workspace.store.put(comment)
    workspace.store.set_setting(f"discussion:{discussion}", target.id)
    workspace.store.changed("comment.created", comment, actor.user_id, now)
    return comment


def _target(workspace: Workspace, actor: Actor, given: object) -> Record:
    parent = check.an_object(given, "body.parent")
    kind = check.first_type(parent, "body.parent", ("page_id", "block_id"))
    target = check.a_uuid(parent[kind], f"body.parent.{kind}")
    return workspace.find(actor, kind.removesuffix("_id"), target)


def _discussion_of(workspace: Workspace, target: Record) -> str | None:
    """Return the discussion that further comments on a page join."""
    existing = workspace.store.children(target.id, ("comment",), limit=1)
    return existing[0].data["discussion"] if existing else None


def _discussed(workspace: Workspace, actor: Actor, discussion: str) -> Record:
    target_id = workspace.store.setting(f"discussion:{discussion}")
    target = workspace.store.get(target_id) if target_id else None
    if target is None or not workspace.shared(actor, target):
        raise invalid(f"Could not find discussion with ID: {discussion}.")
    return target


def update(workspace: Workspace, actor: Actor, comment: Record, body: dict[str, Any]) -> Record:
    """Change the text of a comment."""
    check.no_other_keys(body, "body", ("rich_text",))
    text = richtext.parse(check.member(body, "rich_text"), "body.rich_text")
    changed = workspace.touch(replace(comment, data={**comment.data, "text": text}), actor)
    workspace.store.put(changed)
    workspace.store.changed("comment.updated", changed, actor.user_id, changed.edited)
    return changed


def delete(workspace: Workspace, actor: Actor, comment: Record) -> Record:
    """Remove a comment."""
    changed = replace(workspace.touch(comment, actor), in_trash=True)
    workspace.store.put(changed)
    workspace.store.changed("comment.deleted", changed, actor.user_id, changed.edited)
    return changed


def show(workspace: Workspace, comment: Record) -> dict[str, Any]:
    """Return a comment as answers show it."""
    author = workspace.user(comment.created_by)
    return {
        "object": "comment",
        "id": comment.id,
        "parent": workspace.parent_of(comment),
        "discussion_id": comment.data["discussion"],
        "created_time": ids.floored(comment.created),
        "last_edited_time": ids.floored(comment.edited),
        "created_by": {"object": "user", "id": comment.created_by},
        "rich_text": workspace.show_text(comment.data["text"]),
        "display_name": {
            "type": "integration" if author["type"] == "bot" else "user",
            "resolved_name": author["name"],
        },
    }


def on(workspace: Workspace, actor: Actor, block_id: str) -> list[Record]:
    """Return the comments on a page or block, oldest first."""
    target = workspace.find(actor, "block", block_id)
    if target.kind not in BLOCK_KINDS:
        raise workspace.missing("block", block_id)
    return workspace.store.children(target.id, ("comment",))
