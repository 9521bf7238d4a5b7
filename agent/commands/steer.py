"""Steering from the shell what people steer in Notion: by the row's Status, and by nothing else.

A row is named by its link, its id, or the beginning of its run's id as `segue top` shows it. To cancel is to write the
word that means cancelled, to retry is to write the word that means ready; a worker sees it there as if a person had
done it on the board. Called by ``agent.commands.steer_cli``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent import records
from agent.commands.refusal import RefusedError
from agent.engine import LIVE, Run
from agent.report import RowRef
from agent.runner import RUN
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.ids import BadId, parse_id
from notion_schema.vocabulary import State
from notion_schema.workspace import Database, Workspace

_SHORTEST = 4
_LISTED = 5
_OVER = (State.DONE, State.FAILED, State.CANCELLED, State.ARCHIVED)


class SteerError(RefusedError):
    """What was asked for cannot be done; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which row is meant, and which of its attempts, if one was named."""

    page_id: str
    attempt: str = ""


def resolve(text: str, known: Iterable[Run]) -> Target:
    """The row that a link, an id or the beginning of a run's id names.

    Raises:
        SteerError: it names none, or several.
    """
    try:
        return Target(parse_id(text))
    except BadId as error:
        why = str(error)
    wanted = text.strip().casefold()
    runs = [run.run_id for run in known if run.workflow == RUN]
    # "source:page:attempt"; people see it without the source.
    found = {name for name in runs if wanted in (name, short(name))} or {
        name for name in runs if name.startswith(wanted) or short(name).startswith(wanted)
    }
    pages = {name.split(":")[1] for name in found}
    if len(wanted) < _SHORTEST or not pages:
        raise SteerError(f"“{text}” names no row: {why} The beginning of a run's id will do as well.")
    if len(pages) > 1:
        listed = ", ".join(sorted(map(short, found))[:_LISTED])
        raise SteerError(f"“{text}” may mean {len(pages)} rows: {listed}. Give more of the id.")
    exact = [name for name in found if wanted in (name, short(name))]
    return Target(pages.pop(), exact[0].rsplit(":", 1)[1] if exact else "")


def short(run_id: str) -> str:
    """A run's id without its data source: page and attempt."""
    return run_id.split(":", 1)[-1]


def cancel(rows: Workspace, page_id: str) -> str:
    """Writes the word that means cancelled; returns a sentence.

    Raises:
        SteerError: there is nothing to cancel, or the database has no such word.
    """
    database, row = _row(rows, page_id)
    state = database.vocabulary.state(row.status, row.run_state)
    word = database.vocabulary.word(State.CANCELLED)
    if state in _OVER:
        raise SteerError(f"“{row.title}” is {row.status}; there is nothing to cancel.")
    if word is None or word not in database.options("status"):
        raise SteerError(
            f"{database.title} has no Status that means cancelled. Move the row to the trash instead."
        )
    database.update(row.id, {"status": word})
    then = " A worker stops it at its next look." if state is State.RUNNING else ""
    return f"“{row.title}”: {row.status} → {word}.{then}"


def retry(rows: Workspace, page_id: str) -> str:
    """Writes the word that means ready, due now; returns a sentence.

    Raises:
        SteerError: it runs, is a template, or is no task.
    """
    database, row = _row(rows, page_id)
    state = database.vocabulary.state(row.status, row.run_state)
    if state is State.RUNNING:
        raise SteerError(f"“{row.title}” is running. Cancel it first: segue cancel {row.id}")
    if row.schedule.strip():
        raise SteerError(f"“{row.title}” has a Schedule: it is a template and makes rows when it is due.")
    if not row.task_type:
        raise SteerError(f"“{row.title}” has no Task Type; choose one, so that Segue knows what to do.")
    word = database.vocabulary.word(State.READY)
    database.update(row.id, {"status": word, **({"run_after": None} if database.has("run_after") else {})})
    return f"“{row.title}”: {row.status} → {word}."


def is_live(runs: Iterable[Run], page_id: str, attempt: str) -> bool:
    """Whether an attempt at a row waits or runs."""
    for run in runs:
        if run.workflow == RUN and run.state in LIVE:
            ref: RowRef = records.load(run.payload, RowRef)
            if ref.page_id == page_id and run.run_id.rsplit(":", 1)[1] == attempt:
                return True
    return False


def _row(rows: Workspace, page_id: str) -> tuple[Database[TaskRow], TaskRow]:
    parent = rows.notion.retrieve_page(page_id)["parent"]
    places = {parent.get("data_source_id"), parent.get("database_id")}
    for key in (AGENT_TASKS, ISSUES):
        database = rows.databases.get(key)
        if database is not None and places & {database.id, database.place.database_id}:
            row: TaskRow = database.get(page_id)
            if row.in_trash:
                raise SteerError(f"“{row.title}” is in the trash.")
            return database, row
    raise SteerError(f"{page_id} is no row of Agent-Tasks or Issues+Questions.")
