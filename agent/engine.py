"""The durable engine: workflows whose finished steps are never run again, on SQLite or PostgreSQL.

The only importer of DBOS. A workflow is a plain function from JSON to JSON; inside it, `Engine.step` runs a function
once and keeps the result. An id is accepted once for ever, which is what makes two pollers harmless. After a crash a
workflow runs again from its start and gets the kept results of its finished steps; the step that was in flight runs
again, so a step looks before it acts (`Engine.is_rerun` tells when that is needed).

On SQLite one worker at a time runs a file, and resumes its own work when it starts. On PostgreSQL any number of workers
share a database; each holds a lease (``leases``), and what a dead one left is handed on by whoever notices first.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, DBOSClient, DBOSConfig
from dbos._error import DBOSWorkflowIDInUseError
from dbos._serialization import Serializer
from sqlalchemy.exc import SQLAlchemyError

from agent import calm, log, records, shutdown
from agent.leases import BeatFailedError, EngineError, EngineInUseError, FileHold, Hold, Lease, parse
from agent.runs import LIVE, Run, RunState, StepTime, spared
from agent.watchdog import Watchdog, clock

P = ParamSpec("P")
T = TypeVar("T")

Workflow = Callable[[Any], Any]
"""A function from JSON-able input to JSON-able output."""

# Pinned, or else each edit of a workflow would strand what is queued; a changed workflow gets a new name instead.
_VERSION = "1"
_MAX_RECOVERIES = 20
_LATEST = 200
# After the grace, threads are given so long to notice; a step that hangs longer is left behind.
_NOTICE_S = 3.0
_FORGET_AT_ONCE = 200

__all__ = [
    "LIVE",
    "Engine",
    "EngineError",
    "EngineInUseError",
    "HaltedError",
    "Reader",
    "Run",
    "RunState",
    "StepTime",
    "reading",
    "sqlite_file",
]


_STATES = {
    "DELAYED": RunState.WAITING,
    "ENQUEUED": RunState.WAITING,
    "PENDING": RunState.RUNNING,
    "SUCCESS": RunState.ENDED,
    "CANCELLED": RunState.CANCELLED,
    "ERROR": RunState.BROKEN,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunState.BROKEN,
}


class HaltedError(BaseException):
    """The engine stops: this workflow goes no further here, and nothing more of it is kept.

    No ``Exception``, so that neither a handler nor the judge of errors takes it for the outcome of the work.
    """


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
    """Runs workflows. One per process: the library underneath is a singleton.

    Args:
        url: a SQLite or PostgreSQL address.
        poll_s: how often each queue is looked at.
        lease_s: on PostgreSQL, after how many seconds without a sign of life a worker's runs are handed on.
        worker: the worker's name, for whoever looks at the leases.
        on_lost: told why the database or the lease is lost; ends the process unless a test watches.
    """

    def __init__(
        self,
        url: str,
        *,
        poll_s: float = 0.2,
        lease_s: float = 60.0,
        worker: str = "",
        on_lost: Callable[[str], None] = shutdown.lost,
    ) -> None:
        self._url = parse(url)
        self._poll_s = poll_s
        file = sqlite_file(url)
        self._hold: Hold = FileHold(file) if file else Lease(self._url, term_s=lease_s, worker=worker)
        self._on_lost = on_lost
        self._watchdog: Watchdog | None = None
        self._janitor: threading.Thread | None = None
        self._workflows: dict[str, Workflow] = {}
        self._lasting: set[str] = set()
        self._queues: frozenset[str] = frozenset()
        self._halt_at: float | None = None
        self._lost = False
        self._stopping = threading.Event()
        self._running = 0
        self._changed = threading.Condition()

    def register(self, name: str, workflow: Workflow, *, lasting: bool = False) -> None:
        """Makes ``workflow`` known under ``name``; before `start`. What is ``lasting`` is never forgotten."""
        self._workflows[name] = workflow
        if lasting:
            self._lasting.add(name)

    def start(self, queues: Mapping[str, int]) -> None:
        """Takes the database, resumes what a crash left unfinished and begins to run.

        Args:
            queues: queue name -> how many workflows of it run at once, in each worker.

        Raises:
            EngineInUseError: another worker runs on the same SQLite file.
            EngineError: the database cannot be used.
        """
        since = clock()
        self._hold.take()
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._watchdog = Watchdog(self._hold, self._lose)
            self._watchdog.start(since)
            self._launch()
            for queue, concurrency in queues.items():
                DBOS.register_queue(queue, worker_concurrency=concurrency, polling_interval_sec=self._poll_s)
            self._queues = frozenset(queues)
            if isinstance(self._hold, Lease):
                self._janitor = threading.Thread(
                    target=self._hand_on, args=(self._hold,), name="segue-janitor", daemon=True
                )
                self._janitor.start()
            undo.pop_all()

    def _launch(self) -> None:
        calm.down("dbos", "sqlalchemy.pool.impl.QueuePool")
        config: DBOSConfig = {
            "name": "segue",
            "system_database_url": self._url.render_as_string(hide_password=False),
            "application_version": _VERSION,
            "executor_id": self._hold.executor_id,
            "serializer": _Json(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 0.25,
            # Nothing here waits for notifications; without them there is a connection less in each worker.
            "use_listen_notify": False,
        }
        DBOS(config=config)
        for name, workflow in self._workflows.items():
            DBOS.workflow(name=name, max_recovery_attempts=_MAX_RECOVERIES)(self._counted(name, workflow))
        DBOS.launch()

    def stop(self, grace_s: float = 0) -> None:
        """Stops taking work, gives the steps that run ``grace_s``, and leaves the rest to the next start.

        A step that ends within the grace is kept, and its workflow begins no other; what ends later is not kept.
        """
        with self._changed:
            self._halt_at = time.monotonic() + grace_s
        self._stopping.set()
        if self._janitor:
            self._janitor.join(_NOTICE_S)
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=math.ceil(grace_s))
        with self._changed:
            if not self._changed.wait_for(lambda: not self._running, _NOTICE_S):
                log.get().warning("steps left in the middle; they are run again", workflows=self._running)
        if self._watchdog:
            self._watchdog.stop()
            self._watchdog = None
        try:
            self._hold.release()
        except BeatFailedError as error:
            log.get().warning("the lease was not given back; it runs out by itself", why=str(error))

    def guard(self) -> None:
        """To be asked just before an effect on the outside: may this worker still have it?

        Raises:
            HaltedError: no: its lease ran out, or the time to stop has come.
        """
        if self._is_halted():
            raise HaltedError

    def must_hold(self) -> None:
        """The same for what no workflow does, a look at the rows for instance: may this worker still act at all?

        Raises:
            HaltedError: no: it has lost its database or its lease, and is about to end.
        """
        if self._has_lost():
            raise HaltedError

    @property
    def lease_age_s(self) -> float | None:
        """Seconds since the lease was renewed; None where there is none (SQLite) or before the start."""
        watchdog = self._watchdog
        return watchdog.age_s if watchdog and self._hold.term_s else None

    def _is_halted(self) -> bool:
        if self._halt_at is not None and time.monotonic() >= self._halt_at:
            return True
        return self._has_lost()

    def _has_lost(self) -> bool:
        watchdog = self._watchdog
        return self._lost or (watchdog is not None and not watchdog.holds())

    def _lose(self, why: str) -> None:
        self._lost = True
        self._on_lost(why)

    def _counted(self, name: str, workflow: Workflow) -> Workflow:
        def run(payload: Any) -> Any:
            with self._changed:
                self._running += 1
            try:
                return workflow(payload)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        run.__name__ = run.__qualname__ = name
        return run

    def _hand_on(self, lease: Lease) -> None:
        """The janitor: what a dead worker left is put back into its queue, where any worker takes it."""
        while not self._stopping.is_set():
            try:
                # In this order: a worker has its lease before it can have a run.
                executors = {
                    str(status.executor_id)
                    for status in DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
                    if status.executor_id
                }
                for executor in sorted(lease.dead(executors)):
                    # Private, and the only call that hands on by "still this executor's": two janitors who act at
                    # once do not run a workflow twice. tests/agent/test_engine.py holds it to that.
                    handed = DBOS._recover_pending_workflows([executor])  # noqa: SLF001
                    log.get().warning("runs of a dead worker handed on", worker=executor, runs=len(handed))
            except (BeatFailedError, SQLAlchemyError) as error:
                log.get().warning("dead workers not looked for", why=str(error).splitlines()[0])
            self._stopping.wait(lease.term_s / 3)

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
        if self._halt_at is not None:
            raise HaltedError
        began = time.monotonic()
        ran = False

        def once() -> Any:
            nonlocal ran
            self.guard()
            ran = True
            log.get().info("step started", step=name)
            try:
                return records.dump(call(), kind)
            finally:
                # Whatever came of it, a child that was ended with us included, is not this workflow's fate.
                self.guard()

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

    def must_stop(self, run_id: str) -> bool:
        """Whether what a workflow's step began is to be ended: it was cancelled, or this worker stops."""
        return self._is_halted() or self.is_cancelled(run_id)

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

    def forget(self, older_than_s: float) -> int:
        """Deletes the records of workflows that ended more than ``older_than_s`` seconds ago.

        Two kinds are spared whatever their age: all of a family (the ids that share what stands before ``:number``)
        of which something still waits or runs, and the member with the highest number of each family, so that an old
        row that still looks ready at that number is not run once more. So is what was registered as lasting. Safe in
        several workers at once.

        Returns:
            How many were deleted. On SQLite the room is used again, the file does not shrink.
        """
        ended = [name for name, state in _STATES.items() if state not in LIVE]
        before_ms = (time.time() - older_than_s) * 1000
        known = DBOS.list_workflows(load_input=False, load_output=False)
        kept = spared((status.workflow_id, _STATES[status.status]) for status in known)
        old = [
            status.workflow_id
            for status in known
            if status.status in ended
            and (status.completed_at or status.updated_at or 0) < before_ms
            and status.workflow_id not in kept
            and status.name not in self._lasting
        ]
        for start in range(0, len(old), _FORGET_AT_ONCE):
            DBOS.delete_workflows(old[start : start + _FORGET_AT_ONCE])
        return len(old)


class Reader:
    """The engine's records, read while its worker goes on. Calling it lists the latest workflows.

    Every method raises ``EngineError`` when the database cannot be read.
    """

    def __init__(self, client: DBOSClient) -> None:
        self._client = client

    def __call__(self) -> tuple[Run, ...]:
        """The latest workflows, newest first."""
        return self._list(sort_desc=True, limit=_LATEST)

    def live(self) -> tuple[Run, ...]:
        """Every workflow that waits or runs, oldest first."""
        return self._list(status=[name for name, state in _STATES.items() if state in LIVE])

    def of(self, workflow: str, limit: int) -> tuple[Run, ...]:
        """The latest workflows of one name, newest first."""
        return self._list(name=workflow, sort_desc=True, limit=limit)

    def kept(self, run_id: str) -> dict[str, Any]:
        """The finished steps of a workflow, in order, with what each result is kept as; failed ones left out."""
        try:
            steps = self._client.list_workflow_steps(run_id)
        except SQLAlchemyError as error:
            raise _unreadable(error) from None
        return {step["function_name"]: step["output"] for step in steps if step["error"] is None}

    def _list(self, **wanted: Any) -> tuple[Run, ...]:
        try:
            return tuple(_run(status) for status in self._client.list_workflows(**wanted))
        except SQLAlchemyError as error:
            raise _unreadable(error) from None


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """Yields the engine's records, without taking the database from its worker.

    Raises:
        EngineError: the database cannot be read.
    """
    parsed = parse(url)
    try:
        client = DBOSClient(
            system_database_url=parsed.render_as_string(hide_password=False),
            serializer=_Json(),
            retry_connection_errors=False,
        )
    except SQLAlchemyError as error:
        raise _unreadable(error) from None
    try:
        yield Reader(client)
    finally:
        client.destroy()


def _unreadable(error: SQLAlchemyError) -> EngineError:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return EngineError(f"The engine's database cannot be read: {said}. Has a worker run on it yet?")


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite address; None for other databases."""
    parsed = parse(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


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
