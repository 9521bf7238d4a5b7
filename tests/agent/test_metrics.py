"""The figures: what is counted under which label, and what never becomes one."""

from __future__ import annotations

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.engine import Run, RunState
from agent.outcome import Outcome
from agent.poller import Look
from agent.report import Report, RowRef
from agent.rows.new_rows import NEW_ROW
from agent.runner import REPORT, RUN
from agent.web.metrics import Metrics
from handlers.registry import load
from notion_schema.calls import RequestNote
from notion_schema.vocabulary import State

TITLE = "My private playlist"


def _figures(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples, as Prometheus's own reader of the format sees them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def _run(workflow: str, state: RunState) -> Run:
    return Run(
        run_id=TITLE, workflow=workflow, state=state, payload=None, output=None, created_at=0, updated_at=0
    )


def _report(task_type: str, state: State) -> Report:
    now = time.time()
    return Report(
        ref=RowRef(database="agent_tasks", page_id=TITLE, attempt=1, run_id=TITLE),
        title=TITLE,
        task_type=task_type,
        outcome=Outcome(state=state, summary=TITLE),
        started_at=now - 30,
        ended_at=now,
        steps=(),
        log=TITLE,
    )


def _note(status: int | None, attempt: int = 1, waited_s: float = 0.0) -> RequestNote:
    return RequestNote(
        method="PATCH", endpoint="pages/{}", status=status, code=None, request_id=None, seconds=0.2,
        waited_s=waited_s, attempt=attempt,
    )  # fmt: skip


@pytest.fixture
def metrics() -> Metrics:
    """Figures of a worker with three tasks, a report and a row on their way, and a lease renewed 7 s ago."""
    live = [
        _run(RUN, RunState.RUNNING), _run(RUN, RunState.RUNNING), _run(RUN, RunState.WAITING),
        _run(REPORT, RunState.WAITING), _run(NEW_ROW, RunState.RUNNING),
    ]  # fmt: skip
    return Metrics(load(), lambda: live, lambda: 7.0)


def test_what_waits_and_runs_is_counted_by_kind(metrics: Metrics) -> None:
    """As of the last look; a database that failed is told from one that was read."""
    metrics.tend(Look(postponed=4, failed={"issues_questions": TITLE}))
    figures = _figures(metrics)
    depths = {labels: value for (name, labels), value in figures.items() if name == "segue_queue_depth"}
    assert {tuple(value for _, value in labels): depth for labels, depth in depths.items()} == {
        ("task", "running"): 2, ("task", "waiting"): 1, ("report", "waiting"): 1, ("report", "running"): 0,
        ("row", "running"): 1, ("row", "waiting"): 0,
    }  # fmt: skip
    assert figures["segue_rows", (("state", "postponed"),)] == 4
    assert figures["segue_looks_total", (("database", "issues_questions"), ("result", "failed"))] == 1
    assert figures["segue_looks_total", (("database", "agent_tasks"), ("result", "ok"))] == 1
    assert figures["segue_last_good_look_timestamp_seconds", ()] == 0
    assert figures["segue_lease_age_seconds", ()] == 7


def test_runs_are_timed_by_task_type_and_outcome(metrics: Metrics) -> None:
    """An alias counts as its task type; what no handler does counts as other, whatever a row may say."""
    metrics.on_report(_report("Music Track Sync", State.DONE))
    metrics.on_report(_report("sync track", State.DONE))
    metrics.on_report(_report(TITLE, State.BLOCKED))
    figures = _figures(metrics)
    done = (("outcome", "done"), ("task_type", "Sync track"))
    assert figures["segue_run_seconds_count", done] == 2
    assert figures["segue_run_seconds_sum", done] == pytest.approx(60, abs=1)
    assert figures["segue_run_seconds_count", (("outcome", "blocked"), ("task_type", "other"))] == 1


def test_requests_to_notion_are_counted_by_kind_and_status(metrics: Metrics) -> None:
    """Answers, silence, waits, answers 429, and what was sent again."""
    for note in (_note(200), _note(200, waited_s=0.3), _note(429), _note(None), _note(200, attempt=2)):
        metrics.on_request(note)
    figures = _figures(metrics)

    def count(status: str) -> float:
        labels = (("endpoint", "pages/{}"), ("method", "PATCH"), ("status", status))
        return figures["segue_notion_requests_total", labels]

    assert (count("200"), count("429"), count("none")) == (3, 1, 1)
    assert figures["segue_notion_wait_seconds_count", ()] == 1
    assert figures["segue_notion_rate_limited_total", ()] == 1
    assert figures["segue_notion_retries_total", (("method", "PATCH"),)] == 1


def test_no_label_says_what_a_row_is_about(metrics: Metrics) -> None:
    """No title, link, id or sentence stands in any figure; without a lease there is no figure of one."""
    metrics.tend(Look(failed={"agent_tasks": TITLE}))
    metrics.on_report(_report(TITLE, State.FAILED))
    metrics.on_event("woke")
    metrics.on_trigger(201)
    assert TITLE not in metrics.text().decode()
    alone = Metrics(load(), list)
    assert "segue_lease_age" not in alone.text().decode()
