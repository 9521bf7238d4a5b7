"""Verify run checks that run, and a failed check has consequences."""

from __future__ import annotations

import pytest

from notion_schema.databases import AGENT_TASKS
from tests.story.conftest import House

SONG = "Test Band - Short Song.m4a"


@pytest.mark.parametrize("damage", ["delete", "truncate"])
def test_damage_is_found_and_has_consequences(house: House, damage: str) -> None:
    """A file gone or changed: the check fails, the row is in Review, Downloaded is unticked, an issue filed."""
    row = house.add(house.media.link(SONG))
    house.work()
    wav = next(path for path in house.files() if path.suffix == ".wav")
    if damage == "delete":
        wav.unlink()
    else:
        with wav.open("r+b") as file:
            file.truncate(wav.stat().st_size // 2)
    (verify,) = [other for other in house.rows() if other.task_type == "Verify run"]
    house.workspace.database(AGENT_TASKS).update(verify.id, {"status": "Ready"})
    house.work()

    failed = house.row(verify.id)
    assert failed.status == "Failed"
    assert "WAV" in failed.last_error
    assert "❌ fail" in house.text(verify.id)
    original = house.row(row.id)
    assert original.status == "Review"
    assert "Verification failed" in original.last_error
    (track,) = house.tracks()
    assert not track.downloaded
    (issue,) = house.issues()
    assert issue.tasks == (verify.id,)


def test_a_track_made_again_is_verified_again(house: House) -> None:
    """After damage, the original set to Ready makes the files anew, and its verification is reopened and passes."""
    row = house.add(house.media.link(SONG))
    house.work()
    for path in house.files()[:2]:
        path.unlink()
    house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready"})
    house.work()
    assert house.row(row.id).status == "Completed"
    assert house.row(row.id).attempt == 2
    assert len(house.files()) == 3
    (verify,) = [other for other in house.rows() if other.task_type == "Verify run"]
    assert verify.status == "Completed"
    assert verify.attempt == 2
    (track,) = house.tracks()
    assert track.downloaded


def test_an_empty_library_folder_is_taken_for_a_missing_volume(house: House) -> None:
    """All files gone at once looks like an unmounted volume: Blocked with words, nothing is made anew elsewhere."""
    row = house.add(house.media.link(SONG))
    house.work()
    for path in house.files():
        path.unlink()
    house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready"})
    house.work()
    blocked = house.row(row.id)
    assert blocked.status == "Blocked"
    assert str(house.settings.out_dir) in blocked.question
    assert house.files() == []


def test_verify_by_the_tracks_own_link(house: House) -> None:
    """A person may ask with the link alone."""
    house.add(house.media.link(SONG))
    house.work()
    asked = house.add(house.media.link(SONG), task_type="Verify run")
    house.work()
    assert house.row(asked.id).status == "Completed"


def test_verify_of_something_never_filed_fails_with_words(house: House) -> None:
    """No record, no pass."""
    asked = house.add(house.media.link(SONG), task_type="Verify run")
    house.work()
    failed = house.row(asked.id)
    assert failed.status == "Failed"
    assert "no record" in failed.last_error
