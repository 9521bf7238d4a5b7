"""What the settings add to the way of a track: Eagle, playlists' folders, and what becomes of mixes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from notion_schema.databases import AGENT_TASKS
from tests.fakes.eagle import Eagle, running_eagle
from tests.story.conftest import House, furnished

SONG = "Test Band - Short Song.m4a"
TOKEN = "9f2b-the-token-of-eagle"


def settle(house: House, **more: Any) -> None:
    """Change the settings of the house."""
    house.settings = house.settings.model_copy(update=more)


@pytest.fixture(scope="module")
def furnished_house(
    tmp_path_factory: pytest.TempPathFactory, song: Path
) -> Iterator[tuple[House, Eagle, Path]]:
    """A house with Eagle, a folder for playlists and a layout by playlist; and a track synced into it."""
    folder = tmp_path_factory.mktemp("options")
    lists = folder / "playlists"
    lists.mkdir()
    with contextlib.ExitStack() as stack:
        house = stack.enter_context(furnished(folder, song))
        app = stack.enter_context(running_eagle(token=TOKEN, shows_after_s=0.3, lose_answers=1))
        settle(
            house,
            eagle_api_base=app.base,
            eagle_token=SecretStr(TOKEN),
            playlist_tracks_dir=lists,
            layout="{playlist}/{name}",
        )
        row = house.add(house.media.link(SONG))
        words = "From the evening list.\nPlaylist: Sunday / late"
        house.workspace.database(AGENT_TASKS).update(row.id, {"description": words})
        house.work()
        assert house.row(row.id).status == "Completed", house.row(row.id)
        yield house, app, lists


def test_the_layout_and_the_playlists_folder_hold_it(furnished_house: tuple[House, Eagle, Path]) -> None:
    """Below OUT_DIR in the playlist's folder, and its WAV once more in the playlists' own."""
    house, _, lists = furnished_house

    assert {path.parent.name for path in house.files()} == {"Sunday _ late"}
    (listed,) = (path for path in lists.rglob("*") if path.is_file())
    wav = next(path for path in house.files() if path.suffix == ".wav")
    assert listed.samefile(wav)


def test_eagle_has_it_once_and_the_track_row_says_where(furnished_house: tuple[House, Eagle, Path]) -> None:
    """One item although the answer was lost, its id on the Music Tracks row and in the evidence."""
    house, app, _ = furnished_house

    (item,) = app.items
    (track,) = house.tracks()
    assert track.eagle_id == item["id"]
    assert item["ext"] == "aiff"
    assert "Sunday / late" in item["tags"]
    sync = next(row for row in house.rows() if row.task_type == "Sync track")
    assert item["id"] in house.text(sync.id)


def test_the_verification_looked_at_eagle_and_the_playlist(
    furnished_house: tuple[House, Eagle, Path],
) -> None:
    """Its table names both, and they pass; the token stands on no page."""
    house, app, lists = furnished_house

    (verify,) = [row for row in house.rows() if row.task_type == "Verify run"]
    assert verify.status == "Completed"
    text = house.text(verify.id)
    assert f"item {app.items[0]['id']}" in text
    assert str(lists) in text
    assert all(TOKEN not in house.text(row.id) for row in house.rows())


def test_a_closed_eagle_blocks_in_words_and_the_row_goes_on_later(house: House) -> None:
    """The files are filed already; when Eagle runs, Ready is all it takes, and nothing is filed twice."""
    settle(house, eagle_api_base="http://127.0.0.1:9")
    row = house.add(house.media.link(SONG))
    house.work()
    blocked = house.row(row.id)
    assert blocked.status == "Blocked"
    assert "Start Eagle" in blocked.question
    assert len(house.files()) == 3

    with running_eagle() as app:
        settle(house, eagle_api_base=app.base)
        house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready"})
        house.work()
        assert len(app.items) == 1
    done = house.row(row.id)
    assert done.status == "Completed"
    assert "was already in the library" in done.result
    assert len(house.files()) == 3


def test_mixes_are_asked_about_or_left_out(house: House) -> None:
    """MIX_POLICY=skip leaves one out in plain words; review asks with two choices, and the answer holds either way."""
    settle(house, mix_minutes=0.1, mix_policy="skip")
    skipped = house.add(house.media.link(SONG))
    house.work()
    assert house.row(skipped.id).status == "Completed"
    assert "left out" in house.row(skipped.id).result

    settle(house, mix_policy="review")
    asked = [house.add(house.media.link(SONG)) for _ in range(2)]
    house.work()
    for row in asked:
        blocked = house.row(row.id)
        assert blocked.status == "Blocked"
        assert "mix or live set" in blocked.question
        assert len([block for block in house.page(row.id) if block["type"] == "to_do"]) == 2
    assert (house.files(), house.tracks()) == ([], [])

    for row, answer in zip(asked, ("leave it out", "sync it"), strict=True):
        house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready", "answer": answer})
    house.work()
    unwanted, wanted = (house.row(row.id) for row in asked)
    assert (unwanted.status, wanted.status) == ("Completed", "Completed")
    assert "left out" in unwanted.result
    assert "is in the library" in wanted.result
    assert "Mix or live set" in house.text(wanted.id)
    assert len(house.files()) == 3
