"""``music dedupe``: find duplicates, show the plan with its proofs, set aside what was approved, take it back."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from music_workflow.cli.progress import progress
from music_workflow.cli.settings import collection as opened
from music_workflow.deduplication.results import Skipped

if TYPE_CHECKING:
    from music_workflow.deduplication.plans import Plan  # keeps --help fast

app = typer.Typer(
    no_args_is_help=True, help="Duplicates: plan, apply, undo. Nothing moves before you approve a plan."
)
PlanHash = Annotated[str, typer.Argument(help="The plan's hash; its first twelve digits are enough.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def plan(
    *,
    scan: Annotated[bool, typer.Option(help="Look through the folders first.")] = True,
    as_json: AsJson = False,
) -> None:
    """Find duplicates, prove each against the file that is kept, and print the plan with its hash."""
    from music_workflow.deduplication.proposal import refusal  # noqa: PLC0415 - loads numpy

    collection = opened()
    if scan:
        collection.scan()
    with progress() as tell:
        found = collection.plan_duplicates(tell)
    if as_json:
        typer.echo(json.dumps({"hash": found.hash, **asdict(found)}, ensure_ascii=False))
        return
    _print_plan(found)
    for words in (refusal(found), *(f"Not read: {each}" for each in found.sealed)):
        if words:
            typer.echo(words, err=True)


@app.command()
def apply(
    *,
    approve: Annotated[
        str, typer.Option(help="The hash of the plan that you approve, as “plan” printed it.")
    ],
    batch: Annotated[int, typer.Option(min=1, help="Files to set aside at most.")] = 100,
) -> None:
    """Set the duplicates of an approved plan aside, a batch at a time; each file is checked again first."""
    done = opened().set_aside(approve, batch)
    for path in done.moved:
        typer.echo(f"set aside  {path}")
    _print_skipped(done.skipped)
    typer.echo(f"{len(done.moved)} set aside ({done.freed / 1e6:,.1f} MB), {done.remaining} still to do.")
    if done.manifest:
        typer.echo(f"To take it back: music dedupe undo {approve[:12]}    ({done.manifest})")


@app.command()
def undo(plan_hash: PlanHash) -> None:
    """Put back everything that a plan set aside, or say what stands in the way."""
    done = opened().undo(plan_hash)
    for path in done.restored:
        typer.echo(f"put back  {path}")
    _print_skipped(done.blocked)
    typer.echo(
        f"{len(done.restored)} put back, {done.there_already} were there, {len(done.blocked)} could not be."
    )
    if done.blocked:
        sys.exit(1)


@app.command()
def purge(
    plan_hash: PlanHash,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Delete for good; without it, only say so.")] = False,
) -> None:
    """Delete what a plan set aside, for good, as far as the kept files still stand unchanged."""
    collection = opened()
    if not yes:
        found = collection.plan(plan_hash)
        typer.echo(
            f"Up to {len(found.moves)} files ({found.freed / 1e6:,.1f} MB) would be deleted for good; add --yes."
        )
        return
    done = collection.purge(plan_hash)
    _print_skipped(done.kept)
    typer.echo(f"{len(done.deleted)} deleted, {done.freed / 1e6:,.1f} MB freed.")


def _print_plan(found: Plan) -> None:
    for group in found.groups:
        typer.echo(f"\n{group.name}")
        for file in group.kept:
            typer.echo(f"  keep   {file.path}  ({file.quality})")
        for move in group.moves:
            typer.echo(f"  move   {move.path}  ({move.quality})")
            typer.echo(f"         {move.rung}: {'; '.join(move.says)}")
            typer.echo(f"         kept instead: {move.against}: {move.why}")
        for left in group.left:
            typer.echo(f"  stays  {left.path}: {left.why}")
    if found.groups:
        typer.echo("")
    typer.echo(
        f"{len(found.moves)} of {found.files:,} files would be set aside, in {len(found.groups)} groups"
        f" ({found.freed / 1e6:,.1f} MB). Fingerprints cover {found.coverage:.0%}."
    )
    if found.moves:
        typer.echo(f"Plan {found.hash}\nTo approve it: music dedupe apply --approve {found.hash[:12]}")


def _print_skipped(skipped: tuple[Skipped, ...]) -> None:
    for each in skipped:
        typer.echo(f"left alone  {each.path}: {each.why}")
