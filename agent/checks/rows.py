"""Rows that nobody would notice: without a status, with one that means nothing, or claimed by a worker that is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from agent.checks.lines import failed, passed, warned
from agent.poller import TASK_DATABASES
from handlers.base import Diagnosis
from handlers.registry import Registry
from notion_schema.databases import TaskRow
from notion_schema.errors import NotionError
from notion_schema.filters import Filter
from notion_schema.rows import Level
from notion_schema.vocabulary import State
from notion_schema.workspace import STATUS, Database, Workspace

SERVICE = "Notion"
MOST_READ = 1000
MOST_LISTED = 10
_READ = (STATUS, "title", "task_type", "run_state", "lease_until", "worker")


def check(workspace: Workspace, registry: Registry, now: datetime | None = None) -> Iterator[Diagnosis]:
    """Looks at the rows of the task databases that can be worked with; reads only rows that stand out."""
    moment = now or datetime.now(UTC)
    for key in TASK_DATABASES:
        database = workspace.databases.get(key)
        if database is None or any(finding.level is Level.FAILURE for finding in database.preflight()):
            continue
        try:
            yield from _statusless(database, registry)
            yield from _meaningless(database, registry)
            yield from _expired(database, moment)
        except NotionError as error:
            yield failed(SERVICE, f"{database.title}: rows", str(error))


def _statusless(database: Database[TaskRow], registry: Registry) -> Iterator[Diagnosis]:
    rows = _some(database, database.is_empty(STATUS))
    name = f"{database.title}: rows without a status"
    ours = [row for row in rows if registry.find(row.task_type)]
    others = [row for row in rows if not registry.find(row.task_type)]
    if ours:
        remedy = f"Set {database.column_name(STATUS)} to “{database.vocabulary.word(State.READY)}” to have them done."
        yield warned(SERVICE, name, f"{_count(ours)} with a Task Type of Segue's: {_listed(ours)}", remedy)
    if others:
        yield warned(
            SERVICE,
            name,
            f"{_count(others)} of other people or agents; Segue leaves them alone: {_listed(others)}",
            "Give them a status if somebody is to see them.",
        )
    if not rows:
        yield passed(SERVICE, name, "None.")


def _meaningless(database: Database[TaskRow], registry: Registry) -> Iterator[Diagnosis]:
    """Statuses that no setting gives a meaning: on Segue's rows that is work which never begins."""
    words = database.vocabulary
    meant = {word for state in State for word in words.words(state)}
    unknown = [option for option in database.options(STATUS) if option not in meant]
    served = [name for name in registry.names if name in database.options("task_type")]
    name = f"{database.title}: rows with a status that means nothing"
    if not unknown or not served:
        yield passed(SERVICE, name, "None.")
        return
    rows = _some(
        database,
        database.all_of(database.equals(STATUS, *unknown), database.equals("task_type", *served)),
    )
    if not rows:
        yield passed(SERVICE, name, f"None (such are {', '.join(f'“{word}”' for word in unknown)}).")
        return
    yield warned(
        SERVICE,
        name,
        f"{_count(rows)} with a Task Type of Segue's: {_listed(rows, with_status=True)}",
        f"Segue does not begin these. Set them to “{words.word(State.READY)}”, or name their status by"
        f" {words.setting}_READY if it means ready.",
    )


def _expired(database: Database[TaskRow], now: datetime) -> Iterator[Diagnosis]:
    name = f"{database.title}: claims that ran out"
    running = database.in_state(State.RUNNING)
    if running is None or not database.has("lease_until"):
        return
    claimed = _some(database, database.all_of(running, database.is_not_empty("lease_until")))
    late = [row for row in claimed if row.lease_until and row.lease_until < now]
    if late:
        workers = ", ".join(sorted({row.worker for row in late if row.worker})) or "unknown"
        yield warned(
            SERVICE,
            name,
            f"{_count(late)} that no worker renews (last one: {workers}): {_listed(late)}",
            "Start a worker: it takes them over and says so on the row.",
        )
    else:
        yield passed(SERVICE, name, f"None; {len(claimed)} claimed.")


def _some(database: Database[TaskRow], wanted: Filter | None) -> list[TaskRow]:
    read = [attr for attr in _READ if database.has(attr)]
    return list(islice(database.query(wanted, only=read), MOST_READ))


def _count(rows: list[TaskRow]) -> str:
    more = " or more" if len(rows) >= MOST_READ else ""
    return f"{len(rows)}{more} {'row' if len(rows) == 1 else 'rows'}"


def _listed(rows: Iterable[TaskRow], *, with_status: bool = False) -> str:
    rows = sorted(rows, key=lambda row: (row.status or "", row.title.casefold(), row.id))
    shown = "; ".join(
        f"“{row.title or 'Untitled'}”{f' ({row.status})' if with_status else ''} {row.url}"
        for row in rows[:MOST_LISTED]
    )
    left = len(rows) - MOST_LISTED
    return f"{shown}; and {left} more" if left > 0 else shown
