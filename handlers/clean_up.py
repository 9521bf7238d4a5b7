"""Clears away what Segue made for itself and no longer needs. Best as a recurring row: `segue schedules add`.

Work files of rows that do not run and temporary files that a crash left behind, logs of old attempts (the rows' pages
keep theirs), old records of the engine; where AGENT_TRIGGERS_DIR is set, old trigger files are moved to the agent's
05_archive folder (Segue's own stay in the inbox until they are taken). Only what is older than CLEAN_UP_DAYS (engine
records: ENGINE_RETENTION_DAYS), never music, never a row. With the words "Dry run" in Description it only counts.

If it Failed: a file could not be removed; Last error names it. Set its permissions right, then set Status to Ready.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from handlers.base import Done, Evidence, Job, Swept, Tools, handler, minutes
from notion_schema.databases import TaskRow

_DRY_RUN = re.compile(r"^\W*dry[ -]run\b(?!\W*(?:no|off|false))", re.IGNORECASE | re.MULTILINE)
_UNIT = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """Whether anything is to be touched."""

    dry_run: bool

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Looks for “Dry run” in Description."""
        return cls(dry_run=bool(_DRY_RUN.search(row.description or "")))


@handler(
    "Clean up",
    aliases=("Clean-up", "Cleanup"),
    attempts=2,
    timeout=minutes(30),
    steps={"work files": 40, "run logs": 30, "trigger files": 10, "engine records": 20},
)
def clean_up(job: Job[Request], tools: Tools) -> Done:
    """Clears one kind after the other and counts what went."""
    dry_run = job.request.dry_run
    upkeep = tools.upkeep
    swept = {
        "Work files": job.step("work files", _sweep, upkeep.work_files, dry_run),
        "Run logs": job.step("run logs", _sweep, upkeep.run_logs, dry_run),
        "Trigger files archived": job.step("trigger files", _sweep, upkeep.trigger_files, dry_run),
        "Engine records": job.step("engine records", _sweep, upkeep.engine_records, dry_run),
    }
    total = sum(one.bytes for one in swept.values())
    counted = ", ".join(f"{one.count} {name.lower()}" for name, one in swept.items() if one.count)
    said = f"{counted}; {_size(total)}" if counted else "nothing"
    return Done(
        summary=f"A dry run: {said} would be cleared." if dry_run else f"Cleared: {said}.",
        evidence=tuple(Evidence(name, _line(one)) for name, one in swept.items()),
    )


def _sweep(sweep: Callable[..., Swept], dry_run: bool) -> Swept:  # noqa: FBT001 - steps pass no names
    return sweep(dry_run=dry_run)


def _line(swept: Swept) -> str:
    if swept.note:
        return swept.note
    return (
        f"{swept.count:,} · {_size(swept.bytes)} ({swept.bytes:,} bytes)"
        if swept.bytes
        else f"{swept.count:,}"
    )


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < _UNIT:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= _UNIT
    return f"{count:.1f} GB"
