"""Which trigger files were issued and where each stands: the memory that keeps one from being issued twice.

A file is noted before it is written. Never speaks to Notion or looks at a folder; ``trigger_files`` is the only caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.ledger import Ledger

TABLES = (
    """CREATE TABLE IF NOT EXISTS trigger_file (
        page_id TEXT NOT NULL, number INTEGER NOT NULL, agent TEXT NOT NULL, name TEXT NOT NULL,
        made_at DOUBLE PRECISION NOT NULL, standing TEXT NOT NULL, shown TEXT NOT NULL DEFAULT '',
        left_ready INTEGER NOT NULL DEFAULT 0, lost_at DOUBLE PRECISION NOT NULL DEFAULT 0,
        PRIMARY KEY (page_id, number))""",
)


class Standing(StrEnum):
    """What *Trigger Delivery Status* says."""

    PLANNED = "Planned"
    """Noted, and perhaps not written yet; never shown."""
    DELIVERED = "Delivered"
    PROCESSED = "Processed"
    STALE = "Stale"
    MISSING = "Missing"
    """Neither in the inbox nor among the processed or failed ones."""
    FAILED = "Failed"
    CLOSED = "Closed"
    """The row has ended, or is gone."""

    @property
    def is_end(self) -> bool:
        """Whether nothing more is expected of the file."""
        return self in (Standing.FAILED, Standing.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A trigger file that was issued. Times are seconds since the epoch."""

    page_id: str
    number: int
    """Counts the files for this row, from 1."""
    agent: str
    name: str
    made_at: float
    standing: Standing
    shown: str = ""
    """The standing that the row was last given."""
    left_ready: bool = False
    """The row was seen in another state since; ready again, it gets another file."""
    lost_at: float = 0.0
    """Since when the file has not been seen; 0 while it is."""


class TriggerNotes:
    """The issued files in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def latest(self) -> dict[str, Handed]:
        """The last file issued for each row, by page id, the oldest first."""
        with self._ledger.notes() as notes:
            rows = notes.rows(
                "SELECT * FROM trigger_file AS one WHERE number ="
                " (SELECT max(number) FROM trigger_file AS other WHERE other.page_id = one.page_id)"
                " ORDER BY made_at, page_id"
            )
        return {
            row["page_id"]: Handed(
                **{**row, "standing": Standing(row["standing"]), "left_ready": bool(row["left_ready"])}
            )
            for row in rows
        }

    def plan(self, handed: Handed) -> None:
        """Notes a file that is about to be written."""
        with self._ledger.notes() as notes:
            notes.run(
                "INSERT INTO trigger_file (page_id, number, agent, name, made_at, standing)"
                " VALUES (:page_id, :number, :agent, :name, :made_at, :standing)",
                page_id=handed.page_id,
                number=handed.number,
                agent=handed.agent,
                name=handed.name,
                made_at=handed.made_at,
                standing=str(handed.standing),
            )

    def save(self, handed: Handed) -> None:
        """Keeps where a file stands now."""
        with self._ledger.notes() as notes:
            notes.run(
                "UPDATE trigger_file SET standing = :standing, shown = :shown, left_ready = :left_ready,"
                " lost_at = :lost_at WHERE page_id = :page_id AND number = :number",
                standing=str(handed.standing),
                shown=handed.shown,
                left_ready=int(handed.left_ready),
                lost_at=handed.lost_at,
                page_id=handed.page_id,
                number=handed.number,
            )
