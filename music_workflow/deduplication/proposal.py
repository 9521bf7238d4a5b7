"""A plan as a person reads it before approving: figures, one line for each file, and pictures.

Small enough to be kept as the result of a step. Called by `core.collection`, for the handler.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from music_workflow.deduplication import picture, plans
from music_workflow.deduplication.duplicates import LEAST_COVERAGE
from music_workflow.deduplication.plans import Move, Plan, PlannedGroup
from music_workflow.deduplication.results import Drawn, Line, Proposal
from music_workflow.errors import BadLink
from music_workflow.model import Progress

MOST_LINES = 60
MOST_PICTURES = 8


def propose(plan: Plan, data_dir: str, progress: Progress) -> Proposal:
    """Word a plan and draw its first pairs."""
    lines = tuple(line for group in plan.groups for line in _lines(group))
    return Proposal(
        hash=plan.hash,
        plan_path=str(plans.folder(data_dir, plan.hash) / "plan.json"),
        files=plan.files,
        coverage=plan.coverage,
        groups=len(plan.groups),
        moves=len(plan.moves),
        left=sum(len(group.left) for group in plan.groups),
        freed=plan.freed,
        lines=lines[:MOST_LINES],
        sealed=plan.sealed,
        libraries=plan.libraries,
        pictures=tuple(_pictures(plan, data_dir, progress)),
        refusal=refusal(plan),
    )


def refusal(plan: Plan) -> str | None:
    """Say that fingerprints and names were not used, where too little was heard; None where they were."""
    if plan.by_sound:
        return None
    return (
        f"Only {plan.coverage:.0%} of {plan.files:,} files are fingerprinted, and {LEAST_COVERAGE:.0%} are needed:"
        " below that, fingerprints and names are refused, and only equal sources, ISRCs and sound count. Run"
        " “Rebuild index” (or “music index hear”) and ask again."
    )


def in_words(move: Move) -> str:
    """One move with its proof, as it stands in the row's page and on the terminal."""
    proof = "; ".join(move.says)
    return f"{move.path} ({move.quality}) · kept: {move.against} ({move.why}) · {move.rung}: {proof}"


def _lines(group: PlannedGroup) -> Iterator[Line]:
    for move in group.moves:
        yield Line(name=f"Move: {group.name}", value=in_words(move))
    for left in group.left:
        yield Line(name=f"Stays: {group.name}", value=f"{left.path}, beside {left.against}: {left.why}")


def _pictures(plan: Plan, data_dir: str, progress: Progress) -> Iterator[Drawn]:
    chosen = [(group, group.moves[0]) for group in plan.groups if group.moves][:MOST_PICTURES]
    for number, (group, move) in enumerate(chosen, 1):
        progress(number / len(chosen), f"drawing pair {number} of {len(chosen)}")
        target = plans.folder(data_dir, plan.hash) / f"pair-{number:02}.png"
        try:
            drawn = picture.draw(
                ((move.against, f"kept: {move.against}"), (move.path, f"to be moved: {move.path}")),
            )
        except BadLink:
            continue  # a file that cannot be decoded is a duplicate by its source or hash; there is nothing to draw
        target.write_bytes(drawn)
        caption = f"{group.name}: above the kept file, below {Path(move.path).name}. {'; '.join(move.says)}"
        yield Drawn(path=str(target), caption=caption)
