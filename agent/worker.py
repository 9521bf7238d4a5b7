"""The worker's heart: look, submit, reconcile, wait; until told to stop or until there is nothing left to do.

Nothing that a row, a database or a moment can bring about ends it: what fails is carried out by a ``runner.Guard``,
logged once, and tried again with a growing wait, while everything else goes on.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from agent import log, records
from agent.cadence import Backoff, Cadence
from agent.companion import Companion
from agent.engine import LIVE, Engine, Run, RunState
from agent.poller import Found, Hopeless, Look, Poller
from agent.repair import Repair
from agent.report import RowRef, attempts_of, run_id, run_ids
from agent.reporting import Reporting
from agent.rows.new_rows import NEW_ROW
from agent.runner import REPORT, RUN, Guard, Runner
from agent.twins import TIDY
from handlers.base import Handler
from handlers.registry import Registry
from notion_schema.vocabulary import rank_of
from notion_schema.workspace import Workspace

_MOST_WAITING = 50
"""So many rows of a queue are handed to the engine; the others stay where a person can still change their order."""
_MOST_TAKES = 4
"""So often a row is tried to be taken, when what stands against it does not look passing."""
_ASK_AGAIN_S = 2.0
_LONGEST_ASK_AGAIN_S = 300.0
_LONGEST_FAILING_S = 60.0


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one cycle did."""

    look: Look
    submitted: int
    waiting: int = 0
    """Ready rows that are tried again by themselves: not taken for a passing reason, shown by an old query, or just
    made ready."""
    left: int = 0
    """Ready rows that could not be run."""
    at_work: bool = False
    """Something ran, or waited to run, that ends by itself."""


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
        guard: Guard | None = None,
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
        self._guard = guard or Guard()
        self._repair = Repair(workspace, engine, poller, runner, reporting)
        self._asked = Backoff(_ASK_AGAIN_S, _LONGEST_ASK_AGAIN_S)
        self._failing = Backoff(poll_s, _LONGEST_FAILING_S)
        self._stop = threading.Event()
        self._called = threading.Event()

    def start(self) -> None:
        """Starts the engine; what a crash left unfinished goes on at once."""
        self._runner.register()
        for companion in self._companions:
            companion.register()
        self._engine.start(self._concurrency)
        self._runner.introduce()
        for companion in self._companions:
            companion.start(self.wake)

    def stop(self, grace_s: float = 0) -> None:
        """Stops taking work and waits up to ``grace_s`` for what runs; unfinished runs go on at the next start."""
        self.ask_to_stop()
        for companion in self._companions:
            companion.stop()
        self._engine.stop(grace_s)
        self._reporting.stop()

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
            cycle = self._guard.run("cycle", self.cycle, None)
            if cycle is None:
                self._wait(self._cadence.after(working=False, failed=True))
                continue
            working = bool(cycle.submitted or cycle.waiting or cycle.at_work)
            seconds = self._cadence.after(working=working, failed=bool(cycle.look.failed))
            self._wait(min(seconds, _until(cycle.look.next_due, at_least=self._poll_s)))

    def _wait(self, seconds: float) -> None:
        if self._called.wait(seconds):
            # Cleared before the look that answers it: a call during that look is answered by the next one.
            self._called.clear()
            self._cadence.reset()

    def run_until_idle(self) -> bool:
        """Cycles until nothing is due and nothing runs; a report that waits for a person's help is not waited for.

        Returns:
            False when it was asked to stop before that, a database could not be read to the end, a ready row could
            not be run, or a report could not be delivered.
        """
        while not self._stop.is_set():
            # Asked before the look: a run that ends after it may have filed a row that the look did not see.
            quiet = not self._guard.run("engine", self._at_work, otherwise=False)
            cycle = self._guard.run("cycle", partial(self.cycle, full=quiet), None)
            if cycle is None and quiet:
                return False
            if cycle and quiet and not cycle.submitted and not cycle.waiting:
                return not cycle.look.failed and not cycle.left and not self._is_stuck()
            self._stop.wait(self._poll_s)
        return False

    def run_once(self) -> bool:
        """One look; what it found is run to its end, follow-ups are left for another time."""
        cycle = self.cycle(full=True)
        while not self._stop.is_set() and self._at_work():
            self._stop.wait(0.1)
        return not cycle.look.failed and not self._is_stuck()

    def look(self) -> Look:
        """What the rows ask for now; changes nothing."""
        return self._poller.look(full=True)

    def cycle(self, *, full: bool = False) -> Cycle:
        """One look at the rows, and what follows from it.

        Args:
            full: see every row, whatever it costs.
        """
        look = self._poller.look(full=full)
        live = self._engine.live()
        runs = {_ref(run).page_id: run for run in live if run.workflow == RUN}
        submitted, waiting, left = self._submit_all(look, runs)
        for hopeless in look.hopeless:
            left += self._guard.run(
                "hopeless row", partial(self._refuse, hopeless), 1, about=hopeless.page_id
            )
        for companion in self._companions:
            submitted += self._guard.run(type(companion).__name__, partial(companion.tend, look), 0)
        waiting += self._reconcile(look, live)
        if submitted:
            log.get().info("submitted", rows=submitted, ready=len(look.ready), postponed=look.postponed)
        return Cycle(look, submitted, waiting, left, at_work=_ends_by_itself(live))

    def _at_work(self) -> bool:
        """Whether something runs or waits to run that ends by itself."""
        return _ends_by_itself(self._engine.live())

    def _is_stuck(self) -> bool:
        stuck = [run.run_id for run in self._engine.live() if _waits_for_help(run)]
        if stuck:
            log.get().error("not delivered; it is tried again by the next worker", reports=stuck)
        return bool(stuck)

    # Submitting ------------------------------------------------------------------------------------------------------

    def _submit_all(self, look: Look, runs: Mapping[str, Run]) -> tuple[int, int, int]:
        """Hands ready rows to the engine; returns how many were, how many wait, how many had to be left."""
        queued = Counter(self._queue(found) for found in look.ready if found.row.id in runs)
        submitted = waiting = left = 0
        for found in look.ready:
            queue = self._queue(found)
            if found.row.id in runs:
                continue
            if queued[queue] >= _MOST_WAITING:
                waiting += 1
                continue
            became = self._guard.run("row", partial(self._submit, found, queue), "left", about=found.row.id)
            queued[queue] += became == "submitted"
            submitted += became == "submitted"
            waiting += became == "waits"
            left += became == "left"
        if look.complete:
            self._asked.keep({found.row.id for found in look.ready} | {one.page_id for one in look.hopeless})
        return submitted, waiting, left

    def _queue(self, found: Found) -> str:
        handler = self._registry.find(found.row.task_type)
        return handler.queue if handler else Handler.DEFAULT_QUEUE

    def _submit(self, found: Found, queue: str) -> str:
        """Hands a ready row to the engine, once per attempt: it is submitted, waits, or is left.

        An attempt's id may have been used by a run that ended before it took the row (it was cancelled in the queue, or
        Notion would not let it), or by the very run that has done it, when the query shows old news.
        """
        row = found.row
        attempt = attempts_of(row) + 1
        source = self._workspace.database(found.database).id
        if self._hand_over(found, attempt, run_id(source, row.id, attempt), queue):
            return "submitted"
        if not self._asked.is_due(row.id):
            return "waits"
        self._asked.postpone(row.id)
        taken = list(self._ended(source, row.id, attempt))
        if not taken:
            return "waits"
        fresh = self._poller.read(found.database, row.id)
        if fresh is None or not self._reporting.asks(found.database, fresh, attempt):
            self._poller.forget(found)
            return "waits"
        refusals = [why for run in taken if (why := _lasting(run))]
        if len(refusals) >= _MOST_TAKES:
            self._reporting.refuse(found.database, row.id, _not_begun(refusals[-1]), attempt=attempt)
            return "refused"
        name = next(itertools.islice(run_ids(source, row.id, attempt), len(taken), None))
        return "submitted" if self._hand_over(found, attempt, name, queue) else "waits"

    def _hand_over(self, found: Found, attempt: int, name: str, queue: str) -> bool:
        ref = RowRef(database=found.database, page_id=found.row.id, attempt=attempt, run_id=name)
        priority = rank_of(found.row.priority) + 1
        return self._engine.submit(RUN, name, records.dump(ref, RowRef), queue=queue, priority=priority)

    def _ended(self, source: str, page_id: str, attempt: int) -> Iterator[Run]:
        """The runs that an attempt has had; nothing when one of them is still to come to its end."""
        ended: list[Run] = []
        for name in run_ids(source, page_id, attempt):
            run = self._engine.status(name)
            if run is None:
                yield from ended
                return
            if run.state in LIVE:
                return
            ended.append(run)

    def _refuse(self, hopeless: Hopeless) -> int:
        """Tells a row that it cannot be begun as it stands; returns 1 when that is still to be done."""
        if not self._asked.is_due(hopeless.page_id):
            return 1
        self._asked.postpone(hopeless.page_id)
        if hopeless.row is not None:
            fresh = self._poller.read(hopeless.database, hopeless.page_id)
            if fresh is None or fresh.prerequisites != hopeless.row.prerequisites:
                return 0
            if not self._reporting.asks(hopeless.database, fresh, attempts_of(hopeless.row) + 1):
                return 0
        log.get().warning("row cannot be begun", page=hopeless.page_id, why=hopeless.why)
        self._reporting.refuse(hopeless.database, hopeless.page_id, hopeless.why)
        return 0

    # Reconciling -----------------------------------------------------------------------------------------------------

    def _reconcile(self, look: Look, live: Sequence[Run]) -> int:
        """Makes rows and runs true to each other; returns how many rows were made ready."""
        shown = {found.row.id for found in look.running}
        mended = sum(
            self._guard.run(
                "running row", partial(self._repair.mend, found), otherwise=False, about=found.row.id
            )
            for found in look.running
        )
        running = [run for run in live if run.workflow == RUN and run.state is RunState.RUNNING]
        for run in running:
            ref = _ref(run)
            if ref.page_id not in shown and ref.database not in look.failed:
                self._guard.run("run", partial(self._repair.heed, run), None, about=run.run_id)
        self._repair.forget_all_but(running)
        self._guard.run("hanging steps", self._runner.give_up_hanging, None)
        return mended


def _ref(run: Run) -> RowRef:
    ref: RowRef = records.load(run.payload, RowRef)
    return ref


def _ends_by_itself(live: Sequence[Run]) -> bool:
    return any(run.workflow != TIDY and not _waits_for_help(run) for run in live)


def _waits_for_help(run: Run) -> bool:
    """A report or a new row that Notion refuses, or whose row or database the integration does not see."""
    waits = run.workflow in (REPORT, NEW_ROW) and run.state is RunState.WAITING
    return waits and bool(run.payload.get("stuck"))


def _lasting(run: Run) -> str | None:
    """Why a run could not take its row, when waiting alone does not mend it."""
    if run.state is RunState.BROKEN:
        return "the run broke off before it took the row; the worker's log says why"
    output = run.output or {}
    return None if output.get("passing", True) else str(output.get("not_taken"))


def _not_begun(why: str) -> str:
    return f"Segue could not begin this row: {why}. When that is mended, set Status to Ready."


def _until(moment: datetime | None, *, at_least: float) -> float:
    """Seconds until a moment; endless without one."""
    if moment is None:
        return math.inf
    return max(at_least, (moment - datetime.now(UTC)).total_seconds())
