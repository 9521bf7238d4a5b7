"""A plan in words, for the dry run, the terminal and the row."""

from __future__ import annotations

from collections.abc import Iterator

from gap_analysis.model import Gap, Mention
from gap_analysis.planning import Move, Plan, Step, priority_of, title_of

_VERBS = {
    Move.CREATE: "create",
    Move.UPDATE: "update",
    Move.CLOSE: "close",
    Move.REOPEN: "reopen",
    Move.UNCHANGED: "unchanged",
    Move.LEFT: "left alone",
    Move.DONE: "done, not filed",
    Move.WAIT: "next run",
}


def summary(plan: Plan) -> str:
    """The figures of a plan in one sentence."""
    figures = [
        f"{len(plan.of(Move.CREATE))} created",
        f"{len(plan.of(Move.UPDATE))} updated",
        f"{len(plan.of(Move.CLOSE))} closed",
    ]
    for move, words in (
        (Move.REOPEN, "reopened"),
        (Move.UNCHANGED, "unchanged"),
        (Move.LEFT, "left alone"),
        (Move.DONE, "done and never filed"),
        (Move.WAIT, "waiting for the next run"),
    ):
        if steps := plan.of(move):
            figures.append(f"{len(steps)} {words}")
    return ", ".join(figures)


def lines(plan: Plan) -> Iterator[str]:
    """What is done about each gap, which places became one row, and what was passed over and why."""
    for step in plan.steps:
        yield _line(step)
        if step.why:
            yield f"    {step.why}"
    manifold = [step.gap for step in plan.steps if step.gap and len(_places(step.gap)) > 1]
    if manifold:
        yield ""
        yield "One gap in several places (--no-merge KEY files its places as rows of their own):"
        for gap in manifold:
            yield from _merge(gap)
    if plan.analysis.passed_over:
        yield ""
        yield "Passed over:"
        for one in plan.analysis.passed_over:
            yield f"  {one.section}: {one.wording} ({one.why})"
    if plan.unknown_refusals:
        yield ""
        yield f"No merged gap has the key {', '.join(plan.unknown_refusals)}."


def merges(plan: Plan) -> Iterator[tuple[int, str]]:
    """For each gap named in several places: how many, and a line with its title, its key and the places."""
    for step in plan.steps:
        if step.gap and step.gap.is_merged:
            sections = [place.section for place in _places(step.gap)]
            yield len(sections), f"{step.title} [{short_key(step.key)}]: {', '.join(sections)}"


def short_key(key: str) -> str:
    """A key without the document's part, as a person types it."""
    return key.rsplit(":", 1)[-1]


def _line(step: Step) -> str:
    priority = (priority_of(step.gap) if step.gap else None) or "-"
    return f"{_VERBS[step.move]:<16}{step.home:<18}{priority:<10}{step.title}  [{short_key(step.key)}]"


def _places(gap: Gap) -> tuple[Mention, ...]:
    return (*gap.mentions, *gap.pointers)


def _merge(gap: Gap) -> Iterator[str]:
    yield f"  {title_of(gap)}  [{short_key(gap.key)}]{'' if gap.is_merged else '  (one place, and what points to it)'}"
    for place in gap.mentions:
        yield f"    {place.section}: {place.wording}{' (done)' if place.done else ''}"
    for place in gap.pointers:
        yield f"    {place.section}: {place.wording} (points to it)"
