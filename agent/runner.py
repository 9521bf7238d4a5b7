"""Row -> Request -> handler -> Outcome: the durable workflows, and the one place where every error ends.

``run_task_v1`` takes the row, runs its handler step by step and hands the outcome on; ``report_v1`` writes it to
Notion and comes back later, as often as it takes, while Notion is away. What must not end the worker, whatever it
raises, is carried out by a `Guard`.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from agent import child, log, outcome, page, records
from agent.engine import Engine
from agent.job import AtWork, RunJob
from agent.outcome import Outcome
from agent.report import Report, RowRef, run_ids
from agent.reporting import Claim, Reporting, deliver
from handlers.base import Tools
from handlers.registry import Registry
from notion_schema import errors as notion
from notion_schema.databases import TaskRow
from notion_schema.vocabulary import RunState, State

P = ParamSpec("P")
T = TypeVar("T")

RUN = "run_task_v1"
REPORT = "report_v1"
IDENTITY = "engine_identity_v1"
REPORT_QUEUE = "report"
_IDENTITY_ID = "segue-engine-identity"
_REPORT_DELAY_S = 5.0
_LONGEST_REPORT_DELAYS_S = ((30, 300.0), (100, 900.0))
"""Up to so many deliveries, no longer apart than this; hourly after that."""
_HOUR_S = 3600.0
_BARE_AFTER = 8
"""A report that Notion refuses for another reason than being away is from this delivery on, after some ten minutes,
written without what it refuses."""
_KEPT_FOR_S = 7 * 24 * _HOUR_S
"""So long a report waits for a row that the integration does not see any more."""
_HANGING_AFTER_S = 60.0
"""So long after its time a step that cannot be stopped is given up."""
_FINAL = (State.DONE, State.FAILED, State.CANCELLED)


class Guard:
    """Carries out what must not end the worker, whatever it raises; the same error is logged once until it is over."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def run(
        self,
        what: str,
        work: Callable[[], T],
        otherwise: T,
        *,
        about: str = "",
        passing: tuple[type[Exception], ...] = (),
    ) -> T:
        """What ``work`` returns, or ``otherwise`` when it raises.

        Args:
            what: for the log, as a noun phrase.
            work: anything.
            otherwise: stands for its result.
            about: which one of many, such as a page id.
            passing: errors that are the caller's business.
        """
        try:
            result = work()
        except passing:
            raise
        except Exception as error:  # noqa: BLE001 - one bad row or one bad moment must not stop all others
            self._tell(what, about, error)
            return otherwise
        if self._known.pop((what, about), None):
            log.get().info("goes on as usual", what=what, about=about)
        return result

    def failure(self, what: str, about: str = "") -> str | None:
        """Why the last attempt at this failed; None when it did not."""
        return self._known.get((what, about))

    def _tell(self, what: str, about: str, error: Exception) -> None:
        # Without the id of the request, which is another one each time.
        expected = isinstance(error, notion.NotionError)
        why = error.message if isinstance(error, notion.NotionError) else f"{type(error).__name__}: {error}"
        if self._known.get((what, about)) != why:
            unexpected = None if expected else error
            log.get().error("failed", what=what, about=about, why=str(error), exc_info=unexpected)
        self._known[what, about] = why


class Runner:
    """Runs tasks and delivers their reports; `register` makes its workflows known to the engine."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        tools: Tools,
        reporting: Reporting,
        data_dir: Path,
        *,
        on_report: Callable[[Report], None] | None = None,
    ) -> None:
        """``on_report``: told of each attempt that has come to its outcome, once."""
        self._engine = engine
        self._registry = registry
        self._tools = tools
        self._reporting = reporting
        self._data_dir = data_dir
        self._on_report = on_report
        self._at_work: dict[str, AtWork] = {}
        self._lock = threading.Lock()

    def register(self) -> None:
        """Makes the workflows known; before the engine starts."""
        self._engine.register(RUN, self.run_task)
        self._engine.register(REPORT, self.report)
        self._engine.register(IDENTITY, str, lasting=True)

    def introduce(self) -> None:
        """Learns which engine this is, right after it has started; rows are signed with it.

        The first worker to ask coins the name, which is accepted once for ever like every id.
        """
        self._engine.submit(IDENTITY, _IDENTITY_ID, uuid.uuid4().hex, queue=REPORT_QUEUE)
        known = self._engine.status(_IDENTITY_ID)
        if known is None:
            raise LookupError("The engine forgot its own identity while it was being asked.")
        self._reporting.sign(str(known.payload))

    # The task --------------------------------------------------------------------------------------------------------

    def run_task(self, payload: Any) -> dict[str, Any]:
        """One attempt at one row, from the claim to the hand-over of its report."""
        ref: RowRef = records.load(payload, RowRef)
        with log.run_log(ref.run_id, self._log_file(ref)):
            began = self._engine.step("clock", _clock)
            try:
                claim = self._take(ref)
            except Exception as error:  # noqa: BLE001 - the worker decides when to try again, and how often
                log.get().warning("not taken", error=type(error).__name__, why=str(error))
                passing = isinstance(error, (notion.Unavailable, notion.NotShared))
                return {"not_taken": f"{type(error).__name__}: {error}", "passing": passing}
            if claim.row is None:
                log.get().info("left alone", why=claim.refused)
                return {"left_alone": claim.refused}
            log.get().info("claimed", task=claim.row.title, type=claim.row.task_type, attempt=ref.attempt)
            if claim.row.last_error:
                log.get().info("the row said", last_error=claim.row.last_error)
            result = self._outcome(ref, claim.row, claim.try_number, began)
            log.get().info("outcome", state=str(result.state), summary=result.summary)
            report = self._engine.step("compose report", self._compose, ref, claim.row, result, began)
            self._hand_over(report)
            return {"state": str(result.state), "try": claim.try_number}

    def _take(self, ref: RowRef) -> Claim:
        claim = self._engine.step("claim", self._reporting.claim, ref)
        if claim.row is not None and claim.row.run_state is RunState.WAITING and ref.attempt > 1:
            number = self._engine.step("count tries", self._tries_before, ref)
            return Claim(row=claim.row, try_number=number + 1)
        return claim

    def _tries_before(self, ref: RowRef) -> int:
        tries = 0
        for name in run_ids(ref.run_id.split(":", 1)[0], ref.page_id, ref.attempt - 1):
            previous = self._engine.status(name)
            if previous is None:
                break
            tries = int((previous.output or {}).get("try", tries))
        return tries

    def _outcome(self, ref: RowRef, row: TaskRow, try_number: int, began: float) -> Outcome:
        handler = self._registry.find(row.task_type)
        if handler is None:
            return outcome.of_unknown_type(row.task_type, self._registry.handlers)
        mine = AtWork(ref, row, handler, try_number, began, time.monotonic() + handler.timeout_s)
        with self._lock:
            self._at_work[ref.run_id] = mine
        try:
            job = self._job(mine, handler.request.from_row(row))
            return outcome.of_done(handler.run(job, self._tools))
        except Exception as error:  # noqa: BLE001 - the one place where every error is judged
            log.get().warning("did not finish", error=type(error).__name__, why=str(error))
            chance = self._engine.step("chance", _chance)
            return outcome.of_error(
                error, handler, try_number=try_number, chance=chance, link=_link(row), title=row.title
            )
        finally:
            with self._lock:
                self._at_work.pop(ref.run_id, None)

    def _job(self, mine: AtWork, request: Any) -> RunJob[Any]:
        ref, handler = mine.ref, mine.handler
        total = sum(handler.steps.values())
        names = list(handler.steps)
        current = names[0]

        def tell(fraction: float, words: str) -> None:
            before = sum(handler.steps[name] for name in names[: names.index(current)])
            percent = 100 * (before + fraction * handler.steps[current]) / total
            self._reporting.tell(ref, percent, f"{current}: {words}" if words else current)

        def at_step(name: str) -> None:
            nonlocal current
            current = mine.step = name
            tell(0.0, "")

        work_dir = self._work_dir(ref)
        work_dir.mkdir(parents=True, exist_ok=True)
        return RunJob(
            request=request,
            page_id=ref.page_id,
            run_id=ref.run_id,
            work_dir=str(work_dir),
            progress=tell,
            _handler=handler,
            _engine=self._engine,
            _at_step=at_step,
            _deadline=mine.deadline,
            _stopped=lambda: self._engine.must_stop(ref.run_id),
        )

    def _compose(self, ref: RowRef, row: TaskRow, result: Outcome, began: float) -> Report:
        return Report(
            ref=ref,
            title=row.title,
            task_type=row.task_type or "",
            outcome=result,
            started_at=began,
            ended_at=time.time(),
            steps=tuple(step for step in self._engine.steps(ref.run_id) if step.name not in _INNER_STEPS),
            log=self._log_of(ref),
            handed_off_from=row.handed_off_from,
        )

    def _log_of(self, ref: RowRef) -> str:
        file = self._log_file(ref)
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        return page.tail(text)

    def give_up_hanging(self) -> None:
        """Ends runs whose step outlasts its time although it cannot be stopped; asked once a cycle.

        A heavy step is ended with its process. Any other runs in a thread, which nothing can end: its run is
        cancelled, the row told and set to be tried again; the place in the queue stays taken until the step returns.
        """
        now = time.monotonic()
        with self._lock:
            hanging = [one for one in self._at_work.values() if now - one.deadline > _HANGING_AFTER_S]
            for one in hanging:
                del self._at_work[one.ref.run_id]
        for one in hanging:
            error = child.TimedOutError(
                f"“{one.step}” has not ended {(now - one.deadline) / 60:.0f} minutes after the"
                f" {one.handler.timeout_s / 60:.0f} minutes it has. It was given up; if it happens again, restart the"
                " worker."
            )
            log.get().error("a step hangs", page=one.ref.page_id, run=one.ref.run_id, why=str(error))
            self._engine.cancel(one.ref.run_id)
            result = outcome.of_error(
                error,
                one.handler,
                try_number=one.try_number,
                chance=_chance(),
                link=_link(one.row),
                title=one.row.title,
            )
            self._hand_over(self._compose(one.ref, one.row, result, one.began))

    # The report ------------------------------------------------------------------------------------------------------

    def report(self, payload: Any) -> None:
        """Delivers a report; while Notion is away, comes back later without holding a slot."""
        report: Report = records.load(payload["report"], Report)
        delivery = int(payload["delivery"])
        this = _delivery_id(report.ref, delivery)
        with log.run_log(report.ref.run_id, self._log_file(report.ref)):

            def look_first() -> bool:
                return delivery > 1 or self._engine.is_rerun(this)

            # What Notion refuses again and again must not keep the row from its status.
            bare = delivery >= _BARE_AFTER and payload.get("stuck", False)
            step = self._forgiving if bare else self._engine.step
            try:
                deliver(report, self._reporting, step, look_first)
            except Exception as error:  # noqa: BLE001 - a report is not lost, whatever stands against it
                self._again(report, delivery, error)
            else:
                log.get().info("reported", delivery=delivery)
                if report.outcome.state in _FINAL:
                    shutil.rmtree(self._work_dir(report.ref), ignore_errors=True)

    def _forgiving(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """A step that may fail, unless it is about the row itself."""
        try:
            return self._engine.step(name, work, *args, **kwargs)
        except Exception as error:
            if name in _INDISPENSABLE or isinstance(error, notion.Unavailable):
                raise
            log.get().error("left out of the report", step=name, why=f"{type(error).__name__}: {error}")
            return None

    def _again(self, report: Report, delivery: int, error: Exception) -> None:
        stuck = not isinstance(error, notion.Unavailable)
        if isinstance(error, notion.NotShared) and self._is_gone(report):
            log.get().error("report given up; its row cannot be seen any more", why=str(error))
            return
        longest = next((limit for count, limit in _LONGEST_REPORT_DELAYS_S if delivery <= count), _HOUR_S)
        delay = min(_REPORT_DELAY_S * 2 ** min(delivery - 1, 20), longest)
        unexpected = None if isinstance(error, notion.NotionError) else error
        log.get().warning(
            "report not delivered", delivery=delivery, again_in_s=delay, why=str(error), exc_info=unexpected
        )
        self._hand_over(report, delivery + 1, delay, stuck=stuck)

    def _is_gone(self, report: Report) -> bool:
        """Whether the row alone has been out of sight for long: its database is in sight."""
        if time.time() - report.ended_at < _KEPT_FOR_S:
            return False
        try:
            return self._engine.step("look at the database", self._reporting.sees, report.ref.database)
        except notion.NotionError:
            return False

    def cancelled(self, ref: RowRef, row: TaskRow, why: str) -> None:
        """Stops a run whose row was cancelled and says so on the row."""
        self._engine.cancel(ref.run_id)
        self._reporting.hush(ref.run_id)
        result = Outcome(state=State.CANCELLED, summary=why)
        self._hand_over(self._compose(ref, row, result, self._began(ref)))

    def _began(self, ref: RowRef) -> float:
        with self._lock:
            mine = self._at_work.get(ref.run_id)
        return mine.began if mine else time.time()

    def _hand_over(
        self, report: Report, delivery: int = 1, delay_s: float | None = None, *, stuck: bool = False
    ) -> None:
        """Enqueues a delivery of a report; one that was enqueued before stays as it is.

        Args:
            report: what to deliver.
            delivery: which attempt at it, from 1.
            delay_s: not before.
            stuck: the last one failed for a reason that waiting alone does not mend.
        """
        accepted = self._engine.submit(
            REPORT,
            _delivery_id(report.ref, delivery),
            {"report": records.dump(report, Report), "delivery": delivery, "stuck": stuck},
            queue=REPORT_QUEUE,
            delay_s=delay_s,
        )
        if accepted and delivery == 1 and self._on_report is not None:
            self._on_report(report)

    def _work_dir(self, ref: RowRef) -> Path:
        return self._data_dir / "work" / ref.page_id

    def _log_file(self, ref: RowRef) -> Path:
        return self._data_dir / "runs" / ref.page_id / f"{ref.run_id.rsplit(':', 1)[-1]}.log"


_INNER_STEPS = {"clock", "chance", "count tries", "compose report"}
_INDISPENSABLE = ("whose is it", "close")


def _delivery_id(ref: RowRef, delivery: int) -> str:
    return f"{ref.run_id}/report/{delivery}"


def _clock() -> float:
    return time.time()


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads retries, guards nothing


def _link(row: TaskRow) -> str | None:
    return row.link or None
