"""``music verify``: whether a filed track still stands as it was recorded."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from music_workflow.cli.settings import MusicSettings
from music_workflow.errors import BadLink
from music_workflow.model import Check


def verify(
    track: Annotated[
        str, typer.Argument(help="A file of the library, a track's key, or the run that filed it.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Hold a track's files, sound, tags, index entries and Eagle items against what was recorded.

    The exit code is 1 when a check fails.
    """
    from music_workflow.core.library import Library  # noqa: PLC0415 - keeps --help fast

    library = Library(MusicSettings().library())
    filed = library.lookup(track) or library.lookup_file(track)
    if filed is None:
        raise BadLink(f"The library knows nothing under “{track}”.", service="library", operation="verify")
    checks = library.verify(filed, None)
    if as_json:
        for check in checks:
            typer.echo(json.dumps(asdict(check), ensure_ascii=False))
    else:
        _print(checks)
    if any(check.verdict == "fail" for check in checks):
        sys.exit(1)


def _print(checks: tuple[Check, ...]) -> None:
    table = Table("Check", "Verdict", "Expected", "Found")
    for check in checks:
        table.add_row(check.name, check.verdict, check.expected, check.found)
    Console().print(table)
