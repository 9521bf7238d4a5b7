"""What a handler is given while it runs: the ``Job`` of ``handlers.base``, on the engine.

A step's result is kept; a step that would begin after the attempt's time is refused. Made by ``runner`` alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from agent import child, records
from agent.engine import Engine
from agent.report import RowRef
from handlers.base import Handler
from music_workflow.model import Progress
from notion_schema.databases import TaskRow

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class AtWork:
    """A run whose handler is at work in this process.

    Attributes:
        ref: the attempt.
        row: the row as it was taken.
        handler: who works.
        try_number: which try in a row this is.
        began: when the attempt began, in seconds since the epoch; also before a restart.
        deadline: until when it may take, on the monotonic clock; after a restart the time counts anew.
        step: the step that runs or ran last.
    """

    ref: RowRef
    row: TaskRow
    handler: Handler[Any]
    try_number: int
    began: float
    deadline: float
    step: str = ""


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
                timeout_s=max(1.0, self._deadline - time.monotonic()),
                stopped=self._stopped,
            )

        return self._keep(name, work, in_child)

    def _keep(self, name: str, work: Callable[..., T], call: Callable[[], Any]) -> T:
        if name not in self._handler.steps:
            raise ValueError(f"{self._handler.task_type} does not declare the step {name!r}.")

        def shown() -> Any:
            if time.monotonic() > self._deadline:
                minutes = self._handler.timeout_s / 60
                raise child.TimedOutError(
                    f"It took longer than {minutes:.0f} minutes; “{name}” was not begun."
                )
            self._at_step(name)
            return call()

        value: T = self._engine.keep(name, records.result_type(work), shown)
        return value
