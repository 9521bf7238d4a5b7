"""What is handed from the run to its report: which attempt at which row, and all that is to be written about it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.engine import StepTime
from agent.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRef:
    """One attempt at one row."""

    database: str
    page_id: str
    attempt: int
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that is to be written about a finished attempt."""

    ref: RowRef
    title: str
    task_type: str
    outcome: Outcome
    started_at: float
    ended_at: float
    steps: tuple[StepTime, ...]
    log: str
