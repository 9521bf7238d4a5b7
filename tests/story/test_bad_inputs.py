"""Every bad input that was thought of, and the sentence its owner sees: one table, one worker for all of them.

The same table stands in docs/bad-inputs.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notion_schema.databases import AGENT_TASKS, TaskRow
from tests.conftest import REPOSITORY
from tests.story.light import TYPE, Scene, duplicate, eventually, scene, set_by_hand

SYNC = "Sync track"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@dataclass(frozen=True)
class Bad:
    """What a person wrote, what becomes of the row, and the sentence (a regular expression) it shows."""

    values: Mapping[str, Any]
    status: str
    says: str = ""
    word: str = "done"
    attempt: int = 1
    edited: Mapping[str, Any] = field(default_factory=dict)
    """Written afterwards, by hand."""


def _link(link: str) -> dict[str, str]:
    return {"task_type": SYNC, "link": link, "description": ""}


TABLE: dict[str, Bad] = {
    "no link": Bad(_link(""), "Blocked", r"The row names no link\. Put one into Link, for example https://"),
    "two links in the text": Bad(
        {"task_type": SYNC, "description": "https://a.example/1.mp3 or https://b.example/2.mp3"},
        "Blocked",
        r"names 2 links .*Put the one that is meant into Link and set Status to Ready",
    ),
    "half a link": Bad(_link("https://"), "Blocked", r"Link .*set Status to Ready"),
    "a word for a link": Bad(_link("banana"), "Blocked", r"banana.*set Status to Ready"),
    "a local file": Bad(_link("file:///etc/passwd"), "Blocked", r"file.*set Status to Ready"),
    "ftp": Bad(_link("ftp://example.org/a.mp3"), "Blocked", r"http.*set Status to Ready"),
    "an address of this machine": Bad(
        _link("http://127.0.0.1:9/a.mp3"), "Blocked", r"127\.0\.0\.1.*set Status to Ready"
    ),
    "an option for a tool": Bad(_link("--exec=reboot"), "Blocked", r"--exec.*set Status to Ready"),
    "a password in the link": Bad(_link("https://me:pw@example.org/a.mp3"), "Blocked", r"password"),
    "a very long text without a link": Bad(
        {"task_type": SYNC, "description": "blah " * 20_000}, "Blocked", r"The row names no link"
    ),
    "a type in other case and blanks": Bad(
        {"task_type": "  sync   TRACK ", "description": ""}, "Blocked", r"The row names no link"
    ),
    "a type that is not Segue's": Bad({"task_type": "Make coffee"}, "Ready"),
    "no type at all": Bad({"task_type": None}, "Ready"),
    "an emoji for a title": Bad({"title": "🪩" * 300}, "Completed"),
    "no title": Bad({"title": ""}, "Completed"),
    "Run after tomorrow": Bad({"run_after": TOMORROW}, "Ready"),
    "Run after in the year 1": Bad({"run_after": datetime(1, 1, 1, tzinfo=UTC)}, "Completed"),
    "Attempt below nought": Bad({"attempt": -7}, "Completed"),
    "Attempt beyond counting": Bad({"attempt": 1e300}, "Completed"),
    "Attempt with a fraction": Bad({"attempt": 2.7}, "Completed", attempt=3),
    "a schedule that is none": Bad({"schedule": "whenever I like"}, "Ready", r"whenever I like"),
    "a Run ID of another row": Bad({"run_id": "a:b:1"}, "Completed"),
    "the Segue key of another row": Bad({"segue_key": "issue:0000"}, "Completed"),
    "a prerequisite in the trash": Bad(
        {}, "Blocked", r"among its Prerequisite Tasks lies in the trash.*set Status to Ready"
    ),
    "a prerequisite that waits for the row": Bad(
        {}, "Blocked", r"waits for itself: .*→.*Take one of them out of Prerequisite Tasks"
    ),
    "a row that is its own prerequisite": Bad({}, "Blocked", r"waits for itself"),
}


@dataclass
class Tried:
    """All rows of the table, and the scene they ended in."""

    scene: Scene
    rows: dict[str, str]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[Tried]:
    """Every row of the table, made as a person would, with the worker at work."""
    folder = tmp_path_factory.mktemp("inputs")
    # An option that a person adds while the worker runs is seen once the columns are read again.
    with scene(folder, song, allow_private_addresses=False, schema_refresh_seconds=0.5) as at_work:
        tasks = at_work.house.workspace.database(AGENT_TASKS)
        # Made aside and set Ready at once, so that none is begun before it is complete.
        rows = {
            name: at_work.add(bad.word, **{"status": "Draft", **bad.values}) for name, bad in TABLE.items()
        }
        tasks.refresh()
        gone = at_work.add(title="gone", status="Draft")
        tasks.trash(gone)
        circle = rows["a prerequisite that waits for the row"]
        itself = rows["a row that is its own prerequisite"]
        other = at_work.add(title="the other one", status="Draft", prerequisites=(circle,))
        for row, before in ((rows["a prerequisite in the trash"], gone), (circle, other), (itself, itself)):
            set_by_hand(at_work.house, row, {"prerequisites": (before,)})
        for row in (*rows.values(), other):
            set_by_hand(at_work.house, row, {"status": "Ready"})
        yield Tried(at_work, rows)


def _shown(row: TaskRow) -> str:
    return f"{row.question}\n{row.last_error}"


@pytest.mark.parametrize("name", TABLE)
def test_each_bad_input_ends_in_a_sentence(tried: Tried, name: str) -> None:
    """The status, the sentence and the count of attempts are those of the table."""
    bad, page_id = TABLE[name], tried.rows[name]

    def ended() -> bool:
        row = tried.scene.row(page_id)
        return row.status == bad.status and bool(re.search(bad.says, _shown(row), re.DOTALL))

    assert eventually(ended, 40), (tried.scene.row(page_id).status, _shown(tried.scene.row(page_id)))
    if bad.status == "Completed":
        assert tried.scene.row(page_id).attempt == bad.attempt


def test_a_duplicated_row_is_a_row_of_its_own(tried: Tried) -> None:
    """Notion's Duplicate copies Attempt, Run ID and Segue key: both rows are worked, each once."""
    original = tried.rows["the Segue key of another row"]
    assert eventually(lambda: tried.scene.is_(original, "Completed"))
    copy = duplicate(tried.scene.house, original)
    assert tried.scene.row(copy).run_id == tried.scene.row(original).run_id
    set_by_hand(tried.scene.house, copy, {"status": "Ready"})
    assert eventually(lambda: tried.scene.is_(copy, "Completed"))
    assert tried.scene.gate.ran.count(copy) == 1
    assert tried.scene.row(copy).attempt == 2, "it goes on counting from what was copied"


def test_a_row_duplicated_while_it_runs_is_a_row_of_its_own(tried: Tried) -> None:
    """The copy says running although nobody works on it: it is set to Ready, says why in its log, and runs."""
    at_work = tried.scene
    original = at_work.add("wait")
    assert eventually(lambda: original in at_work.gate.inside)
    copy = duplicate(at_work.house, original)
    assert eventually(lambda: copy in at_work.gate.inside)
    at_work.gate.opened.set()
    for row in (original, copy):
        assert eventually(lambda row=row: at_work.is_(row, "Completed"))
        assert at_work.gate.ran.count(row) == 1
    assert eventually(lambda: "copy of one that was running" in at_work.house.text(copy))


def test_the_document_has_the_same_table() -> None:
    """Each input of the table has its line in docs/bad-inputs.md, with its status."""
    lines = (REPOSITORY / "docs" / "bad-inputs.md").read_text(encoding="utf-8").splitlines()
    told = {parts[1].strip(): parts[2].strip() for line in lines if len(parts := line.split("|")) > 4}
    assert {name: bad.status for name, bad in TABLE.items()}.items() <= told.items()


def test_light_rows_are_light(tried: Tried) -> None:
    """What the table calls completed is done by the task type of these tests alone."""
    done = [name for name, bad in TABLE.items() if bad.status == "Completed"]
    assert {tried.scene.row(tried.rows[name]).task_type for name in done} == {TYPE}
