"""The durable engine: workflows whose finished steps are never run again, on SQLite or PostgreSQL.

The only importer of DBOS. A workflow is a plain function from JSON to JSON; inside it, `Engine.step` runs a function
once and keeps the result. An id is accepted once for ever, which is what makes two pollers harmless. After a crash a
workflow runs again from its start and gets the kept results of its finished steps; the step that was in flight runs
again, so a step looks before it acts (`Engine.is_rerun` tells when that is needed).
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, DBOSClient, DBOSConfig
from dbos._error import DBOSWorkflowIDInUseError
from dbos._serialization import Serializer
from filelock import FileLock, Timeout
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from agent import log, records

P = ParamSpec("P")
T = TypeVar("T")

Workflow = Callable[[Any], Any]
"""A function from JSON-able input to JSON-able output."""

# Pinned, or else each edit of a workflow would strand what is queued; a changed workflow gets a new name instead.
_VERSION = "1"
_MAX_RECOVERIES = 20


class RunState(StrEnum):
    """Where a workflow stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    BROKEN = "broken"
    """It raised, or was given up after too many crashes."""


_STATES = {
    "DELAYED": RunState.WAITING,
    "ENQUEUED": RunState.WAITING,
    "PENDING": RunState.RUNNING,
    "SUCCESS": RunState.ENDED,
    "CANCELLED": RunState.CANCELLED,
    "ERROR": RunState.BROKEN,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunState.BROKEN,
}
LIVE = (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A workflow as the engine remembers it."""

    run_id: str
    workflow: str
    state: RunState
    payload: Any
    output: Any
    created_at: float
    """Seconds since the epoch."""
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """A finished step of a workflow."""

    name: str
    started_at: float
    ended_at: float
    failed: bool


class EngineInUseError(Exception):
    """Another worker holds this engine's database."""


class _Json(Serializer):
    """Checkpoints as JSON: readable, and unable to run code when read."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            return json.dumps({"error": records.dump_error(data)})
        return json.dumps({"value": data})

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        return records.load_error(data["error"]) if "error" in data else data["value"]

    def name(self) -> str:
        return "segue_json"


class Engine:
    """Runs workflows. One per process: the library underneath is a singleton."""

    def __init__(self, url: str, *, poll_s: float = 0.2) -> None:
        self._url = url
        self._poll_s = poll_s
        self._workflows: dict[str, Workflow] = {}
        self._queues: frozenset[str] = frozenset()
        self._lock: FileLock | None = None

    def register(self, name: str, workflow: Workflow) -> None:
        """Makes ``workflow`` known under ``name``; before `start`."""
        self._workflows[name] = workflow

    def start(self, queues: Mapping[str, int]) -> None:
        """Takes the database, resumes what a crash left unfinished and begins to run.

        Args:
            queues: queue name -> how many workflows of it run at once.

        Raises:
            EngineInUseError: another worker runs on the same SQLite file.
        """
        if file := sqlite_file(self._url):
            file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _take(file)
            _use_wal(file)
        _quiet()
        config: DBOSConfig = {
            "name": "segue",
            "system_database_url": self._url,
            "application_version": _VERSION,
            "executor_id": "embedded",
            "serializer": _Json(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 1.0,
        }
        DBOS(config=config)
        for name, workflow in self._workflows.items():
            DBOS.workflow(name=name, max_recovery_attempts=_MAX_RECOVERIES)(_named(name, workflow))
        DBOS.launch()
        for queue, concurrency in queues.items():
            DBOS.register_queue(queue, worker_concurrency=concurrency, polling_interval_sec=self._poll_s)
        self._queues = frozenset(queues)

    def stop(self, grace_s: int = 0) -> None:
        """Stops taking work, waits ``grace_s`` for what runs, and lets the rest to the next start."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=grace_s)
        if self._lock:
            self._lock.release()
            self._lock = None

    def submit(
        self,
        workflow: str,
        run_id: str,
        payload: Any,
        *,
        queue: str,
        delay_s: float | None = None,
        priority: int = 1,
    ) -> bool:
        """Enqueues a workflow under an id that is accepted once for ever.

        Args:
            workflow: a registered name.
            run_id: the id.
            payload: JSON-able.
            queue: one of the queues given to `start`.
            delay_s: not before so many seconds; holds no slot meanwhile.
            priority: lower first, from 1.

        Returns:
            False when the id was taken before.
        """
        if workflow not in self._workflows or queue not in self._queues:
            raise ValueError(f"No workflow {workflow!r} or no queue {queue!r} here.")
        options: dict[str, Any] = {
            "workflow_name": workflow,
            "queue_name": queue,
            "workflow_id": run_id,
            "workflow_id_reuse_policy": "reject",
            "app_version": _VERSION,
            "priority": priority,
        }
        if delay_s is not None:
            options["delay_seconds"] = delay_s
        try:
            DBOS.enqueue_workflow_with_options(options, payload)  # type: ignore[arg-type] # a TypedDict by content
        except DBOSWorkflowIDInUseError:
            return False
        return True

    def step(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Inside a workflow: runs ``work`` once and keeps its result, as its return annotation describes it."""
        value: T = self.keep(name, records.result_type(work), lambda: work(*args, **kwargs))
        return value

    def keep(self, name: str, kind: Any, call: Callable[[], Any]) -> Any:
        """Inside a workflow: runs ``call`` once and keeps its result, which is of type ``kind``."""
        began = time.monotonic()
        ran = False

        def once() -> Any:
            nonlocal ran
            ran = True
            log.get().info("step started", step=name)
            return records.dump(call(), kind)

        kept = DBOS.run_step({"name": name}, once)
        if ran:
            log.get().info("step finished", step=name, seconds=round(time.monotonic() - began, 2))
        else:
            log.get().debug("step was done before", step=name)
        return records.load(kept, kind)

    def is_rerun(self, run_id: str) -> bool:
        """Inside a step: whether this workflow was begun before, so that an effect may already have happened."""
        status = DBOS.get_workflow_status(run_id)
        return status is not None and (status.recovery_attempts or 0) > 1

    def cancel(self, run_id: str) -> None:
        """Stops a workflow: at once while it waits, at its next step while it runs."""
        DBOS.cancel_workflow(run_id)

    def is_cancelled(self, run_id: str) -> bool:
        """Whether a workflow was cancelled; may be asked from inside its steps."""
        status = DBOS.get_workflow_status(run_id)
        return status is not None and status.status == "CANCELLED"

    def status(self, run_id: str) -> Run | None:
        """A workflow by its id; None when there is none."""
        found = DBOS.list_workflows(workflow_ids=[run_id], load_input=True, load_output=True)
        return _run(found[0]) if found else None

    def answers(self) -> bool:
        """Whether its database answers; takes as long as the database does."""
        try:
            DBOS.list_workflows(limit=1, load_input=False, load_output=False)
        except SQLAlchemyError:
            return False
        return True

    def live(self) -> tuple[Run, ...]:
        """Every workflow that waits or runs."""
        names = [name for name, state in _STATES.items() if state in LIVE]
        return tuple(_run(status) for status in DBOS.list_workflows(status=names))

    def steps(self, run_id: str) -> tuple[StepTime, ...]:
        """The finished steps of a workflow, in order."""
        return tuple(
            StepTime(
                name=step["function_name"],
                started_at=(step["started_at_epoch_ms"] or 0) / 1000,
                ended_at=(step["completed_at_epoch_ms"] or 0) / 1000,
                failed=step["error"] is not None,
            )
            for step in DBOS.list_workflow_steps(run_id)
        )


@contextmanager
def reading(url: str) -> Iterator[Callable[[], tuple[Run, ...]]]:
    """Yields a function that lists all workflows, newest first, without taking the database from its worker."""
    client = DBOSClient(system_database_url=url, serializer=_Json())
    try:
        yield lambda: tuple(_run(status) for status in client.list_workflows(sort_desc=True, limit=200))
    finally:
        client.destroy()


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite address; None for other databases."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _take(file: Path) -> FileLock:
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise EngineInUseError(
            f"Another Segue worker already runs on {file}. Stop it first, or give this one its own DATA_DIR."
        ) from error
    return lock


def _use_wal(file: Path) -> None:
    connection = sqlite3.connect(file)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _quiet() -> None:
    """The library's own console handler goes; its warnings reach our log like everybody's."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True
    logger.setLevel(logging.WARNING)


def _named(name: str, workflow: Workflow) -> Workflow:
    def run(payload: Any) -> Any:
        return workflow(payload)

    run.__name__ = run.__qualname__ = name
    return run


def _run(status: Any) -> Run:
    args = (status.input or {}).get("args") or (None,)
    return Run(
        run_id=status.workflow_id,
        workflow=status.name,
        state=_STATES[status.status],
        payload=args[0],
        output=status.output,
        created_at=(status.created_at or 0) / 1000,
        updated_at=(status.updated_at or 0) / 1000,
    )
