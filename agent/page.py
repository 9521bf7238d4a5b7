"""How an attempt reads on its row's page: a section of blocks, small enough to be appended in one request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from agent.problems.issue_notes import Words
from agent.report import Report
from notion_schema import blocks
from notion_schema.vocabulary import State

_ICONS = {
    State.DONE: "✅",
    State.READY: "⏳",
    State.BLOCKED: "✋",
    State.FAILED: "❌",
    State.CANCELLED: "🚫",
    State.REVIEW: "🔎",
}
_WORDS = {
    State.DONE: "completed",
    State.READY: "to be tried again",
    State.BLOCKED: "needs you",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
    State.REVIEW: "to be reviewed",
}
_VERDICTS = {"pass": "✅ pass", "warn": "⚠️ warning", "fail": "❌ fail", "skip": "⏭️ skip"}
_MOST_LOG = 60_000
_MOST_ROWS = 80


def marker(run_id: str) -> str:
    """The line by which a section is found again; the same in every process that may write it."""
    return f"Run {run_id}"


def section(report: Report, uploads: tuple[str, ...], mark: str) -> list[dict[str, Any]]:
    """The blocks of one attempt: what came of it, the picture, the proof, the steps with times, the log."""
    outcome = report.outcome
    took = report.ended_at - report.started_at
    parts = [
        blocks.heading(2, f"Attempt {report.ref.attempt}: {_WORDS[outcome.state]}"),
        blocks.callout(outcome.summary, _ICONS[outcome.state]),
        *(blocks.to_do(choice) for choice in outcome.choices),
        *(blocks.image(upload, one.caption) for upload, one in zip(uploads, outcome.pictures, strict=False)),
    ]
    if outcome.evidence:
        parts += [blocks.heading(3, "Evidence"), _evidence(report)]
    parts += [
        blocks.heading(3, f"Steps, {took:.1f} s in all"),
        _steps(report),
        blocks.toggle("Log", [blocks.code(report.log or "(nothing was logged)")]),
        blocks.paragraph(mark),
    ]
    return parts


_HEADING = re.compile(r"Attempt \d+: (.+)")


def ticked(found: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """The choices that a person ticked below the latest question on the page.

    Those of an older question do not count, nor do to-do items elsewhere on the page; a question stays the latest while
    the attempts after it only wait to be tried again.
    """
    latest: list[str] = []
    among_choices = False
    for block in found:
        text = blocks.plain_text(block)
        if block["type"].startswith("heading_"):
            words = heading[1] if (heading := _HEADING.fullmatch(text)) else ""
            among_choices = words == _WORDS[State.BLOCKED]
            if words in _WORDS.values() and words != _WORDS[State.READY]:
                latest = []
        elif block["type"] == "to_do" and among_choices and block["to_do"]["checked"]:
            latest.append(text)
    return tuple(latest)


def issue_body(words: Words) -> list[dict[str, Any]]:
    """What a newly filed issue says on its page."""
    parts = [blocks.paragraph(words.description)]
    if words.origin:
        parts.append(blocks.paragraph(words.origin))
    for name, text in (("Traceback", tail(words.details)), ("Log", words.log)):
        if text:
            parts.append(blocks.toggle(name, [blocks.code(text)]))
    return parts


def _evidence(report: Report) -> dict[str, Any]:
    evidence = report.outcome.evidence
    shown = evidence[:_MOST_ROWS]
    if any(one.verdict for one in shown):
        rows = [("Check", "Verdict", "Expected", "Found")]
        rows += [(one.name, _VERDICTS.get(one.verdict or "", ""), one.expected, one.value) for one in shown]
    else:
        rows = [("What", "Value"), *((one.name, one.value) for one in shown)]  # type: ignore[list-item] # rows of two
    return blocks.table(rows)


def _steps(report: Report) -> dict[str, Any]:
    rows = [("Step", "Began (UTC)", "Took")]
    for step in report.steps[:_MOST_ROWS]:
        began = datetime.fromtimestamp(step.started_at, UTC)
        rows.append(
            (
                f"{step.name} (failed)" if step.failed else step.name,
                f"{began:%H:%M:%S}",
                f"{step.ended_at - step.started_at:.2f} s",
            )
        )
    return blocks.table(rows)


def tail(text: str) -> str:
    """The end of a log or traceback, as much as a page takes; it says how much is missing."""
    if len(text) <= _MOST_LOG:
        return text
    return f"… (the first {len(text) - _MOST_LOG:,} characters are in the worker's log)\n{text[-_MOST_LOG:]}"
