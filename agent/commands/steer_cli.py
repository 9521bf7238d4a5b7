"""``segue top``, ``cancel``, ``retry`` and ``logs``: parses, calls, prints."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from agent.commands import loading

if TYPE_CHECKING:
    from agent.commands import steer
    from agent.engine import Reader, Run
    from agent.settings import Settings

Row = Annotated[
    str, typer.Argument(metavar="ROW", help="Link or id of the row, or the beginning of a run's id.")
]
_LIVE_EVERY_S = 1.0


def top(
    once: Annotated[bool, typer.Option("--once", help="Print how things stand, and end.")] = False,
    ended: Annotated[int, typer.Option(min=0, help="How many ended runs to show.")] = 10,
) -> None:
    """Watch the worker: what runs and its step, what waits, what ended last. Ctrl-C ends it."""
    from agent import wiring
    from agent.commands import top as view
    from handlers import registry

    settings = loading.settings(need_notion=False)
    types = registry.load()
    console = Console()
    with _records(settings) as read:
        if read is None:
            console.print("No worker has run here yet.")
            return

        def look() -> view.Snapshot:
            return view.take(read, types, wiring.pace_standing(settings), ended=ended)

        if once or not console.is_terminal:
            console.print(view.render(look()))
            return
        with (
            contextlib.suppress(KeyboardInterrupt),
            Live(view.render(look()), console=console, screen=True, auto_refresh=False) as live,
        ):
            while True:
                time.sleep(_LIVE_EVERY_S)
                live.update(view.render(look()), refresh=True)


def cancel(row: Row) -> None:
    """Set a row's Status to the word that means cancelled; a worker stops what runs."""
    from agent import wiring
    from agent.commands import steer

    settings = loading.settings()
    target = _target(settings, row)
    with wiring.notion(settings) as notion:
        typer.echo(steer.cancel(wiring.workspace(notion, settings), target.page_id))


def retry(row: Row) -> None:
    """Set a row's Status to the word that means ready, due now."""
    from agent import wiring
    from agent.commands import steer

    settings = loading.settings()
    target = _target(settings, row)
    with wiring.notion(settings) as notion:
        typer.echo(steer.retry(wiring.workspace(notion, settings), target.page_id))


def logs(
    row: Row,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the run has ended.")] = False,
) -> None:
    """Print the log of a row's latest attempt, or of the run that is named."""
    from agent import wiring
    from agent.commands import run_logs, steer

    settings = loading.settings(need_notion=False)
    with _records(settings) as read:
        target = steer.resolve(row, _runs(read))
        folder = wiring.data_dir(settings) / "runs" / target.page_id
        there = run_logs.attempts(folder)
        attempt = target.attempt or (there[-1] if there else "")
        if attempt not in there:
            raise steer.SteerError(
                "This machine has no log of it: it has not run yet, its log was cleared, or another machine's worker"
                " ran it (the row's Worker column names it). The row's page has the log of each attempt."
            )

        def goes_on() -> bool:
            return follow and read is not None and steer.is_live(read.live(), target.page_id, attempt)

        with contextlib.suppress(KeyboardInterrupt):
            for line in run_logs.lines(folder / f"{attempt}.log", goes_on=goes_on):
                typer.echo(line)


def _target(settings: Settings, row: str) -> steer.Target:
    from agent.commands import steer

    with _records(settings) as read:
        return steer.resolve(row, _runs(read))


def _runs(read: Reader | None) -> tuple[Run, ...]:
    """Every run that waits or works, however old, and the latest ones."""
    return (*read.live(), *read()) if read else ()


@contextlib.contextmanager
def _records(settings: Settings) -> Iterator[Reader | None]:
    """The engine's records; None where there are none yet."""
    from agent.engine import reading, sqlite_file

    file = sqlite_file(settings.engine_url)
    if file is not None and not file.exists():
        yield None
        return
    with reading(settings.engine_url) as read:
        yield read
