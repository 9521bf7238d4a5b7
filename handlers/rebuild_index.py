"""Brings the volume index up to date with all music folders: names, times, tags, then hashes and fingerprints.

The folders are OUT_DIR and those of MUSIC_DIRECTORY_PATHS. What was added, changed, moved or is gone is reported for
each, and the export at VOLUME_INDEX_PATH is written anew. A folder that is not there or empty is a missing volume, not
an empty library: what is known of it is kept. A volume of another name and files that moved are known again. Hashing
and fingerprinting take seconds a file; what does not fit into one run follows in another row.

If it stays Blocked:
- "No music was found": mount the volumes, or correct OUT_DIR and MUSIC_DIRECTORY_PATHS; then set Status to Ready.
- "are missing": more than half of a folder's files are gone. If they were removed on purpose, tick the item in the page
  and set Status to Ready; else mount what is missing, and set Status to Ready.
If it Failed: the linked issue says why; no file and no entry is lost by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from handlers import approval
from handlers.base import Done, Evidence, FollowUp, Job, NeedsHuman, Tools, handler, minutes
from music_workflow.core.collection import Collection
from music_workflow.index.report import HearReport, ScanReport

_HEARING_S = minutes(330)
"""Leaves half an hour of the attempt for the scan."""


@handler(
    "Rebuild index",
    aliases=("Rebuild volume index", "Rebuild Music Volume Index"),
    attempts=3,
    timeout=minutes(360),
    queue="cpu",
    steps={"look through the folders": 10, "forget what is gone": 1, "hash and fingerprint": 88, "export": 1},
)
def rebuild_index(job: Job[approval.Request], tools: Tools) -> Done:
    """The index, brought up to date."""
    collection = Collection(tools.library)
    reports = job.heavy_step("look through the folders", collection.scan)
    if doubtful := [report for report in reports if report.state == "shrunk"]:
        plan = _loss_hash(doubtful)
        if not approval.is_given(job.request.answer, plan):
            raise _too_much_gone(job.request.answer, plan, doubtful, reports)
        reports = job.heavy_step("forget what is gone", collection.scan_and_forget)
    heard = job.heavy_step("hash and fingerprint", collection.hear, _HEARING_S, job.progress)
    export = job.step("export", collection.export)
    return Done(
        summary=f"{_sum(reports, 'total'):,} files are in the index: {_changes(reports)}. {_missing(reports)}".strip(),
        evidence=(*_facts(reports), *_hearing(heard), Evidence("Export", export)),
        follow_ups=_rest(heard),
    )


def _facts(reports: Sequence[ScanReport]) -> tuple[Evidence, ...]:
    """A line for each folder, and what is odd about it."""
    lines: list[Evidence] = []
    for report in reports:
        lines.append(
            Evidence(
                report.root, _said(report), "pass" if report.state == "scanned" else "fail", "looked through"
            )
        )
        if report.renamed_from:
            lines.append(
                Evidence("Known again", f"{report.root} stood at {report.renamed_from}; correct the settings")
            )
        lines += [Evidence("Cannot be read", folder, "fail", "readable") for folder in report.closed]
    names = ("added", "changed", "moved", "gone")
    return (*lines, *(Evidence(name.capitalize(), f"{_sum(reports, name):,}") for name in names))


def _said(report: ScanReport) -> str:
    if report.state == "missing":
        return f"missing: not there or empty; all {report.total:,} entries kept"
    if report.state == "unreadable":
        return f"cannot be read; all {report.total:,} entries kept"
    if report.state == "empty":
        return "holds no music"
    without = f", {report.unreadable:,} without readable tags" if report.unreadable else ""
    return f"{report.total:,} files (before: {report.before:,}): {_changes([report])}{without}"


def _changes(reports: Sequence[ScanReport]) -> str:
    return ", ".join(f"{_sum(reports, name):,} {name}" for name in ("added", "changed", "moved", "gone"))


def _sum(reports: Sequence[ScanReport], name: str) -> int:
    return sum(int(getattr(report, name)) for report in reports)


def _missing(reports: Sequence[ScanReport]) -> str:
    away = [report.root for report in reports if not report.mounted]
    return f"Missing: {', '.join(away)}; what is known of it is kept." if away else ""


def _hearing(heard: HearReport) -> tuple[Evidence, ...]:
    coverage = heard.coverage
    return (
        Evidence("Hashed and fingerprinted now", f"{heard.heard:,} files"),
        Evidence("Without sound that can be decoded", f"{heard.troubled:,} of them"),
        Evidence(
            "Fingerprints", f"{coverage.fingerprinted:,} of {coverage.files:,} files ({coverage.share:.0%})"
        ),
    )


def _rest(heard: HearReport) -> tuple[FollowUp, ...]:
    """What did not fit into this run goes on in another; a run that got nowhere files none."""
    waiting = heard.coverage.files - heard.coverage.heard
    if not waiting or not heard.heard:
        return ()
    title = f"Rebuild index: hash and fingerprint the remaining {waiting:,} files"
    return (FollowUp(effect="the rest", task_type="Rebuild index", title=title),)


def _loss_hash(doubtful: Sequence[ScanReport]) -> str:
    """Names exactly this loss, so that an approval of it is none of a later, larger one."""
    said = "\n".join(f"{report.root}\t{report.before}\t{report.gone}" for report in doubtful)
    return hashlib.sha256(said.encode()).hexdigest()


def _too_much_gone(
    answer: str, plan: str, doubtful: Sequence[ScanReport], reports: Sequence[ScanReport]
) -> NeedsHuman:
    said = "; ".join(
        f"{report.gone:,} of {report.before:,} files in {report.root} are missing" for report in doubtful
    )
    asked = approval.needed(answer, plan, f"forget {_sum(doubtful, 'gone'):,} entries of files that are gone")
    return NeedsHuman(
        f"{said}: that looks like a volume that is not mounted, so nothing was forgotten. Mount it and set Status to"
        f" Ready; or, if they were removed on purpose: {asked}",
        choices=asked.choices,
        evidence=_facts(reports),
    )
