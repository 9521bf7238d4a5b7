"""``segue import-earlier``: what the *Import earlier system* handler does, at once and on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands import loading


def import_earlier(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of the earlier system; only read.")],
    approve: Annotated[
        str, typer.Option(help="Carry out the plan with this hash; without it the plan is only shown.")
    ] = "",
) -> None:
    """Show what can be taken over from the system before Segue; with --approve HASH, take it over."""
    from agent import wiring
    from earlier_system import showing
    from earlier_system.model import WRITES
    from handlers import approval
    from handlers.import_earlier import make_plan

    settings = loading.settings()
    with wiring.notion(settings) as notion:
        rows = wiring.earlier_rows(wiring.workspace(notion, settings))
        plan = make_plan(tuple(map(str, paths)), rows)
        todo = plan.of(*WRITES)
        if not approve:
            for line in showing.lines(plan):
                typer.echo(line)
        typer.echo(f"{showing.summary(plan)}.")
        if not todo:
            typer.echo("Nothing is to be written.")
            return
        digits = plan.hash[:12]
        if not approve:
            typer.echo(f"Nothing was written. To carry this plan out, run it again with --approve {digits}")
            return
        if not approval.is_given(approve, plan.hash):
            typer.echo(
                f"Nothing was written: {approve} is not this plan, which is {digits}. Look at it again.",
                err=True,
            )
            sys.exit(1)
        for one in todo:
            carried = rows.carry_out(one)
            typer.echo(f"{carried.said}  {carried.title}  {carried.url}")
