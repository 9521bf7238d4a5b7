"""Writes the task rows: claim, progress, and in the end status, page, log row, follow-ups and issue.

The only writer of task rows; it decides nothing. Each write looks before it acts when it may have happened already
(after a crash, or on a later delivery), so that one remains. Called by ``runner`` inside durable steps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from agent import log, page
from agent.answers import Answers
from agent.handing_on.handoff import Handoff
from agent.handing_on.returns import ENDS, Returns
from agent.outcome import Issue
from agent.problems.issues import Issues
from agent.report import Report, RowRef, attempts_of
from agent.signature import Signature
from agent.telling import Guarded, Teller
from handlers.base import FollowUp, Handback
from notion_schema import blocks
from notion_schema.databases import AGENT_TASKS, EXECUTION_LOGS, TaskRow
from notion_schema.vocabulary import RunState, State
from notion_schema.workspace import Database, Workspace

Standing = Literal["ours", "others", "in the trash"]
ROW_LEASE_S = 900.0
"""How long a row stays with the engine that took it after its last sign of life."""
# A row that was read so long ago is read again before the last word is written to it.
_FRESH_S = 2.0
_SIGNED_WITHIN_S = 30.0
_RUN_STATES = {
    State.DONE: RunState.DONE,
    State.READY: RunState.WAITING,
    State.BLOCKED: RunState.BLOCKED,
    State.FAILED: RunState.FAILED,
    State.REVIEW: RunState.REVIEW,
    State.CANCELLED: RunState.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The row as it was taken, or why it was not."""

    row: TaskRow | None
    refused: str = ""
    try_number: int = 1
    """Which try in a row; a person who sets Ready begins anew at 1."""


class Reporting:
    """Everything that is written to task rows."""

    def __init__(
        self,
        workspace: Workspace,
        worker: str,
        *,
        answers: Answers,
        issues: Issues,
        handoff: Handoff,
        returns: Returns,
        clean: Callable[[str], str],
        guard: Guarded,
    ) -> None:
        self.clean = clean
        self._workspace = workspace
        self._signature = Signature(worker)
        self._answers = answers
        self._issues = issues
        self._handoff = handoff
        self._returns = returns
        self._signed = threading.Event()
        self._teller = Teller(self._show, self._is_at_work, guard, lease_s=ROW_LEASE_S)

    def sign(self, engine: str) -> None:
        """From now on rows are signed with the engine's identity, too."""
        self._signature = replace(self._signature, engine=engine[:8])
        self._signed.set()

    def _me(self) -> Signature:
        # What a crash left unfinished goes on as soon as the engine runs, and may be here before it is introduced.
        self._signed.wait(_SIGNED_WITHIN_S)
        return self._signature

    def stop(self) -> None:
        """Shows no more progress."""
        self._teller.stop()

    def is_foreign(self, row: TaskRow) -> bool:
        """Whether another engine signed the row."""
        return self._me().is_foreign(row.worker)

    # Taking a row ----------------------------------------------------------------------------------------------------

    def asks(self, database_key: str, row: TaskRow, attempt: int) -> bool:
        """Whether the row is ready for exactly this attempt."""
        state = self._tasks(database_key).vocabulary.state(row.status, row.run_state)
        return not row.in_trash and state is State.READY and attempts_of(row) == attempt - 1

    def claim(self, ref: RowRef) -> Claim:
        """Takes the row for this attempt, or says why not; asked twice by the same run, it says yes twice."""
        database = self._tasks(ref.database)
        row = database.get(ref.page_id)
        if row.in_trash:
            return Claim(row=None, refused="the row is in the trash")
        ours = self._is_taken(row, ref)
        state = database.vocabulary.state(row.status, row.run_state)
        if not ours and not self.asks(ref.database, row, ref.attempt):
            return Claim(row=None, refused=f"the row is {row.status}, attempt {attempts_of(row)}, by now")
        if not ours and row.schedule.strip():
            return Claim(row=None, refused="the row has a Schedule by now and never runs itself")
        if ours and state is not State.RUNNING:
            return Claim(row=None, refused=f"a person has set the row to {row.status}")
        if not ours:
            taken = database.update(
                ref.page_id,
                {
                    "status": database.vocabulary.word(State.RUNNING),
                    "run_state": RunState.RUNNING,
                    "attempt": ref.attempt,
                    "run_id": ref.run_id,
                    "worker": str(self._me()),
                    "started": _now(),
                    "finished": None,
                    "lease_until": self._teller.lease(),
                    "progress": 0,
                    "step": "",
                    "last_error": "",
                    "question": "",
                    "run_after": None,
                },
                unless=lambda now: not self.asks(ref.database, now, ref.attempt),
            )
            if not self._is_taken(taken, ref):
                return Claim(row=None, refused=f"the row was set to {taken.status} while it was being taken")
        answer = self._answers.of(row)
        return Claim(row=replace(row, attempt=ref.attempt, run_id=ref.run_id, answer=answer))

    def _is_taken(self, row: TaskRow, ref: RowRef) -> bool:
        """Whether the row carries this very run's id, and from this engine: another one may count alike."""
        return row.run_id == ref.run_id and not self.is_foreign(row)

    def _is_at_work(self, row: TaskRow, ref: RowRef) -> bool:
        """Whether the row shows this run as running: nobody has set another status or taken it over."""
        state = self._tasks(ref.database).vocabulary.state(row.status, row.run_state)
        return not row.in_trash and state is State.RUNNING and self._is_taken(row, ref)

    def tell(self, ref: RowRef, percent: float, words: str) -> None:
        """Shows progress on the row, at most every few seconds and from a thread of its own: returns at once."""
        self._teller.tell(ref, percent, words)

    def hush(self, run_id: str) -> None:
        """Shows no more progress of a run whose row belongs to somebody else by now."""
        self._teller.hush(run_id)

    def _show(self, ref: RowRef, values: Mapping[str, Any]) -> TaskRow:
        return self._tasks(ref.database).update(ref.page_id, values, once=True)

    # Writing the result ----------------------------------------------------------------------------------------------

    def whose(self, report: Report) -> Standing:
        """Whose the row is by now: this attempt's, somebody else's (another status, another run), or nobody's."""
        row = self._tasks(report.ref.database).get(report.ref.page_id)
        return "in the trash" if row.in_trash else "ours" if self._is_ours(row, report) else "others"

    def _is_ours(self, row: TaskRow, report: Report) -> bool:
        cancelled = report.outcome.state is State.CANCELLED
        return self._is_taken(row, report.ref) if cancelled else self._is_at_work(row, report.ref)

    def sees(self, database_key: str) -> bool:
        """Reads a task database's columns; True when that can be done.

        Raises:
            NotionError: it cannot.
        """
        self._tasks(database_key).refresh()
        return True

    def upload_picture(self, report: Report, path: str, *, look_first: bool) -> str | None:
        """Uploads a picture and returns the upload's id; None when the file is gone."""
        file = Path(path)
        if not file.is_file():
            log.get().warning("picture is gone", path=path)
            return None
        name = f"{_short(report.ref)}-{file.name}"
        notion = self._workspace.notion
        if look_first and (upload := notion.find_upload(name)):
            return upload
        return notion.upload_file(file, filename=name, content_type="image/png")

    def write_page(self, report: Report, uploads: tuple[str, ...], *, look_first: bool) -> None:
        """Adds this attempt's section to the row's page."""
        notion = self._workspace.notion
        marker = page.marker(report.ref.run_id)
        if look_first and any(
            marker in blocks.plain_text(block) for block in notion.list_children(report.ref.page_id)
        ):
            return
        notion.append_children(report.ref.page_id, page.section(report, uploads, marker))

    def write_log_row(self, report: Report, *, look_first: bool) -> None:
        """Adds the attempt to Execution-Logs, where that database is set."""
        database = self._optional(EXECUTION_LOGS)
        if database is None or (look_first and database.find_by_key(report.ref.run_id)):
            return
        outcome = report.outcome
        values: dict[str, Any] = {
            "title": f"{report.title} · attempt {report.ref.attempt}",
            "started": _at(report.started_at),
            "finished": _at(report.ended_at),
            "duration_s": round(report.ended_at - report.started_at, 2),
            "final_status": _final_status(outcome.state),
            "run_id": report.ref.run_id,
            "error_count": 1 if outcome.error else 0,
            "plain_summary": outcome.summary,
            "segue_key": report.ref.run_id,
        }
        values["tasks" if report.ref.database == AGENT_TASKS else "issues"] = (report.ref.page_id,)
        if outcome.error:
            values["errors_json"] = outcome.error
        if database.has("script_name"):
            values["script_name"] = f"Segue: {report.task_type}"
        database.create(values, doubtful=look_first)

    def file_follow_up(self, report: Report, follow_up: FollowUp, *, look_first: bool) -> str | None:
        """Files a follow-up row, once for the row and its effect; returns its page id."""
        return self._handoff.file(report, follow_up, look_first=look_first)

    def file_issue(self, report: Report, issue: Issue) -> None:
        """Counts the failure, and files an issue for it when it is the first of its kind."""
        self._issues.failed(report, issue)

    def hand_back(self, handback: Handback) -> None:
        """Sets an earlier row's state, if that row has ended and nobody has moved on with it."""
        self._handoff.hand_back(handback)

    def close(self, report: Report, is_stale: Callable[[], bool]) -> None:
        """The last word on the row: status, result and times.

        Args:
            report: what to write.
            is_stale: whether the row was read too long ago to know that it is still this run's. When it is not,
                nothing is written.
        """
        database = self._tasks(report.ref.database)
        outcome = report.outcome
        self._teller.forget(report.ref.run_id)
        before = None
        if outcome.track_page_id or outcome.run_after_s is not None or is_stale():
            before = database.get(report.ref.page_id)
        if before and (before.in_trash or not self._is_ours(before, report)):
            log.get().info("the row has moved on meanwhile; its status is left alone")
            return
        values: dict[str, Any] = {
            "run_state": _RUN_STATES[outcome.state],
            "step": "",
            "result": outcome.summary,
            "last_error": outcome.error or "",
            "question": outcome.question or "",
            "finished": _at(report.ended_at),
            "lease_until": None,
        }
        if outcome.state is not State.CANCELLED:
            values["status"] = database.vocabulary.word(outcome.state)
        if outcome.state is State.DONE:
            values["progress"] = 100
        values |= _beside(before, report)
        row = database.update(
            report.ref.page_id, values, unless=lambda now: now.in_trash or not self._is_ours(now, report)
        )
        if outcome.question:
            self._answers.asked(row)
        elif outcome.state is not State.READY:
            self._answers.settled(row.id)
        if outcome.state in ENDS:
            self._returns.ended(row, outcome.state, report.ref.run_id, outcome.summary)
        if outcome.state is State.DONE:
            self._issues.succeeded(report)

    def release(self, database_key: str, row: TaskRow, why: str, *, wait_s: float = 0.0) -> None:
        """A row that says running while nobody works on it is made ready again, and says so.

        Args:
            database_key: where it stands.
            row: as it was read just now.
            why: for Last error.
            wait_s: seconds until it may run.
        """
        database = self._tasks(database_key)
        values: dict[str, Any] = {
            "status": database.vocabulary.word(State.READY),
            "run_state": RunState.WAITING,
            "last_error": why,
            "lease_until": None,
        }
        if wait_s:
            values["run_after"] = _at(time.time() + wait_s)
        database.update(row.id, values, unless=lambda now: now.status != row.status)

    def refuse(self, database_key: str, page_id: str, question: str, *, attempt: int | None = None) -> None:
        """A row that cannot even be begun is set to blocked and says what to do.

        It is written without being read: what makes it impossible may be that it cannot be read.

        Args:
            database_key: where it stands.
            page_id: the row.
            question: what to do.
            attempt: counted on it, so that the next try has an id of its own.
        """
        database = self._tasks(database_key)
        values: dict[str, Any] = {
            "status": database.vocabulary.word(State.BLOCKED),
            "run_state": RunState.BLOCKED,
            "question": question,
        }
        if attempt is not None:
            values["attempt"] = attempt
        properties, _ = database.binding.encode(values)
        self._workspace.notion.update_page(page_id, properties=properties)

    def _tasks(self, key: str) -> Database[TaskRow]:
        return self._workspace.database(key)

    def _optional(self, key: str) -> Database[Any] | None:
        return self._workspace.databases.get(key)


def deliver(
    report: Report,
    reporting: Reporting,
    step: Callable[..., Any],
    look_first: Callable[[], bool],
) -> None:
    """Writes a whole report, each write as a durable step of its own.

    Args:
        report: what to write.
        reporting: who writes.
        step: ``engine.step``.
        look_first: asked inside each step: may this delivery's writes have happened before?
    """
    report = report.cleaned(reporting.clean)
    outcome = report.outcome
    standing: Standing = step("whose is it", reporting.whose, report)
    read_at = time.monotonic()
    if standing == "in the trash":
        log.get().info("the row is in the trash; nothing is written")
        return

    def picture(path: str) -> str | None:
        return reporting.upload_picture(report, path, look_first=look_first())

    def write_page() -> None:
        reporting.write_page(report, uploads, look_first=look_first())

    def write_log_row() -> None:
        reporting.write_log_row(report, look_first=look_first())

    def follow_up(one: FollowUp) -> str | None:
        return reporting.file_follow_up(report, one, look_first=look_first())

    sent = [step(f"upload {n}", picture, one.path) for n, one in enumerate(outcome.pictures)]
    uploads = tuple(upload for upload in sent if upload)
    step("write page", write_page)
    step("write log row", write_log_row)
    if standing != "ours":
        log.get().info("the row has moved on; only the log was added")
        return
    for one in outcome.follow_ups:
        step(f"follow-up {one.effect}", follow_up, one)
    if outcome.issue:
        step("file issue", reporting.file_issue, report, outcome.issue)
    for handback in outcome.handbacks:
        step("hand back", reporting.hand_back, handback)
    step(
        "close",
        reporting.close,
        report,
        lambda: look_first() or time.monotonic() - read_at > _FRESH_S,
    )


def _beside(before: TaskRow | None, report: Report) -> dict[str, Any]:
    """What is written unless a person filled it in meanwhile: a date to wait for, the track beside other tracks."""
    outcome = report.outcome
    values: dict[str, Any] = {}
    if outcome.run_after_s is not None and not (before and before.run_after):
        values["run_after"] = _at(report.ended_at + outcome.run_after_s)
    if outcome.track_page_id and not (before and outcome.track_page_id in before.tracks):
        values["tracks"] = (*(before.tracks if before else ()), outcome.track_page_id)
    return values


def _final_status(state: State) -> str:
    return {State.DONE: "Completed", State.FAILED: "Failed", State.CANCELLED: "Cancelled"}.get(
        state, "Partial"
    )


def _short(ref: RowRef) -> str:
    return f"{ref.page_id.replace('-', '')[-12:]}-{ref.attempt}"


def _now() -> datetime:
    return datetime.now(UTC)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
