"""What runs and what ran, read from the engine's records while the worker goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from agent import records
from agent.engine import LIVE, Run, reading, sqlite_file
from agent.report import Report
from agent.runner import REPORT, RUN


@dataclass(frozen=True, slots=True)
class Line:
    """One run, for people."""

    name: str
    state: str
    began: str
    took: str
    result: str


def recent(engine_url: str, limit: int) -> tuple[Line, ...]:
    """What runs, then what ran, newest first."""
    file = sqlite_file(engine_url)
    if file is not None and not file.exists():
        return ()
    with reading(engine_url) as read:
        # Every live run, however many began after it; one that ended in between counts as ended.
        known = {run.run_id: run for run in (*reversed(read.live()), *read())}.values()
    reports = {
        report.ref.run_id: report
        for run in known
        if run.workflow == REPORT
        for report in [records.load(run.payload["report"], Report)]
    }
    tasks = [run for run in known if run.workflow == RUN]
    live = [run for run in tasks if run.state in LIVE]
    ended = [run for run in tasks if run.state not in LIVE][:limit]
    return tuple(_line(run, reports.get(run.run_id)) for run in (*live, *ended))


def _line(run: Run, report: Report | None) -> Line:
    if report is None:
        began = datetime.fromtimestamp(run.created_at, UTC)
        result = (run.output or {}).get("left_alone", "") if run.output else ""
        return Line(run.run_id.split(":", 1)[-1], run.state, f"{began:%Y-%m-%d %H:%M:%S}", "", result)
    return line_of(report)


def line_of(report: Report) -> Line:
    """An attempt that has ended, for people."""
    began = datetime.fromtimestamp(report.started_at, UTC)
    return Line(
        f"{report.title} · attempt {report.ref.attempt}",
        str(report.outcome.state),
        f"{began:%Y-%m-%d %H:%M:%S}",
        f"{report.ended_at - report.started_at:.1f} s",
        report.outcome.summary,
    )
