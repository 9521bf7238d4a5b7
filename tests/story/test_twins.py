"""The same track again, and what a person wrote: nothing is filed twice, nothing of theirs is overwritten."""

from __future__ import annotations

from pathlib import Path

from agent import wiring
from notion_schema.databases import AGENT_TASKS, TRACKS
from tests.music_workflow.library_world import sync
from tests.story.conftest import House

SONG = "Test Band - Short Song.m4a"


def test_the_same_link_twice_files_nothing_twice(house: House) -> None:
    """A second row with the link is Completed as a twin: no download, no file, no track row, no verification more."""
    synced = house.add(house.media.link(SONG))
    house.work()
    before = {path: path.stat().st_mtime_ns for path in house.files()}
    downloads = house.media.downloads(SONG)
    again = house.add(house.media.link(SONG) + "?utm_source=share")
    house.work()
    row = house.row(again.id)
    assert row.status == "Completed"
    assert "already in the library" in row.result
    assert {path: path.stat().st_mtime_ns for path in house.files()} == before
    assert len(house.tracks()) == 1
    assert len([row for row in house.rows() if row.task_type == "Verify run"]) == 1
    assert house.media.downloads(SONG) <= downloads + 2, "a twin is identified, not downloaded"
    assert synced.id != again.id


def test_two_rows_with_one_link_at_once_file_it_once(house: House) -> None:
    """Both run at the same time; one library entry and one track row remain."""
    rows = [house.add(house.media.link(SONG)) for _ in range(2)]
    house.work()
    assert [house.row(row.id).status for row in rows] == ["Completed", "Completed"]
    assert len(house.files()) == 3
    assert len(house.tracks()) == 1


def test_what_a_person_filled_in_is_kept(house: House) -> None:
    """Key corrected by hand stays; the next run says that it was left as it was."""
    house.add(house.media.link(SONG))
    house.work()
    (track,) = house.tracks()
    house.workspace.database(TRACKS).update(track.id, {"key": "E minor", "album": "My Album"})
    again = house.add(house.media.link(SONG))
    house.work()
    (track,) = house.tracks()
    assert track.key == "E minor"
    assert track.album == "My Album"
    assert "Key says 'E minor' by hand" in house.text(again.id)


def test_a_row_made_by_hand_for_the_link_is_completed_not_doubled(house: House) -> None:
    """A Music Tracks row with the same Source URL gets the files; its own title stays."""
    mine = house.workspace.database(TRACKS).create(
        {"title": "My name for it", "source_url": house.media.link(SONG)}
    )
    house.add(house.media.link(SONG))
    house.work()
    (track,) = house.tracks()
    assert track.id == mine.id
    assert track.title == "My name for it"
    assert track.downloaded


def test_what_an_earlier_attempt_filed_is_verified_all_the_same(house: House, tmp_path: Path) -> None:
    """An attempt that broke off after filing leaves the verification to the next one, which finds the track there."""
    row = house.add(house.media.link(SONG))
    broken_off = f"{house.workspace.database(AGENT_TASKS).id}:{row.id}:1"
    sync(wiring.library(house.settings), house.media.link(SONG), tmp_path / "work", broken_off)
    house.add(house.media.link(SONG))
    with house.worker() as worker:
        worker.run_until_idle()
    assert "already in the library" in house.row(row.id).result
    verifications = [each for each in house.rows() if each.task_type == "Verify run"]
    assert [(each.status, each.handed_off_from) for each in verifications] == [("Completed", (row.id,))]
