"""Rows that Segue files by itself: those of schedules, of triggers, and of lists. Each key files one row.

The wish is handed to the engine under its key, which is accepted once for ever and by all workers together; the row is
created by a durable workflow that comes back later while Notion is away. ``agent.schedules``, ``agent.web.triggers``
and ``filing`` call it; follow-ups of a task belong to its report and are filed there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent import log, records
from agent.companion import Companion
from agent.engine import LIVE, Engine, Run
from agent.runner import REPORT_QUEUE
from notion_schema.databases import AGENT_TASKS
from notion_schema.errors import NotionError, Refused, Unavailable
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Workspace

NEW_ROW = "new_row_v1"
_FIRST_DELAY_S = 5.0
_LONGEST_DELAY_S = 900.0
_UNREACHABLE_DELAY_S = 600.0
_ASK_AGAIN_S = 0.05
_MOST_UNREACHABLE = 144
"""After a day without access, or with a database that lacks what is needed, the row is given up, loudly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A task row to be."""

    key: str
    """Its Segue key; whatever else differs, one key is one row."""
    task_type: str
    title: str
    link: str = ""
    description: str = ""
    priority: Priority | None = None
    handed_off_from: str = ""
    """Page id of the row that gave rise to it."""
    tracks: tuple[str, ...] = ()
    """Page ids of the Music Tracks rows it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """Where the row is."""

    page_id: str
    url: str


class GivenUpError(Exception):
    """A row that was accepted could not be created, and is not tried again."""


class NewRows(Companion):
    """Files rows, each key once."""

    def __init__(self, engine: Engine, workspace: Workspace) -> None:
        self._engine = engine
        self._workspace = workspace
        self._wake: Callable[[], None] = _nothing

    def register(self) -> None:
        """Makes the workflow known."""
        self._engine.register(NEW_ROW, self._run)

    def start(self, wake: Callable[[], None]) -> None:
        """From now on a row that was filed wakes the worker."""
        self._wake = wake

    def file(self, row: NewRow) -> bool:
        """Accepts a row to be filed; False when its key was accepted before."""
        return self._submit(row, 1)

    def accepted(self, key: str) -> NewRow | None:
        """The row that was accepted under a key."""
        run = self._engine.status(_run_id(key, 1))
        return records.load(run.payload["row"], NewRow) if run else None

    def filed(self, key: str, within_s: float) -> Filed | None:
        """Where the row of ``key`` is, waiting up to ``within_s``; None while it is not in Notion yet.

        Raises:
            GivenUpError: Notion will not have it.
        """
        deadline = time.monotonic() + within_s
        while True:
            run = self._last(key)
            if run is not None and run.state not in LIVE:
                if not run.output:
                    raise GivenUpError("Notion refused the row; the worker's log says why.")
                filed: Filed = records.load(run.output, Filed)
                return filed
            if time.monotonic() > deadline:
                return None
            time.sleep(_ASK_AGAIN_S)

    def _last(self, key: str) -> Run | None:
        """The latest delivery of a key: each one that failed names the next."""
        delivery, found = 1, self._engine.status(_run_id(key, 1))
        while found is not None and (following := self._engine.status(_run_id(key, delivery + 1))):
            delivery, found = delivery + 1, following
        return found

    def _submit(
        self, row: NewRow, delivery: int, delay_s: float | None = None, *, stuck: bool = False
    ) -> bool:
        return self._engine.submit(
            NEW_ROW,
            _run_id(row.key, delivery),
            {"row": records.dump(row, NewRow), "delivery": delivery, "stuck": stuck},
            queue=REPORT_QUEUE,
            delay_s=delay_s,
        )

    def _run(self, payload: Any) -> dict[str, str] | None:
        row: NewRow = records.load(payload["row"], NewRow)
        delivery = int(payload["delivery"])
        try:
            filed = self._engine.step("file the row", self._create, row, delivery)
        except NotionError as error:
            self._again(row, delivery, error)
            return None
        log.get().info("row filed", key=row.key, page=filed.page_id)
        self._wake()
        kept: dict[str, str] = records.dump(filed, Filed)
        return kept

    def _create(self, row: NewRow, delivery: int) -> Filed:
        database = self._workspace.database(AGENT_TASKS)
        # Looked for even at the first delivery: the engine's memory may be younger than the row.
        if found := database.find_by_key(row.key):
            return Filed(page_id=found[0].id, url=found[0].url)
        values: dict[str, Any] = {
            "title": row.title,
            "task_type": row.task_type,
            "status": database.vocabulary.word(State.READY),
            "segue_key": row.key,
        }
        if row.link:
            values["link"] = row.link
        if row.description:
            values["description"] = row.description
        if row.priority:
            values["priority"] = row.priority
        if row.handed_off_from:
            values["handed_off_from"] = (row.handed_off_from,)
        if row.tracks:
            values["tracks"] = row.tracks
        begun_before = delivery > 1 or self._engine.is_rerun(_run_id(row.key, delivery))
        made = database.create(values, new_options=("task_type",), doubtful=begun_before)
        return Filed(page_id=made.id, url=made.url)

    def _again(self, row: NewRow, delivery: int, error: NotionError) -> None:
        if isinstance(error, Refused) or (
            delivery >= _MOST_UNREACHABLE and not isinstance(error, Unavailable)
        ):
            log.get().error("row given up", key=row.key, deliveries=delivery, why=str(error))
            return
        delay = _UNREACHABLE_DELAY_S
        if isinstance(error, Unavailable):
            delay = min(_FIRST_DELAY_S * 2 ** min(delivery - 1, 16), _LONGEST_DELAY_S)
        log.get().warning("row not filed yet", key=row.key, again_in_s=delay, why=str(error))
        self._submit(row, delivery + 1, delay, stuck=not isinstance(error, Unavailable))


def _run_id(key: str, delivery: int) -> str:
    return f"new-row:{key}" if delivery == 1 else f"new-row:{key}/{delivery}"


def _nothing() -> None:
    """Nobody is to be woken yet."""
