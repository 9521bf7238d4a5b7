"""Row -> Request -> handler -> Outcome: the two durable workflows, and the one place where every error ends.

``run_task_v1`` takes the row, runs its handler step by step and hands the outcome on; ``report_v1`` writes it to
Notion and comes back later, as often as it takes, while Notion is away.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from agent import child, log, outcome, records
from agent.engine import Engine
from agent.outcome import Outcome
from agent.report import Report, RowRef
from agent.reporting import Claim, Reporting, deliver
from handlers.base import Handler, Tools
from handlers.registry import Registry
from music_workflow.model import Progress
from notion_schema import errors as notion
from notion_schema.databases import TaskRow
from notion_schema.vocabulary import RunState, State

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

RUN = "run_task_v1"
REPORT = "report_v1"
REPORT_QUEUE = "report"
_REPORT_DELAY_S = 5.0
_LONGEST_REPORT_DELAY_S = 900.0
_UNREACHABLE_DELAY_S = 600.0
_FINAL = (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class RunJob(Generic[R]):
    """The ``Job`` that handlers are given."""

    request: R
    page_id: str
    run_id: str
    work_dir: str
    progress: Progress
    _handler: Handler[R]
    _engine: Engine
    _at_step: Callable[[str], None]
    _deadline: float
    _stopped: Callable[[], bool]

    def step(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` once and keeps its result."""
        return self._keep(name, work, lambda: work(*args, **kwargs))

    def heavy_step(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` once, in a child process, and keeps its result."""
        if kwargs:
            raise TypeError("A heavy step takes positional arguments only; they cross a process border.")

        def in_child() -> Any:
            return child.run(
                work,
                args,
                progress=self.progress,
                timeout_s=max(1.0, self._deadline - time.time()),
                stopped=self._stopped,
            )

        return self._keep(name, work, in_child)

    def _keep(self, name: str, work: Callable[..., T], call: Callable[[], Any]) -> T:
        if name not in self._handler.steps:
            raise ValueError(f"{self._handler.task_type} does not declare the step {name!r}.")

        def shown() -> Any:
            self._at_step(name)
            return call()

        value: T = self._engine.keep(name, records.result_type(work), shown)
        return value


class Runner:
    """Runs tasks and delivers their reports; `register` makes both known to the engine."""

    def __init__(
        self, engine: Engine, registry: Registry, tools: Tools, reporting: Reporting, data_dir: Path
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._tools = tools
        self._reporting = reporting
        self._data_dir = data_dir

    def register(self) -> None:
        """Makes the workflows known; before the engine starts."""
        self._engine.register(RUN, self.run_task)
        self._engine.register(REPORT, self.report)

    # The task --------------------------------------------------------------------------------------------------------

    def run_task(self, payload: Any) -> dict[str, Any]:
        """One attempt at one row, from the claim to the hand-over of its report."""
        ref: RowRef = records.load(payload, RowRef)
        with log.run_log(ref.run_id, self._log_file(ref)):
            began = self._engine.step("clock", _clock)
            claim = self._take(ref)
            if claim.row is None:
                log.get().info("left alone", why=claim.refused)
                return {"left_alone": claim.refused}
            log.get().info("claimed", task=claim.row.title, type=claim.row.task_type, attempt=ref.attempt)
            result = self._outcome(ref, claim.row, claim.try_number, began)
            log.get().info("outcome", state=str(result.state), summary=result.summary)
            report = self._engine.step("compose report", self._compose, ref, claim.row, result, began)
            self._hand_over(report)
            return {"state": str(result.state), "try": claim.try_number}

    def _take(self, ref: RowRef) -> Claim:
        lease_s = max((h.timeout_s for h in self._registry.handlers.values()), default=0.0)
        claim = self._engine.step("claim", self._reporting.claim, ref, lease_s)
        if claim.row is not None and claim.row.run_state is RunState.WAITING and ref.attempt > 1:
            number = self._engine.step("count tries", self._tries_before, ref)
            return Claim(row=claim.row, try_number=number + 1)
        return claim

    def _tries_before(self, ref: RowRef) -> int:
        previous = self._engine.status(run_id(ref.run_id.split(":", 1)[0], ref.page_id, ref.attempt - 1))
        return int((previous.output or {}).get("try", 0)) if previous else 0

    def _outcome(self, ref: RowRef, row: TaskRow, try_number: int, began: float) -> Outcome:
        handler = self._registry.find(row.task_type)
        if handler is None:
            return outcome.of_unknown_type(row.task_type, self._registry.handlers)
        try:
            job = self._job(ref, handler, handler.request.from_row(row), began)
            return outcome.of_done(handler.run(job, self._tools))
        except Exception as error:  # noqa: BLE001 - the one place where every error is judged
            log.get().warning("did not finish", error=type(error).__name__, why=str(error))
            chance = self._engine.step("chance", _chance)
            return outcome.of_error(
                error, handler, try_number=try_number, chance=chance, link=_link(row), title=row.title
            )

    def _job(self, ref: RowRef, handler: Handler[Any], request: Any, began: float) -> RunJob[Any]:
        total = sum(handler.steps.values())
        names = list(handler.steps)
        current = names[0]

        def tell(fraction: float, words: str) -> None:
            before = sum(handler.steps[name] for name in names[: names.index(current)])
            percent = 100 * (before + fraction * handler.steps[current]) / total
            self._reporting.tell(ref, percent, f"{current}: {words}" if words else current)

        def at_step(name: str) -> None:
            nonlocal current
            current = name
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
            _deadline=began + handler.timeout_s,
            _stopped=lambda: self._engine.is_cancelled(ref.run_id),
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
            log=self._log_file(ref).read_text(encoding="utf-8"),
        )

    # The report ------------------------------------------------------------------------------------------------------

    def report(self, payload: Any) -> None:
        """Delivers a report; while Notion is away, comes back later without holding a slot."""
        report: Report = records.load(payload["report"], Report)
        delivery = int(payload["delivery"])
        this = _delivery_id(report.ref, delivery)
        with log.run_log(report.ref.run_id, self._log_file(report.ref)):

            def look_first() -> bool:
                return delivery > 1 or self._engine.is_rerun(this)

            try:
                deliver(report, self._reporting, self._engine.step, look_first)
            except notion.NotionError as error:
                self._again(report, delivery, error)
            else:
                log.get().info("reported", delivery=delivery)
                if report.outcome.state in _FINAL:
                    shutil.rmtree(self._work_dir(report.ref), ignore_errors=True)

    def _again(self, report: Report, delivery: int, error: notion.NotionError) -> None:
        delay = min(_REPORT_DELAY_S * 2 ** (delivery - 1), _LONGEST_REPORT_DELAY_S)
        if not isinstance(error, notion.Unavailable):
            delay = _UNREACHABLE_DELAY_S
        log.get().warning("report not delivered", delivery=delivery, again_in_s=delay, why=str(error))
        self._hand_over(report, delivery + 1, delay)

    def cancelled(self, ref: RowRef, title: str, task_type: str) -> None:
        """Stops a run whose row was cancelled and says so on the row."""
        self._engine.cancel(ref.run_id)
        report = Report(
            ref=ref,
            title=title,
            task_type=task_type,
            outcome=Outcome(state=State.CANCELLED, summary="Cancelled by you; what was begun was stopped."),
            started_at=time.time(),
            ended_at=time.time(),
            steps=(),
            log="",
        )
        self._hand_over(report)

    def _hand_over(self, report: Report, delivery: int = 1, delay_s: float | None = None) -> None:
        """Enqueues a delivery of a report; one that was enqueued before stays as it is."""
        self._engine.submit(
            REPORT,
            _delivery_id(report.ref, delivery),
            {"report": records.dump(report, Report), "delivery": delivery},
            queue=REPORT_QUEUE,
            delay_s=delay_s,
        )

    def _work_dir(self, ref: RowRef) -> Path:
        return self._data_dir / "work" / ref.page_id

    def _log_file(self, ref: RowRef) -> Path:
        return self._data_dir / "runs" / ref.page_id / f"{ref.run_id.rsplit(':', 1)[-1]}.log"


_INNER_STEPS = {"clock", "chance", "count tries", "compose report"}


def run_id(data_source_id: str, page_id: str, attempt: int) -> str:
    """The id of an attempt at a row."""
    return f"{data_source_id}:{page_id}:{attempt}"


def _delivery_id(ref: RowRef, delivery: int) -> str:
    return f"{ref.run_id}/report/{delivery}"


def _clock() -> float:
    return time.time()


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads retries, guards nothing


def _link(row: TaskRow) -> str | None:
    return row.link or None
