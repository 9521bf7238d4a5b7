"""Whether a row's prerequisites are completed, still open, or such that it would wait for ever.

What a look shows as ready or running is open and costs no request; any other prerequisite is read, and one that was
open is not read again at once. Called by ``poller``; reads, never writes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus

from notion_schema.databases import TaskRow
from notion_schema.errors import NotShared
from notion_schema.vocabulary import State
from notion_schema.workspace import Database

_RECHECK_S = 15.0
_READS_A_LOOK = 30
_LONGEST_CHAIN = 50


class Prerequisites:
    """What is known about the rows that others wait for, in one database."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, TaskRow]] = {}
        self._shown: Mapping[str, TaskRow] = {}
        self._done: set[str] = set()
        self._reads = 0

    def begin(self, shown: Mapping[str, TaskRow]) -> None:
        """Begins a look, which shows these rows as ready or running."""
        self._shown = shown
        self._done.clear()
        self._reads = _READS_A_LOOK
        if not shown:
            self._open.clear()

    def stand(self, row: TaskRow, database: Database[TaskRow]) -> bool | str:
        """Where a row stands.

        Returns:
            True when it may start, False while it waits, or why it would wait for ever and what to do about it.

        Raises:
            NotionError: a prerequisite could not be read, and not because it is gone.
        """
        for page_id in row.prerequisites:
            if page_id in self._shown:
                continue
            try:
                self._read(page_id, database)
            except NotShared as gone:
                if gone.status != HTTPStatus.NOT_FOUND:
                    raise
                return _missing("is not shared with the integration, or deleted for good", page_id)
            found = self._known(page_id)
            if found and found.in_trash:
                return _missing(f"lies in the trash: “{found.title}”", page_id)
        if circle := self._circle(row):
            return (
                f"This row waits for itself: {' → '.join(f'“{title}”' for title in circle)}."
                " Take one of them out of Prerequisite Tasks and set Status to Ready."
            )
        return all(page_id in self._done for page_id in row.prerequisites)

    def _read(self, page_id: str, database: Database[TaskRow]) -> None:
        if page_id in self._done:
            return
        now = time.monotonic()
        known = self._open.get(page_id)
        # The more there are, the less often each is asked about.
        if known and now - known[0] < max(_RECHECK_S, float(len(self._open))):
            return
        if self._reads <= 0:
            return
        self._reads -= 1
        row = database.get(page_id)
        if not row.in_trash and database.vocabulary.state(row.status, row.run_state) is State.DONE:
            self._done.add(page_id)
            self._open.pop(page_id, None)
        else:
            self._open[page_id] = (now, row)

    def _known(self, page_id: str) -> TaskRow | None:
        if page_id in self._shown:
            return self._shown[page_id]
        return self._open[page_id][1] if page_id in self._open else None

    def _circle(self, row: TaskRow) -> list[str]:
        """Titles on a way from the row back to itself; empty when there is none."""
        ways: list[tuple[str, list[str]]] = [(page_id, [row.title]) for page_id in row.prerequisites]
        visited: set[str] = set()
        while ways and len(visited) < _LONGEST_CHAIN:
            page_id, titles = ways.pop()
            if page_id == row.id:
                return [*titles, row.title]
            known = self._known(page_id)
            if known is None or page_id in visited:
                continue
            visited.add(page_id)
            ways += [(further, [*titles, known.title]) for further in known.prerequisites]
        return []


def _missing(why: str, page_id: str) -> str:
    return (
        f"A row among its Prerequisite Tasks {why} ({page_id})."
        " Restore it, or take it out of Prerequisite Tasks; then set Status to Ready."
    )
