"""What the earlier system's files are understood to say, and what is refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlier_system import payloads
from earlier_system.model import Home, Source, Stage
from earlier_system.reading import NotThereError, read

PAGE = "2dee7361-6c27-8018-872a-eb14e82e0392"
COMPACT = PAGE.replace("-", "")


def _file(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_copies_of_one_handoff_are_one_wish(tmp_path: Path) -> None:
    """A handoff broadcast to three inboxes, in three spellings of ids and folders, is one wish with three places."""
    shape_a = {
        "task_id": PAGE,
        "task_title": "Fix sync",
        "priority": "High",
        "created_at": "2026-01-13T18:53:15Z",
    }
    shape_b = {
        "title": "Fix sync",
        "task_id": COMPACT,
        "target_agent": "Cursor MM1",
        "timestamp": "2026-01-13T19:00:00Z",
    }
    _file(tmp_path, "Cursor-MM1/01_inbox/20260113T185315Z__HANDOFF__Fix-sync__2dee7361.json", shape_a)
    _file(tmp_path, "Cursor-MM1-Agent/01_inbox/a.json", shape_b)
    _file(
        tmp_path,
        "Codex/02_processed/b.json",
        {"handoff_id": "x", "task_url": f"https://notion.so/Fix-{COMPACT}"},
    )
    (wish,) = read([tmp_path]).wishes
    assert (wish.page_id, wish.stage, wish.home, len(wish.places)) == (PAGE, Stage.INBOX, Home.TASKS, 3)
    assert wish.values["title"] == "Fix sync"


def test_pages_made_on_one_day_stay_apart(tmp_path: Path) -> None:
    """Ids that share their first eight digits are different rows."""
    for last in "12":
        _file(
            tmp_path, f"A/01_inbox/{last}.json", {"task_id": PAGE[:-1] + last, "task_title": f"Task {last}"}
        )
    assert len(read([tmp_path]).wishes) == 2


def test_pending_writes_in_every_shape(tmp_path: Path) -> None:
    """Flat ones, wrapped ones and ones as Notion's properties say the same; pushed ones are passed over."""
    notion = {
        "Task Name": {"title": [{"text": {"content": "Ship "}}, {"plain_text": "it"}]},
        "Status": {"status": {"name": "Done"}},
        "Priority": {"select": {"name": "P1"}},
        "Effort": {"number": None},
        "Owner Name": "Somebody",
    }
    for number, payload in enumerate(
        (
            {"database_id": COMPACT, "properties": notion},
            {"payload": {"title": "Ship it", "status": "Done", "priority": "P1", "owner name": "x"}},
            {"title": "Ship it", "status": "Done", "priority": "P1"},
        )
    ):
        _file(tmp_path, f"pending_notion_writes/agent_tasks/2026010{number + 1}T000000Z__x.json", payload)
    _file(tmp_path, "pending_notion_writes/agent_tasks/old.json.PUSHED", {"title": "Old"})
    found = read([tmp_path])
    (wish,) = found.wishes
    assert dict(wish.values) == {"title": "Ship it", "status": "Done", "priority": "P1"}
    assert wish.source is Source.PENDING and len(wish.places) == 3 and found.passed_over == 1


def test_what_nobody_takes_over_is_named(tmp_path: Path) -> None:
    """Columns beyond title, status, priority, description and link are listed, not lost in silence."""
    _file(
        tmp_path, "issue_updates/x.json", {"issue_id": PAGE, "updates": {"Status": "Resolved", "Owner": "Me"}}
    )
    (wish,) = read([tmp_path]).wishes
    assert (wish.page_id, wish.home, wish.left_out) == (PAGE, Home.ISSUES, ("owner",))


def test_a_return_handoff_becomes_a_note(tmp_path: Path) -> None:
    """What an agent reported is kept line by line, under the row it reports on."""
    report = {
        "type": "RETURN_HANDOFF",
        "executing_agent": "Codex MM1",
        "original_task": {"task_id": "slug-of-a-session", "url": f"https://www.notion.so/T-{COMPACT}"},
        "execution_summary": {
            "work_completed": ["Wrote the index"],
            "deliverables": [{"type": "file", "path": "index.json", "description": "The index"}],
        },
        "next_steps": ["Review it"],
    }
    _file(tmp_path, "A/01_inbox/20260101T000000Z__RETURN__Index__Codex.json", report)
    (wish,) = read([tmp_path]).wishes
    assert (wish.source, wish.page_id) == (Source.RETURN, PAGE)
    assert wish.note.splitlines() == [
        "Codex MM1 reported:",
        "Work completed: Wrote the index",
        "Deliverables: The index, index.json",
        "Next: Review it",
    ]


def test_indexes_in_three_shapes(tmp_path: Path) -> None:
    """Two stubs hold nothing; the real one is judged by the files that are there."""
    song = _file(tmp_path, "music/a.wav", "x" * 2000)
    _file(tmp_path, "one.json", {"created": "x", "version": 1, "tracks": [], "index_path": "/var/x.json"})
    _file(tmp_path, "two.json", {"created": "x", "tracks": {}, "version": 1})
    records = [{"path": str(song), "size": 2000}, {"path": str(song.parent / "gone.wav"), "size": 2000}]
    _file(
        tmp_path,
        "three.json",
        {"scan_paths": [str(song.parent)], "missing_paths": ["/Volumes/NONE/Music"], "records": records},
    )
    by_name = {Path(index.path).name: index for index in read([tmp_path]).indexes}
    assert by_name["one.json"].files == by_name["two.json"].files == 0
    folders = {folder.path: folder for folder in by_name["three.json"].folders}
    here = folders[str(song.parent)]
    assert (here.files, here.present, here.mounted) == (2, 1, True)
    assert not folders["/Volumes/NONE/Music"].mounted


def test_broken_files_are_listed_and_stop_nothing(tmp_path: Path) -> None:
    """Half-written JSON, lists, bad text and prose each get a reason; the good file beside them is read."""
    inbox = tmp_path / "A/01_inbox"
    _file(inbox, "half.json", '{"task_id": ')
    _file(inbox, "list.json", "[1]")
    _file(inbox, "prose.md", "# Do this")
    (inbox / "latin.json").write_bytes(b'{"title": "\xff"}')
    _file(inbox, "good.json", {"task_id": PAGE, "task_title": "Good"})
    found = read([tmp_path])
    reasons = {Path(path).name: why for path, why in found.unread}
    assert set(reasons) == {"half.json", "list.json", "prose.md", "latin.json"}
    assert reasons["list.json"] == "not a JSON object" and reasons["latin.json"] == "not text in UTF-8"
    assert [wish.values["title"] for wish in found.wishes] == ["Good"]


def test_a_path_that_is_not_there_stops_the_import(tmp_path: Path) -> None:
    """An unmounted folder is not an empty one."""
    with pytest.raises(NotThereError, match="Nothing was read"):
        read([tmp_path / "gone"])


def test_times_come_from_content_then_from_the_oldest_stamp_in_the_name() -> None:
    """A router puts its own time before the first one; bare times are UTC."""
    moment = datetime(2026, 1, 13, 18, 53, 15, tzinfo=UTC).timestamp()
    assert payloads.time_of({"timestamp": "2026-01-13T19:53:15+01:00"}, "x") == moment
    assert payloads.time_of({}, "20260114T000000Z__20260113T185315Z__HANDOFF__x.json") == moment
    assert payloads.time_of({"created_at": "yesterday"}, "x") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["title", "properties", "Status", "task_id", "original_task", "payload", "text", "name", "records"]
)


@given(content=st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=6))
def test_no_json_breaks_the_reader(content: dict[str, Any]) -> None:
    """Whatever the file holds, values are text, names are listed and an id is an id."""
    assert all(isinstance(text, str) and text for text in payloads.values_of(content).values())
    assert list(payloads.left_out(content)) == sorted(payloads.left_out(content))
    page = payloads.page_id_of(content)
    assert page is None or len(page) == 36
