"""Checks what one run left behind: that run, never "some files somewhere".

Each expected file exists, has the size and hash recorded, decodes, is as long as its source; its tags read back; the
Music Tracks row names these very paths and carries tempo and key; the volume index knows the track. Each check is a
line with the value expected and the value found.

If it stays Blocked: the row does not say what to verify. Put the Music Tracks page or the track's own link into Link,
or "Run ID: …" into Description, and set Status to Ready.
If it Failed: a check did not hold. The original row is in Review, Downloaded is unticked and an issue is filed. Put the
files right (or set the original row to Ready to make them again), then set this row to Ready to check anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from handlers.base import (
    CannotDo,
    Done,
    Evidence,
    Handback,
    Job,
    NeedsHuman,
    Tools,
    TrackPage,
    handler,
    link_of,
    minutes,
)
from music_workflow.model import Check, FiledTrack
from notion_schema.databases import TaskRow
from notion_schema.ids import BadId, parse_id
from notion_schema.vocabulary import State

_RUN_ID = re.compile(r"Run ID:\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Request:
    """What to verify: a run, a Music Tracks page, or a track's link; the first that is given."""

    run_id: str | None
    link: str | None
    original: str | None
    """The row that made the files; it goes to Review when a check fails."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the run id from Description, else the link."""
        named = _RUN_ID.search(row.description or "")
        original = row.handed_off_from[0] if row.handed_off_from else None
        if named:
            return cls(run_id=named[1], link=row.link, original=original)
        return cls(run_id=None, link=link_of(row, example="the Music Tracks page"), original=original)


@handler(
    "Verify run",
    reviews=True,
    attempts=3,
    timeout=minutes(20),
    queue="cpu",
    steps={"find the track": 5, "read the track row": 10, "check": 80, "untick Downloaded": 5},
)
def verify_run(job: Job[Request], tools: Tools) -> Done:
    """Checks one track and says so line by line."""
    filed = job.step("find the track", _find, job.request, tools)
    if filed is None:
        raise CannotDo(
            f"The library has no record of {job.request.run_id or job.request.link}: nothing was filed for it."
            " Set the original row to Ready to make it again."
        )
    page = job.step("read the track row", tools.tracks.read, filed.identity.key)
    checks = job.heavy_step("check", tools.library.verify, filed, page.claims if page else None)
    evidence = tuple(Evidence(c.name, c.found, c.verdict, c.expected) for c in checks)
    name = filed.identity.title
    failed = [check for check in checks if check.verdict == "fail"]
    if failed:
        raise _refusal(job, tools, failed, evidence, page, name)
    passed = sum(check.verdict == "pass" for check in checks)
    return Done(
        summary=f"{name}: {passed} of {len(checks)} checks passed, {len(checks) - passed} skipped, none failed.",
        evidence=(Evidence("Run verified", filed.run_id), *evidence),
        track_page_id=page.page_id if page else None,
    )


def _refusal(
    job: Job[Request],
    tools: Tools,
    failed: list[Check],
    evidence: tuple[Evidence, ...],
    page: TrackPage | None,
    name: str,
) -> CannotDo:
    if page:
        job.step("untick Downloaded", tools.tracks.untick, page.page_id)
    what = "; ".join(f"{check.name}: expected {check.expected}, found {check.found}" for check in failed)
    why = f"{name}: {len(failed)} of {len(evidence)} checks failed. {what}"
    original = job.request.original
    return CannotDo(
        why,
        evidence=evidence,
        handbacks=(Handback(page_id=original, state=State.REVIEW, why=f"Verification failed. {why}"),)
        if original
        else (),
        track_page_id=page.page_id if page else None,
    )


def _find(request: Request, tools: Tools) -> FiledTrack | None:
    if request.run_id:
        return tools.library.lookup(request.run_id)
    if page_id := _page_id(request.link or ""):
        key = tools.tracks.identity_key(page_id)
        if key is None:
            raise NeedsHuman(
                "The page in Link is not a Music Tracks row that Segue made. Put the track's own link into Link,"
                " or 'Run ID: …' into Description, and set Status to Ready."
            )
        return tools.library.lookup(key)
    return tools.library.lookup(tools.library.identify(request.link or "").key)


def _page_id(link: str) -> str | None:
    if "notion." not in link and "://127.0.0.1" not in link and "://localhost" not in link:
        return None
    try:
        return parse_id(link)
    except BadId:
        return None
