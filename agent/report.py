"""What is handed from the run to its report: which attempt at which row, and all that is to be written about it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from agent.engine import StepTime
from agent.outcome import Outcome
from notion_schema.databases import TaskRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRef:
    """One attempt at one row."""

    database: str
    page_id: str
    attempt: int
    run_id: str


_MOST_ATTEMPTS = 999_999
_RUN_ID_PARTS = 3


def run_id(data_source_id: str, page_id: str, attempt: int) -> str:
    """The id of an attempt at a row."""
    return f"{data_source_id}:{page_id}:{attempt}"


def run_ids(data_source_id: str, page_id: str, attempt: int) -> Iterator[str]:
    """The ids of an attempt: its own, then those under which it is begun again when a run ends before it takes it."""
    first = run_id(data_source_id, page_id, attempt)
    yield first
    yield from (f"{first}.{generation}" for generation in itertools.count(2))


def page_of(text: str) -> str | None:
    """The page that a run id names; None when it is no run id."""
    parts = text.split(":")
    return parts[1] if len(parts) == _RUN_ID_PARTS else None


def attempts_of(row: TaskRow) -> int:
    """How many attempts a row counts; nought when somebody has written there what cannot be a count."""
    count = row.attempt or 0.0
    return int(count) if 0 <= count <= _MOST_ATTEMPTS else 0


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
    handed_off_from: tuple[str, ...] = ()
    """The rows that gave rise to this one."""

    def cleaned(self, clean: Callable[[str], str]) -> Report:
        """The same without secrets in the texts that people read; links to work with and choices to tick stay whole."""
        outcome = self.outcome
        evidence = tuple(
            replace(one, value=clean(one.value), expected=clean(one.expected)) for one in outcome.evidence
        )
        return replace(
            self,
            log=clean(self.log),
            outcome=replace(
                outcome,
                summary=clean(outcome.summary),
                error=clean(outcome.error) if outcome.error else None,
                question=clean(outcome.question) if outcome.question else None,
                evidence=evidence,
            ),
        )
