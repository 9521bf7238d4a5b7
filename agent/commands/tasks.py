"""Creates task rows from outside Notion: the one door for the command line and the demo."""

from __future__ import annotations

from typing import Any

from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Database, Workspace


def add(
    workspace: Workspace,
    task_type: str,
    *,
    url: str = "",
    title: str = "",
    priority: str = "",
    description: str = "",
    after: tuple[str, ...] = (),
) -> TaskRow:
    """Creates a row in Agent-Tasks, ready to run.

    Args:
        workspace: where.
        task_type: an option of Task Type.
        url: the link it is about.
        title: what the row is called; made up from type and link without one.
        priority: an option of Priority.
        description: what is to be said about it.
        after: page ids of rows that must have ended first.
    """
    tasks: Database[TaskRow] = workspace.database(AGENT_TASKS)
    values: dict[str, Any] = {
        "title": title or (f"{task_type}: {url}" if url else task_type),
        "task_type": task_type,
        "status": tasks.vocabulary.word(State.READY),
    }
    if url:
        values["link"] = url
    if priority:
        values["priority"] = Priority(priority)
    if description:
        values["description"] = description
    if after:
        values["prerequisites"] = after
    return tasks.create(values)
