"""Leaves one of the rows that Segue made twice because Notion lost an answer or showed old news.

Notion's queries lag behind its writes. A row whose creation was not answered is looked for after a few seconds, and
made again when it is not found. ``NOTION_STALE_SECONDS`` after that both are looked for here; ten times that, when even
the second answer did not come.
Only rows that carry the same Segue key *and* were created by this very integration count: a row that a person
duplicated is the person's. What a person has edited, and what runs, is left alone. A companion of the worker.
"""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from agent import log
from agent.companion import Companion
from agent.engine import Engine
from agent.poller import Look
from agent.report import attempts_of
from agent.runner import REPORT_QUEUE
from notion_schema.databases import ISSUES, TaskRow
from notion_schema.errors import NotionError
from notion_schema.rows import Row
from notion_schema.vocabulary import State
from notion_schema.workspace import Database, Workspace

TIDY = "tidy_v1"
_MOST_ROUNDS = 12
_LATER = 10
"""The look for whose second answer did not come is so many times later, and so is one that Notion's absence delays."""
_LATEST = datetime.max.replace(tzinfo=UTC)


class Twins(Companion):
    """Looks for rows that may have been made twice, durably and later.

    Args:
        engine: remembers what is to be looked for.
        workspace: whose databases say when they are in doubt.
        stale_s: how long Notion's queries may lag behind its writes.
    """

    def __init__(self, engine: Engine, workspace: Workspace, *, stale_s: float) -> None:
        self._engine = engine
        self._workspace = workspace
        self._stale_s = stale_s
        self._me: str | None = None

    def register(self) -> None:
        """See ``Companion``; from here on the databases' doubts are heard."""
        self._engine.register(TIDY, self.tidy)
        self._listen()

    def tend(self, look: Look) -> int:
        """See ``Companion``; databases that were opened meanwhile are heard, too."""
        del look
        self._listen()
        return 0

    def _listen(self) -> None:
        for database in self._workspace.databases.values():
            database.on_doubt = self.doubt

    def doubt(self, database: str, segue_key: str, keep: str | None) -> None:
        """There may be two rows with this key; they are looked for later.

        Args:
            database: its key in the settings.
            segue_key: the rows' key.
            keep: the row that others know of, when it is known.
        """
        payload = {
            "name": f"tidy:{uuid.uuid4().hex}",
            "database": database,
            "segue_key": segue_key,
            "keep": keep,
        }

        # In a thread of its own it is no part of the step that doubts, and stands even if that step is lost.
        delay_s = self._stale_s if keep else self._stale_s * _LATER
        thread = threading.Thread(target=self._submit, args=(payload, 1, delay_s), name="segue-doubt")
        thread.start()
        thread.join()

    def _submit(self, payload: dict[str, Any], number: int, delay_s: float) -> None:
        self._engine.submit(
            TIDY,
            f"{payload['name']}/{number}",
            {**payload, "round": number},
            queue=REPORT_QUEUE,
            delay_s=delay_s,
        )

    def tidy(self, payload: Any) -> int:
        """The workflow: returns how many rows were moved to the trash."""
        try:
            moved: int = self._engine.step(
                "trash twins", self._trash, payload["database"], payload["segue_key"], payload["keep"]
            )
        except NotionError as error:
            log.get().warning("twins not looked for", key=payload["segue_key"], why=str(error))
            if payload["round"] < _MOST_ROUNDS:
                self._submit(payload, payload["round"] + 1, self._stale_s * _LATER)
            return 0
        return moved

    def _trash(self, database_key: str, segue_key: str, keep: str | None) -> int:
        database = self._workspace.database(database_key)
        if database_key == ISSUES:
            # Issues are counted and linked by ``issues``, which merges its own.
            return 0
        self._me = self._me or str(self._workspace.notion.me()["id"])
        return trash(database, segue_key, me=self._me, keep=keep)


def trash(database: Database[Any], segue_key: str, *, me: str, keep: str | None) -> int:
    """Moves all but one of the rows that ``me`` made with this key to the trash; they can be restored there.

    Args:
        database: where.
        segue_key: their key.
        me: the integration's own id.
        keep: the row to keep, when it is known; else the one that was begun, else the oldest.

    Returns:
        How many were moved.
    """
    mine: list[Row] = [row for row in database.find_by_key(segue_key) if row.created_by == me]
    if len(mine) < 2:  # noqa: PLR2004 - it takes two to be twins
        return 0
    kept = next((row for row in mine if row.id == keep), None) or min(mine, key=_standing)
    moved = 0
    for found in mine:
        if found.id == kept.id:
            continue
        row: Row = database.get(found.id)
        if row.in_trash:
            continue
        if row.last_edited_by != me or _is_running(database, row):
            log.get().warning("a twin is left: it is in use", page=row.id, key=segue_key)
            continue
        database.trash(row.id)
        log.get().info("a twin was moved to the trash", page=row.id, kept=kept.id, key=segue_key)
        moved += 1
    return moved


def _standing(row: Row) -> tuple[int, datetime, str]:
    begun = attempts_of(row) if isinstance(row, TaskRow) else 0
    return (-begun, row.created_time or _LATEST, row.id)


def _is_running(database: Database[Any], row: Row) -> bool:
    if not isinstance(row, TaskRow):
        return False
    return database.vocabulary.state(row.status, row.run_state) is State.RUNNING
