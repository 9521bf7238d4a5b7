"""The ``segue`` command: parses, calls, prints. What takes long to import is imported where it is used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from agent.commands import earlier_cli, schedules_cli, setup_cli, steer_cli, webhooks_cli
from agent.commands.loading import SettingsError
from agent.commands.loading import settings as _settings

app = typer.Typer(
    name="segue",
    help="A Notion-native agent task worker for a music library.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
task_app = typer.Typer(help="Task rows.", no_args_is_help=True)
workspace_app = typer.Typer(
    help="The embedded workspace: a Notion of your own on this machine.", no_args_is_help=True
)
app.add_typer(task_app, name="task")
app.add_typer(workspace_app, name="workspace")
app.add_typer(schedules_cli.app, name="schedules")
app.add_typer(webhooks_cli.app, name="webhooks")
app.command()(steer_cli.top)
app.command()(steer_cli.cancel)
app.command()(steer_cli.retry)
app.command()(steer_cli.logs)
app.command()(setup_cli.init)
app.command()(setup_cli.provision)
app.command()(setup_cli.doctor)
app.command()(earlier_cli.import_earlier)


def main() -> None:
    """Runs the command; an expected error ends it with one sentence."""
    from agent.commands.refusal import RefusedError
    from agent.leases import EngineError
    from handlers.base import HandlerWordError
    from handlers.registry import RegistryError
    from notion_schema.errors import NotionError
    from notion_schema.ids import BadId

    try:
        app()
    except (
        NotionError,
        EngineError,
        RegistryError,
        BadId,
        HandlerWordError,
        SettingsError,
        RefusedError,
    ) as error:
        _fail(str(error))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when all rows are done.")] = False,
    audio: Annotated[Path | None, typer.Option(help="Use the audio files of this folder.")] = None,
    port: Annotated[int, typer.Option(help="Port of the board; 0 takes a free one.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Keep everything in this folder.")] = None,
) -> None:
    """The main job on the embedded workspace: rows become finished tracks, nothing leaves this machine."""
    from agent.demo import run_demo

    sys.exit(run_demo(once=once or not sys.stdout.isatty(), audio=audio, port=port, data=data))


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="One look; what it finds is run to its end.")] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Until nothing is due and nothing runs.")
    ] = False,
    webhooks: Annotated[
        bool, typer.Option("--webhooks", help="Listen for Notion's events and for triggers.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Where to listen, instead of WEBHOOKS_PORT.")] = None,
) -> None:
    """Work: poll the task databases, run what is ready, report."""
    from agent import shutdown, wiring

    settings = _settings()
    listen = wiring.address(settings, port) if webhooks else None
    with wiring.worker(settings, listen=listen, patient=not (once or until_idle)) as worker:
        worker.start()
        shutdown.on_signals(worker.ask_to_stop, settings.stop_grace_seconds)
        if once:
            complete = worker.run_once()
        elif until_idle:
            complete = worker.run_until_idle()
        else:
            worker.run_forever()
            complete = True
        worker.stop(settings.stop_grace_seconds)
    shutdown.end_now(0 if complete else 1)


@app.command()
def handlers() -> None:
    """List the task types, each with its runbook."""
    from handlers import registry

    console = Console()
    known = registry.load()
    for name, handler in known.handlers.items():
        aliases = f"  (also: {', '.join(handler.aliases)})" if handler.aliases else ""
        console.print(f"[bold]{name}[/bold]{aliases}", highlight=False)
        console.print(
            f"up to {handler.attempts} attempts of {handler.timeout_s / 60:.0f} minutes · {' → '.join(handler.steps)}",
            style="dim",
            highlight=False,
        )
        console.print(known.runbook(name).strip(), markup=False, highlight=False)
        console.print()


@task_app.command("add")
def task_add(
    task_type: Annotated[str, typer.Argument(help="For example “Sync track”.")],
    url: Annotated[str, typer.Option(help="The link the task is about.")] = "",
    title: Annotated[str, typer.Option(help="The row's title.")] = "",
    priority: Annotated[str, typer.Option(help="Critical, High, Medium, Low or Routine.")] = "",
) -> None:
    """Create a task row, ready to run."""
    from agent import wiring
    from agent.commands import tasks
    from handlers import registry

    settings = _settings()
    known = registry.load()
    if known.find(task_type) is None:
        _fail(f"There is no task type “{task_type}”. Segue does: {', '.join(known.handlers)}.")
    with wiring.notion(settings) as notion:
        row = tasks.add(
            wiring.workspace(notion, settings), task_type, url=url, title=title, priority=priority
        )
    typer.echo(f"{row.title}\n{row.url}")


@app.command("file-gaps")
def file_gaps(
    document: Annotated[str, typer.Argument(help="Path of a Markdown file, or link of a Notion page.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    no_merge: Annotated[
        list[str] | None,
        typer.Option(help="Key of a merged gap whose places are to be rows of their own; may be repeated."),
    ] = None,
    cap: Annotated[int, typer.Option(min=1, help="Most rows created in one run.")] = 100,
) -> None:
    """File what a gap analysis says is missing: one row per gap; again, it only brings its rows up to date."""
    from agent.commands import gaps

    settings = _settings(need_notion=not (dry_run and Path(document).is_file()))
    for line in gaps.file(settings, document, dry_run=dry_run, no_merge=tuple(no_merge or ()), cap=cap):
        typer.echo(line)


@app.command()
def status(
    limit: Annotated[int, typer.Option(help="How many ended runs to show.")] = 20,
) -> None:
    """Show what runs and what ran on this machine."""
    from agent.commands import history

    settings = _settings(need_notion=False)
    table = Table("Run", "State", "Began (UTC)", "Took", "Result", box=None, header_style="bold")
    for line in history.recent(settings.engine_url, limit):
        table.add_row(line.name, line.state, line.began, line.took, line.result)
    Console().print(table if table.rows else "Nothing has run yet.")


@workspace_app.command("serve")
def workspace_serve(
    data: Annotated[Path, typer.Option(help="Folder of the workspace.")] = Path("workspace"),
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8787,
    token: Annotated[str, typer.Option(help="The integration's token; a new one is made without it.")] = "",
    root_page: Annotated[str, typer.Option(help="Id of the top page.")] = "",
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault switch, name=value; may be repeated.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write each exchange to this file as JSON lines.")
    ] = None,
) -> None:
    """Serve the embedded workspace: the API for the worker, the board for you."""
    from agent import embedded

    try:
        embedded.serve(data, port=port, token=token, root_page=root_page, faults=fault or [], record=record)
    except ValueError as error:
        _fail(str(error))


@workspace_app.command("load")
def workspace_load(
    file: Annotated[Path, typer.Argument(help="A shape file: databases with their properties and options.")],
    data: Annotated[Path, typer.Option(help="Folder of the workspace; not while it is served.")] = Path(
        "workspace"
    ),
    rows: Annotated[int, typer.Option(help="How many rows to generate in each database.")] = 0,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal rows.")] = 0,
) -> None:
    """Build databases from a shape file, with generated rows."""
    from agent import embedded

    try:
        made = embedded.load(file, data, rows=rows, seed=seed)
    except (ValueError, OSError) as error:
        _fail(str(error))
    for key, source_id in made.items():
        typer.echo(f"{key}\t{source_id}")


def _fail(sentence: str) -> NoReturn:
    Console(stderr=True).print(sentence, style="red", markup=False, highlight=False)
    sys.exit(1)
