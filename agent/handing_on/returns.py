"""The return of a handoff: a row that was handed on has ended, and the row it came from is told, once.

What is to be told stands in the ledger first; the originator's page then gets one line for each end, many in one
request when they come close together. An originator that is *Blocked* and names the ended row among its *Prerequisite
Tasks* was waiting for it, and becomes *Ready* when all of these are done. Rows with a *Schedule* are not told of the
rows they make. Called by ``reporting`` and ``trigger_files``; written by the worker's cycle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from agent import log
from agent.ledger import Ledger, LedgerError
from agent.present import row_of
from notion_schema import blocks
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.errors import NotionError, Unavailable
from notion_schema.vocabulary import RunState, State
from notion_schema.workspace import Database, Workspace

TABLES = (
    """CREATE TABLE IF NOT EXISTS handed_back (
        origin TEXT NOT NULL, what TEXT NOT NULL, page_id TEXT NOT NULL, line TEXT NOT NULL,
        done INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL, begun INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (origin, page_id, what))""",
)
_TOGETHER_S = 15.0
_RETRY_S = 30.0
_BUDGET_S = 1.0
_LAST_BUDGET_S = 5.0
_MOST_LINES = 100
_REMEMBERED_S = 90 * 86400.0
_WORDS = {
    State.DONE: "is completed",
    State.FAILED: "has failed",
    State.CANCELLED: "was cancelled",
    State.ARCHIVED: "was archived",
}
ENDS = tuple(_WORDS)
"""States in which a handed-off row has ended."""


class Returns:
    """Tells originators.

    Args:
        workspace: Where.
        ledger: It must hold ``TABLES``.
        clean: Takes secrets out of a text.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        workspace: Workspace,
        ledger: Ledger,
        clean: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._clean = clean
        self._clock = clock
        self._not_before: dict[str, float] = {}
        self._hopeless_until = 0.0

    def ended(self, row: TaskRow, state: State, what: str, summary: str) -> None:
        """A row has ended; those it was handed off from will be told, once for ``what``.

        Args:
            row: The row.
            state: One of ``ENDS``.
            what: Names this end of the row, by its attempt for instance: the same however often it is noted.
            summary: What came of it.
        """
        if not row.handed_off_from:
            return
        now = self._clock()
        when = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
        line = self._clean(f"↩ {when}: “{row.title}” {_WORDS[state]}: {summary}".rstrip(": "))
        with self._ledger.notes() as notes:
            for origin in row.handed_off_from:
                notes.run(
                    "INSERT INTO handed_back (origin, what, page_id, line, done, at)"
                    " VALUES (:origin, :what, :page_id, :line, :done, :at) ON CONFLICT DO NOTHING",
                    origin=origin,
                    what=what,
                    page_id=row.id,
                    line=line,
                    done=int(state is State.DONE),
                    at=now,
                )

    def catch_up(self, *, everything: bool = False) -> int:
        """Tells what is to be told, for about a second at most; one query of the ledger when that is nothing.

        Args:
            everything: Also what was held back to be told together, for some seconds.

        Returns:
            How many originators became ready by it.
        """
        if everything and self._clock() < self._hopeless_until:
            return 0
        deadline = time.monotonic() + (_LAST_BUDGET_S if everything else _BUDGET_S)
        woken = 0
        try:
            for origin in self._waiting():
                if not everything and self._clock() < self._not_before.get(origin, 0.0):
                    continue
                woken += self._tell_alone(origin)
                if time.monotonic() > deadline or self._clock() < self._hopeless_until:
                    break
        except LedgerError as error:
            log.get().error("returns cannot be noted or told", why=str(error).split("\n", 1)[0])
        return woken

    def _waiting(self) -> tuple[str, ...]:
        with self._ledger.notes() as notes:
            rows = notes.rows(
                "SELECT origin FROM handed_back WHERE told = 0 GROUP BY origin ORDER BY min(at)"
            )
        return tuple(row["origin"] for row in rows)

    def _tell_alone(self, origin: str) -> bool:
        """Tells one originator, unless another worker is at it; True when it became ready by that."""
        with self._ledger.alone(f"return to {origin}") as mine:
            if not mine:
                return False
            self._not_before[origin] = self._clock() + _TOGETHER_S
            try:
                return self._tell(origin)
            except NotionError as error:
                log.get().warning("originator not told yet", page=origin, why=str(error))
                self._not_before[origin] = self._clock() + _RETRY_S
                if isinstance(error, Unavailable):
                    self._hopeless_until = self._clock() + _RETRY_S
                return False

    def _tell(self, origin: str) -> bool:
        with self._ledger.notes() as notes:
            news = notes.rows(
                "SELECT * FROM handed_back WHERE origin = :origin AND told = 0 ORDER BY at, what LIMIT :most",
                origin=origin,
                most=_MOST_LINES,
            )
        database: Database[TaskRow] = self._workspace.database(AGENT_TASKS)
        row = row_of(database, origin)
        woken = False
        if row is not None and not row.schedule:
            self._write(origin, news)
            woken = self._wake(database, row, {one["page_id"] for one in news if one["done"]})
        with self._ledger.notes() as notes:
            for one in news:
                notes.run(
                    "UPDATE handed_back SET told = 1, line = '' WHERE origin = :origin AND page_id = :page_id"
                    " AND what = :what",
                    origin=origin,
                    page_id=one["page_id"],
                    what=one["what"],
                )
            notes.run(
                "DELETE FROM handed_back WHERE told = 1 AND at < :old", old=self._clock() - _REMEMBERED_S
            )
        return woken

    def _write(self, origin: str, news: list[Mapping[str, Any]]) -> None:
        notion = self._workspace.notion
        there: set[str] = set()
        if any(one["begun"] for one in news):
            # An earlier append may have landed although its answer was lost.
            there = {blocks.plain_text(block) for block in notion.list_children(origin)}
        lines = [one["line"] for one in news if not (one["begun"] and one["line"] in there)]
        if not lines:
            return
        with self._ledger.notes() as notes:
            for one in news:
                notes.run(
                    "UPDATE handed_back SET begun = 1 WHERE origin = :origin AND page_id = :page_id AND what = :what",
                    origin=origin,
                    page_id=one["page_id"],
                    what=one["what"],
                )
        notion.append_children(origin, [blocks.paragraph(line) for line in lines])

    def _wake(self, database: Database[TaskRow], row: TaskRow, done: set[str]) -> bool:
        """Sets a row ready that is blocked until its prerequisites are done, when they now are."""
        blocked = database.vocabulary.state(row.status, row.run_state) is State.BLOCKED
        if not blocked or not done.intersection(row.prerequisites):
            return False
        if not all(page_id in done or is_done(database, page_id) for page_id in row.prerequisites):
            return False
        database.update(
            row.id,
            {
                "status": database.vocabulary.word(State.READY),
                "run_state": RunState.WAITING,
                "last_error": "What this row waited for is completed, so it goes on.",
            },
        )
        log.get().info("originator goes on", page=row.id)
        return True


def is_done(database: Database[TaskRow], page_id: str) -> bool:
    """Whether a row is there and completed; read fresh."""
    row = row_of(database, page_id)
    return row is not None and database.vocabulary.state(row.status, row.run_state) is State.DONE
