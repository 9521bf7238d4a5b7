"""Files task rows in numbers for handlers: each key once over all workers and attempts, a few at a time.

The wish goes to the engine under the row's key (`new_rows`), which accepts it once for ever; then it is waited
for, so that a playlist of a thousand tracks neither floods the queue that reports need too, nor claims rows that are
not there yet. `handlers.music_ports.TaskRows` for the worker.
"""

from __future__ import annotations

import time
from contextvars import Context
from typing import Final

from agent.rows.new_rows import NewRow, NewRows
from handlers.base import TryLater
from handlers.music_ports import RowsFiled, WantedRow, batches
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.vocabulary import State
from notion_schema.workspace import Database, Workspace

_PATIENCE_S: Final = 180.0
_LATER_S: Final = 300.0
_MOST_LINKS: Final = 80
"""In one question, beside the conditions on the status: Notion takes a hundred."""
_NOT_ENDED: Final = (State.READY, State.RUNNING, State.BLOCKED, State.REVIEW)


class Filing:
    """`handlers.music_ports.TaskRows` on Agent-Tasks."""

    def __init__(self, workspace: Workspace, new_rows: NewRows) -> None:
        self._workspace = workspace
        self._new_rows = new_rows

    def file(self, rows: tuple[WantedRow, ...]) -> RowsFiled:
        """Hands the rows over and waits for them."""
        # The engine starts no work from inside a step of another, and tells where it is by the context.
        return Context().run(self._file, rows)

    def _file(self, rows: tuple[WantedRow, ...]) -> RowsFiled:
        new = sum(self._new_rows.file(_new_row(row)) for row in rows)
        deadline = time.monotonic() + _PATIENCE_S
        for row in rows:
            if self._new_rows.filed(row.key, max(0.0, deadline - time.monotonic())) is None:
                raise TryLater(
                    "Notion does not take new rows just now; those handed over will stand there as soon as it does.",
                    _LATER_S,
                )
        return RowsFiled(new=new, before=len(rows) - new)

    def known(self, keys: tuple[str, ...]) -> frozenset[str]:
        """Those that were handed over before."""
        return frozenset(key for key in keys if self._new_rows.accepted(key) is not None)

    def busy(self, links: tuple[str, ...]) -> dict[str, str]:
        """Links that an open row is about."""
        tasks: Database[TaskRow] = self._workspace.database(AGENT_TASKS)
        open_ = tasks.in_state(*_NOT_ENDED)
        if open_ is None or not tasks.has("link"):
            return {}
        found: dict[str, str] = {}
        for some in batches(links, _MOST_LINKS):
            wanted = tasks.all_of(open_, tasks.equals("link", *some))
            found |= {row.link: row.url for row in tasks.query(wanted) if row.link}
        return found


def _new_row(row: WantedRow) -> NewRow:
    return NewRow(
        key=row.key,
        task_type=row.task_type,
        title=row.title,
        link=row.link,
        description=row.description,
        tracks=(row.track_page_id,) if row.track_page_id else (),
    )
