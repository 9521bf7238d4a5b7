"""A person's changes on Music Tracks rows reach files and index; nothing of theirs is overwritten."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from handlers.music_ports import HandEdit
from handlers.reconcile_tracks import put_right
from music_workflow.metadata import tags
from notion_schema.databases import TRACKS, TrackRow
from tests.story.conftest import House, furnished


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Any:
    """One house whose track the tests change one after the other."""
    with furnished(tmp_path_factory.mktemp("reconcile"), song) as made:
        yield made


def _run(house: House, *links: str) -> Any:
    """A person asks for a look; the worker does it and what follows."""
    for link in links:
        house.add(link)
    task = house.add("", "Reconcile tracks", title="Reconcile") if not links else None
    with house.worker() as worker:
        worker.run_until_idle()
    return house.row(task.id) if task else None


def _track(house: House) -> TrackRow:
    return next(row for row in house.tracks() if row.segue_key)


def _type(house: House, page_id: str, **values: Any) -> None:
    house.workspace.database(TRACKS).update(page_id, values)


def test_what_a_person_types_reaches_the_files(house: House) -> None:
    """Tempo, key and title by hand are in all three files afterwards; the row keeps them; verification passes."""
    _run(house, house.media.link("Test Band - Short Song.m4a"))
    row = _track(house)
    _type(house, row.id, tempo=62.0, key="8B", title="Mine")
    done = _run(house)
    assert done.status == "Completed", done.result
    text = house.text(done.id)
    assert "Tempo 62 by hand: written into 3 files" in text and "Key C major by hand" in text
    for path in (row.m4a_path, row.wav_path, row.aiff_path):
        found = tags.read(path)
        assert (found.title, found.bpm, found.key, found.camelot) == ("Mine", 62.0, "C major", "8B")
    now = _track(house)
    assert (now.tempo, now.key, now.title) == (62.0, "8B", "Mine")
    library = wiring.library(house.settings)
    track = library.lookup(row.segue_key)
    assert track is not None
    assert [check for check in library.verify(track, None) if check.verdict == "fail"] == []


def test_the_same_again_changes_nothing(house: House) -> None:
    """A second look finds the same values and writes no file."""
    row = _track(house)
    before = Path(row.wav_path).stat()
    assert _run(house).result.startswith("0 rows")
    assert Path(row.wav_path).stat() == before


def test_a_file_moved_by_hand_is_followed_and_another_one_is_not(house: House, tmp_path: Path) -> None:
    """The path leads the index to the very file that was filed; a path to something else becomes a question, once."""
    row = _track(house)
    home = Path(row.m4a_path).with_name("Moved by me.m4a")
    Path(row.m4a_path).rename(home)
    impostor = tmp_path / "other.wav"
    shutil.copyfile(row.wav_path, impostor)
    with impostor.open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\x01\x02\x03\x04")
    _type(house, row.id, m4a_path=str(home), wav_path=str(impostor))
    asked = _run(house)
    assert asked.status == "Blocked"
    assert "is not the WAV file that was filed" in asked.question
    assert f"was moved by hand to {home}" in house.text(asked.id)
    track = wiring.library(house.settings).lookup(row.segue_key)
    assert track is not None and home.is_file()
    by_format = {file.format: file.path for file in track.files}
    assert (by_format["M4A"], by_format["WAV"]) == (str(home), row.wav_path)

    again = _run(house)
    assert again.status == "Completed" and "1 still in question" in again.result
    _type(house, row.id, wav_path=row.wav_path)
    assert "question" not in _run(house).result


def test_ticks_without_files_are_synced_or_asked_about(house: House) -> None:
    """With a link a Sync track row is filed, once; without one a question; unticked stays unticked."""
    tracks = house.workspace.database(TRACKS)
    linked = tracks.create(
        {"title": "Wanted", "downloaded": True, "source_url": house.media.link("gone.m4a")}
    )
    bare = tracks.create({"title": "Nothing known", "downloaded": True})
    done = _track(house)
    _type(house, done.id, downloaded=False)
    asked = _run(house)
    assert "Nothing known: Downloaded is ticked" in asked.question
    text = house.text(asked.id)
    assert "it is synced from" in text and "Downloaded was unticked by hand and stays so" in text
    assert [row.title for row in house.rows()].count("Wanted") == 1
    assert not tracks.get(done.id).downloaded
    for page in (linked.id, bare.id):
        _type(house, page, downloaded=False)
    _run(house)
    assert [row.title for row in house.rows()].count("Wanted") == 1


def test_values_that_mean_nothing_are_named(house: House) -> None:
    """A tempo of 4000 and a key H are questions; the files stay as they are."""
    row = _track(house)
    before = tags.read(row.wav_path)
    _type(house, row.id, tempo=4000.0, key="H moll")
    asked = _run(house)
    assert "4000 is no tempo of music" in asked.question and "“H moll” is not a key" in asked.question
    assert tags.read(row.wav_path) == before


def test_broken_off_between_writing_and_remembering_it_ends_the_same(house: House) -> None:
    """Files that already say the new value are taken as written; files that changed otherwise are left alone."""
    row = _track(house)
    library = wiring.library(house.settings)
    track = library.lookup(row.segue_key)
    assert track is not None
    wav = next(file.path for file in track.files if file.format == "WAV")
    said = tags.read(wav)
    tags.write(wav, "WAV", replace(said, album="Heard by me"))
    edit = HandEdit(
        page_id=row.id, url="", name="x", edited_at="", key=row.segue_key, values=(("album", "Heard by me"),)
    )
    (righted,) = put_right(library, (edit,))
    assert righted.done and not righted.questions
    assert all(tags.read(file.path).album == "Heard by me" for file in track.files)
    with Path(wav).open("ab") as file:
        file.write(b"\0")
    (refused,) = put_right(library, (replace(edit, values=(("album", "Another"),)),))
    assert "not as it was filed" in refused.questions[0]
