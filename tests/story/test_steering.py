"""A person steers by the status column while the worker works."""

from __future__ import annotations

import threading
import time

import psutil

from notion_schema.databases import AGENT_TASKS
from notion_schema.vocabulary import RunState
from tests.story.conftest import House
from tests.story.light import eventually, running

SONG = "Test Band - Short Song.m4a"


def _downloading(house: House) -> bool:
    return any(path.startswith("/slow/") for path in house.media.requests)


def test_the_cancel_word_stops_the_run_and_its_children(house: House) -> None:
    """Archived while it downloads: stopped, said so on the row and its page, nothing filed, no process left."""
    row = house.add(house.media.link(f"slow/{SONG}"))
    with house.worker() as worker, running(worker):
        assert eventually(lambda: _downloading(house))
        house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Archived"})
        assert eventually(lambda: house.row(row.id).run_state is RunState.CANCELLED)
        assert eventually(lambda: "Cancelled by you" in house.text(row.id))
        assert eventually(lambda: not _children_at_work(), 10)
    assert house.row(row.id).status == "Archived"
    assert house.files() == []
    assert house.tracks() == []


def _children_at_work() -> list[int]:
    """Children of the server process that carry out steps."""
    return [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if "forkserver" in " ".join(child.cmdline()) and child.parent() != psutil.Process()
    ]


def test_ready_again_after_cancel_is_a_new_attempt(house: House) -> None:
    """What was cancelled can be reopened like anything else."""
    row = house.add(house.media.link(f"slow/{SONG}"))
    tasks = house.workspace.database(AGENT_TASKS)
    with house.worker() as worker, running(worker):
        assert eventually(lambda: _downloading(house))
        tasks.update(row.id, {"status": "Archived"})
        assert eventually(lambda: house.row(row.id).run_state is RunState.CANCELLED)
    tasks.update(row.id, {"status": "Ready", "link": house.media.link(SONG)})
    house.work()
    done = house.row(row.id)
    assert (done.status, done.attempt) == ("Completed", 2)


def test_a_person_who_takes_the_row_over_is_not_overwritten(house: House) -> None:
    """Set to Completed by hand while it runs: the run goes on, its log is added, the status stays the person's."""
    row = house.add(house.media.link(f"slow/{SONG}"))
    with house.worker() as worker, running(worker):
        assert eventually(lambda: _downloading(house))
        house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Draft"})
        assert eventually(lambda: "Attempt 1" in house.text(row.id), 60)
        time.sleep(1)
    assert house.row(row.id).status == "Draft"


def test_a_row_trashed_while_it_runs_harms_nobody(house: House) -> None:
    """The worker goes on with the next row."""
    row = house.add(house.media.link(f"slow/{SONG}"))
    with house.worker() as worker, running(worker):
        assert eventually(lambda: _downloading(house))
        house.workspace.database(AGENT_TASKS).trash(row.id)
        other = house.add("", title="no link")
        assert eventually(lambda: house.row(other.id).status == "Blocked")
        assert eventually(lambda: not _children_at_work(), 10)
    again = threading.Thread(target=house.work, daemon=True)
    again.start()
    again.join(20)
    assert not again.is_alive(), "the worker waits for ever to report to a row that is in the trash"
