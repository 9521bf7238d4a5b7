"""What a person has answered to the latest question of a row: the choices they ticked, and what they typed.

*Answer* is theirs alone, so Segue never empties it, and what stands there may belong to an earlier question. It is
therefore remembered what stood there when a question was asked; unchanged text gives way to ticks. Called by
``reporting`` as it claims and closes a row.
"""

from __future__ import annotations

from agent import page
from agent.ledger import Ledger
from notion_schema.client import Notion
from notion_schema.databases import TaskRow

TABLES = ("CREATE TABLE IF NOT EXISTS asked (page_id TEXT PRIMARY KEY, answer TEXT NOT NULL)",)


class Answers:
    """The answers to questions of rows.

    Args:
        notion: Reads the ticks.
        ledger: It must hold ``TABLES``.
    """

    def __init__(self, notion: Notion, ledger: Ledger) -> None:
        self._notion = notion
        self._ledger = ledger

    def asked(self, row: TaskRow) -> None:
        """A question was written to this row just now."""
        with self._ledger.notes() as notes:
            notes.run(
                "INSERT INTO asked VALUES (:page_id, :answer)"
                " ON CONFLICT (page_id) DO UPDATE SET answer = excluded.answer",
                page_id=row.id,
                answer=row.answer,
            )

    def settled(self, page_id: str) -> None:
        """The row has ended; a question it had is no longer open."""
        with self._ledger.notes() as notes:
            notes.run("DELETE FROM asked WHERE page_id = :page_id", page_id=page_id)

    def of(self, row: TaskRow) -> str:
        """The answer as its handler gets it, one a line: ticked choices first, then what was typed.

        The page is read only for a row that was asked something: one more request.
        """
        with self._ledger.notes() as notes:
            asked = notes.row("SELECT answer FROM asked WHERE page_id = :page_id", page_id=row.id)
        if asked is None and not row.question:
            return row.answer
        ticked = page.ticked(self._notion.list_children(row.id))
        is_old = asked is not None and asked["answer"] == row.answer
        return "\n".join(ticked if ticked and (is_old or not row.answer) else (*ticked, row.answer))
