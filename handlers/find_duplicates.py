"""Finds files that are the same recording, shows what it would set aside and why, and does so once that is approved.

Looks in OUT_DIR and MUSIC_DIRECTORY_PATHS. The proof, rung by rung: the same source, the same ISRC and length, the same
sound bit by bit; then, where at least 80 % of the files are fingerprinted, fingerprints with equal version words, and
names with equal length. Each file is proven against the very file that is kept. A remix, a VIP, a live take or an edit
is another recording. Approved files go, a batch at a time and each checked again, into a hidden quarantine folder
beside the music; nothing is deleted. What the libraries of other programs (Eagle, Serato, Rekordbox, Traktor, djay,
Apple Music) name, and what stands in PROTECTED_FOLDERS, stays. `music dedupe undo PLAN` puts everything back;
`music dedupe purge PLAN` deletes for good.

If it stays Blocked:
- "Plan …": look at the page: what would move, what is kept instead, the proof, the pictures. Tick the item to approve
  and set Status to Ready. To refuse, set Status to the word that means cancelled.
- "The plan has changed": files changed since; look at the new plan and approve that.
- "No music was found": mount the volumes, then set Status to Ready.
If it Failed: the linked issue says why. What was moved by then can be put back with `music dedupe undo PLAN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from handlers import approval
from handlers.base import Done, Evidence, Job, NeedsHuman, Picture, Tools, handler, minutes
from music_workflow.core.collection import DEFAULT_BATCH, Collection
from music_workflow.deduplication.results import Applied, Proposal

_MOST_LINES = 40


@handler(
    "Find duplicates",
    aliases=("Deduplicate library", "Dedupe"),
    attempts=3,
    timeout=minutes(240),
    queue="cpu",
    steps={
        "look for a plan begun": 1,
        "look through the folders": 14,
        "compare": 45,
        "set aside": 38,
        "track rows": 2,
    },
)
def find_duplicates(job: Job[approval.Request], tools: Tools) -> Done:
    """The search, the question, and what was approved."""
    collection = Collection(tools.library)
    answer = job.request.answer
    begun = [
        each
        for each in job.step("look for a plan begun", collection.begun)
        if approval.is_given(answer, each)
    ]
    if begun:
        return _set_aside(job, tools, begun[0])
    job.heavy_step("look through the folders", collection.scan)
    found = job.heavy_step("compare", collection.propose, job.progress)
    if not found.moves:
        return Done(summary=_nothing(found), evidence=_facts(found))
    if approval.is_given(answer, found.hash):
        return _set_aside(job, tools, found.hash)
    raise _question(answer, found)


def _set_aside(job: Job[approval.Request], tools: Tools, plan: str) -> Done:
    """Batch after batch, until nothing of the plan is left to do."""
    collection = Collection(tools.library)
    done: list[Applied] = []
    while not done or done[-1].remaining:
        done.append(job.heavy_step("set aside", collection.set_aside, plan, DEFAULT_BATCH))
    moved = [path for each in done for path in each.moved]
    skipped = {each.path: each.why for one in done for each in one.skipped}
    freed = sum(each.freed for each in done)
    rows = job.step("track rows", _rows, tools, [key for each in done for key in each.merged])
    return Done(
        summary=(
            f"{_count(len(moved), 'duplicate')} set aside into quarantine ({freed / 1e6:,.1f} MB),"
            f" {len(skipped):,} left alone."
            f" “music dedupe undo {plan[:12]}” puts them back."
        ),
        evidence=(
            Evidence("Plan", plan),
            Evidence("Set aside", f"{len(moved):,} files, {freed:,} bytes"),
            *(Evidence("Undo manifest", each.manifest) for each in done if each.manifest),
            *_first(Evidence("Set aside", path) for path in moved),
            *_first(Evidence("Left alone", f"{path}: {why}") for path, why in skipped.items()),
            *(Evidence("Its files are set aside; the kept track takes its place", row) for row in rows),
        ),
    )


def _rows(tools: Tools, keys: list[str]) -> list[str]:
    """The Music Tracks rows of tracks whose files were set aside, for a person to merge."""
    pages = [tools.tracks.read(key) for key in keys]
    return [page.url for page in pages if page]


def _question(answer: str, found: Proposal) -> NeedsHuman:
    size = f"{found.freed / 1e6:,.1f} MB"
    words = f"set {_count(found.moves, 'file')} aside ({size}), in {_count(found.groups, 'group')}"
    asked = approval.needed(answer, found.hash, words)
    return NeedsHuman(
        f"{asked} {found.refusal or ''}".strip(),
        choices=asked.choices,
        evidence=_facts(found),
        pictures=tuple(
            Picture(each.path, each.caption) for each in found.pictures if Path(each.path).is_file()
        ),
    )


def _facts(found: Proposal) -> tuple[Evidence, ...]:
    lines = [Evidence(line.name, line.value) for line in found.lines[:_MOST_LINES]]
    more = found.moves + found.left - len(lines)
    return (
        Evidence("Files looked at", f"{found.files:,}"),
        Evidence(
            "Fingerprints cover", f"{found.coverage:.0%}", "fail" if found.refusal else "pass", "at least 80%"
        ),
        *([Evidence("Refused", found.refusal)] if found.refusal else []),
        Evidence("Groups", f"{found.groups:,}"),
        Evidence("Would be set aside", f"{found.moves:,} files, {found.freed:,} bytes"),
        *lines,
        *([Evidence("And", f"{more:,} more, in the plan's file")] if more > 0 else []),
        *(Evidence("Library read", each) for each in found.libraries),
        *(Evidence("Library not read", each, "skip") for each in found.sealed),
        Evidence("Plan", found.hash),
        Evidence("Plan's file", found.plan_path),
    )


def _nothing(found: Proposal) -> str:
    stay = f" {found.left:,} duplicates have to stay where they are." if found.left else ""
    return f"No duplicates to set aside among {found.files:,} files.{stay} {found.refusal or ''}".strip()


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _first(lines: Iterator[Evidence]) -> list[Evidence]:
    return [line for _, line in zip(range(_MOST_LINES), lines, strict=False)]
