"""Keeps rows and runs true to each other: rows that say running without a run, and runs whose row has moved on.

What a query shows may be old news, so nothing is done before the row was read fresh. Called by ``worker`` once a cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from agent import log, records
from agent.cadence import Backoff
from agent.engine import LIVE, Engine, Run, RunState
from agent.poller import Found, Poller
from agent.report import RowRef, attempts_of, page_of, run_ids
from agent.reporting import Reporting
from agent.runner import REPORT, Runner
from notion_schema.databases import TaskRow
from notion_schema.vocabulary import State
from notion_schema.workspace import Workspace

_MOST_BROKEN = 3
_BROKEN_WAIT_S = 60.0
_HEED_S = 1.0
_LONGEST_HEED_S = 6.0


class Repair:
    """Mends rows and heeds what people do to them while they run."""

    def __init__(
        self, workspace: Workspace, engine: Engine, poller: Poller, runner: Runner, reporting: Reporting
    ) -> None:
        self._workspace = workspace
        self._engine = engine
        self._poller = poller
        self._runner = runner
        self._reporting = reporting
        self._heeded = Backoff(_HEED_S, _LONGEST_HEED_S)
        self._left_alone: set[tuple[str, str]] = set()

    # Rows that say running -------------------------------------------------------------------------------------------

    def mend(self, found: Found) -> bool:
        """A row says running: is anybody running it? If not, it is made ready again, and says why.

        Returns:
            Whether it was.
        """
        why = self._nobody(found.row)
        if why is None:
            return False
        row = self._poller.read(found.database, found.row.id)
        same = row and (row.run_id, row.worker) == (found.row.run_id, found.row.worker)
        if row is None or row.in_trash or not same or self._state(found.database, row) is not State.RUNNING:
            return False
        # Between the query and now its report may have begun, or its lease been renewed.
        why = self._nobody(row)
        if why is None:
            return False
        broken = self._broken(found.database, row)
        log.get().warning("row repaired", page=row.id, why=why, broken=broken)
        if broken >= _MOST_BROKEN:
            self._reporting.refuse(
                found.database,
                row.id,
                f"{broken} attempts broke off without a result; the worker's log of {row.run_id} says more."
                " Set Status to Ready to try again.",
            )
            return False
        wait_s = _BROKEN_WAIT_S * 4 ** (broken - 1) if broken else 0.0
        self._reporting.release(found.database, row, why, wait_s=wait_s)
        return not wait_s

    def _nobody(self, row: TaskRow) -> str | None:
        """Why nobody works on a row that says running; None when somebody does, or may."""
        if self._reporting.is_foreign(row):
            return self._abandoned(row)
        named = page_of(row.run_id)
        if named and named != row.id:
            return "This row is a copy of one that was running. It was set to Ready, as a row of its own."
        if not row.run_id:
            return f"It said {row.status}, but no run of it ever was; it was set to Ready."
        run = self._engine.status(row.run_id)
        if run is None:
            return f"It said {row.status}, but its run {row.run_id} is not known here; it is tried again."
        if run.state in LIVE or self._is_reporting(row.run_id):
            return None
        return f"The run {row.run_id} ended without a result ({run.state}); it is tried again."

    def _abandoned(self, row: TaskRow) -> str | None:
        """Why a row that another engine took is free again; None while its lease lasts."""
        if row.lease_until is not None and row.lease_until > datetime.now(UTC):
            self._leave(row)
            return None
        return f"{row.worker} had this row, and its lease ran out; it was taken over and is tried again."

    def _leave(self, row: TaskRow) -> None:
        # Not by the lease: its holder renews it with each word of progress.
        known = (row.id, row.run_id)
        if known not in self._left_alone:
            self._left_alone.add(known)
            log.get().info(
                "row left alone: another engine holds its lease",
                page=row.id,
                worker=row.worker,
                until=str(row.lease_until),
            )

    def _is_reporting(self, name: str) -> bool:
        return any(
            run.workflow == REPORT and run.run_id.startswith(f"{name}/") for run in self._engine.live()
        )

    def _broken(self, database_key: str, row: TaskRow) -> int:
        """How many attempts in a row, up to this one, broke off, or failed at the very moment of taking the row."""
        source = self._workspace.database(database_key).id
        count = 0
        for attempt in range(attempts_of(row), max(0, attempts_of(row) - _MOST_BROKEN), -1):
            last: Run | None = None
            for name in run_ids(source, row.id, attempt):
                run = self._engine.status(name)
                if run is None:
                    break
                last = run
            if last is None or not (last.state is RunState.BROKEN or "not_taken" in (last.output or {})):
                break
            count += 1
        return count

    # Runs whose row does not say running -----------------------------------------------------------------------------

    def heed(self, run: Run) -> None:
        """The row of a run does not say running any more: what did the person want?"""
        if not self._heeded.is_due(run.run_id):
            return
        self._heeded.postpone(run.run_id)
        ref: RowRef = records.load(run.payload, RowRef)
        row = self._poller.read(ref.database, ref.page_id)
        if row is None:
            return
        state = self._state(ref.database, row)
        mine = row.run_id == ref.run_id and not self._reporting.is_foreign(row)
        if state is State.RUNNING and mine and not row.in_trash:
            return
        if row.in_trash or state in (State.CANCELLED, State.ARCHIVED):
            self._end(ref, row, "Cancelled by you; what was begun was stopped.")
        elif state is State.READY and mine:
            self._end(ref, row, "Set to Ready by you while it ran; it was stopped and starts anew.")
        elif state is State.RUNNING and row.run_id:
            self._end(ref, row, f"Taken over by {row.worker or 'another worker'}; stopped here.")
        else:
            self._reporting.hush(ref.run_id)

    def _end(self, ref: RowRef, row: TaskRow, why: str) -> None:
        log.get().info("stopped by its row", page=ref.page_id, run=ref.run_id, why=why, in_trash=row.in_trash)
        self._runner.cancelled(ref, row, why)

    def forget_all_but(self, runs: Sequence[Run]) -> None:
        """Keeps in mind only runs that live."""
        self._heeded.keep({run.run_id for run in runs})

    def _state(self, database_key: str, row: TaskRow) -> State | None:
        return self._workspace.database(database_key).vocabulary.state(row.status, row.run_state)
