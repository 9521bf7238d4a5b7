"""``segue schedules``: parses, calls, prints."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from agent.commands import loading

app = typer.Typer(help="Recurring rows: see docs/schedules.md.")


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """List the rows with a Schedule: when each is due next, and what is wrong with it."""
    if context.invoked_subcommand is not None:
        return
    from agent import wiring
    from agent.commands import ready_made
    from handlers import registry

    settings = loading.settings()
    table = Table("Row", "Task Type", "Schedule", "Next run", box=None, header_style="bold")
    with wiring.notion(settings) as notion:
        rows = wiring.workspace(notion, settings)
        for line in ready_made.listing(rows, registry.load(), wiring.schedule_zone(settings)):
            table.add_row(line.title, line.task_type, line.schedule, line.following)
    Console().print(table if table.rows else "No row has a Schedule. `segue schedules add` makes some.")


@app.command("add")
def add() -> None:
    """Create the ready-made ones: a daily Clean up, an hourly Sync liked tracks. Again, it changes nothing."""
    from agent import wiring
    from agent.commands import ready_made
    from handlers import registry

    settings = loading.settings()
    with wiring.notion(settings) as notion:
        rows = wiring.workspace(notion, settings)
        for line in ready_made.add(rows, registry.load(), str(wiring.schedule_zone(settings))):
            typer.echo(line)
