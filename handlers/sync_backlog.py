"""Turns Music Tracks rows that are not downloaded into Sync track rows, a batch at a time, oldest first.

A row counts when Downloaded is not ticked, Duplicate is not ticked, and one of its link columns names a track that can
be looked for. Each row's link gets one task, once: a row whose task has failed is passed over and named, so that it
never stands in the way of those behind it. To try one again, set its task to Ready, or put another link on its row.
"Batch: 50" in Description sets the size; else BACKLOG_BATCH does. Give the row a Schedule to work the backlog off.

If it stays Blocked: the number after "Batch:" is none; correct it and set Status to Ready.
If it waits (Ready, with Run after): Notion is busy; it goes on where it stopped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from handlers.base import Done, Evidence, Job, NeedsHuman, Tools, handler, minutes
from handlers.music_ports import Backlog, Waiting, WantedRow, batches
from notion_schema.databases import TaskRow

_BATCH = re.compile(r"^Batch:(.*\S.*)$", re.MULTILINE | re.IGNORECASE)
_MOST = 500
_AT_ONCE = 20
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Request:
    """What the row may say."""

    batch: int | None
    """How many rows at most; None to take the setting."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the size of the batch."""
        found = _BATCH.search(row.description or "")
        if found is None:
            return cls(batch=None)
        text = found[1].strip()
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST:
            raise NeedsHuman(
                f"“Batch: {text}” is not a number from 1 to {_MOST}. Correct it in Description and set Status to Ready."
            )
        return cls(batch=int(text))


@handler(
    "Sync backlog",
    aliases=("Process backlog",),
    attempts=5,
    timeout=minutes(30),
    steps={"look": 20, "compare": 10, "file rows": 70},
)
def sync_backlog(job: Job[Request], tools: Tools) -> Done:
    """One batch."""
    most = job.request.batch or tools.library.settings.backlog_batch
    backlog = job.step("look", tools.tracks.backlog, most, tools.rows.known)
    busy = job.step("compare", tools.rows.busy, tuple(each.entry.link for each in backlog.waiting))
    wanted = [_row(each) for each in backlog.waiting if each.entry.link not in busy]
    filed = [job.step("file rows", tools.rows.file, rows) for rows in batches(wanted, _AT_ONCE)]
    new = sum(each.new for each in filed)
    return Done(
        summary=(
            f"{new} of the oldest Music Tracks rows that are not downloaded have a Sync track row now."
            if backlog.waiting or backlog.unusable or backlog.passed_over
            else "No Music Tracks row waits to be downloaded."
        ),
        evidence=(
            Evidence("Rows filed", f"{new}, at most {most} in one run"),
            *(
                Evidence("Filed for", each.entry.name)
                for each in backlog.waiting
                if each.entry.link not in busy
            ),
            *(
                Evidence("A row is at work on it", f"{each.entry.name}: {busy[each.entry.link]}")
                for each in backlog.waiting
                if each.entry.link in busy
            ),
            *_others(backlog),
        ),
    )


def _row(waiting: Waiting) -> WantedRow:
    return WantedRow(
        key=waiting.task_key,
        task_type="Sync track",
        title=waiting.entry.name,
        link=waiting.entry.link,
        description="From the backlog of Music Tracks.",
        track_page_id=waiting.page_id,
    )


def _others(backlog: Backlog) -> tuple[Evidence, ...]:
    """Rows passed over, a few by name and all by number."""
    found: list[Evidence] = []
    for name, words in (
        ("No link of use", backlog.unusable),
        ("Had a task before, and is not downloaded", backlog.passed_over),
    ):
        if words:
            found.append(Evidence(name, f"{len(words)} rows"))
            found += [Evidence(name, each) for each in words[:_SHOWN]]
    return tuple(found)
