"""The command line: ``python -m notion_local serve``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from notion_local.faults import Faults
from notion_local.server import serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="notion_local", description="A Notion-compatible server on loopback."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serve", help="serve a workspace until Ctrl-C")
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=8765, help="0 takes a free one")
    command.add_argument("--data", type=Path, help="folder of the workspace; in memory when absent")
    command.add_argument("--token", help="the integration's token; a new one when absent")
    command.add_argument("--root-page", dest="root_page_id", metavar="UUID")
    command.add_argument("--root-title", default="Segue")
    command.add_argument("--integration-name", default="Segue")
    command.add_argument("--person-name", default="You")
    command.add_argument("--record", type=Path, metavar="FILE", help="append every exchange as a JSON line")
    command.add_argument(
        "--now", type=datetime.fromisoformat, help="let the server's clock begin at this time"
    )
    command.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE")
    return parser


def clock_from(start: datetime) -> Callable[[], float]:
    """Return a clock that shows a given time now and runs on from there."""
    offset = start.timestamp() - time.time()
    return lambda: time.time() + offset


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the process's exit status."""
    given = vars(_parser().parse_args(arguments))
    given.pop("command")
    switches = dict(pair.partition("=")[::2] for pair in given.pop("fault"))
    now = given.pop("now")
    if now is not None:
        given["clock"] = clock_from(now)
    try:
        faults = Faults(**switches)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 the command's output
        return 2
    serve(given.pop("data"), faults=faults, **given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
