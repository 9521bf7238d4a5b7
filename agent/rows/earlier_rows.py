"""The rows that the earlier system's files are about, in Notion: as they are, and how a proposal is written.

Every write looks first: a row imported before is found by its key, a value is written only over what the plan showed,
a note stands once. So carrying a plan out may be broken off at any point and begun again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from agent.rows import first_words
from earlier_system.model import (
    DESCRIPTION,
    LINK,
    PRIORITY,
    STATUS,
    TITLE,
    Current,
    Findings,
    Home,
    Move,
    Proposal,
)
from earlier_system.planning import BLOCKED_WORD, DONE_WORD, FAILED_WORD, Rows
from handlers.earlier_port import Carried
from notion_schema import blocks
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.errors import NotShared
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Database, Workspace

_DATABASES: Final[Mapping[Home, str]] = {Home.TASKS: AGENT_TASKS, Home.ISSUES: ISSUES}
_KEYS: Final = "earlier:"
_STATES: Final = {DONE_WORD: State.DONE, FAILED_WORD: State.FAILED, BLOCKED_WORD: State.BLOCKED}
_AT_ONCE: Final = 50
"""Titles asked for in one query; Notion takes a hundred conditions."""


class NotionEarlierRows:
    """`handlers.import_earlier.EarlierRows` on the task databases.

    Args:
        workspace: The databases.
        task_types: Every Task Type that Segue does; rows of these are Segue's own.
    """

    def __init__(self, workspace: Workspace, task_types: Collection[str]) -> None:
        self._workspace = workspace
        self._task_types = frozenset(task_types)

    def rows(self, findings: Findings) -> Rows:
        """The rows that the findings are about, as they are now."""
        wishes = findings.wishes
        pages = {wish.page_id for wish in wishes if wish.page_id}
        by_page = {page: row for page in sorted(pages) if (row := self._at(page))}
        reports = [wish for wish in wishes if wish.note and wish.page_id in by_page]
        return Rows(
            by_page=by_page,
            by_key={row.key: row for home in _DATABASES for row in self._imported(home)},
            by_title={
                (home, row.values[TITLE].casefold()): row
                for home in _DATABASES
                for row in self._titled(
                    home, {wish.values.get(TITLE, "") for wish in wishes if wish.home is home}
                )
            },
            noted=frozenset(wish.key for wish in reports if self._has_note(wish.page_id or "", wish.key)),
        )

    def carry_out(self, one: Proposal) -> Carried:
        """Writes what a proposal says, unless the row has changed since the plan was made."""
        match one.move:
            case Move.CREATE:
                return self._create(one)
            case Move.SET:
                return self._set(one)
            case Move.NOTE:
                return self._note(one)
        raise ValueError(f"A proposal to {one.move} writes nothing.")

    def _create(self, one: Proposal) -> Carried:
        database = self._database(one.home)
        if found := database.find_by_key(one.key):
            return Carried(title=one.title, url=found[0].url, said="was there already")
        values = {name: text for name, text in one.values.items() if name != PRIORITY and database.has(name)}
        values |= _priority(database, one.values.get(PRIORITY, ""))
        row: TaskRow = database.create(
            {**values, "status": first_words.not_begun(database), "segue_key": one.key}
        )
        return Carried(title=one.title, url=row.url, said="created", written=True)

    def _set(self, one: Proposal) -> Carried:
        now = self._at(one.page_id)
        if now is None or now.in_trash:
            return Carried(title=one.title, url=one.url, said="left alone: the row is gone")
        open_values = {name: text for name, text in one.values.items() if now.values.get(name, "") != text}
        if not open_values:
            return Carried(title=one.title, url=one.url, said="was so already")
        if any(now.values.get(name, "") != one.was.get(name, "") for name in open_values):
            return Carried(
                title=one.title, url=one.url, said="left alone: the row changed after the plan was made"
            )
        database = self._database(now.home)
        values: dict[str, Any] = {}
        for name, text in open_values.items():
            if name == STATUS:
                values["status"] = database.vocabulary.word(_STATES[text])
            elif name == PRIORITY:
                values |= _priority(database, text)
            elif database.has(name):
                values[name] = text
        if not values:
            return Carried(title=one.title, url=one.url, said="left alone: the database has no column for it")
        database.update(one.page_id, values)
        return Carried(title=one.title, url=one.url, said=f"changed: {', '.join(values)}", written=True)

    def _note(self, one: Proposal) -> Carried:
        if self._has_note(one.page_id, one.key):
            return Carried(title=one.title, url=one.url, said="was noted already")
        head, *lines = one.note.splitlines()
        self._workspace.notion.append_children(
            one.page_id,
            [
                blocks.heading(3, f"From the earlier system ({_mark(one.key)})"),
                blocks.paragraph(head),
                *(blocks.bulleted(line) for line in lines),
            ],
        )
        return Carried(title=one.title, url=one.url, said="noted", written=True)

    # Reading ---------------------------------------------------------------------------------------------------------

    def _at(self, page_id: str) -> Current | None:
        try:
            page = self._workspace.notion.retrieve_page(page_id)
        except NotShared:
            return None
        parent = page["parent"]
        for home in _DATABASES:
            database = self._database(home)
            if database.id in (parent.get("data_source_id"), parent.get("database_id")):
                return self._current(database, home, database.decode(page))
        return Current(page_id=page_id, home=Home.ELSEWHERE, url=page["url"], edited_at=0.0, values={})

    def _imported(self, home: Home) -> Iterator[Current]:
        database = self._database(home)
        for row in database.query(database.contains("segue_key", _KEYS)):
            if row.segue_key.startswith(_KEYS):
                yield self._current(database, home, row)

    def _titled(self, home: Home, titles: Iterable[str]) -> Iterator[Current]:
        database = self._database(home)
        wanted = sorted(title for title in titles if title)
        for start in range(0, len(wanted), _AT_ONCE):
            for row in database.query(database.equals("title", *wanted[start : start + _AT_ONCE])):
                yield self._current(database, home, row)

    def _current(self, database: Database[Any], home: Home, row: TaskRow) -> Current:
        state = database.vocabulary.state(row.status, row.run_state)
        shown = next((word for word, meant in _STATES.items() if meant is state), row.status or "")
        values = {TITLE: row.title, STATUS: shown}
        if database.has(PRIORITY):
            values[PRIORITY] = str(row.priority or "")
        if database.has(DESCRIPTION):
            values[DESCRIPTION] = row.description
        if database.has(LINK):
            values[LINK] = row.link or ""
        return Current(
            page_id=row.id,
            home=home,
            url=row.url,
            edited_at=row.last_edited_time.timestamp() if row.last_edited_time else 0.0,
            values=values,
            ended=state in (State.DONE, State.FAILED, State.CANCELLED, State.ARCHIVED),
            in_trash=row.in_trash,
            key=row.segue_key,
            is_ours=row.task_type in self._task_types or bool(row.run_id),
        )

    def _has_note(self, page_id: str, key: str) -> bool:
        mark = _mark(key)
        children = self._workspace.notion.list_children(page_id)
        return any(mark in blocks.plain_text(block) for block in children if block["type"] == "heading_3")

    def _database(self, home: Home) -> Database[Any]:
        return self._workspace.database(_DATABASES[home])


def _priority(database: Database[Any], text: str) -> dict[str, Any]:
    return first_words.priority(database, Priority(text)) if text else {}


def _mark(key: str) -> str:
    return f"import {key.rsplit(':', 1)[-1][:12]}"
