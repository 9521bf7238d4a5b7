"""The worker's heart: look, submit, reconcile, wait; until told to stop or until there is nothing left to do."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent import log, records
from agent.cadence import Cadence
from agent.companion import Companion
from agent.engine import LIVE, Engine, Run, RunState
from agent.poller import Found, Look, Poller
from agent.report import RowRef
from agent.reporting import Reporting
from agent.runner import REPORT, RUN, Runner, run_id
from handlers.base import Handler
from handlers.registry import Registry
from notion_schema.errors import NotionError
from notion_schema.vocabulary import State, rank_of
from notion_schema.workspace import Workspace

_MOST_GENERATIONS = 5


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one cycle did."""

    look: Look
    submitted: int


class Worker:
    """Keeps the engine supplied with what the rows ask for, and the rows true to what the engine did."""

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry,
        engine: Engine,
        poller: Poller,
        runner: Runner,
        reporting: Reporting,
        *,
        poll_s: float,
        idle_poll_s: float,
        concurrency: Mapping[str, int],
        companions: Sequence[Companion] = (),
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._engine = engine
        self._poller = poller
        self._runner = runner
        self._reporting = reporting
        self._poll_s = poll_s
        self._cadence = Cadence(poll_s, idle_poll_s)
        self._concurrency = concurrency
        self._companions = companions
        self._stop = threading.Event()
        self._called = threading.Event()

    def start(self) -> None:
        """Starts the engine; what a crash left unfinished goes on at once."""
        self._runner.register()
        for companion in self._companions:
            companion.register()
        self._engine.start(self._concurrency)
        for companion in self._companions:
            companion.start(self.wake)

    def stop(self, grace_s: int = 0) -> None:
        """Stops taking work and waits up to ``grace_s`` for what runs; unfinished runs go on at the next start."""
        self.ask_to_stop()
        for companion in self._companions:
            companion.stop()
        self._engine.stop(grace_s)

    def ask_to_stop(self) -> None:
        """Makes `run_forever` and `run_until_idle` return soon; for signal handlers and other threads."""
        self._stop.set()
        self._called.set()

    def wake(self) -> None:
        """Makes `run_forever` look now and for a while more often; for webhooks and other threads."""
        self._called.set()

    def run_forever(self) -> None:
        """Cycles until asked to stop: often while there is work, seldom while there is none."""
        while not self._stop.is_set():
            cycle = self.cycle()
            working = bool(cycle.submitted or self._engine.live())
            self._wait(self._cadence.after(working=working, failed=bool(cycle.look.failed)))

    def _wait(self, seconds: float) -> None:
        if self._called.wait(seconds):
            # Cleared before the look that answers it: a call during that look is answered by the next one.
            self._called.clear()
            self._cadence.reset()

    def run_until_idle(self) -> bool:
        """Cycles until nothing is due and nothing runs.

        Returns:
            False when it was asked to stop before that, a database could not be read to the end, or a ready row could
            not be run.
        """
        while not self._stop.is_set():
            # Asked before the look: a run that ends after it may have filed a row that the look did not see.
            quiet = not self._engine.live()
            cycle = self.cycle()
            if quiet and not cycle.submitted:
                return not cycle.look.failed and not cycle.look.ready
            self._stop.wait(self._poll_s)
        return False

    def run_once(self) -> bool:
        """One look; what it found is run to its end, follow-ups are left for another time."""
        cycle = self.cycle()
        while not self._stop.is_set() and self._engine.live():
            self._stop.wait(0.1)
        return not cycle.look.failed

    def look(self) -> Look:
        """What the rows ask for now; changes nothing."""
        return self._poller.look()

    def cycle(self) -> Cycle:
        """One look at the rows, and what follows from it."""
        look = self.look()
        live = {run.run_id: run for run in self._engine.live()}
        submitted = sum(self._submit(found, live) for found in look.ready)
        submitted += sum(companion.tend(look) for companion in self._companions)
        self._reconcile(look, live)
        if submitted:
            log.get().info("submitted", rows=submitted, ready=len(look.ready), postponed=look.postponed)
        return Cycle(look, submitted)

    # Submitting ------------------------------------------------------------------------------------------------------

    def _submit(self, found: Found, live: Mapping[str, Run]) -> bool:
        """Hands a ready row to the engine, once per attempt; False when there is nothing to hand over."""
        row = found.row
        attempt = int(row.attempt or 0) + 1
        wanted = run_id(self._workspace.database(found.database).id, row.id, attempt)
        handler = self._registry.find(row.task_type)
        queue = handler.queue if handler else Handler.DEFAULT_QUEUE
        for generation in range(1, _MOST_GENERATIONS + 1):
            name = wanted if generation == 1 else f"{wanted}.{generation}"
            if name in live:
                return False
            ref = RowRef(database=found.database, page_id=row.id, attempt=attempt, run_id=name)
            if self._engine.submit(
                RUN, name, records.dump(ref, RowRef), queue=queue, priority=rank_of(row.priority) + 1
            ):
                return True
            # The id was used by a run that ended before it took the row, or the row we read is an old one.
            run = self._engine.status(name)
            if run is None or run.state in LIVE or self._is_reporting(name) or not self._still_asks(ref):
                return False
        log.get().error(
            "row left alone: its runs end before they take it", page=row.id, runs=_MOST_GENERATIONS
        )
        return False

    def _still_asks(self, ref: RowRef) -> bool:
        """Whether the row, read fresh, is ready for exactly this attempt."""
        try:
            row = self._workspace.database(ref.database).get(ref.page_id)
        except NotionError:
            return False
        state = self._workspace.database(ref.database).vocabulary.state(row.status, row.run_state)
        return state is State.READY and int(row.attempt or 0) == ref.attempt - 1

    def _is_reporting(self, name: str) -> bool:
        return any(
            run.workflow == REPORT and run.run_id.startswith(f"{name}/") for run in self._engine.live()
        )

    # Reconciling -----------------------------------------------------------------------------------------------------

    def _reconcile(self, look: Look, live: Mapping[str, Run]) -> None:
        shown = {found.row.id for found in look.running}
        for found in look.running:
            self._repair(found)
        for run in live.values():
            if run.workflow == RUN and run.state is RunState.RUNNING:
                ref: RowRef = records.load(run.payload, RowRef)
                if ref.page_id not in shown and ref.database not in look.failed:
                    self._cancel_if_asked(ref)

    def _repair(self, found: Found) -> None:
        """A row says running: is anybody running it?"""
        mine = found.row.run_id or ""
        run = self._engine.status(mine) if mine else None
        if run is None or run.state in LIVE or self._is_reporting(mine):
            return
        fresh = self._poller.state_of(found.database, found.row.id)
        if fresh is not State.RUNNING or self._is_reporting(mine):
            return
        why = f"The run {mine} ended without a result ({run.state}); it is tried again."
        log.get().warning("row repaired", page=found.row.id, why=why)
        try:
            self._reporting.release(found.database, found.row.id, why)
        except NotionError as error:
            log.get().warning("row not repaired yet", page=found.row.id, why=str(error))

    def _cancel_if_asked(self, ref: RowRef) -> None:
        database = self._workspace.database(ref.database)
        try:
            row = database.get(ref.page_id)
        except NotionError as error:
            log.get().warning("row not read", page=ref.page_id, why=str(error))
            return
        state = database.vocabulary.state(row.status, row.run_state)
        if row.in_trash or state in (State.CANCELLED, State.ARCHIVED):
            log.get().info("cancelled by its row", page=ref.page_id, in_trash=row.in_trash)
            self._runner.cancelled(ref, title=row.title, task_type=row.task_type or "")
