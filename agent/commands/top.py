"""``segue top``: what runs with its step, what waits, what ended last, and how Notion is paced; read, never changed.

Everything comes from the engine's records and the pace's file, so that it costs no request to Notion, and works beside
a running worker on SQLite as on PostgreSQL. Called by ``agent.commands.steer_cli``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent import records
from agent.commands.history import Line, line_of
from agent.commands.steer import short
from agent.engine import Reader, Run, RunState
from agent.report import Report, RowRef
from agent.runner import REPORT, RUN
from handlers.registry import Registry
from notion_schema.pace import Standing

_STATE_COLORS = {"done": "green", "failed": "red", "blocked": "yellow", "review": "yellow", "ready": "cyan"}
_MINUTE_S, _HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A run at work."""

    name: str
    """Page and attempt, by which `segue cancel` and `segue logs` take it."""
    title: str
    task_type: str
    step: str
    percent: int
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How things stand at one moment."""

    running: tuple[Running, ...]
    waiting: int
    reports: int
    """Reports that are being delivered or wait to be."""
    rows: int
    """Rows of schedules and triggers that are being filed."""
    ended: tuple[Line, ...]
    pace: Standing | None


def take(read: Reader, types: Registry, pace: Standing | None, *, ended: int) -> Snapshot:
    """Looks once.

    Args:
        read: the engine's records.
        types: the task types, which know their steps.
        pace: how the token stands.
        ended: how many ended runs to show.
    """
    live = read.live()
    counts = Counter((run.workflow if run.workflow in (RUN, REPORT) else "row", run.state) for run in live)
    now = time.time()
    at_work = [run for run in live if run.workflow == RUN and run.state is RunState.RUNNING]
    reports: list[Report] = [
        records.load(run.payload["report"], Report) for run in read.of(REPORT, 2 * ended)
    ]
    latest = {report.ref.run_id: report for report in reports}
    return Snapshot(
        running=tuple(_running(run, read.kept(run.run_id), types, now) for run in at_work),
        waiting=counts[RUN, RunState.WAITING],
        reports=counts[REPORT, RunState.WAITING] + counts[REPORT, RunState.RUNNING],
        rows=counts["row", RunState.WAITING] + counts["row", RunState.RUNNING],
        ended=tuple(line_of(report) for report in list(latest.values())[:ended]),
        pace=pace,
    )


def _running(run: Run, kept: Mapping[str, object], types: Registry, now: float) -> Running:
    ref: RowRef = records.load(run.payload, RowRef)
    claim = kept.get("claim")
    row = claim.get("row") if isinstance(claim, dict) else None
    title, task_type = (str((row or {}).get(name) or "") for name in ("title", "task_type"))
    handler = types.find(task_type)
    began = kept.get("clock")
    step, percent = "taking the row", 0
    if handler is not None:
        names = list(handler.steps)
        done = max((names.index(name) + 1 for name in kept if name in handler.steps), default=0)
        step = names[done] if done < len(names) else "finishing"
        percent = round(100 * sum(handler.steps[name] for name in names[:done]) / sum(handler.steps.values()))
    return Running(
        name=short(run.run_id),
        title=title or ref.page_id,
        task_type=task_type,
        step=step,
        percent=percent,
        age_s=now - (began if isinstance(began, (int, float)) else run.created_at),
    )


def render(snapshot: Snapshot) -> RenderableType:
    """The snapshot for a terminal."""
    running = Table(
        "Running", "Task Type", "Step", "", "For", "Run", box=None, header_style="bold", expand=True
    )
    for one in snapshot.running:
        running.add_row(
            one.title,
            one.task_type,
            one.step,
            f"{one.percent} %",
            age(one.age_s),
            Text(one.name, style="dim"),
        )
    if not snapshot.running:
        running.add_row(Text("nothing", style="dim"))
    ended = Table("Ended", "State", "Took", "Result", box=None, header_style="bold", expand=True)
    for line in snapshot.ended:
        ended.add_row(
            line.name, Text(line.state, style=_STATE_COLORS.get(line.state, "")), line.took, line.result
        )
    return Group(Text(summary(snapshot), style="bold"), "", running, "", ended)


def summary(snapshot: Snapshot) -> str:
    """One line: how much of what, and how Notion is paced."""
    parts = [f"{len(snapshot.running)} running", f"{snapshot.waiting} waiting"]
    if snapshot.reports:
        parts.append(f"{snapshot.reports} reports on their way")
    if snapshot.rows:
        parts.append(f"{snapshot.rows} rows being filed")
    return " · ".join([*parts, _paced(snapshot.pace)])


def _paced(pace: Standing | None) -> str:
    if pace is None:
        return "Notion not asked yet"
    if pace.closed_s > 0:
        return f"Notion asked to be left alone for another {age(pace.closed_s)}"
    if pace.in_line > 0:
        return f"Notion: {pace.in_line} requests in line"
    return f"Notion: {pace.free} of {pace.burst} requests free"


def age(seconds: float) -> str:
    """A length of time for people: 12 s, 3:05, 2:00:07."""
    whole = int(max(0.0, seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    hours, rest = divmod(whole, _HOUR_S)
    minutes, left = divmod(rest, _MINUTE_S)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
