"""Handing work on: follow-up rows, each once, and the word back to the row that is waiting.

A follow-up carries the row it came from in *Handed off from*. Two things end a chain: a row that reviews is not
reviewed in turn, and no chain grows longer than the settings allow; what is refused for its length becomes an issue.
Called by ``reporting`` inside durable steps; ``returns`` tells the originator of the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent import log
from agent.present import row_of
from agent.problems.issues import Issues
from agent.report import Report
from handlers.base import FollowUp, Handback
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.vocabulary import RunState, State
from notion_schema.workspace import Database, Workspace

_RUN_STATES = {
    State.DONE: RunState.DONE,
    State.READY: RunState.WAITING,
    State.BLOCKED: RunState.BLOCKED,
    State.FAILED: RunState.FAILED,
    State.REVIEW: RunState.REVIEW,
}


class Handoff:
    """Files follow-ups and hands back.

    Args:
        workspace: Where.
        issues: Told of a chain that is too long.
        reviews: Whether a task type checks what another row did.
        most_links: How many rows a chain may have behind the one a person or a schedule made.
    """

    def __init__(
        self,
        workspace: Workspace,
        issues: Issues,
        reviews: Callable[[str], bool],
        *,
        most_links: int,
    ) -> None:
        self._workspace = workspace
        self._issues = issues
        self._reviews = reviews
        self._most_links = most_links

    def file(self, report: Report, follow_up: FollowUp, *, look_first: bool) -> str | None:
        """Files a follow-up row, once for the row and its effect.

        Args:
            report: Of the row that gives rise to it.
            follow_up: The row to be.
            look_first: It may have been filed before.

        Returns:
            Its page id; None when the chain ends here.
        """
        if self._reviews(report.task_type) and self._reviews(follow_up.task_type):
            log.get().info("a review is not reviewed", refused=follow_up.task_type)
            return None
        if (length := self._links_behind(report.handed_off_from) + 1) > self._most_links:
            self._refuse(report, follow_up, length)
            return None
        database: Database[TaskRow] = self._workspace.database(AGENT_TASKS)
        values = self._values(database, report, follow_up)
        if (look_first or report.ref.attempt > 1) and (found := database.find_by_key(values["segue_key"])):
            return self._reopen(database, found[0], values)
        return database.create(values, new_options=("task_type",), doubtful=look_first).id

    def hand_back(self, handback: Handback) -> None:
        """Sets an earlier row's state, if that row has ended; a person or a run that moved on is left alone.

        Only a row that still waits for help is made ready again: one that a person has mended is not run anew.
        """
        ended = (State.DONE, State.FAILED, State.BLOCKED)
        waiting = (State.BLOCKED,) if handback.state is State.READY else ended
        database = self._home_of(handback.page_id)
        if database is None:
            return
        row = database.get(handback.page_id)
        if database.vocabulary.state(row.status, row.run_state) in waiting:
            values: dict[str, Any] = {
                "status": database.vocabulary.word(handback.state),
                "run_state": _RUN_STATES[handback.state],
                "last_error": handback.why,
            }
            if handback.link:
                values["link"] = handback.link
            database.update(row.id, values)

    def _values(self, database: Database[TaskRow], report: Report, follow_up: FollowUp) -> dict[str, Any]:
        values: dict[str, Any] = {
            "title": follow_up.title,
            "task_type": follow_up.task_type,
            "status": database.vocabulary.word(State.READY),
            "description": follow_up.description,
            "segue_key": f"{report.ref.page_id}:{follow_up.effect}",
        }
        if follow_up.link:
            values["link"] = follow_up.link
        if follow_up.priority:
            values["priority"] = follow_up.priority
        if follow_up.track_page_id:
            values["tracks"] = (follow_up.track_page_id,)
        origin = "handed_off_from" if report.ref.database == AGENT_TASKS else "issues"
        values[origin] = (report.ref.page_id,)
        return values

    def _reopen(self, database: Database[TaskRow], row: TaskRow, values: dict[str, Any]) -> str:
        """An ended follow-up of an earlier attempt is set going again; one that is the same or still open is left."""
        state = database.vocabulary.state(row.status, row.run_state)
        if state in (State.DONE, State.FAILED, State.REVIEW) and row.description != values["description"]:
            shown = ("status", "description", "link")
            changes: dict[str, Any] = {name: values[name] for name in shown if name in values}
            database.update(row.id, changes)
        return row.id

    def _links_behind(self, parents: tuple[str, ...]) -> int:
        """How many rows led to one whose *Handed off from* is ``parents``: one read each, none for a person's row."""
        database: Database[TaskRow] = self._workspace.database(AGENT_TASKS)
        seen: set[str] = set()
        links = 0
        while parents and links < self._most_links:
            links += 1
            above: list[str] = []
            for page_id in parents:
                if page_id not in seen:
                    seen.add(page_id)
                    above += _parents(database, page_id)
            parents = tuple(above)
        return links

    def _refuse(self, report: Report, follow_up: FollowUp, length: int) -> None:
        log.get().warning("chain of handoffs is too long", refused=follow_up.title, links=length)
        self._issues.report(
            f"handoff-chain:{report.ref.page_id}:{follow_up.effect}",
            f"Not handed on: {follow_up.title}",
            f"“{report.title}” would have filed the {follow_up.task_type} row “{follow_up.title}”, number {length} in a"
            f" chain of handoffs that may have {self._most_links}. If it is wanted, create the row by hand"
            f"{f', with the link {follow_up.link}' if follow_up.link else ''}; longer chains are allowed by"
            " HANDOFF_MAX_DEPTH.",
            tasks=(report.ref.page_id,),
        )

    def _home_of(self, page_id: str) -> Database[Any] | None:
        """The task database that a page stands in."""
        parent = self._workspace.notion.retrieve_page(page_id)["parent"]
        for key in (AGENT_TASKS, ISSUES):
            database = self._workspace.databases.get(key)
            if database and database.id in (parent.get("data_source_id"), parent.get("database_id")):
                return database
        return None


def _parents(database: Database[TaskRow], page_id: str) -> tuple[str, ...]:
    """What a row was handed off from; of a row that is gone nothing is known, and the chain is counted up to it."""
    row = row_of(database, page_id)
    return row.handed_off_from if row else ()
