"""Notion: the token, each database, its columns, its status words, its task types, and who rows are assigned to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.checks.lines import failed, passed, warned
from agent.poller import TASK_DATABASES
from agent.settings import Settings
from agent.setup import REQUIRED, VARIABLES
from handlers.base import Diagnosis
from handlers.registry import Registry
from notion_schema.client import Notion
from notion_schema.databases import SPECS
from notion_schema.errors import NotionError, Unavailable
from notion_schema.ids import BadId, parse_id
from notion_schema.rows import Finding, Level
from notion_schema.vocabulary import State
from notion_schema.workspace import STATUS, Database, Workspace

SERVICE = "Notion"
_WITHOUT = {
    "execution_logs": "no row is written for each attempt",
    "music_artists": "artists are not linked",
    "music_playlists": "playlists are not linked",
}


def check_token(notion: Notion) -> Diagnosis:
    """Whether Notion answers and knows the token."""
    try:
        me = notion.me()
    except Unavailable as error:
        return failed(SERVICE, "token", str(error), "Check the network and https://www.notion-status.com.")
    except NotionError as error:
        return failed(SERVICE, "token", str(error), "Run “segue init” with a valid token.")
    workspace = (me.get("bot") or {}).get("workspace_name") or "a workspace without a name"
    return passed(
        SERVICE, "token", f"Notion knows it as “{me.get('name') or 'an integration'}” in {workspace}."
    )


def check_databases(workspace: Workspace, settings: Settings, registry: Registry) -> Iterator[Diagnosis]:
    """Every database: named, reachable, with what the worker needs."""
    for key in SPECS:
        if key in workspace.databases:
            yield from _database(workspace.databases[key], settings, registry)
        elif key in workspace.problems:
            yield failed(
                SERVICE,
                SPECS[key].title,
                str(workspace.problems[key]),
                f"Correct {VARIABLES[key]} or run “segue init”.",
            )
        elif key not in REQUIRED:
            yield warned(
                SERVICE,
                SPECS[key].title,
                f"{VARIABLES[key]} is not set: {_WITHOUT[key]}.",
                "Run “segue init” if you want it.",
            )
    yield from _doubles(workspace)


def _database(database: Database[Any], settings: Settings, registry: Registry) -> Iterator[Diagnosis]:
    yield passed(SERVICE, database.title, f"Found, data source {database.id}.")
    yield from (_of_finding(finding) for finding in database.preflight() if finding.level is not Level.INFO)
    yield _columns(database)
    if database.key in TASK_DATABASES:
        yield from _words(database)
        yield from _task_types(database, registry)
        yield from _assignment(database, settings)


def _of_finding(finding: Finding) -> Diagnosis:
    name = f"{finding.database}: {finding.property_name or 'columns'}"
    speak = failed if finding.level is Level.FAILURE else warned
    return speak(SERVICE, name, finding.sentence, finding.remedy)


def _columns(database: Database[Any]) -> Diagnosis:
    columns = database.binding.columns
    renamed = [
        f"{column.kind.name} by “{column.name}”"
        for column in columns.values()
        if column.name != column.kind.name and column.type != "title"
    ]
    others = f" Served by another name: {', '.join(renamed)}." if renamed else ""
    twins = [
        f.sentence for f in database.preflight() if f.level is Level.INFO and f.subject.endswith("/twins")
    ]
    known = len(columns) + len(database.binding.unbound)
    return passed(
        SERVICE,
        f"{database.title}: columns",
        f"{len(columns)} of the {known} columns Segue knows are there.{others} {' '.join(twins)}".strip(),
    )


def _words(database: Database[Any]) -> Iterator[Diagnosis]:
    if not database.has(STATUS):
        return
    live = database.options(STATUS)
    meant = "; ".join(
        f"{state} is {' or '.join(f'“{word}”' for word in words)}"
        for state in State
        if (words := [word for word in database.vocabulary.words(state) if word in live])
    )
    yield passed(SERVICE, f"{database.title}: status words", f"{meant}.")
    if not any(word in live for word in database.vocabulary.words(State.CANCELLED)):
        yield warned(
            SERVICE,
            f"{database.title}: cancelling",
            "No status means cancelled, so a run cannot be stopped from its row; moving the row to the trash does.",
            f"Add an option and name it by {database.vocabulary.setting}_CANCELLED, if you want that.",
        )


def _task_types(database: Database[Any], registry: Registry) -> Iterator[Diagnosis]:
    if not database.has("task_type"):
        return
    live = database.options("task_type")
    absent = [name for name, one in registry.handlers.items() if not set(one.names) & set(live)]
    name = f"{database.title}: task types"
    if absent:
        yield warned(
            SERVICE,
            name,
            f"No option stands for {', '.join(f'“{one}”' for one in absent)}, so nobody can choose it.",
            "Run “segue provision --apply”.",
        )
    else:
        yield passed(SERVICE, name, f"All {len(registry.handlers)} can be chosen.")


def _assignment(database: Database[Any], settings: Settings) -> Iterator[Diagnosis]:
    if not settings.agent_page_id:
        return
    name = f"{database.title}: assignment"
    try:
        parse_id(settings.agent_page_id)
    except BadId as problem:
        yield failed(SERVICE, name, f"AGENT_PAGE_ID: {problem}")
        return
    if database.has("assigned_to"):
        yield passed(SERVICE, name, f"Rows are assigned by “{database.column_name('assigned_to')}”.")
    else:
        yield warned(
            SERVICE,
            name,
            f"It has no column “{settings.assigned_property}”, so its rows are Segue's by Task Type alone.",
            "Correct ASSIGNED_PROPERTY, or leave it so.",
        )


def _doubles(workspace: Workspace) -> Iterator[Diagnosis]:
    places: dict[str, list[str]] = {}
    for key, database in workspace.databases.items():
        places.setdefault(database.id, []).append(key)
    for keys in places.values():
        if len(keys) > 1:
            yield failed(
                SERVICE,
                " and ".join(SPECS[key].title for key in keys),
                f"{' and '.join(VARIABLES[key] for key in keys)} name the same database.",
                "Correct one of them; “segue init” finds the right one.",
            )
