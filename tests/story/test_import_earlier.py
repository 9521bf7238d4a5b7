"""The earlier system's folders become rows, values and notes: shown first, approved by hash, once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from notion_schema.databases import AGENT_TASKS, ISSUES
from tests.story.conftest import House

PENDING = "pending_notion_writes"


def _file(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _leave_behind(house: House, folder: Path) -> dict[str, str]:
    """The earlier system's disk, about three rows: one to change, one that was reported on, one edited since."""
    tasks, issues = house.workspace.database(AGENT_TASKS), house.workspace.database(ISSUES)
    asked = tasks.create({"title": "Write the index", "status": "Draft"})
    told = tasks.create({"title": "Ask the agent", "status": "Planning"})
    issue = issues.create({"title": "Index is empty", "status": "Troubleshooting"})
    future, past = "2126-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
    _file(
        folder,
        f"{PENDING}/issue_updates/a.json",
        {"issue_id": issue.id, "status": "Resolved", "timestamp": future},
    )
    _file(
        folder,
        f"{PENDING}/agent_tasks/b.json",
        {"page_id": asked.id, "title": "Old words", "timestamp": past},
    )
    _file(
        folder, f"{PENDING}/agent_tasks/c.json", {"title": "A new wish", "priority": "P1", "status": "To Do"}
    )
    report = {
        "type": "RETURN_HANDOFF",
        "executing_agent": "Codex",
        "original_task": {"task_id": told.id},
        "execution_summary": {"work_completed": ["Asked it"]},
    }
    _file(folder, "Codex/01_inbox/20260101T000000Z__RETURN__Ask.json", report)
    (folder / "Codex/01_inbox/half.json").write_text("{", encoding="utf-8")
    return {"asked": asked.id, "told": told.id, "issue": issue.id}


def test_the_command_shows_a_plan_and_carries_out_exactly_that(house: House, tmp_path: Path) -> None:
    """Nothing is written without the plan's hash; with it each row once; again, nothing; the files stay as they are."""
    disk = tmp_path / "earlier"
    pages = _leave_behind(house, disk)
    before = {path: path.read_bytes() for path in disk.rglob("*.json")}
    shown = house.segue("import-earlier", str(disk)).stdout
    assert "1 rows to be created, 1 rows to be changed, 1 rows to be given a note" in shown
    assert "edited after the file was written" in shown and "half.json: not JSON" in shown
    assert len(house.rows()) == 2
    found = re.search(r"--approve ([0-9a-f]{12})", shown)
    assert found, shown

    wrong = house.segue("import-earlier", str(disk), "--approve", "0" * 12)
    assert wrong.returncode == 1 and "is not this plan" in wrong.stderr and len(house.rows()) == 2

    done = house.segue("import-earlier", str(disk), "--approve", found[1])
    assert done.returncode == 0, done.stderr
    by_title = {row.title: row for row in house.rows()}
    new = by_title["A new wish"]
    assert (new.status, str(new.priority), new.task_type) == ("Draft", "High", None)
    assert by_title["Write the index"].status == "Draft"
    assert house.issues()[0].status == "Resolved"
    assert "Work completed: Asked it" in house.text(pages["told"])

    again = house.segue("import-earlier", str(disk))
    assert "Nothing is to be written." in again.stdout
    assert {path: path.read_bytes() for path in disk.rglob("*.json")} == before


def test_a_row_asks_for_approval_and_holds_it_to_the_plan(house: House, tmp_path: Path) -> None:
    """The plan stands in the page as evidence with one item to tick; an approval of an older plan asks again."""
    disk = tmp_path / "earlier"
    pages = _leave_behind(house, disk)
    task = house.add("", "Import earlier system", title="Import")
    tasks = house.workspace.database(AGENT_TASKS)
    tasks.update(task.id, {"description": f"Please:\n{disk}"})
    with house.worker() as worker:
        worker.run_until_idle()
        asked = house.row(task.id)
        assert asked.status == "Blocked" and "tick the item" in asked.question.replace("to-do ", "")
        text = house.text(task.id)
        assert "create: A new wish" in text and "Approve plan" in text
        digits = re.search(r"Approve plan ([0-9a-f]{12})", text)
        assert digits

        # The issue moves on by hand, so that the plan that was shown is no longer the plan.
        house.workspace.database(ISSUES).update(pages["issue"], {"status": "Waiting on Client"})
        tasks.update(task.id, {"answer": f"yes, plan {digits[1]}", "status": "Ready"})
        worker.run_until_idle()
        changed = house.row(task.id)
        assert changed.status == "Blocked" and "has changed" in changed.question
        digits = re.search(r"Plan ([0-9a-f]{12})", changed.question)
        assert digits

        tasks.update(task.id, {"answer": digits[1], "status": "Ready"})
        worker.run_until_idle()
        done = house.row(task.id)
        assert done.status == "Completed" and done.result.startswith("3 of 3 proposals"), done.result
    assert [row.title for row in house.rows()].count("A new wish") == 1
