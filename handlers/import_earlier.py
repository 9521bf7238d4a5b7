"""Takes over what the system before Segue left: trigger files, writes that never reached Notion, volume indexes.

Put the paths of its folders on the worker's machine into Description, a line each. The files are read, never changed,
and a plan with one proposal for each row is shown in the page. Nothing is written before you approve exactly that plan.
Then rows are created as drafts without a Task Type, values are set where the row is older than the file and still says
what the plan showed, and agents' reports are added as notes. Run again, it finds what was imported and does nothing.

If it stays Blocked:
- It asks for paths: write them into Description, a line each, and set Status to Ready.
- It asks for an approval: read the plan, tick the item in the page, set Status to Ready. If the plan has changed
  meanwhile, it is shown anew and asks again.
If it Failed: the linked issue says why. What was written before stays and is recognised by the next run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from earlier_system import showing
from earlier_system.model import WRITES, Move, Plan, Proposal
from earlier_system.planning import plan
from earlier_system.reading import NotThereError, read
from handlers import approval
from handlers.base import Done, Evidence, Job, NeedsHuman, Tools, handler, minutes
from handlers.earlier_port import Carried, EarlierRows
from notion_schema.databases import TaskRow

_PATH = re.compile(r"^\W*?((?:file://)?(?:/|~|[A-Za-z]:\\).+?)\W*$")
_MOST_SHOWN = 90
"""Lines of evidence a row's page holds in one table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which folders, and the approval where one was given."""

    paths: tuple[str, ...]
    answer: str

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the paths from Description, a line each."""
        lines = [line.strip().strip("`") for line in (row.description or "").splitlines()]
        paths = tuple(found[1].removeprefix("file://") for line in lines if (found := _PATH.match(line)))
        if not paths:
            raise NeedsHuman(
                "The row names no folder of the earlier system. Write the paths on the worker's machine into"
                " Description, a line each, for example ~/Documents/Agents/Agent-Triggers, and set Status to Ready."
            )
        return cls(paths=paths, answer=row.answer)


@handler(
    "Import earlier system",
    aliases=("Migrate earlier system",),
    attempts=3,
    timeout=minutes(60),
    steps={"make the plan": 30, "carry it out": 70},
)
def import_earlier(job: Job[Request], tools: Tools) -> Done:
    """The plan, then what was approved of it."""
    made = job.step("make the plan", make_plan, job.request.paths, tools.earlier)
    todo = made.of(*WRITES)
    shown = _evidence(made)
    if not todo:
        return Done(summary=f"Nothing is to be taken over: {showing.summary(made)}.", evidence=shown)
    if not approval.is_given(job.request.answer, made.hash):
        raise _asks(job.request.answer, made, shown)
    carried = job.step("carry it out", carry_out, todo, tools.earlier)
    written = sum(one.written for one in carried)
    return Done(
        summary=f"{written} of {len(todo)} proposals were carried out; {showing.summary(made)}.",
        evidence=tuple(Evidence(one.title, f"{one.said} {one.url}".strip()) for one in carried),
    )


def make_plan(paths: tuple[str, ...], rows: EarlierRows) -> Plan:
    """Reads the files and compares them with the rows.

    Raises:
        NeedsHuman: a path is not there.
    """
    try:
        findings = read(paths)
    except NotThereError as error:
        raise NeedsHuman(f"{error} Then set Status to Ready.") from None
    return plan(findings, rows.rows(findings))


def carry_out(proposals: tuple[Proposal, ...], rows: EarlierRows) -> tuple[Carried, ...]:
    """Writes the proposals one after the other."""
    return tuple(rows.carry_out(one) for one in proposals)


def _asks(answer: str, made: Plan, shown: tuple[Evidence, ...]) -> NeedsHuman:
    asked = approval.needed(
        answer, made.hash, f"write {len(made.of(*WRITES))} rows ({showing.summary(made)})"
    )
    return NeedsHuman(str(asked), choices=asked.choices, evidence=shown)


def _evidence(made: Plan) -> tuple[Evidence, ...]:
    """The figures, then each proposal; those that would write come first."""
    lines = [Evidence("Plan", showing.summary(made))]
    order = [*made.of(*WRITES), *made.of(Move.HUMAN), *made.of(Move.SKIP)]
    lines += [
        Evidence(f"{one.move.value}: {one.title}", "\n".join(showing.details(one)))
        for one in order[:_MOST_SHOWN]
    ]
    if len(order) > _MOST_SHOWN:
        rest = f"{len(order) - _MOST_SHOWN} more; `segue import-earlier` shows them all"
        lines.append(Evidence("And", rest))
    lines += [Evidence(f"not understood: {path}", why) for path, why in made.unread[:_MOST_SHOWN]]
    return tuple(lines)
