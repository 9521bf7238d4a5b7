"""Issues that file themselves: equal failures share one row of Issues+Questions, which is kept true without a flood.

A failure is counted in the ledger first, once per run; its row is written at once when it is new, and from then on
now and then, more seldom the more there are. The row says how often, since when and on which tasks; it is resolved
with a note when every one of these tasks has since succeeded, and opened again when the failure comes back. What a
person made of the row stays: a status other than the one it was filed with is left alone, texts are only added to, and
client-facing issues are not touched. `Issues.failed` and `Issues.succeeded` are called by ``reporting``; any part of
the worker may use `report` and `resolve` for a state of affairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from agent import log, page
from agent.ledger import Ledger, LedgerError
from agent.outcome import Issue
from agent.problems.issue_notes import IssueNote, IssueNotes, Words
from agent.report import Report
from agent.rows import first_words
from notion_schema import blocks
from notion_schema.databases import CLIENT_FACING, ISSUES, IssueRow
from notion_schema.errors import NotionError, NotShared, Unavailable
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Database, Workspace

_MOST_LINKS = 100
_MOST_RESULT = 1900
_RETRY_S = 30.0
_BUDGET_S = 1.0
_LAST_BUDGET_S = 5.0
_CLOSED = (State.DONE, State.CANCELLED, State.ARCHIVED)


class Issues:
    """The issues that Segue files.

    Args:
        workspace: Where.
        ledger: Where they are counted; it must hold ``issue_notes.TABLES``.
        clean: Takes secrets out of a text.
        stale_s: For so long a query may not show a new row; after a lost answer nothing is filed anew before that.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        workspace: Workspace,
        ledger: Ledger,
        clean: Callable[[str], str],
        *,
        stale_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._notes = IssueNotes(ledger)
        self._clean = clean
        self._stale_s = stale_s
        self._clock = clock
        self._hopeless_until = 0.0

    # For any part of the worker --------------------------------------------------------------------------------------

    def report(
        self,
        signature: str,
        title: str,
        description: str,
        *,
        details: str = "",
        tags: tuple[str, ...] = (),
        tasks: tuple[str, ...] = (),
    ) -> None:
        """Says that something is wrong and stays so until `resolve`: one row per signature.

        Told again while it lasts, it costs no request and counts nothing; a changed description is written to the row.
        After `resolve` it opens the same row again. Never raises for Notion's sake: what cannot be written now is
        written by a later cycle.

        Args:
            signature: Names this very trouble, the same in every process (`SchemaDrift.signature`, for instance).
            title: The row's title.
            description: What is wrong and what to do, in sentences for the owner.
            details: For the page's body, a traceback for instance.
            tags: Options of Tags; missing ones are added.
            tasks: Page ids of task rows it is about, to be linked; their success does not resolve it.
        """
        words = self._cleaned(Words(title=title, description=description, details=details, tags=tags))
        now = self._clock()
        again = f"{_stamp(now)}: It is there again."
        self._notes.reported(_key(signature), words, at=now, again=again, tasks=tasks)
        self._write_if_due(_key(signature))

    def resolve(self, signature: str, note: str) -> None:
        """Says that the trouble is over: its row is resolved with ``note``; nothing happens when there is none."""
        now = self._clock()
        self._notes.mended(_key(signature), f"{_stamp(now)}: Resolved: {self._clean(note)}")
        self._write_if_due(_key(signature))

    # For reports -----------------------------------------------------------------------------------------------------

    def failed(self, report: Report, issue: Issue) -> None:
        """Counts a task's failure, once per run, and files it when it is new."""
        known = ISSUES in self._workspace or ISSUES in self._workspace.problems
        if report.ref.database == ISSUES or not known:
            return
        now = self._clock()
        who = f"run {report.ref.run_id}, task “{report.title}”"
        words = Words(
            title=issue.title,
            description=issue.description,
            origin=f"First seen by {who}.",
            details=issue.details,
            log=report.log or "(nothing was logged)",
        )
        key = _key(issue.fingerprint)
        self._notes.failed(
            key,
            self._cleaned(words),
            run_id=report.ref.run_id,
            page_id=report.ref.page_id,
            at=report.ended_at,
            again=f"{_stamp(now)}: It has happened again: {self._clean(who)}.",
        )
        self._write_if_due(key)

    def succeeded(self, report: Report) -> None:
        """A task is done; issues that waited for it alone are resolved by a later cycle."""
        last = self._clean(f"“{report.title}” (run {report.ref.run_id})")
        self._notes.succeeded(
            report.ref.page_id,
            f"{_stamp(self._clock())}: Resolved: every task that failed so has since succeeded, the last one {last}.",
        )

    # For the worker's cycle ------------------------------------------------------------------------------------------

    def catch_up(self, *, everything: bool = False) -> None:
        """Writes what is due, for about a second at most; one query of the ledger when nothing is.

        Args:
            everything: Also what was held back to be written together, for some seconds; what Notion does not take now
                is written after the next start.
        """
        if everything and self._clock() < self._hopeless_until:
            return
        budget_s = _LAST_BUDGET_S if everything else _BUDGET_S
        deadline = time.monotonic() + budget_s
        try:
            if everything:
                self._notes.forget_old_runs(self._clock())
            for key in self._notes.due(self._clock(), everything=everything):
                self._write_alone(key, budget_s if everything else 0.0)
                if time.monotonic() > deadline or self._clock() < self._hopeless_until:
                    break
        except LedgerError as error:
            log.get().error("issues cannot be counted or written", why=str(error).split("\n", 1)[0])

    # Writing ---------------------------------------------------------------------------------------------------------

    def _write_if_due(self, key: str) -> None:
        if key in self._notes.due(self._clock()):
            self._write_alone(key)

    def _write_alone(self, key: str, wait_s: float = 0.0) -> None:
        """Writes one issue's row, unless another thread or worker is at it: the next cycle looks again."""
        with self._ledger.alone(f"issue {key}", wait_s) as mine:
            if not mine:
                return
            try:
                self._write(key)
            except NotionError as error:
                log.get().warning("issue not written yet", issue=key, why=str(error))
                self._notes.refused(key, self._clock())
                if isinstance(error, (Unavailable, NotShared)):
                    # The next one would fare no better.
                    self._hopeless_until = self._clock() + _RETRY_S

    def _write(self, key: str) -> None:
        database = self._workspace.databases.get(ISSUES)
        note = self._notes.get(key)
        if database is None:
            self._notes.save(key, not_before=self._clock() + _RETRY_S)
            return
        if note.settle_at:
            note = self._settle(database, note)
        if note.shown == note.version:
            return
        row = self._known_row(database, note) if note.page_id else None
        if row is None and not (note := self._notes.get(key)).page_id and note.shown != note.version:
            row = self._found_or_filed(database, note)
        if row is not None:
            self._update(database, self._notes.get(key) if row.id != note.page_id else note, row)

    def _known_row(self, database: Database[IssueRow], note: IssueNote) -> IssueRow | None:
        """The issue's row; None when a person has deleted it, and then it is filed anew only if it failed since."""
        try:
            row = database.get(note.page_id)
        except NotShared as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            row = None
        if row is not None and not row.in_trash:
            return row
        if note.mended or (row is not None and not _since(note, row)):
            self._notes.shown(note, self._clock())
        else:
            self._notes.save(note.key, **_UNFILED)
        return None

    def _found_or_filed(self, database: Database[IssueRow], note: IssueNote) -> IssueRow | None:
        """A row that carries the issue's key, to be updated; None when it was filed now, or must wait."""
        now = self._clock()
        if now < note.posted_at + self._stale_s:
            # A creation whose end is not known: a row may be there that a query does not show yet.
            self._notes.save(note.key, not_before=note.posted_at + self._stale_s)
            return None
        if found := database.find_by_key(note.key):
            # After a lost answer it may be the row of our own creation, with the number that was sent then.
            sent = note.writing if note.posted_at else 0
            known = {**_UNFILED, "page_id": found[0].id, "writing": sent, "described": note.description}
            self._notes.save(note.key, **known, settle_at=now + self._stale_s)
            return found[0]
        if note.mended:
            self._notes.shown(note, now)
            return None
        self._notes.save(note.key, posted_at=now, writing=note.occurrences)
        self._file(database, note)
        return None

    def _file(self, database: Database[IssueRow], note: IssueNote) -> None:
        count, tasks = self._notes.tasks(note.key, _MOST_LINKS)
        tally = _tally(note.occurrences, count, len(tasks))
        values: dict[str, Any] = {
            "title": note.title,
            "status": database.vocabulary.word(State.READY),
            "description": note.description,
            "kinds": ("Internal Issue",),
            "tasks": tasks,
            "occurrences": note.occurrences,
            "first_seen": _at(note.first_seen),
            "last_seen": _at(note.last_seen),
            "last_error": tally,
            "segue_key": note.key,
        }
        values |= first_words.priority(database, Priority.HIGH)
        if note.tags:
            values["tags"] = tuple(note.tags.split(","))
        words = Words(
            title=note.title,
            description=note.description,
            origin=note.origin,
            details=note.details,
            log=note.log,
        )
        created = database.create(
            _present(database, values), children=page.issue_body(words), new_options=("kinds", "tags")
        )
        log.get().info("issue filed", issue=created.id, title=note.title)
        now = self._clock()
        self._notes.shown(
            note,
            now,
            page_id=created.id,
            written=note.occurrences,
            writing=note.occurrences,
            described=note.description,
            tallied=tally,
            posted_at=0,
            settle_at=now + self._stale_s,
        )

    def _update(self, database: Database[IssueRow], note: IssueNote, row: IssueRow) -> None:
        """Brings a row up to date with what is known, leaving a person's words as they are."""
        if any(kind.casefold() == CLIENT_FACING.casefold() for kind in row.kinds):
            log.get().warning("issue left alone: a person made it client-facing", issue=row.id)
            self._notes.shown(note, self._clock())
            return
        seen, elsewhere = _counted(note, row)
        total = max(0, elsewhere + note.occurrences)
        described = note.description if row.description in ("", note.described) else None
        saying = self._saying(database, note, row)
        if note.description != note.described and described is None and not saying:
            saying = f"{_stamp(note.last_seen)}: {note.description}"
        count, tasks = self._notes.tasks(note.key, _MOST_LINKS)
        links = tuple(dict.fromkeys((*row.tasks, *tasks)))[: max(_MOST_LINKS, len(row.tasks))]
        tally = _tally(total, count, len(links))
        values: dict[str, Any] = {
            "occurrences": total if total != seen or row.occurrences is None else None,
            "tasks": links if links != row.tasks else None,
            "last_seen": _at(note.last_seen) if not note.mended else None,
            "first_seen": _at(note.first_seen) if row.first_seen is None else None,
            "last_error": tally if tally != note.tallied and row.last_error in ("", note.tallied) else None,
            "status": self._status(database, note, row),
            "description": described if note.description != note.described else None,
        }
        if saying:
            values.update(_resulting(database, row, values.get("description") or row.description, saying))
        changes = _present(database, {name: value for name, value in values.items() if value is not None})
        self._notes.save(note.key, elsewhere=elsewhere, written=seen, writing=total)
        if saying:
            self._say(note, row, saying)
        if changes:
            database.update(row.id, changes)
        self._notes.shown(
            note,
            self._clock(),
            written=total,
            writing=total,
            described=note.description,
            tallied=tally if "last_error" in changes else note.tallied,
        )

    def _status(self, database: Database[IssueRow], note: IssueNote, row: IssueRow) -> str | None:
        """The status the row should take; None to leave it."""
        filed_with = database.vocabulary.word(State.READY)
        if note.mended:
            return database.vocabulary.word(State.DONE) if row.status == filed_with else None
        return filed_with if self._has_relapsed(database, note, row) else None

    def _has_relapsed(self, database: Database[IssueRow], note: IssueNote, row: IssueRow) -> bool:
        closed = database.vocabulary.state(row.status, row.run_state) in _CLOSED
        return closed and not note.mended and (bool(note.saying) or _since(note, row))

    def _saying(self, database: Database[IssueRow], note: IssueNote, row: IssueRow) -> str:
        if note.saying or not self._has_relapsed(database, note, row):
            return note.saying
        return f"{_stamp(note.last_seen)}: It has happened again since this was closed, so it is open again."

    def _say(self, note: IssueNote, row: IssueRow, saying: str) -> None:
        """Adds a line to the page, once."""
        notion = self._workspace.notion
        if note.said == saying and any(
            blocks.plain_text(block) == saying for block in notion.list_children(row.id)
        ):
            return
        self._notes.save(note.key, said=saying)
        notion.append_children(row.id, [blocks.paragraph(saying)])

    def _settle(self, database: Database[IssueRow], note: IssueNote) -> IssueNote:
        """Rows that two workers filed at the same time become one: the oldest stays."""
        found = [row for row in database.find_by_key(note.key) if not row.in_trash]
        changes: dict[str, Any] = {}
        if self._clock() >= note.settle_at:
            changes["settle_at"] = 0
        if found:
            oldest = min(
                found, key=lambda row: (row.created_time or datetime.max.replace(tzinfo=UTC), row.id)
            )
            if oldest.id != note.page_id:
                changes |= {**_UNFILED, "page_id": oldest.id, "described": note.description}
                changes["version"] = note.version + 1
            for row in found:
                if row.id != oldest.id:
                    self._trash_own(database, row, oldest)
        self._notes.save(note.key, **changes)
        return self._notes.get(note.key)

    def _trash_own(self, database: Database[IssueRow], row: IssueRow, oldest: IssueRow) -> None:
        """Trashes a second row that nobody but this integration has made and edited."""
        raw = self._workspace.notion.retrieve_page(row.id)
        me = raw["created_by"]["id"]
        ours = self._workspace.notion.retrieve_page(oldest.id)["created_by"]["id"]
        if me == ours == raw["last_edited_by"]["id"] and not raw["in_trash"]:
            log.get().info("issue filed twice; the younger row goes", issue=row.id, stays=oldest.id)
            database.trash(row.id)

    def _cleaned(self, words: Words) -> Words:
        return replace(
            words,
            title=self._clean(words.title),
            description=self._clean(words.description),
            origin=self._clean(words.origin),
            details=self._clean(words.details),
            log=self._clean(words.log),
        )


_UNFILED: dict[str, Any] = {"page_id": "", "written": 0, "writing": 0, "elsewhere": 0, "posted_at": 0}


def _key(signature: str) -> str:
    return f"issue:{signature}"


def _counted(note: IssueNote, row: IssueRow) -> tuple[int, int]:
    """What the row counts, and how much of that this engine did not count: another's, or a person's."""
    seen = note.written if row.occurrences is None else int(row.occurrences)
    is_ours = seen in (note.written, note.writing)
    return seen, note.elsewhere if is_ours else note.elsewhere + seen - note.written


def _tally(occurrences: int, tasks: int, linked: int) -> str:
    """What the row says where links alone would not tell."""
    if tasks <= linked:
        return ""
    return f"{occurrences:,} failed attempts on {tasks:,} tasks; the first {linked} of them are linked."


def _resulting(database: Database[IssueRow], row: IssueRow, description: str, saying: str) -> dict[str, Any]:
    """``saying`` behind what Result says, or Description where there is no Result."""
    name, text = ("result", row.result) if database.has("result") else ("description", description)
    longer = f"{text}\n{saying}".strip()
    fits = len(longer) <= _MOST_RESULT or name == "description"
    return {name: longer} if saying not in text and fits else {}


def _present(database: Database[IssueRow], values: dict[str, Any]) -> dict[str, Any]:
    """Values of the columns that are there; the page's body says the rest."""
    return {name: value for name, value in values.items() if database.has(name)}


def _since(note: IssueNote, row: IssueRow) -> bool:
    """Whether it was last seen after the row was last edited; within the minute that Notion tells, it was."""
    edited = row.last_edited_time
    return edited is None or note.last_seen >= edited.replace(second=0, microsecond=0).timestamp()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _stamp(seconds: float) -> str:
    return f"{_at(seconds):%Y-%m-%d %H:%M} UTC"
