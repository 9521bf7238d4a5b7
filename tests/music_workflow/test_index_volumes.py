"""Volumes that go, come back under another name, or lose half their files; and files that move between them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from music_workflow.core.acquire import file_digest
from music_workflow.core.collection import Collection
from music_workflow.errors import NotReady
from music_workflow.index import lookup
from music_workflow.index.hearing import hear, hear_all
from music_workflow.index.scan import scan, scan_all
from music_workflow.index.volume import VolumeIndex, open_index
from music_workflow.metadata import tags
from music_workflow.model import silent
from tests.music_workflow.library_world import make_library, piece
from tests.music_workflow.test_index import track


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume with three files in its music folder."""
    music = tmp_path / "volumes" / "VIBES" / "Music"
    music.mkdir(parents=True)
    for number, kind in enumerate(("m4a", "mp3", "flac")):
        (music / f"{number}.{kind}").write_bytes(piece(kind))
    return music


def known(index: VolumeIndex) -> set[str]:
    """All paths of the index."""
    return {path for (path,) in index.connection.execute("SELECT path FROM files")}


def test_a_renamed_volume_is_known_again(volume: Path, tmp_path: Path) -> None:
    """Asked for under its old name or its new one; nothing is read anew, and hashes go along."""
    with open_index(tmp_path) as index:
        scan(index, str(volume))
        hear_all(index, seconds=60, progress=silent)
        renamed = volume.parent.rename(volume.parent.parent / "VIBES 1") / "Music"

        report = scan(index, str(volume))

        assert (report.root, report.renamed_from) == (str(renamed), str(volume))
        assert (report.added, report.moved, report.gone, report.total) == (0, 0, 0, 3)
        assert known(index) == {str(path) for path in renamed.glob("[!.]*")}
        assert lookup.coverage(index).heard == 3

        back = renamed.rename(tmp_path / "elsewhere")
        report = scan(index, str(back))
        assert (report.root, report.renamed_from) == (str(back), str(renamed))
        assert [path for (path,) in index.connection.execute("SELECT path FROM roots")] == [str(back)]


def test_one_folder_by_two_ways_keeps_its_id(volume: Path, tmp_path: Path) -> None:
    """A link to a music folder is no copy of it."""
    (tmp_path / "link").symlink_to(volume)
    with open_index(tmp_path) as index:
        scan_all(index, (str(volume), str(tmp_path / "link")))
        first = (volume / ".segue-volume.json").read_text()
        scan_all(index, (str(volume), str(tmp_path / "link")))

    assert (volume / ".segue-volume.json").read_text() == first


def test_a_copy_of_a_volume_is_another_volume(volume: Path, tmp_path: Path) -> None:
    """It is given an id of its own, as long as the first is there too."""
    with open_index(tmp_path) as index:
        scan(index, str(volume))
        backup = Path(shutil.copytree(volume, tmp_path / "backup"))

        report = scan(index, str(backup))

        assert (report.added, report.renamed_from) == (3, None)
        assert len(known(index)) == 6
        ids = {json.loads((each / ".segue-volume.json").read_text())["volume"] for each in (volume, backup)}
        assert len(ids) == 2


def test_a_clone_beside_it_is_not_taken_for_a_volume_that_is_away(volume: Path, tmp_path: Path) -> None:
    """It carries the same id and the same names, but it is another disk; and so when both are asked for."""
    with open_index(tmp_path) as index:
        scan(index, str(volume))
        clone = Path(shutil.copytree(volume.parent, volume.parent.parent / "CLONE")) / "Music"
        (tmp_path / "desk" / "drawer").mkdir(parents=True)
        away = volume.parent.rename(tmp_path / "desk" / "drawer" / "VIBES")

        report = scan(index, str(volume))
        assert (report.state, report.renamed_from, report.total) == ("missing", None, 3)
        gone, new = scan_all(index, (str(volume), str(clone)))
        assert (gone.state, gone.total, new.renamed_from, new.added) == ("missing", 3, None, 3)

        away.rename(volume.parent)
        back, other = scan_all(index, (str(volume), str(clone)))
        assert (back.added, back.changed, other.added, other.changed) == (0, 0, 0, 0)
        ids = {json.loads((each / ".segue-volume.json").read_text())["volume"] for each in (volume, clone)}
        assert len(ids) == 2


def test_a_track_whose_files_moved_is_still_in_the_library(volume: Path, tmp_path: Path) -> None:
    """By a rename, and by a move to another volume, which changes inode and time."""
    other = tmp_path / "volumes" / "OTHER"
    other.mkdir()
    paths = [volume / "0.m4a", volume / "1.mp3"]
    with open_index(tmp_path) as index:
        files = tuple(
            replace(file, path=str(path), size=path.stat().st_size, sha256=file_digest(path))
            for file, path in zip(track().files, paths, strict=False)
        )
        index.add(replace(track(), files=files))
        scan_all(index, (str(volume), str(other)))
        paths[0].rename(volume / "renamed.m4a")
        shutil.copyfile(paths[1], other / "moved.mp3")
        paths[1].unlink()

        here, there = scan_all(index, (str(volume), str(other)))

        assert (here.moved, here.gone, there.moved, there.added) == (1, 0, 1, 0)
        found = index.by_key("soundcloud:7")
        assert found is not None
        assert [file.path for file in found.files] == [str(volume / "renamed.m4a"), str(other / "moved.mp3")]
        assert index.taken("other") == {file.path for file in found.files}


def test_files_of_a_track_that_turn_up_later_are_brought_home(tmp_path: Path) -> None:
    """The key in their tags and their hash say whose they are, though the old volume went long ago."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    path = first / "x.m4a"
    path.write_bytes(piece("m4a"))
    tags.write(str(path), "M4A", tags.TrackTags(title="Tide", identity_key="soundcloud:7"))
    with open_index(tmp_path) as index:
        file = replace(track().files[0], path=str(path), size=path.stat().st_size, sha256=file_digest(path))
        index.add(replace(track(), files=(file,)))
        shutil.move(path, second / "y.m4a")
        os.utime(second / "y.m4a")

        scan(index, str(second))

        found = index.by_key("soundcloud:7")
        assert found is not None
        assert found.files[0].path == str(second / "y.m4a")


def test_too_much_gone_at_once_is_not_believed(tmp_path: Path) -> None:
    """More than half of many files: nothing is forgotten until somebody says that it is right."""
    music = tmp_path / "music"
    (music / "disk").mkdir(parents=True)
    for number in range(30):
        (music / ("disk" if number else "") / f"{number}.mp3").write_bytes(bytes([number]) * 2000)
    with open_index(tmp_path) as index:
        scan(index, str(music))
        shutil.move(music / "disk", tmp_path / "unplugged")

        doubted = scan(index, str(music))

        assert (doubted.state, doubted.gone, doubted.before, doubted.total) == ("shrunk", 29, 30, 30)
        shutil.move(tmp_path / "unplugged", music / "disk")
        back = scan(index, str(music))
        assert (back.state, back.added, back.changed) == ("scanned", 0, 0)
        shutil.rmtree(music / "disk")
        accepted = scan(index, str(music), accept_loss=True)
        assert (accepted.state, accepted.gone, accepted.total) == ("scanned", 29, 1)


def test_a_folder_that_cannot_be_read_keeps_its_entries(
    volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and what is known in it is neither lost nor doubted; the same goes for the whole volume."""
    deep = volume / "deep"
    deep.mkdir()
    (volume / "0.m4a").rename(deep / "0.m4a")
    scandir = os.scandir
    closed: set[str] = set()

    def guarded(path: str) -> Any:
        if str(path) in closed:  # the tests may run as root, whom no permission stops
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with open_index(tmp_path) as index:
        scan(index, str(volume))
        closed.add(str(deep))
        part = scan(index, str(volume))
        closed.add(str(volume))
        whole = scan(index, str(volume))

        assert (part.state, part.closed, part.gone, part.total) == ("scanned", (str(deep),), 0, 3)
        assert (whole.state, whole.total, whole.mounted) == ("unreadable", 3, False)
        assert len(known(index)) == 3


def test_names_that_are_no_text_are_named_and_left_out(volume: Path, tmp_path: Path) -> None:
    """Neither SQLite nor JSON nor a row could keep them."""
    with (volume / os.fsdecode(b"caf\xe9.mp3")).open("wb") as file:
        file.write(b"x" * 2000)
    with open_index(tmp_path) as index:
        report = scan(index, str(volume))

    assert report.total == 3
    assert [name.rpartition("/")[2] for name in report.closed] == ["caf\ufffd.mp3"]


def test_folders_within_folders_are_looked_through_once(volume: Path, tmp_path: Path) -> None:
    """One named with its parent, one that was known before its parent, and one looked through alone."""
    deep = volume / "deep"
    deep.mkdir()
    (volume / "0.m4a").rename(deep / "0.m4a")
    with open_index(tmp_path) as index:
        assert scan(index, str(deep)).added == 1
        (whole,) = scan_all(index, (str(volume), str(deep)))
        assert (whole.added, whole.total) == (2, 3)
        (deep / "new.mp3").write_bytes(piece("mp3"))
        alone = scan(index, str(deep))
        assert (alone.added, alone.gone, alone.total) == (1, 0, 2)
        again = scan(index, str(volume))
        assert (again.added, again.changed, again.total) == (0, 0, 4)


def test_nothing_mounted_is_no_empty_library(volume: Path, tmp_path: Path) -> None:
    """The sentence names each folder; the index and its export keep everything."""
    (tmp_path / "out").mkdir()
    collection = Collection(make_library(tmp_path, music_folders=(str(volume),)))
    collection.scan()
    away = tmp_path / "far" / "away"
    away.parent.mkdir()
    volume.rename(away)

    with pytest.raises(
        NotReady, match=r"No music was found: .*out holds no music; .*Music is not there.*All 3 entries"
    ):
        collection.scan()

    exported = json.loads(Path(collection.library.settings.index_export_path).read_text())
    assert len(exported["files"]) == 3
    assert [root["mounted"] for root in exported["roots"]] == [True, False]


def test_hearing_goes_on_where_it_stopped(volume: Path, tmp_path: Path) -> None:
    """Each file is kept at once; a changed file is heard anew, one without sound is said to be."""
    (volume / "broken.mp3").write_bytes(b"no music " * 500)
    with open_index(tmp_path) as index:
        scan(index, str(volume))
        none = hear_all(index, seconds=-1, progress=silent)
        first = hear_all(index, seconds=60, progress=silent)
        again = hear_all(index, seconds=60, progress=silent)

        assert (none.heard, first.heard, first.troubled, again.heard) == (0, 4, 1, 0)
        assert (first.coverage.files, first.coverage.heard, first.coverage.fingerprinted) == (4, 4, 3)
        (volume / "1.mp3").write_bytes(piece("mp3", seed=5))
        assert scan(index, str(volume)).changed == 1
        assert lookup.coverage(index).heard == 3


def test_the_hash_of_the_sound_knows_no_tags_and_no_order_of_bytes(tmp_path: Path) -> None:
    """Retagged files and the PCM formats of one track are the same sound; another encoding is not."""
    plain, tagged = tmp_path / "a.m4a", tmp_path / "b.m4a"
    for path in (plain, tagged):
        path.write_bytes(piece("m4a"))
    tags.write(str(tagged), "M4A", tags.TrackTags(title="Another name", artwork=b"\x89PNG" * 999))
    (tmp_path / "a.wav").write_bytes(piece("wav"))

    one, two, pcm = (hear(str(path)) for path in (plain, tagged, tmp_path / "a.wav"))

    assert one.sha256 != two.sha256
    assert one.audio_sha256 == two.audio_sha256 != pcm.audio_sha256
    assert (pcm.codec, pcm.bits, pcm.bit_rate) == ("pcm_s16le", 16, 1_536_000)
    assert pcm.duration_s == pytest.approx(8.0)


def test_files_are_found_by_source_isrc_and_path(volume: Path, tmp_path: Path) -> None:
    """Mounted or not; the ISRC however it is written, and only within its length."""
    path = volume / "0.m4a"
    url = "https://soundcloud.com/ada/tide"
    record = tags.TrackTags(title="Tide", isrc="GB-ABC-24-00001", identity_key="soundcloud:7", source_url=url)
    tags.write(str(path), "M4A", record)
    with open_index(tmp_path) as index:
        scan(index, str(volume))

        for text, by in (
            ("soundcloud:7", "key"),
            (url, "link"),
            ("gbabc2400001", "ISRC"),
            ("vibes/music/0", "path"),
        ):
            (found,) = lookup.find(index, text)
            assert (found.path, found.by, found.mounted) == (str(path), by, True)
        assert lookup.by_isrc(index, "GBABC2400001", 10.9) != []
        assert lookup.by_isrc(index, "GBABC2400001", 11.2) == []
        volume.rename(tmp_path / "away")
        (tmp_path / "away" / ".segue-volume.json").unlink()
        scan(index, str(volume))
        assert [file.mounted for file in lookup.find(index, "soundcloud:7")] == [False]


def test_an_index_of_the_first_version_is_brought_up_to_date(volume: Path, tmp_path: Path) -> None:
    """Tracks stay; files are read again once, for what the first version did not note."""
    with open_index(tmp_path) as index:
        index.add(track())
    with sqlite3.connect(tmp_path / "index.sqlite") as old:
        old.executescript(
            "DROP TABLE audio; DROP INDEX files_key; DROP INDEX files_url; ALTER TABLE files DROP COLUMN key;"
            "ALTER TABLE files DROP COLUMN url; ALTER TABLE files DROP COLUMN duration_s;"
            "ALTER TABLE roots DROP COLUMN volume; PRAGMA user_version = 1;"
        )
        found = (volume / "0.m4a").stat()
        old.execute("INSERT INTO roots VALUES (?, 1, '2026-01-01')", (str(volume),))
        old.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, 'Old', NULL, NULL, NULL)",
            (str(volume / "0.m4a"), str(volume), found.st_ino, found.st_size, found.st_mtime_ns),
        )
    old.close()

    with open_index(tmp_path) as index:
        assert index.by_key("soundcloud:7") == track()
        report = scan(index, str(volume))

        assert (report.changed, report.added) == (1, 2)
        titles = dict(index.connection.execute("SELECT path, title FROM files"))
        assert titles[str(volume / "0.m4a")] == "Tide"
