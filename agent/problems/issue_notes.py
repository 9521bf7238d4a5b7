"""What is known of each issue before Notion is told: how often, since when, on which tasks, and what its row says.

Counting happens here, durably and once per run, so that a thousand equal failures cost a thousand small writes to the
ledger and a handful of requests. Never speaks to Notion; ``issues`` does, and is the only caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from agent.ledger import Ledger, Notes

TABLES = (
    """CREATE TABLE IF NOT EXISTS issue (
        key TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL, origin TEXT NOT NULL,
        details TEXT NOT NULL, log TEXT NOT NULL, tags TEXT NOT NULL,
        occurrences INTEGER NOT NULL, first_seen DOUBLE PRECISION NOT NULL,
        last_seen DOUBLE PRECISION NOT NULL,
        mended INTEGER NOT NULL DEFAULT 0, saying TEXT NOT NULL DEFAULT '',
        page_id TEXT NOT NULL DEFAULT '', elsewhere INTEGER NOT NULL DEFAULT 0,
        written INTEGER NOT NULL DEFAULT 0, writing INTEGER NOT NULL DEFAULT 0,
        described TEXT NOT NULL DEFAULT '', tallied TEXT NOT NULL DEFAULT '', said TEXT NOT NULL DEFAULT '',
        version INTEGER NOT NULL DEFAULT 1, shown INTEGER NOT NULL DEFAULT 0, urgent INTEGER NOT NULL DEFAULT 1,
        shown_at DOUBLE PRECISION NOT NULL DEFAULT 0, wait_s DOUBLE PRECISION NOT NULL DEFAULT 0,
        not_before DOUBLE PRECISION NOT NULL DEFAULT 0, posted_at DOUBLE PRECISION NOT NULL DEFAULT 0,
        settle_at DOUBLE PRECISION NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS issue_run (
        key TEXT NOT NULL, run_id TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, PRIMARY KEY (key, run_id))""",
    """CREATE TABLE IF NOT EXISTS issue_task (
        key TEXT NOT NULL, page_id TEXT NOT NULL, since DOUBLE PRECISION NOT NULL,
        failing INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (key, page_id))""",
    "CREATE INDEX IF NOT EXISTS issue_task_page ON issue_task (page_id)",
)
_SOONEST_S = 15.0
_LONGEST_S = 600.0
_QUIET_S = 3600.0
_FIRST_RETRY_S = 30.0
_LONGEST_RETRY_S = 3600.0
_REMEMBERED_S = 90 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueNote:
    """One issue as it should be, and as its row was last written. Times are seconds since the epoch, 0 for never."""

    key: str
    """The row's Segue key."""
    title: str
    description: str
    origin: str
    """Who saw it first; for the body, like the next two."""
    details: str
    """The traceback."""
    log: str
    tags: str
    """Comma separated."""
    occurrences: int
    """Counted by this engine's workers."""
    first_seen: float
    last_seen: float
    mended: int
    saying: str
    """What is to be added to the page: that it was mended, or that it has happened again. Empty: nothing."""
    page_id: str
    """The row; empty before it is filed."""
    elsewhere: int
    """Occurrences that the row counted and this engine did not: another engine's, or a person's."""
    written: int
    """The number on the row after the last write that was answered."""
    writing: int
    """The number of the last write that was begun; the row may say either."""
    described: str
    """The description last written."""
    tallied: str
    """The tally last written."""
    said: str
    """The last ``saying`` whose append was begun; looked for before it is appended again."""
    version: int
    """Grows with each change; what was shown when it was ``version`` is ``shown``."""
    shown: int
    urgent: int
    shown_at: float
    wait_s: float
    """From one writing to the next while failures keep coming; doubled each time."""
    not_before: float
    posted_at: float
    """When the creation of the row was begun, until it is known to have happened."""
    settle_at: float
    """When rows with this key are looked for once more, in case another worker filed one at the same time."""
    refused: int
    """How often in a row it could not be written."""


_COLUMNS = ", ".join(field.name for field in fields(IssueNote))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How an issue is put."""

    title: str
    description: str
    origin: str = ""
    details: str = ""
    log: str = ""
    tags: tuple[str, ...] = ()


class IssueNotes:
    """The issues in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def failed(self, key: str, words: Words, *, run_id: str, page_id: str, at: float, again: str) -> None:
        """Counts a failed run, once however often it is told; ``again`` is said when the issue was mended."""
        with self._ledger.notes() as notes:
            counted = notes.run(
                "INSERT INTO issue_run VALUES (:key, :run_id, :at) ON CONFLICT DO NOTHING",
                key=key,
                run_id=run_id,
                at=at,
            )
            if not counted:
                return
            self._count(notes, key, words, at, again)
            notes.run(
                "INSERT INTO issue_task VALUES (:key, :page_id, :at, 1)"
                " ON CONFLICT (key, page_id) DO UPDATE SET failing = 1",
                key=key,
                page_id=page_id,
                at=at,
            )

    def reported(self, key: str, words: Words, *, at: float, again: str, tasks: Iterable[str] = ()) -> None:
        """Notes a state of affairs; told again while it lasts, only a changed description counts as news."""
        with self._ledger.notes() as notes:
            known = self._read(notes, key)
            if known is None or known.mended:
                self._count(notes, key, words, at, again)
            if known is not None and known.description != words.description:
                notes.run(
                    "UPDATE issue SET description = :text, last_seen = :at, version = version + 1 WHERE key = :key",
                    key=key,
                    text=words.description,
                    at=at,
                )
            for page_id in tasks:
                notes.run(
                    "INSERT INTO issue_task VALUES (:key, :page_id, :at, 0) ON CONFLICT DO NOTHING",
                    key=key,
                    page_id=page_id,
                    at=at,
                )

    def _count(self, notes: Notes, key: str, words: Words, at: float, again: str) -> None:
        notes.run(
            "INSERT INTO issue (key, title, description, origin, details, log, tags, occurrences, first_seen,"
            " last_seen) VALUES (:key, :title, :description, :origin, :details, :log, :tags, 0, :at, :at)"
            " ON CONFLICT DO NOTHING",
            key=key,
            title=words.title,
            description=words.description,
            origin=words.origin,
            details=words.details,
            log=words.log,
            tags=",".join(words.tags),
            at=at,
        )
        notes.run(
            "UPDATE issue SET occurrences = occurrences + 1, version = version + 1,"
            " last_seen = CASE WHEN last_seen < :at THEN :at ELSE last_seen END,"
            " wait_s = CASE WHEN shown_at < :quiet THEN 0 ELSE wait_s END,"
            " urgent = CASE WHEN mended = 1 THEN 1 ELSE urgent END,"
            " saying = CASE WHEN mended = 1 THEN :again ELSE saying END, mended = 0 WHERE key = :key",
            key=key,
            at=at,
            quiet=at - _QUIET_S,
            again=again,
        )

    def succeeded(self, page_id: str, note: str) -> None:
        """A task has succeeded; issues of which it was the last one failing are mended."""
        with self._ledger.notes() as notes:
            touched = notes.rows(
                "SELECT key FROM issue_task WHERE page_id = :page_id AND failing = 1", page_id=page_id
            )
            if not touched:
                return
            notes.run("UPDATE issue_task SET failing = 0 WHERE page_id = :page_id", page_id=page_id)
            for key in (row["key"] for row in touched):
                left = notes.row("SELECT 1 FROM issue_task WHERE key = :key AND failing = 1", key=key)
                if left is None:
                    self._mend(notes, key, note)

    def mended(self, key: str, note: str) -> None:
        """A state of affairs has ended; nothing happens when it was not reported."""
        with self._ledger.notes() as notes:
            self._mend(notes, key, note)

    def _mend(self, notes: Notes, key: str, note: str) -> None:
        notes.run(
            "UPDATE issue SET mended = 1, saying = :note, urgent = 1, version = version + 1"
            " WHERE key = :key AND mended = 0",
            key=key,
            note=note,
        )

    def due(self, now: float, *, everything: bool = False) -> tuple[str, ...]:
        """Keys of the issues whose rows should be written now, the oldest first.

        Args:
            now: Seconds since the epoch.
            everything: Whatever is not shown yet, without waiting for more of the same.
        """
        with self._ledger.notes() as notes:
            rows = notes.rows(
                "SELECT key FROM issue WHERE not_before <= :now AND ("
                " version > shown AND (:everything = 1 OR shown_at + wait_s <= :now"
                "  OR (urgent = 1 AND shown_at + :soonest <= :now))"
                " OR settle_at > 0 AND (:everything = 1 OR settle_at <= :now)) ORDER BY first_seen",
                now=now,
                everything=int(everything),
                soonest=_SOONEST_S,
            )
        return tuple(row["key"] for row in rows)

    def get(self, key: str) -> IssueNote:
        """One issue; it must be there."""
        with self._ledger.notes() as notes:
            found = self._read(notes, key)
        if found is None:
            raise LookupError(key)
        return found

    def tasks(self, key: str, most: int) -> tuple[int, tuple[str, ...]]:
        """How many tasks failed so, and the first of them."""
        with self._ledger.notes() as notes:
            (count,) = notes.rows("SELECT count(*) AS n FROM issue_task WHERE key = :key", key=key)
            rows = notes.rows(
                "SELECT page_id FROM issue_task WHERE key = :key ORDER BY since, page_id LIMIT :most",
                key=key,
                most=most,
            )
        return int(count["n"]), tuple(row["page_id"] for row in rows)

    def save(self, key: str, **columns: Any) -> None:
        """Keeps what was found out or written."""
        if not columns:
            return
        with self._ledger.notes() as notes:
            settings = ", ".join(f"{name} = :{name}" for name in columns)
            notes.run(f"UPDATE issue SET {settings} WHERE key = :key", key=key, **columns)  # noqa: S608 - own names

    def shown(self, note: IssueNote, now: float, **columns: Any) -> None:
        """Keeps that the row now says what ``note`` says; what was noted since is still to be shown."""
        self.save(note.key, **columns)
        with self._ledger.notes() as notes:
            notes.run(
                "UPDATE issue SET shown = :version, shown_at = :now, not_before = 0, refused = 0,"
                " urgent = CASE WHEN version = :version THEN 0 ELSE urgent END,"
                " saying = CASE WHEN saying = :said THEN '' ELSE saying END,"
                " wait_s = CASE WHEN wait_s < :soonest THEN :soonest WHEN wait_s * 2 > :longest THEN :longest"
                "  ELSE wait_s * 2 END WHERE key = :key",
                key=note.key,
                version=note.version,
                said=note.saying,
                now=now,
                soonest=_SOONEST_S,
                longest=_LONGEST_S,
            )

    def refused(self, key: str, now: float) -> None:
        """It could not be written; the next try waits, longer each time."""
        wait_s = min(_FIRST_RETRY_S * 2 ** min(self.get(key).refused, 10), _LONGEST_RETRY_S)
        with self._ledger.notes() as notes:
            notes.run(
                "UPDATE issue SET refused = refused + 1, not_before = :then WHERE key = :key",
                key=key,
                then=now + wait_s,
            )

    def forget_old_runs(self, now: float) -> None:
        """Drops run ids that no delivery can bring back."""
        with self._ledger.notes() as notes:
            notes.run("DELETE FROM issue_run WHERE at < :old", old=now - _REMEMBERED_S)

    @staticmethod
    def _read(notes: Notes, key: str) -> IssueNote | None:
        row = notes.row(f"SELECT {_COLUMNS} FROM issue WHERE key = :key", key=key)  # noqa: S608 - own names
        return IssueNote(**row) if row else None
