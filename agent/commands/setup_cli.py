"""The commands of the first evening: ``segue init``, ``segue provision``, ``segue doctor``. Parses, calls, prints."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from agent import log
from agent.commands import loading

_ENV = Path(".env")


def init(
    page: Annotated[
        str, typer.Option(help="Link of the page under which missing databases are created.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="Read the integration's token from this file.")
    ] = None,
    token_env: Annotated[
        str, typer.Option(help="Read the integration's token from this environment variable.")
    ] = "",
    env_file: Annotated[Path, typer.Option(help="The settings file that is written.")] = _ENV,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: agree to what is clear, stop at what is not.")
    ] = False,
) -> None:
    """Set Segue up on your workspace: find the databases, show what they lack, write .env, add what is missing."""
    from agent.commands.env_file import EnvFile
    from agent.commands.init import Wishes, set_up
    from agent.commands.talk import Terminal, Unanswered, Unattended

    settings = loading.read_settings(env_file)
    token = _given_token(token_file, token_env)
    log.configure(
        as_json=settings.log_json,
        level=settings.log_level,
        secrets=(*settings.secrets, *([token] if token else [])),
    )
    try:
        complete = set_up(
            settings,
            EnvFile(env_file),
            Unattended() if yes else Terminal(),
            Wishes(token=token, page=page),
        )
    except (Unanswered, OSError) as problem:
        typer.secho(str(problem), fg="red", err=True)
        sys.exit(1)
    sys.exit(0 if complete else 1)


def _given_token(file: Path | None, variable: str) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise typer.BadParameter(f"The token cannot be read from {file}: {problem}") from None
    if variable:
        if not (token := os.environ.get(variable, "").strip()):
            raise typer.BadParameter(f"The environment variable {variable} is not set.")
        return token
    return ""


def provision(
    page: Annotated[
        str, typer.Option(help="Link of the page under which missing databases are created.")
    ] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Carry the plan out.")] = False,
    write_env: Annotated[bool, typer.Option("--write-env", help="Add the database ids to .env.")] = False,
) -> None:
    """Show what the databases lack; with --apply, add it. Nothing is renamed, retyped or deleted."""
    from agent import setup, wiring
    from agent.commands.env_file import EnvFile
    from notion_schema.errors import Incomplete

    settings = loading.settings(need_databases=False)
    with wiring.notion(settings) as notion:
        plan = setup.plan(notion, settings, page)
        for line in plan.lines or ("Everything is there; nothing is to be added.",):
            typer.echo(line)
        if not apply:
            typer.echo("Nothing was changed. Run again with --apply to carry this out.")
            return
        left = ""
        try:
            ids = setup.apply(notion, plan)
        except Incomplete as full:
            ids, left = full.ids, full.message
    wanted = setup.variables({key: made for key, made in ids.items() if key not in settings.database_ids})
    if wanted and write_env:
        EnvFile(_ENV).write(wanted)
        typer.echo(f"{', '.join(wanted)} stand in .env.")
    elif wanted:
        typer.echo("Put these into .env:\n" + "\n".join(f"{name}={value}" for name, value in wanted.items()))
    if left:
        typer.secho(left, fg="red", err=True)
        sys.exit(1)


_MARKS = {"pass": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    all_lines: Annotated[
        bool, typer.Option("--all", help="Also a line for each setting that is set.")
    ] = False,
) -> None:
    """Examine everything Segue needs; exit code 1 if something does not work. Changes nothing."""
    from agent import wiring
    from agent.checks import configuration

    settings = loading.settings(need_notion=False, quiet=True)
    found = wiring.doctor(settings).examine()
    counts = {verdict: sum(one.verdict == verdict for one in found) for verdict in _MARKS}
    if as_json:
        checks = [asdict(one) for one in found]
        typer.echo(
            json.dumps({"ok": not counts["fail"], "counts": counts, "checks": checks}, ensure_ascii=False)
        )
        sys.exit(1 if counts["fail"] else 0)
    told = [
        one for one in found if all_lines or (one.service, one.verdict) != (configuration.SERVICE, "pass")
    ]
    service = ""
    for one in told:
        if one.service != service:
            service = one.service
            typer.secho(f"\n{service}", bold=True)
        mark, colour = _MARKS[one.verdict]
        typer.secho(f"  {mark} {one.name}: {one.found}", fg=None if one.verdict == "pass" else colour)
        if one.remedy:
            typer.echo(f"      → {one.remedy}")
    typer.echo(f"\n{counts['pass']} passed, {counts['warn']} warnings, {counts['fail']} failed.")
    sys.exit(1 if counts["fail"] else 0)
