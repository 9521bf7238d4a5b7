"""Trigger files for other agents: opt-in, one for each time that a row assigned to one of them becomes ready.

A row that is *Ready*, due, assigned to an agent of the settings and not of a Task Type that Segue does itself gets a
file in that agent's inbox. What becomes of the file and of the row is shown in the handoff columns, the only ones
written; when it has ended, the row it was handed off from is told. A row that left *Ready* and comes back to it gets a
new file, as does one whose *Trigger Delivery Status* a person has emptied. Without AGENT_TRIGGERS_DIR and AGENTS
nothing here is called; with them, by ``errands`` after each look of the worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent import log
from agent.handing_on import trigger_folder
from agent.handing_on.returns import ENDS, Returns, is_done
from agent.handing_on.trigger_folder import AgentFolders, Sighting, Stage
from agent.handing_on.trigger_notes import Handed, Standing, TriggerNotes
from agent.ledger import Ledger, LedgerError
from agent.present import row_of
from agent.problems.issues import Issues
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.errors import NotionError, Unavailable
from notion_schema.vocabulary import State, rank_of
from notion_schema.workspace import Database, Workspace

_MOST_A_LOOK = 10
"""Files issued, and rows read one by one, in one look: hundreds of ready rows must not hold up the worker."""
_BUDGET_S = 1.0
_LOST_AFTER_S = 60.0
_DELIVERED_WORD, _RECEIVED_WORD = "Handoff Delivered", "Received by Agent"
_FOLDER_TROUBLE = "agent-triggers-dir"
_OPEN = (Standing.DELIVERED, Standing.PROCESSED, Standing.STALE, Standing.MISSING)
_SHOWN = (
    "title", "status", "run_state", "task_type", "priority", "run_after", "schedule", "prerequisites",
    "handed_off_from", "assigned_to", "trigger_status",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How handing over to other agents is done. Times are seconds."""

    agents: Mapping[str, str]
    """Agent name -> page id."""
    myself: str = ""
    """The page that stands for Segue."""
    ttl_s: float = 0.0
    """A file that lies in the inbox for longer is stale; 0 for never."""
    reissue: bool = False
    """Whether a stale file is replaced by a new one."""
    every_s: float = 30.0


class TriggerFiles:
    """Hands rows to other agents by files.

    Args:
        workspace: Where the rows are.
        ledger: It must hold ``trigger_notes.TABLES``.
        base: The folder of the agents' folders.
        rules: Whom to serve, and how.
        is_mine: Whether a task type is done by Segue.
        issues: Told of what a person should look at.
        returns: Told of ends.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        workspace: Workspace,
        ledger: Ledger,
        base: Path,
        rules: Rules,
        *,
        is_mine: Callable[[str | None], bool],
        issues: Issues,
        returns: Returns,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._notes = TriggerNotes(ledger)
        self._folders = AgentFolders(base)
        self._rules = rules
        self._is_mine = is_mine
        self._issues = issues
        self._returns = returns
        self._clock = clock
        self._next_look = 0.0
        self._deadline = 0.0
        self._read_at: dict[str, float] = {}

    def look(self) -> None:
        """Looks at rows and folders, at most every ``Rules.every_s``: one query, a write where something changed."""
        if self._clock() < self._next_look:
            return
        self._next_look = self._clock() + self._rules.every_s
        self._deadline = time.monotonic() + _BUDGET_S
        try:
            with self._ledger.alone("trigger files") as mine:
                if mine:
                    self._folders.check()
                    self._look(self._workspace.database(AGENT_TASKS))
                    self._issues.resolve(_FOLDER_TROUBLE, "The folder can be used again.")
        except OSError as error:
            log.get().error("trigger files not looked at", why=str(error))
            remedy = "Mount or mend it, or change the setting."
            self._issues.report(_FOLDER_TROUBLE, "Trigger files cannot be written", f"{error}. {remedy}")
        except (NotionError, LedgerError) as error:
            log.get().warning("trigger files not looked at", why=str(error).split("\n", 1)[0])

    def _look(self, database: Database[TaskRow]) -> None:
        if not database.has("assigned_to"):
            return
        rows = {row.id: row for row in self._assigned(database)}
        latest = self._notes.latest()
        seen = self._seen(latest)
        for handed in self._to_follow(latest, rows):
            if self._is_late():
                return
            row = rows.get(handed.page_id) or self._read(database, handed.page_id)
            with _one_row(handed.page_id):
                self._follow(database, handed, row, seen.get(handed.page_id))
        self._hand_over(database, [row for row in rows.values() if row.id not in latest])

    def _assigned(self, database: Database[TaskRow]) -> Iterable[TaskRow]:
        """Rows of the agents that are ready, and those whose file is still about."""
        pages = self._rules.agents.values()
        words = [word for word in _OPEN if word in database.options("trigger_status")]
        return database.query(
            database.all_of(
                database.any_of(*(database.contains("assigned_to", page) for page in pages)),
                database.any_of(
                    database.in_state(State.READY),
                    database.equals("trigger_status", *words) if words else None,
                ),
            ),
            only=_SHOWN,
        )

    def _seen(self, latest: Mapping[str, Handed]) -> dict[str, Sighting]:
        """The file of each handoff that has not ended, where it lies farthest."""
        found: dict[str, Sighting] = {}
        for agent in sorted({handed.agent for handed in latest.values() if not handed.standing.is_end}):
            for sighting in self._folders.sightings(agent):
                handed = latest.get(sighting.page_id)
                if handed and not handed.standing.is_end and sighting.number in (handed.number, 0):
                    known = found.get(sighting.page_id)
                    if known is None or sighting.stage > known.stage:
                        found[sighting.page_id] = sighting
        return found

    def _to_follow(self, latest: Mapping[str, Handed], rows: Mapping[str, TaskRow]) -> list[Handed]:
        """Handoffs to look after: those whose row the query shows, and some of the others that are not over.

        A row that the query does not show is read: that it is missing there does not prove that it has left *Ready*.
        """
        unseen = [
            one
            for one in latest.values()
            if one.page_id not in rows and not (one.standing.is_end and one.left_ready)
        ]
        unseen.sort(key=lambda one: self._read_at.get(one.page_id, 0.0))
        return [one for one in latest.values() if one.page_id in rows] + unseen[:_MOST_A_LOOK]

    def _read(self, database: Database[TaskRow], page_id: str) -> TaskRow | None:
        self._read_at[page_id] = self._clock()
        return row_of(database, page_id)

    def _is_late(self) -> bool:
        """Whether this look has taken long enough; what is left is for the next one, which then comes at once."""
        if time.monotonic() < self._deadline:
            return False
        self._next_look = self._clock()
        return True

    # What became of a file -------------------------------------------------------------------------------------------

    def _follow(
        self, database: Database[TaskRow], before: Handed, row: TaskRow | None, seen: Sighting | None
    ) -> None:
        """Brings one handoff up to date with its row and its file."""
        if row is None:
            self._notes.save(replace(before, standing=Standing.CLOSED, left_ready=True))
            return
        state = database.vocabulary.state(row.status, row.run_state)
        handed = replace(before, left_ready=before.left_ready or state is not State.READY)
        if not handed.standing.is_end:
            handed = self._judged(handed, row, state, seen)
        if handed != before:
            self._notes.save(handed)
        if handed.standing is Standing.PLANNED:
            self._write(database, database.get(row.id), handed)
        elif self._wants_another(database, handed, row, seen):
            self._issue(database, row.id, handed, seen)
        else:
            self._show(database, row, handed)

    def _judged(self, handed: Handed, row: TaskRow, state: State | None, seen: Sighting | None) -> Handed:
        """Where a handoff stands now; an end is told to the originator."""
        if seen is not None and seen.stage is not Stage.INBOX:
            read = self._folders.read(seen)
            if read is None:
                return handed
            seen = read
            self._tell_of_trouble(handed, row, seen)
        end = state if state in ENDS else _end_of(seen)
        if end is not None:
            self._tell_of_end(handed, row, end, seen)
            by_file = state not in ENDS and end is State.FAILED
            return replace(handed, standing=Standing.FAILED if by_file else Standing.CLOSED)
        if seen is None:
            return self._without_file(handed)
        return replace(handed, lost_at=0.0, standing=self._standing(handed, seen))

    def _standing(self, handed: Handed, seen: Sighting) -> Standing:
        if seen.stage is Stage.PROCESSED:
            return Standing.PROCESSED
        is_old = 0 < self._rules.ttl_s < self._clock() - handed.made_at
        if is_old and handed.standing is not Standing.STALE:
            log.get().warning(
                "trigger file is stale", page=handed.page_id, agent=handed.agent, file=handed.name
            )
        # A file that is there although only its plan was noted was written just before a crash.
        return Standing.STALE if is_old else Standing.DELIVERED

    def _without_file(self, handed: Handed) -> Handed:
        """Its file is nowhere: it may be on its way from one folder to the next."""
        if handed.standing in (Standing.PLANNED, Standing.PROCESSED, Standing.MISSING):
            return handed
        if not handed.lost_at:
            return replace(handed, lost_at=self._clock())
        if self._clock() - handed.lost_at < _LOST_AFTER_S:
            return handed
        log.get().warning("trigger file is gone", page=handed.page_id, agent=handed.agent, file=handed.name)
        return replace(handed, standing=Standing.MISSING)

    def _wants_another(
        self, database: Database[TaskRow], handed: Handed, row: TaskRow, seen: Sighting | None
    ) -> bool:
        if database.vocabulary.state(row.status, row.run_state) is not State.READY:
            return False
        waiting = _is_waiting(handed, seen)
        if handed.left_ready and not waiting:
            return True
        if waiting and handed.standing is Standing.STALE and self._rules.reissue:
            return True
        if waiting and self._agent(row) not in ("", handed.agent):
            return True
        return database.has("trigger_status") and bool(handed.shown) and row.trigger_status is None

    def _tell_of_end(self, handed: Handed, row: TaskRow, state: State, seen: Sighting | None) -> None:
        said = (
            f"{handed.agent} says: {seen.said}" if seen and seen.said else f"it was given to {handed.agent}"
        )
        self._returns.ended(row, state, f"trigger:{handed.page_id}:{handed.number}", said)
        self._issues.resolve(_file_trouble(handed), "The handoff has ended.")
        log.get().info("handoff has ended", page=row.id, agent=handed.agent, state=str(state))

    def _tell_of_trouble(self, handed: Handed, row: TaskRow, seen: Sighting) -> None:
        if not seen.trouble:
            return
        self._issues.report(
            _file_trouble(handed),
            f"A trigger file of {handed.agent} cannot be read",
            f"{seen.path} belongs to the task “{row.title}”, but {seen.trouble}. That it lies there counts; what the"
            " agent wrote into it does not. The file was neither moved nor changed.",
            tasks=(row.id,),
        )

    # Handing over ----------------------------------------------------------------------------------------------------

    def _hand_over(self, database: Database[TaskRow], rows: Iterable[TaskRow]) -> None:
        """Issues first files, the most urgent rows first."""
        done: dict[str, bool] = {}
        issued = 0
        for row in sorted(rows, key=_place):
            if not self._is_theirs(database, row):
                continue
            if self._is_late():
                return
            with _one_row(row.id):
                if issued < _MOST_A_LOOK and _may_start(database, row, done):
                    self._issue(database, row.id, None, None)
                    issued += 1

    def _is_theirs(self, database: Database[TaskRow], row: TaskRow) -> bool:
        due = row.run_after is None or row.run_after.timestamp() <= self._clock()
        ready = database.vocabulary.state(row.status, row.run_state) is State.READY
        mine = self._is_mine(row.task_type) or self._rules.myself in row.assigned_to
        return ready and due and not mine and not row.schedule.strip() and bool(self._agent(row))

    def _agent(self, row: TaskRow) -> str:
        """The first agent of the settings that the row is assigned to; one row is never handed to two."""
        by_page = {page: name for name, page in self._rules.agents.items()}
        return next((by_page[page] for page in row.assigned_to if page in by_page), "")

    def _issue(
        self, database: Database[TaskRow], page_id: str, last: Handed | None, seen: Sighting | None
    ) -> None:
        """Issues a file, if the row read afresh still asks for it: a query may show old news."""
        row = row_of(database, page_id)
        if row is None or not self._is_theirs(database, row):
            return
        if last is not None and not self._wants_another(database, last, row, seen):
            return
        if last is not None and _is_waiting(last, seen) and seen and not self._folders.retire(seen.path):
            return
        now = self._clock()
        number = last.number + 1 if last else 1
        made = time.gmtime(now)
        handed = Handed(
            page_id=row.id,
            number=number,
            agent=self._agent(row),
            name=trigger_folder.file_name(made_at=made, title=row.title, page_id=row.id, number=number),
            made_at=now,
            standing=Standing.PLANNED,
        )
        # Noted first: after a crash in between, the next look writes it.
        self._notes.plan(handed)
        self._write(database, row, handed)

    def _write(self, database: Database[TaskRow], row: TaskRow, handed: Handed) -> None:
        path = self._folders.deliver(handed.agent, handed.name, _content(row, handed, self._rules.ttl_s))
        delivered = replace(handed, standing=Standing.DELIVERED)
        self._notes.save(delivered)
        log.get().info("trigger file written", page=row.id, agent=handed.agent, file=str(path))
        self._show(database, row, delivered, path)

    def _show(
        self, database: Database[TaskRow], row: TaskRow, handed: Handed, path: Path | None = None
    ) -> None:
        """Writes the handoff columns that are there, when the standing has changed."""
        if handed.shown == handed.standing:
            return
        values: dict[str, Any] = {}
        if _takes(database, "trigger_status", handed.standing):
            values["trigger_status"] = str(handed.standing)
        received = handed.standing in (Standing.PROCESSED, Standing.CLOSED, Standing.FAILED)
        word = _RECEIVED_WORD if received else _DELIVERED_WORD
        if word in database.options("handoff_status"):
            values["handoff_status"] = word
        if path is not None and database.has("triggered"):
            values["triggered"] = datetime.fromtimestamp(handed.made_at, UTC)
        if path is not None and database.has("trigger_files"):
            values["trigger_files"] = str(path)
        if values:
            database.update(row.id, values, new_options=("trigger_status",))
        self._notes.save(replace(handed, shown=str(handed.standing)))


@contextmanager
def _one_row(page_id: str) -> Iterator[None]:
    """One row's trouble with Notion does not keep the others waiting; Notion's absence does."""
    try:
        yield
    except Unavailable:
        raise
    except NotionError as error:
        log.get().warning("handoff not looked after", page=page_id, why=str(error))


def _content(row: TaskRow, handed: Handed, ttl_s: float) -> dict[str, Any]:
    """What a trigger file says; documented in docs/handoff.md."""
    return {
        "format": "segue-trigger-1",
        "type": "HANDOFF",
        "handoff_id": f"{row.id}:{handed.number}",
        "created_at": _stamp(handed.made_at),
        "expires_at": _stamp(handed.made_at + ttl_s) if ttl_s else None,
        "source_agent": "Segue",
        "target_agent": handed.agent,
        "task_id": row.id,
        "task_title": row.title,
        "task_url": row.url,
        "task_type": row.task_type,
        "priority": str(row.priority) if row.priority else None,
        "status": row.status,
        "link": row.link,
        "description": row.description,
        "next_required_step": row.next_step,
        "handed_off_from": list(row.handed_off_from),
        "archive_rule": f"move_to_{Stage.PROCESSED.folder}",
        "when_failed": f"move_to_{Stage.FAILED.folder}",
    }


def _end_of(seen: Sighting | None) -> State | None:
    """The end that a file tells of, if it does."""
    if seen is not None and seen.stage is Stage.FAILED:
        return State.FAILED
    return State.DONE if seen is not None and seen.ended else None


def _is_waiting(handed: Handed, seen: Sighting | None) -> bool:
    """Whether its file still lies in the inbox."""
    return seen is not None and seen.stage is Stage.INBOX and not handed.standing.is_end


def _place(row: TaskRow) -> tuple[int, datetime, str]:
    return (rank_of(row.priority), row.created_time or datetime.now(UTC), row.id)


def _file_trouble(handed: Handed) -> str:
    return f"trigger-file:{handed.page_id}:{handed.number}"


def _takes(database: Database[TaskRow], attr: str, word: str) -> bool:
    """Whether a column is there and can say ``word``: a select learns it, a status has to know it."""
    if not database.has(attr):
        return False
    return word in database.options(attr) or database.binding.columns[attr].type == "select"


def _may_start(database: Database[TaskRow], row: TaskRow, done: dict[str, bool]) -> bool:
    for page_id in row.prerequisites:
        if page_id not in done:
            done[page_id] = is_done(database, page_id)
    return all(done[page_id] for page_id in row.prerequisites)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
