"""A gap analysis becomes rows, once; an edit updates them, a tick closes one, and what a person did stays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.rows.gap_rows import NotionGapRows
from gap_analysis import showing
from gap_analysis.planning import Move, Plan
from handlers.file_gaps import Request, carry_out, make_plan, read_file
from notion_schema import blocks
from notion_schema.databases import AGENT_TASKS, ISSUES, IssueRow, TaskRow
from tests.story.conftest import House

SMALL = """# Small Analysis

## 1. Missing code

### 1.1 Sync (High Priority)

**Source:** `plans/sync.md`
**Estimated Effort:** 2 sessions
**Dependencies:** Approval

- [ ] DRM error handling fix (Critical)
- [ ] Retry of refused uploads
- [x] Waveform pictures
- [ ] **Implementation**:

## 2. Automation Opportunities

### 2.1 Nightly Scan (Medium Priority)

**Gap:** No nightly scan configured
**Opportunity:**
- a timer

## 3. Immediate Actions

- [ ] Fix DRM error handling (if blocking)
- [ ] Celebrate
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "analysis.md"
    path.write_text(text, encoding="utf-8")
    return path


def _rows(house: House) -> NotionGapRows:
    return wiring.gap_rows(house.workspace, house.settings)


def _file(house: House, path: Path, **options: Any) -> Plan:
    request = Request(path=str(path), **options)
    rows = _rows(house)
    plan = make_plan(request, read_file(path), rows)
    carry_out(request, plan, rows)
    return plan


def _by_title(rows: list[TaskRow] | list[IssueRow]) -> dict[str, TaskRow]:
    return {row.title: row for row in rows}


def test_the_command_files_each_gap_once_and_ticks_close(house: House, tmp_path: Path) -> None:
    """Rows stand where the document says, without a task type; again changes nothing; a tick closes one row."""
    path = _write(tmp_path, SMALL)
    dry = house.segue("file-gaps", str(path), "--dry-run")
    assert (
        "Would be: 3 created, 0 updated, 0 closed, 1 done and never filed. Nothing was written." in dry.stdout
    ), dry.stderr
    assert "it is a heading, not a task" in dry.stdout
    assert house.rows() == house.issues() == []

    first = house.segue("file-gaps", str(path))
    assert "3 created, 0 updated, 0 closed" in first.stdout, first.stderr
    issues, tasks = _by_title(house.issues()), _by_title(house.rows())
    assert set(issues) == {"DRM error handling fix", "Retry of refused uploads"}
    assert set(tasks) == {"Nightly Scan: No nightly scan configured"}
    assert {row.task_type for row in (*issues.values(), *tasks.values())} == {None}
    assert {row.status for row in issues.values()} == {"Unreported"}
    assert {row.status for row in tasks.values()} == {"Draft"}
    drm = issues["DRM error handling fix"]
    assert (drm.priority, issues["Retry of refused uploads"].priority) == ("Critical", "High")
    for line in ("1.1 Sync: DRM", "Effort: 2 sessions", "Dependencies: Approval", "Source: plans/sync.md"):
        assert line in drm.description
    assert "3. Immediate Actions: Fix DRM error handling" in drm.description

    second = house.segue("file-gaps", str(path))
    assert "0 created, 0 updated, 0 closed, 3 unchanged" in second.stdout, second.stderr
    _write(tmp_path, SMALL.replace("- [ ] Retry", "- [x] Retry"))
    third = house.segue("file-gaps", str(path))
    assert "0 created, 0 updated, 1 closed, 2 unchanged" in third.stdout, third.stderr
    assert sorted(row.status or "" for row in house.issues()) == ["Resolved", "Unreported"]


def test_the_task_type_files_a_page_and_a_file(house: House, tmp_path: Path) -> None:
    """A row with a page's link or a file's path is worked; both name the same document, so that rows are filed once."""
    page = house.notion.create_page(
        page_id=house.server.root_page_id,
        properties={"title": {"title": blocks.rich_text("Small Analysis")}},
        children=_as_blocks(SMALL),
    )
    row = house.add(page["url"], task_type="File gaps")
    house.work()
    done = house.row(row.id)
    assert done.status == "Completed", done.last_error or done.question
    assert "3 created" in done.result
    again = house.workspace.database(AGENT_TASKS).create(
        {
            "title": "The same as a file",
            "task_type": "File gaps",
            "status": "Ready",
            "description": f"Please file {_write(tmp_path, SMALL)}",
        }
    )
    house.work()
    assert "0 created, 0 updated, 0 closed, 3 unchanged" in house.row(again.id).result
    filed = [one for one in (*house.rows(), *house.issues()) if one.segue_key.startswith("gap:")]
    assert len(filed) == 3
    assert all(one.attempt is None for one in filed), "nothing that was filed was run"


def test_a_dry_run_as_a_task_writes_nothing(house: House, tmp_path: Path) -> None:
    """The plan, the merges and what was passed over stand in the row's page."""
    row = house.workspace.database(AGENT_TASKS).create(
        {
            "title": "Try it",
            "task_type": "File gaps",
            "status": "Ready",
            "description": f"`{_write(tmp_path, SMALL)}`\nDry run\nCap: 2",
        }
    )
    house.work()
    assert "2 created, 0 updated, 0 closed, 1 done and never filed, 1 waiting" in house.row(row.id).result
    page = house.text(row.id)
    assert "A dry run: nothing was written" in page
    assert "create: DRM error handling fix" in page
    assert "Celebrate" in page
    assert house.issues() == []
    assert len(house.rows()) == 1


def test_a_row_that_names_nothing_readable_says_what_to_write(house: House) -> None:
    """No document, and a file that is not there, are questions to the person."""
    nothing = house.add("", task_type="File gaps", title="File them")
    missing = house.workspace.database(AGENT_TASKS).create(
        {"title": "x", "task_type": "File gaps", "status": "Ready", "description": "/nowhere/gaps.md"}
    )
    house.work()
    assert "Put a Notion page's link into Link" in house.row(nothing.id).question
    assert house.row(missing.id).status == "Blocked"
    assert "/nowhere/gaps.md cannot be read" in house.row(missing.id).question


def test_edits_update_rows_unless_a_person_changed_them(house: House, tmp_path: Path) -> None:
    """Another priority and effort reach the row; a title and a status set by hand stay, and a tick leaves that row."""
    path = _write(tmp_path, SMALL)
    _file(house, path)
    rows = _by_title(house.issues())
    retry, drm = rows["Retry of refused uploads"], rows["DRM error handling fix"]
    issues = house.workspace.database(ISSUES)
    issues.update(drm.id, {"title": "DRM: Anna looks into it", "status": "Solution In Progress"})

    edited = SMALL.replace("2 sessions", "3 sessions").replace("(Critical)", "(Low)")
    plan = _file(
        house,
        _write(tmp_path, edited.replace("Retry of refused uploads", "Retry of refused file uploads twice")),
    )
    assert not plan.of(Move.CREATE)
    assert "Effort: 3 sessions" in issues.get(retry.id).description
    assert issues.get(retry.id).title == "Retry of refused file uploads twice", (
        "a reworded item is the same row"
    )
    changed = issues.get(drm.id)
    assert (changed.title, changed.status) == ("DRM: Anna looks into it", "Solution In Progress")
    assert changed.priority == "Low"

    ticked = edited.replace("- [ ] DRM", "- [x] DRM")
    (left,) = _file(house, _write(tmp_path, ticked)).of(Move.LEFT)
    assert "a person has changed its status and title" in left.why
    assert issues.get(drm.id).status == "Solution In Progress"


def test_a_deleted_row_is_not_filed_again_and_an_unticked_one_is_reopened(
    house: House, tmp_path: Path
) -> None:
    """The trash is a person's word; taking a tick away takes the closing back."""
    path = _write(tmp_path, SMALL)
    _file(house, path)
    rows = _by_title(house.issues())
    house.workspace.database(ISSUES).trash(rows["Retry of refused uploads"].id)
    (left,) = _file(house, path).of(Move.LEFT)
    assert left.why == "a person has deleted its row"
    _file(house, _write(tmp_path, SMALL.replace("- [ ] DRM", "- [x] DRM")))
    assert house.issues()[0].status == "Resolved"
    plan = _file(house, _write(tmp_path, SMALL))
    assert len(plan.of(Move.REOPEN)) == 1
    assert house.issues()[0].status == "Unreported"


def test_lost_memory_takes_nothing_for_a_persons_change(house: House, tmp_path: Path) -> None:
    """Without the memory of what was written nothing is filed twice, and rows as filed are known again."""
    path = _write(tmp_path, SMALL)
    _file(house, path)
    (house.settings.data_dir / "written.sqlite").unlink()
    assert (
        showing.summary(_file(house, path))
        == "0 created, 0 updated, 0 closed, 3 unchanged, 1 done and never filed"
    )
    plan = _file(house, _write(tmp_path, SMALL.replace("- [ ] Retry", "- [x] Retry")))
    assert len(plan.of(Move.CLOSE)) == 1


def test_a_refused_merge_stays_refused(house: House, tmp_path: Path) -> None:
    """``--no-merge`` files the places apart; later runs without it leave them so."""
    text = SMALL.replace("- [x] Waveform pictures", "").replace(
        "## 2. Auto", "### 1.2 Upkeep (Low Priority)\n\n- [ ] DRM error handling fix\n\n## 2. Auto"
    )
    path = _write(tmp_path, text)
    merged = make_plan(Request(path=str(path)), read_file(path), _rows(house))
    (key,) = [showing.short_key(step.key) for step in merged.steps if step.gap and step.gap.is_merged]
    assert "4 created" in showing.summary(_file(house, path, no_merge=(key,)))
    assert len([row for row in house.issues() if row.title == "DRM error handling fix"]) == 2
    assert showing.summary(_file(house, path)) == "0 created, 0 updated, 0 closed, 4 unchanged"


def test_the_cap_holds_and_the_next_run_goes_on(house: House, tmp_path: Path) -> None:
    """Most urgent first; what waits is said."""
    path = _write(tmp_path, SMALL)
    assert "1 created" in showing.summary(_file(house, path, cap=1))
    assert [row.title for row in house.issues()] == ["DRM error handling fix"]
    assert "2 waiting" not in showing.summary(_file(house, path))
    assert len(house.issues()) + len(house.rows()) == 3


def test_the_real_document(house: House, shared: Path, tmp_path: Path) -> None:
    """58 rows from 77 boxes and more; the second run changes nothing; one tick closes exactly one row."""
    text = (shared / "workspaces" / "music_workflow_gap_analysis.md").read_text(encoding="utf-8")
    path = _write(tmp_path, text)
    plan = _file(house, path)
    assert showing.summary(plan) == "58 created, 0 updated, 0 closed"
    assert len(house.rows()) == 6
    assert {row.title for row in house.rows()} >= {
        "Error recovery automation",
        "Manual Notion update automation",
    }
    (drm,) = [row for row in house.issues() if "DRM" in row.title]
    assert drm.priority == "Critical"
    for section in ("4.2 ", "7.2 ", "9. ", "10.1 ", "10.3 ", "11. "):
        assert f"- {section}" in drm.description
    assert not [row.title for row in house.issues() if row.title.rstrip("* ").endswith(":")]

    assert showing.summary(_file(house, path)) == "0 created, 0 updated, 0 closed, 58 unchanged"
    retitled = text.replace("# Music Workflow Gap Analysis", "# Music Workflow Gap Analysis, revised", 1)
    assert not _file(house, _write(tmp_path, retitled)).of(Move.CREATE), (
        "another title is not another document"
    )
    _file(house, _write(tmp_path, text))
    ticked = text.replace("- [ ] Rollback procedures", "- [x] Rollback procedures")
    plan = _file(house, _write(tmp_path, ticked))
    assert showing.summary(plan) == "0 created, 0 updated, 1 closed, 57 unchanged"
    assert [row.title for row in house.issues() if row.status == "Resolved"] == ["Rollback procedures"]


def _as_blocks(text: str) -> list[dict[str, Any]]:
    """Markdown as a person's import into Notion makes it, as far as the small document needs."""
    made = []
    for line in text.splitlines()[1:]:
        if heading := re.match(r"(#+) (.*)", line):
            made.append(blocks.heading(len(heading[1]), heading[2]))  # type: ignore[arg-type]  # levels 2 and 3 here
        elif box := re.match(r"- \[(.)\] (.*)", line):
            made.append(_bold(blocks.to_do(box[2], checked=box[1] == "x")))
        elif line.startswith("- "):
            made.append(blocks.bulleted(line[2:]))
        elif line:
            made.append(_bold(blocks.paragraph(line)))
    return made


def _bold(block: dict[str, Any]) -> dict[str, Any]:
    body = block[block["type"]]
    pieces = re.split(r"(\*\*[^*]+\*\*|`[^`]+`)", blocks.plain_text(body["rich_text"]))
    body["rich_text"] = [
        {
            "type": "text",
            "text": {"content": piece.strip("*`")},
            "annotations": {"bold": piece.startswith("**"), "code": piece.startswith("`")},
        }
        for piece in pieces
        if piece
    ]
    return block


@pytest.mark.parametrize("name", ["nowhere.md", "not a document"])
def test_the_command_refuses_what_it_cannot_read_in_one_sentence(house: House, name: str) -> None:
    """Exit code 1, no traceback."""
    refused = house.segue("file-gaps", name)
    assert refused.returncode == 1
    assert name in refused.stderr
    assert "Traceback" not in refused.stderr
