"""A plan in words, for the terminal and the row."""

from __future__ import annotations

from collections.abc import Iterator

from earlier_system.model import DESCRIPTION, WRITES, Move, Plan, Proposal

_MOST_PLACES = 3
_LONGEST = 160
_DONE = {Move.CREATE: "created", Move.SET: "changed", Move.NOTE: "given a note"}


def summary(plan: Plan) -> str:
    """The figures of a plan in one sentence."""
    parts = [f"{len(plan.of(move))} rows to be {_DONE[move]}" for move in WRITES]
    parts.append(f"{len(plan.of(Move.HUMAN))} for you")
    parts.append(f"{len(plan.of(Move.SKIP))} skipped")
    if plan.unread:
        parts.append(f"{len(plan.unread)} files not understood")
    return ", ".join(parts)


def lines(plan: Plan) -> Iterator[str]:
    """Every proposal with its reason and its files, then what could not be read."""
    for one in plan.proposals:
        yield f"{one.move.value:<10}  {one.title}  [{one.home.value}]"
        yield from (f"    {line}" for line in details(one))
    if plan.unread:
        yield ""
        yield "Not understood, and left where they are:"
        yield from (f"    {path}: {why}" for path, why in plan.unread)


def details(one: Proposal) -> Iterator[str]:
    """What a proposal would write, why, and which files say so."""
    for name, text in one.values.items():
        if name != DESCRIPTION:
            yield f"{name}: “{one.was.get(name, '')}” becomes “{text}”" if one.was else f"{name}: {text}"
    if DESCRIPTION in one.was:
        yield f"description: “{_short(one.was[DESCRIPTION])}” becomes “{_short(one.values[DESCRIPTION])}”"
    if one.note:
        yield f"note: {_short(one.note)}"
    if one.why:
        yield one.why
    more = len(one.places) - _MOST_PLACES
    yield "from " + ", ".join(one.places[:_MOST_PLACES]) + (f" and {more} more" if more > 0 else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
