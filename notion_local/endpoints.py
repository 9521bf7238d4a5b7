"""The table of the API: every method and path that is served, and the operation behind it.

Each operation is a few lines: find what the path names, let the module that knows do it, show the result. What is not
in the table answers as Notion answers an unknown URL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from notion_local import blocks, comments, databases, pages, query, search, showing, uploads
from notion_local import validation as check
from notion_local.doors import Call, Endpoint
from notion_local.errors import invalid
from notion_local.store import Record

Show = Callable[[Record], dict[str, Any]]


def table(cursors: query.Cursors) -> list[Endpoint]:
    """Return all endpoints.

    Args:
        cursors: the sessions of queries, shared by all doors of one server.
    """

    def run_query(call: Call) -> dict[str, Any]:
        source = call.workspace.find(call.actor, "data_source", call.ids["data_source_id"])
        wanted = [*call.query.getlist("filter_properties"), *call.query.getlist("filter_properties[]")]
        return query.run(call.workspace, cursors, call.actor, source, call.body, wanted)

    return [
        Endpoint("GET", "users/me", _me),
        Endpoint("GET", "users/{user_id}", _user),
        Endpoint("GET", "users", _users),
        Endpoint("POST", "pages", _create_page),
        Endpoint("GET", "pages/{page_id}", _page),
        Endpoint("PATCH", "pages/{page_id}", _update_page),
        Endpoint("GET", "pages/{page_id}/properties/{property}", _property),
        Endpoint("POST", "pages/{page_id}/move", _move_page),
        Endpoint("POST", "databases", _create_database),
        Endpoint("GET", "databases/{database_id}", _database),
        Endpoint("PATCH", "databases/{database_id}", _update_database),
        Endpoint("POST", "data_sources", _create_source),
        Endpoint("GET", "data_sources/{data_source_id}", _source),
        Endpoint("PATCH", "data_sources/{data_source_id}", _update_source),
        Endpoint("POST", "data_sources/{data_source_id}/query", run_query),
        Endpoint("GET", "data_sources/{data_source_id}/templates", _templates),
        Endpoint("GET", "blocks/{block_id}", _block),
        Endpoint("PATCH", "blocks/{block_id}", _update_block),
        Endpoint("DELETE", "blocks/{block_id}", _delete_block),
        Endpoint("GET", "blocks/{block_id}/children", _children),
        Endpoint("PATCH", "blocks/{block_id}/children", _append),
        Endpoint("POST", "search", _search),
        Endpoint("GET", "comments", _comments),
        Endpoint("POST", "comments", _create_comment),
        Endpoint("GET", "comments/{comment_id}", _comment),
        Endpoint("PATCH", "comments/{comment_id}", _update_comment),
        Endpoint("DELETE", "comments/{comment_id}", _delete_comment),
        Endpoint("POST", "file_uploads", _create_upload),
        Endpoint("GET", "file_uploads", _uploads),
        Endpoint("GET", "file_uploads/{file_upload_id}", _upload),
        Endpoint("POST", "file_uploads/{file_upload_id}/send", _send_upload),
        Endpoint("POST", "file_uploads/{file_upload_id}/complete", _complete_upload),
    ]


def _listed(
    kind: str, found: Sequence[Record], show: Show, page_size: int, cursor: str | None
) -> dict[str, Any]:
    """Return one page of a list whose cursors are the ids of its items."""
    start = 0
    if cursor is not None:
        start = next((i for i, record in enumerate(found) if record.id == cursor), -1)
        if start < 0:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
    end = start + page_size
    return {
        "object": "list",
        "results": [show(record) for record in found[start:end]],
        "next_cursor": found[end].id if end < len(found) else None,
        "has_more": end < len(found),
        "type": kind,
        kind: {},
    }


def _paged(call: Call, kind: str, found: Sequence[Record], show: Show) -> dict[str, Any]:
    size = check.query_page_size(call.query.get("page_size"))
    return _listed(kind, found, show, size, call.query.get("start_cursor"))


# Users


def _me(call: Call) -> dict[str, Any]:
    return call.workspace.show_user_fully(call.actor.user_id)


def _user(call: Call) -> dict[str, Any]:
    user = call.workspace.find(call.actor, "user", call.ids["user_id"])
    return call.workspace.show_user_fully(user.id)


def _users(call: Call) -> dict[str, Any]:
    def show(record: Record) -> dict[str, Any]:
        return call.workspace.show_user_fully(record.id)

    return _paged(call, "user", call.workspace.users(), show)


# Pages


def _create_page(call: Call) -> dict[str, Any]:
    return showing.show(call.workspace, pages.create(call.workspace, call.actor, call.body))


def _page(call: Call) -> dict[str, Any]:
    page = call.workspace.find(call.actor, "page", call.ids["page_id"])
    wanted = [*call.query.getlist("filter_properties"), *call.query.getlist("filter_properties[]")]
    return {**showing.show_some(call.workspace, page, wanted), "in_trash": call.workspace.in_trash(page)}


def _update_page(call: Call) -> dict[str, Any]:
    page = call.workspace.find(call.actor, "page", call.ids["page_id"])
    return showing.show(call.workspace, pages.update(call.workspace, call.actor, page, call.body))


def _move_page(call: Call) -> dict[str, Any]:
    page = call.workspace.find(call.actor, "page", call.ids["page_id"])
    return showing.show(call.workspace, pages.move(call.workspace, call.actor, page, call.body))


def _property(call: Call) -> dict[str, Any]:
    page = call.workspace.find(call.actor, "page", call.ids["page_id"])
    size = check.query_page_size(call.query.get("page_size"))
    return showing.property_item(
        call.workspace, page, call.ids["property"], size, call.query.get("start_cursor")
    )


# Databases and data sources


def _create_database(call: Call) -> dict[str, Any]:
    return databases.show(call.workspace, databases.create(call.workspace, call.actor, call.body))


def _database(call: Call) -> dict[str, Any]:
    return databases.show(
        call.workspace, call.workspace.find(call.actor, "database", call.ids["database_id"])
    )


def _update_database(call: Call) -> dict[str, Any]:
    database = call.workspace.find(call.actor, "database", call.ids["database_id"])
    return databases.show(call.workspace, databases.update(call.workspace, call.actor, database, call.body))


def _create_source(call: Call) -> dict[str, Any]:
    return databases.show_source(
        call.workspace, databases.create_source(call.workspace, call.actor, call.body)
    )


def _source(call: Call) -> dict[str, Any]:
    source = call.workspace.find(call.actor, "data_source", call.ids["data_source_id"])
    return databases.show_source(call.workspace, source)


def _update_source(call: Call) -> dict[str, Any]:
    source = call.workspace.find(call.actor, "data_source", call.ids["data_source_id"])
    changed = databases.update_source(call.workspace, call.actor, source, call.body)
    return databases.show_source(call.workspace, changed)


def _templates(call: Call) -> dict[str, Any]:
    call.workspace.find(call.actor, "data_source", call.ids["data_source_id"])
    return {"templates": [], "has_more": False, "next_cursor": None}


# Blocks


def _block(call: Call) -> dict[str, Any]:
    block = call.workspace.find(call.actor, "block", call.ids["block_id"])
    return {**blocks.show(call.workspace, block), "in_trash": call.workspace.in_trash(block)}


def _update_block(call: Call) -> dict[str, Any]:
    block = call.workspace.find(call.actor, "block", call.ids["block_id"])
    return blocks.show(call.workspace, blocks.update(call.workspace, call.actor, block, call.body))


def _delete_block(call: Call) -> dict[str, Any]:
    block = call.workspace.find(call.actor, "block", call.ids["block_id"])
    return blocks.show(call.workspace, blocks.delete(call.workspace, call.actor, block))


def _children(call: Call) -> dict[str, Any]:
    parent = call.workspace.find(call.actor, "block", call.ids["block_id"])
    size = check.query_page_size(call.query.get("page_size"))
    return blocks.list_children(call.workspace, parent, size, call.query.get("start_cursor"))


def _append(call: Call) -> dict[str, Any]:
    parent = call.workspace.find(call.actor, "block", call.ids["block_id"])
    return blocks.append_request(call.workspace, call.actor, parent, call.body, old_version=call.old_version)


# Search


def _search(call: Call) -> dict[str, Any]:
    found = search.run(call.workspace, call.actor, call.body)
    size = check.page_size(call.body.get("page_size", check.MISSING), "body.page_size")
    cursor = call.body.get("start_cursor")
    if cursor is not None:
        cursor = check.a_string(cursor, "body.start_cursor")

    start = 0
    if cursor is not None:
        if cursor not in found:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        start = found.index(cursor)
    end = start + size
    more = end < len(found)
    return {
        "object": "list",
        "results": [
            search.show(call.workspace, record) for record in call.workspace.store.get_many(found[start:end])
        ],
        "next_cursor": found[end] if more else None,
        "has_more": more,
        "type": "page_or_data_source",
        "page_or_data_source": {},
    }


# Comments


def _comments(call: Call) -> dict[str, Any]:
    block_id = check.a_uuid(call.query.get("block_id", check.MISSING), "query.block_id")
    found = comments.on(call.workspace, call.actor, block_id)
    return _paged(call, "comment", found, lambda record: comments.show(call.workspace, record))


def _create_comment(call: Call) -> dict[str, Any]:
    return comments.show(call.workspace, comments.create(call.workspace, call.actor, call.body))


def _comment(call: Call) -> dict[str, Any]:
    return comments.show(call.workspace, call.workspace.find(call.actor, "comment", call.ids["comment_id"]))


def _update_comment(call: Call) -> dict[str, Any]:
    comment = call.workspace.find(call.actor, "comment", call.ids["comment_id"])
    return comments.show(call.workspace, comments.update(call.workspace, call.actor, comment, call.body))


def _delete_comment(call: Call) -> dict[str, Any]:
    comment = call.workspace.find(call.actor, "comment", call.ids["comment_id"])
    return comments.show(call.workspace, comments.delete(call.workspace, call.actor, comment))


# File uploads


def _create_upload(call: Call) -> dict[str, Any]:
    return uploads.show_new(call.workspace, uploads.create(call.workspace, call.actor, call.body))


def _uploads(call: Call) -> dict[str, Any]:
    found = call.workspace.store.of_kind("file_upload")
    status = call.query.get("status")
    shown = [
        record
        for record in found
        if status is None or uploads.show(call.workspace, record)["status"] == status
    ]
    return _paged(call, "file_upload", shown, lambda record: uploads.show(call.workspace, record))


def _upload(call: Call) -> dict[str, Any]:
    return uploads.show(
        call.workspace, call.workspace.find(call.actor, "file_upload", call.ids["file_upload_id"])
    )


def _send_upload(call: Call) -> dict[str, Any]:
    upload = call.workspace.find(call.actor, "file_upload", call.ids["file_upload_id"])
    if call.file is None:
        check.refuse("body.file", "defined", check.MISSING)
    sent = uploads.send(
        call.workspace,
        upload,
        call.file.content,
        filename=call.file.filename,
        content_type=call.file.content_type,
        part_number=call.file.part_number,
    )
    return uploads.show(call.workspace, sent)


def _complete_upload(call: Call) -> dict[str, Any]:
    upload = call.workspace.find(call.actor, "file_upload", call.ids["file_upload_id"])
    return uploads.show(call.workspace, uploads.complete(call.workspace, call.actor, upload))
