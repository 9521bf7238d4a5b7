"""What the user has already is taken from there, and nothing that only looks like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from music_workflow.core.collection import Collection
from music_workflow.metadata import tags
from music_workflow.model import Identity, silent
from tests.music_workflow.library_world import make_library, piece

ISRC = "GBABC2400001"
URL = "https://soundcloud.com/ada-loop/tide"


def identity(**more: Any) -> Identity:
    """The track as its service names it."""
    values: dict[str, Any] = {
        "key": "soundcloud:7",
        "url": URL,
        "service": "soundcloud",
        "title": "Tide",
        "artists": ("Ada Loop",),
        "isrc": ISRC,
        "duration_s": 8.0,
    }
    return Identity(**{**values, **more})


def owned(folder: Path, **tagged: Any) -> tuple[Collection, Path]:
    """A collection with one file of the user's, scanned."""
    music = folder / "own"
    music.mkdir()
    path = music / "some name.m4a"
    path.write_bytes(piece("m4a"))
    tags.write(str(path), "M4A", tags.TrackTags(**{"title": "Tide", "artists": ("Ada Loop",), **tagged}))
    (folder / "out").mkdir()
    collection = Collection(make_library(folder, music_folders=(str(music),)))
    collection.scan()
    return collection, path


@pytest.mark.parametrize("tagged", [{"isrc": ISRC}, {"source_url": URL}, {"identity_key": "soundcloud:7"}])
def test_a_file_of_the_users_own_is_not_downloaded(tmp_path: Path, tagged: dict[str, Any]) -> None:
    """No network is asked: the file is copied as the source, and stays as it was."""
    collection, path = owned(tmp_path, **tagged)
    before = path.read_bytes()

    source = collection.library.fetch(identity(), str(tmp_path / "work"), silent)

    assert source.format_id == "own file"
    assert Path(source.path).read_bytes() == before == path.read_bytes()


@pytest.mark.parametrize(
    ("tagged", "wanted"),
    [
        ({"isrc": ISRC}, {"duration_s": 20.0}),
        ({"isrc": ISRC}, {"title": "Tide (VIP)"}),
        ({"isrc": ISRC, "title": "Tide (Live)"}, {}),
        ({"isrc": "GBABC2400002"}, {}),
        ({}, {}),
        ({"source_url": f"{URL}-2"}, {"isrc": None}),
    ],
)
def test_what_is_not_certain_is_not_taken(
    tmp_path: Path, tagged: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """Another length, version or code; and a name alone proves nothing."""
    collection, _ = owned(tmp_path, **tagged)

    assert collection.owned(identity(**wanted)) is None


@pytest.mark.parametrize("damage", ["gone", "truncated", "unmounted"])
def test_a_file_that_is_not_whole_is_not_taken(tmp_path: Path, damage: str) -> None:
    """The download is better than half a file."""
    collection, path = owned(tmp_path, isrc=ISRC)
    assert collection.owned(identity()) is not None
    if damage == "gone":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-60_000])
        collection.library.scan((str(path.parent),))
    else:
        path.parent.rename(tmp_path / "away")

    assert collection.owned(identity()) is None
