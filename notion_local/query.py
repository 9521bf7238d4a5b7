"""Queries of a data source: filtered, sorted, paged, and capped at 10,000 rows as Notion caps them.

A cursor names a session that remembers which rows the query found and in what order; each page is read, and its rows
judged again, when it is asked for. Sessions live in memory and end with the server, as Notion's cursors are
short-lived.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from notion_local import filters, ids, pages, schema, showing
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.schema import Schema
from notion_local.store import Record
from notion_local.workspace import Actor, Workspace

MAX_RESULTS = 10_000
_MAX_SESSIONS = 256
_COMMON = 500
"""From so many matching rows on, a query without sorts walks the rows rather than the index of values."""
_BODY_KEYS = (
    "filter",
    "sorts",
    "start_cursor",
    "page_size",
    "in_trash",
    "archived",
    "is_archived",
    "result_type",
)


@dataclass(frozen=True)
class _Session:
    source_id: str
    rows: list[str]
    capped: bool
    ends: float


class Cursors:
    """The sessions behind the cursors of one server; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def open(self, source_id: str, rows: list[str], seconds: float, *, capped: bool) -> str:
        """Remember the rows of a query and return the session's id."""
        session_id = ids.new_random_id()
        with self._lock:
            self._sessions[session_id] = _Session(source_id, rows, capped, time.monotonic() + seconds)
            while len(self._sessions) > _MAX_SESSIONS:
                self._sessions.popitem(last=False)
        return session_id

    def find(self, cursor: str, source_id: str) -> tuple[str, _Session, int]:
        """Return the session of a cursor, and at which row its page begins.

        Raises:
            ApiError: when the cursor is unknown, belongs elsewhere or has expired.
        """
        parts = cursor.split(":")
        with self._lock:
            session = self._sessions.get(parts[1]) if len(parts) == 3 and parts[0] == "s" else None  # noqa: PLR2004 s:session:row
        if session is None or session.source_id != source_id or time.monotonic() >= session.ends:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        if parts[2] not in session.rows:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        return parts[1], session, session.rows.index(parts[2])


def run(
    workspace: Workspace,
    cursors: Cursors,
    actor: Actor,
    source: Record,
    body: dict[str, Any],
    filter_properties: Sequence[str],
) -> dict[str, Any]:
    """Answer a query.

    Raises:
        ApiError: with Notion's sentence for whatever is wrong with it.
    """
    check.no_other_keys(body, "body", _BODY_KEYS)
    page_size = check.page_size(body.get("page_size", check.MISSING), "body.page_size")
    entries = schema.load(source.data["properties"])
    only = schema.property_ids(filter_properties, entries) if filter_properties else None
    _catch_up(workspace)
    search = _Search(workspace, actor, source, entries, body)
    cursor = body.get("start_cursor")
    if cursor is None:
        rows = search.rows(page_size + 1)
        start, session_id, capped = 0, None, False
    else:
        session_id, session, start = cursors.find(check.a_string(cursor, "body.start_cursor"), source.id)
        rows, capped = session.rows, session.capped
    more = len(rows) > start + page_size
    if more and session_id is None:
        rows = search.rows(MAX_RESULTS + 1)
        capped = len(rows) > MAX_RESULTS
        rows = rows[:MAX_RESULTS]
        session_id = cursors.open(source.id, rows, workspace.faults.settings.cursor_seconds, capped=capped)
    chosen = rows[start : start + page_size]
    if cursor is not None:
        still = set(search.among(chosen))
        chosen = [row for row in chosen if row in still]
    found = _as_queries_see_them(workspace, chosen)
    answer: dict[str, Any] = {
        "object": "list",
        "results": [showing.show(workspace, page, entries, only) for page in found],
        "next_cursor": f"s:{session_id}:{rows[start + page_size]}" if more else None,
        "has_more": more,
        "type": "page_or_data_source",
        "page_or_data_source": {},
    }
    if capped and not more:
        answer["request_status"] = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    return answer


class _Search:
    """One query's SQL, to be run for its first rows, for all of them, or for some of them."""

    def __init__(
        self, workspace: Workspace, actor: Actor, source: Record, entries: Schema, body: dict[str, Any]
    ) -> None:
        self._workspace = workspace
        now = datetime.fromtimestamp(workspace.now() / 1000, tz=UTC)
        context = filters.Context(source.id, entries, now, actor.user_id)
        trash = next(
            (body[key] for key in ("in_trash", "archived", "is_archived") if body.get(key) is not None), False
        )
        check.a_boolean(trash, "body.in_trash")
        kind = body.get("result_type")
        if kind is not None:
            check.one_of(kind, "body.result_type", ("page", "data_source"))
        self._condition = filters.Condition("1")
        if body.get("filter") is not None:
            self._condition = filters.condition(body["filter"], context)
        self._order = filters.order(body.get("sorts") or [], context)
        self._parameters = (source.id, int(trash), *self._condition.parameters)
        self._lagging = bool(workspace.store.lagging())
        self._sorted = bool(body.get("sorts"))
        self._nothing = kind == "data_source"
        if context.computed:
            self._compute(source, entries, context.computed)
        self._where = self._from(by_value=self._condition.selective and not self._is_common())

    def _from(self, *, by_value: bool) -> str:
        """Return the query's FROM and WHERE.

        Args:
            by_value: begin at the index of values; else walk the data source's rows in their default order, which
                ends early when many rows match. A plus keeps SQLite from using a column's index.
        """
        plus = "+" if by_value else ""
        sql = (
            f"FROM object o WHERE {plus}o.parent = ? AND {plus}o.kind = 'page'"
            f" AND {plus}o.in_trash = ? AND ({self._condition.sql})"
        )
        if self._lagging:
            sql += (
                " AND NOT EXISTS (SELECT 1 FROM lagging WHERE lagging.page = o.id AND lagging.before IS NULL)"
            )
        return sql

    def _is_common(self) -> bool:
        """Tell whether so many rows match that walking them in order finds a page of them sooner."""
        if self._sorted or not self._condition.selective:
            return False
        sql = f"SELECT o.id {self._from(by_value=True)} LIMIT {_COMMON}"
        return len(self._workspace.store.ids(sql, self._parameters)) == _COMMON

    def _compute(self, source: Record, entries: Schema, wanted: set[str]) -> None:
        store = self._workspace.store
        store.compute(
            (page.id, cell)
            for page in store.rows_of(source.id)
            for property_id in wanted
            for cell in showing.computed_cells(self._workspace, page, entries[property_id], entries)
        )

    def rows(self, limit: int) -> list[str]:
        """Return the ids of the first rows."""
        if self._nothing:
            return []
        sql = f"SELECT o.id {self._where} ORDER BY {self._order.sql} LIMIT ?"
        return self._workspace.store.ids(sql, (*self._parameters, *self._order.parameters, limit))

    def among(self, rows: Sequence[str]) -> list[str]:
        """Return those of some rows that the query still finds."""
        marks = ",".join("?" * len(rows))
        sql = f"SELECT o.id {self._where} AND o.id IN ({marks})"
        return self._workspace.store.ids(sql, (*self._parameters, *rows))


def _catch_up(workspace: Workspace) -> None:
    """Let queries see the writes whose lag has ended."""
    for page_id in workspace.store.caught_up(workspace.now()):
        page = workspace.store.get(page_id)
        if page is not None:
            pages.index(workspace, page, showing.schema_of(workspace, page))


def _as_queries_see_them(workspace: Workspace, rows: Sequence[str]) -> list[Record]:
    """Return the rows; those that queries lag behind on, as they were."""
    lagging = workspace.store.lagging()
    found = workspace.store.get_many(rows)
    return [lagging.get(page.id) or page for page in found]
