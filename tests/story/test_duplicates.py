"""Rebuild index and Find duplicates through rows: what a person sees, approves and gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from notion_schema.databases import AGENT_TASKS, TaskRow
from tests.music_workflow.library_world import piece
from tests.story.conftest import House, furnished


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[tuple[House, Path]]:
    """A house whose owner has a second folder of music, with a copy of a track in it."""
    folder = tmp_path_factory.mktemp("duplicates")
    music = folder / "downloads"
    music.mkdir()
    (music / "Ada Loop - Tide.flac").write_bytes(piece("flac", seconds=20.0))
    (music / "tide again.mp3").write_bytes(piece("mp3", seconds=20.0))
    (music / "Ada Loop - Ebb.mp3").write_bytes(piece("mp3", seconds=20.0, seed=5, title="Ebb"))
    with furnished(folder, song) as house:
        house.settings = house.settings.model_copy(
            update={"music_directory_paths": (str(music),), "dj_library_paths": ()}
        )
        yield house, music


def done(house: House, *rows: TaskRow) -> TaskRow:
    """The last of the rows, after the worker has done what there was to do."""
    house.work()
    return house.row(rows[-1].id)


def test_the_index_is_rebuilt(collection: tuple[House, Path]) -> None:
    """Each folder is a line with what came and went, and the fingerprints are counted."""
    house, music = collection

    row = done(house, house.add("", task_type="Rebuild index"))

    assert row.status == "Completed"
    text = house.text(row.id)
    assert str(music) in text
    assert "3 files (before: 0): 3 added" in text
    assert "holds no music" in text
    assert "3 of 3 files (100%)" in text


def test_duplicates_move_once_they_are_approved(collection: tuple[House, Path]) -> None:
    """The plan with proof and picture is on the page; the tick moves the copy, and the other song stays."""
    house, music = collection

    asked = done(house, house.add("", task_type="Find duplicates"))

    assert asked.status == "Blocked"
    assert "would set 1 file aside" in asked.question
    text = house.text(asked.id)
    assert "fingerprints differ in" in text
    assert "FLAC 16 bit 48 kHz instead of MP3 192 kbit/s" in text
    page = house.page(asked.id)
    assert any(block["type"] == "image" for block in page)
    assert (music / "tide again.mp3").exists()

    (box,) = [block for block in page if block["type"] == "to_do"]
    house.notion.update_block(box["id"], "to_do", {"checked": True})
    house.workspace.database(AGENT_TASKS).update(asked.id, {"status": "Ready"})
    row = done(house, asked)

    assert row.status == "Completed"
    assert "1 duplicate set aside into quarantine" in row.result
    assert [path.name for path in sorted(music.glob("[!.]*"))] == [
        "Ada Loop - Ebb.mp3",
        "Ada Loop - Tide.flac",
    ]
    assert [path.name for path in music.glob(".segue-quarantine/*/*")] == ["tide again.mp3"]


def test_a_missing_volume_is_not_an_empty_library(collection: tuple[House, Path]) -> None:
    """With nothing mounted the row waits for a person, and every entry is kept."""
    house, music = collection
    (music / ".segue-volume.json").unlink()  # else it would be known again beside where it stood
    away = music.rename(music.parent / "unplugged")

    row = done(house, house.add("", task_type="Rebuild index"))

    away.rename(music)
    assert row.status == "Blocked"
    assert "All 2 entries are kept" in row.question
