"""The words that a row nobody has begun is filed with, as far as its database has them. Pure."""

from __future__ import annotations

from typing import Any, Final

from notion_schema.databases import AGENT_TASKS
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Database

_NOT_BEGUN: Final = ("Draft", "Planning")
"""Words of Agent-Tasks for work nobody has taken on, the preferred one first."""


def not_begun(database: Database[Any]) -> str | None:
    """The status of work that waits for a person to take it on."""
    options = database.options("status")
    waiting = next((word for word in _NOT_BEGUN if database.key == AGENT_TASKS and word in options), None)
    return waiting or database.vocabulary.word(State.READY)


def priority(database: Database[Any], word: Priority) -> dict[str, Any]:
    """The priority, if the database has a word for it; Issues+Questions knows no Routine."""
    return {"priority": word} if set(word.spellings) & set(database.options("priority")) else {}
