"""A person's approval of one plan, told from every other plan by its hash.

A handler that would trash, merge or replace shows its plan first and raises `needed`. The to-do item that this puts on
the page names the plan; ticked, it is the row's answer at the next attempt, and `is_given` says whether that answer
approves exactly the plan at hand. A plan that has changed since is asked for anew, with the reason. When in doubt, it
is not an approval. Nothing is asked of Notion or written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from handlers.base import NeedsHuman
from notion_schema.databases import TaskRow

_SHOWN_DIGITS = 12
_HASH = re.compile(r"[0-9a-f]{12,}")
_APPROVAL = re.compile(
    r"(?:(?:yes|ok|okay|approved?)[,:]?\s+)*(?:the\s+)?(?:plan\s+)?(?P<digits>[0-9a-f]{12,})\s*(?:$|[.!]+$|:(?:\s|$))",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"(?:no|not|none|don\W?t|do\s+not|never|stop|wait|reject(?:ed)?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """The request of a task type whose rows say nothing but, where a plan was shown, whether it is approved."""

    answer: str

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the answer."""
        return cls(answer=row.answer)


def choice(plan_hash: str, words: str) -> str:
    """The to-do item that approves a plan.

    Args:
        plan_hash: the plan's hash as lower-case hexadecimal digits, at least 12.
        words: what will happen, in one line: "move 3 files to quarantine".
    """
    return f"Approve plan {_shown(plan_hash)}: {' '.join(words.split())}".rstrip()


def is_given(answer: str, plan_hash: str) -> bool:
    """Whether ``answer`` approves the plan with this hash.

    Args:
        answer: the row's answer: the ticked to-do items, or what a person typed, one a line. A typed approval is the
            plan's digits (12 or more), alone or after "yes", "ok", "approve" or "plan".
        plan_hash: as given to `choice`.

    A line that refuses ("no", "wait", "do not …") takes back every approval beside it.
    """
    _shown(plan_hash)
    return any(plan_hash.startswith(digits) for digits in _approved(answer))


def is_for_another(answer: str, plan_hash: str) -> bool:
    """Whether ``answer`` approves a plan, but not this one: the plan has changed since it was shown."""
    return bool(_approved(answer)) and not is_given(answer, plan_hash)


def needed(answer: str, plan_hash: str, words: str) -> NeedsHuman:
    """The question that asks for this plan's approval; it says so when an approval of an older plan was found."""
    changed = (
        "The plan has changed since it was approved, so that approval does not hold. "
        if is_for_another(answer, plan_hash)
        else ""
    )
    return NeedsHuman(
        f"{changed}Plan {_shown(plan_hash)} would {' '.join(words.split())}. Nothing is done before you approve it:"
        " tick the to-do item in the page and set Status to Ready.",
        choices=(choice(plan_hash, words),),
    )


def _shown(plan_hash: str) -> str:
    if not _HASH.fullmatch(plan_hash):
        raise ValueError(
            f"A plan's hash has at least {_SHOWN_DIGITS} lower-case hexadecimal digits: {plan_hash!r}."
        )
    return plan_hash[:_SHOWN_DIGITS]


def _approved(answer: str) -> tuple[str, ...]:
    """The digits of every plan that ``answer`` approves; none when a line refuses."""
    lines = [line.strip() for line in answer.splitlines()]
    if any(_REFUSAL.match(line) for line in lines):
        return ()
    return tuple(found["digits"].lower() for line in lines if (found := _APPROVAL.match(line)))
