"""Files what a Markdown gap analysis names: implementation gaps in Issues+Questions, automation gaps in Agent-Tasks.

Put a Notion page's link into Link, or the path of a Markdown file on the worker's machine into Description. Every
unchecked box, **Gap:** line and "Incomplete Work" bullet becomes one row; the same gap in several places is one row
that lists them. Run again, it changes nothing; after an edit of the document it updates its rows; a ticked item closes
its row. What a person changed on a row stays. Lines that Description may also hold: "Dry run" (nothing is written, the
plan stands in the page), "No merge: KEY, KEY", "Cap: 50".

If it stays Blocked: the row names no document, or the document cannot be read. The Question says which. Put the page's
link into Link or the file's path into Description, share the page with the integration, and set Status to Ready.
If it Failed: the file is no text. Save it as Markdown in UTF-8 and set Status to Ready.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from gap_analysis import planning, showing
from gap_analysis.planning import CAP, Move, Plan, Step
from gap_analysis.reading import analyse
from handlers.base import (
    CannotDo,
    Done,
    Evidence,
    GapRows,
    Job,
    NeedsHuman,
    PageText,
    Tools,
    handler,
    minutes,
)
from notion_schema.databases import TaskRow
from notion_schema.ids import BadId, parse_id

_LARGEST_BYTES = 5_000_000
_PATH = re.compile(
    r"`([^`\n]+\.(?:md|markdown))`|((?:file://|~|\.{0,2}/|[A-Za-z]:\\)?[^\s`\"']+\.(?:md|markdown))\b"
)
_DRY_RUN = re.compile(r"^\W*dry[ -]run\b(?!\W*(?:no|off|false))", re.IGNORECASE | re.MULTILINE)
_NO_MERGE = re.compile(r"^\W*no[ -]merge\W*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_CAP = re.compile(r"^\W*cap\W*:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which document, and how it is filed."""

    page_id: str | None = None
    path: str | None = None
    dry_run: bool = False
    no_merge: tuple[str, ...] = ()
    cap: int = CAP

    @property
    def source(self) -> str:
        """Where the document is: its page, or its place on this machine."""
        return self.page_id or str(Path(self.path or "").expanduser().absolute())

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the document from Link, else from Description, and the options from Description."""
        text = row.description or ""
        page_id, path = _document(row.link or "", text)
        cap = _CAP.search(text)
        return cls(
            page_id=page_id,
            path=path,
            dry_run=bool(_DRY_RUN.search(text)),
            no_merge=tuple(
                key.strip(" `") for line in _NO_MERGE.findall(text) for key in line.split(",") if key.strip()
            ),
            cap=int(cap[1]) if cap else CAP,
        )


def _document(link: str, text: str) -> tuple[str | None, str | None]:
    link = link.strip()
    if link.startswith("file:"):
        return None, unquote(urlsplit(link).path)
    if link:
        try:
            return parse_id(link), None
        except BadId as error:
            raise NeedsHuman(f"{error} Correct Link and set Status to Ready.") from None
    if found := _PATH.search(text):
        path = found[1] or found[2]
        return None, unquote(urlsplit(path).path) if path.startswith("file:") else path
    raise NeedsHuman(
        "The row names no document. Put a Notion page's link into Link, or the path of a Markdown file on the worker's"
        " machine into Description, and set Status to Ready."
    )


@handler(
    "File gaps",
    aliases=("Gap Filing",),
    attempts=3,
    timeout=minutes(20),
    steps={"read the document": 10, "file the gaps": 90},
)
def file_gaps(job: Job[Request], tools: Tools) -> Done:
    """Reads the document, then makes the rows say what it says."""
    request = job.request
    text = job.step("read the document", read_document, request, tools.gaps)
    lines = job.step("file the gaps", _file, request, text, tools.gaps)
    return Done(
        summary=f"{text.title or 'The document'}: {lines[0].value}.",
        evidence=(Evidence("Document", request.path or text.title or request.page_id or ""), *lines),
    )


def read_document(request: Request, rows: GapRows) -> PageText:
    """The document's text.

    Raises:
        NeedsHuman: There is no such file.
        CannotDo: It is no text.
    """
    if request.page_id:
        return rows.page(request.page_id)
    return read_file(Path(request.path or "").expanduser())


def read_file(path: Path) -> PageText:
    """A Markdown file; its first heading is its title, else its name.

    Raises:
        NeedsHuman: It is not there, or too large to be a gap analysis.
        CannotDo: It is no text.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or size > _LARGEST_BYTES:
            raise NeedsHuman(f"{path} is no Markdown file of at most {_LARGEST_BYTES // 1_000_000} MB.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise NeedsHuman(
            f"{path} cannot be read ({error.strerror or error}). Name a Markdown file that this machine can read."
        ) from None
    except UnicodeDecodeError:
        raise CannotDo(f"{path} is not text in UTF-8.") from None
    return PageText(analyse(text).title or path.stem.replace("_", " "), text)


def make_plan(request: Request, text: PageText, rows: GapRows | None) -> Plan:
    """What there is to do; without rows, as if nothing had been filed."""
    key = rows.document_key(request.source) if rows else ""
    analysis = analyse(text.markdown, title=text.title, key=key)
    keys = tuple(dict.fromkeys(key for gap in analysis.gaps for key in gap.keys))
    filed = rows.filed(analysis.key, keys) if rows else ()
    return planning.plan(analysis, filed, no_merge=request.no_merge, cap=request.cap)


def carry_out(request: Request, plan: Plan, rows: GapRows) -> dict[str, str]:
    """Writes the plan's steps; returns the address of each row created, by key."""
    rows.remember_document(request.source, plan.analysis.key)
    created: dict[str, str] = {}
    for step in plan.steps:
        if step.move is Move.CREATE:
            created[step.key] = rows.create(step)
        elif step.row and (step.values or step.adopted):
            rows.update(step)
    return created


def _file(request: Request, text: PageText, rows: GapRows) -> tuple[Evidence, ...]:
    # Read again inside the step: after a crash it finds what it had already filed.
    with rows.alone():
        plan = make_plan(request, text, rows)
        created = {} if request.dry_run else carry_out(request, plan, rows)
    told = plan.steps if request.dry_run else [one for one in plan.steps if one.move is not Move.UNCHANGED]
    return (
        Evidence(
            "A dry run: nothing was written. Would be" if request.dry_run else "Rows", showing.summary(plan)
        ),
        *(Evidence(f"One row for {n} places", text) for n, text in showing.merges(plan)),
        *(_proof(step, created) for step in told),
        *(
            Evidence("Passed over", f"{one.wording} ({one.section}): {one.why}")
            for one in plan.analysis.passed_over
        ),
    )


def _proof(step: Step, created: dict[str, str]) -> Evidence:
    url = created.get(step.key) or (step.row.url if step.row else "")
    return Evidence(f"{step.move}: {step.title}", " ".join(filter(None, (step.why, url))) or step.home)
