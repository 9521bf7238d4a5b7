"""The volume index: SQLite, scan, export."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from music_workflow.errors import NotReady
from music_workflow.index.export import exported_track, write_export
from music_workflow.index.scan import scan
from music_workflow.index.volume import decode_track, open_index
from music_workflow.model import Analysis, AudioFile, FiledTrack, Identity
from tests.music_workflow.library_world import piece


def track(
    key: str = "soundcloud:7", *, isrc: str | None = "GBABC2400001", run: str = "run-1", at: int = 1
) -> FiledTrack:
    """Make a record as filing makes it."""
    files = tuple(
        AudioFile(
            format=kind,
            path=f"/music/{key}.{kind.lower()}",
            size=10,
            sha256="ab" * 32,
            duration_s=200.0,
            codec="x",
            sample_rate=48_000,
            bits=24,
        )
        for kind in ("M4A", "WAV", "AIFF")
    )
    return FiledTrack(
        identity=Identity(
            key=key,
            url="https://x.example/ü",
            service="soundcloud",
            title="Süß",
            artists=("Ada", "מירי"),
            isrc=isrc,
        ),
        files=files,
        analysis=Analysis(
            duration_s=200.0,
            bpm=124.0,
            bpm_confidence=0.9,
            key="A minor",
            camelot="8A",
            key_confidence=0.8,
            loudness_lufs=-9.5,
            true_peak_db=None,
        ),
        waveform_path="/data/w.png",
        source_sha256=f"{key}-source",
        source_duration_s=200.0,
        run_id=run,
        filed_at=f"2026-01-0{at}T00:00:00+00:00",
    )


def test_a_track_comes_back_as_it_was_entered(tmp_path: Path) -> None:
    """By key, run, source and ISRC, after the index was closed and opened again."""
    entered = track()
    with open_index(tmp_path) as index:
        index.add(entered)

    with open_index(tmp_path) as index:
        assert index.by_key("soundcloud:7") == entered
        assert index.by_run("run-1") == entered
        assert index.by_source("soundcloud:7-source") == entered
        assert index.by_isrc("GBABC2400001", 202.9, 3.0) == entered
        assert index.by_isrc("GBABC2400001", 203.1, 3.0) is None
        assert index.by_key("soundcloud:8") is None


def test_another_source_of_a_track_is_remembered(tmp_path: Path) -> None:
    """An alias leads to the track, and goes when the track is entered anew only if it must."""
    with open_index(tmp_path) as index:
        index.add(track())
        index.add_alias("youtube:abcdefghij0", "soundcloud:7")

        assert index.by_key("youtube:abcdefghij0") == track()
        index.add(track(run="run-2"))
        found = index.by_key("youtube:abcdefghij0")
        assert found is not None
        assert found.run_id == "run-2"


def test_paths_of_others_are_taken_and_ones_own_are_not(tmp_path: Path) -> None:
    """Finished tracks and filings under way both hold their names."""
    with open_index(tmp_path) as index:
        index.add(track())
        index.begin("youtube:1", {"M4A": "/music/under way.m4a"})

        assert index.taken("soundcloud:7") == {"/music/under way.m4a"}
        assert index.taken("youtube:1") == {file.path for file in track().files}
        assert index.plan("youtube:1") == {"M4A": "/music/under way.m4a"}


def test_filing_ends_the_plan(tmp_path: Path) -> None:
    """Track, files and the end of the plan are one transaction."""
    with open_index(tmp_path) as index:
        index.begin("soundcloud:7", {"M4A": "/x"})
        index.add(track())

        assert index.plan("soundcloud:7") is None


def test_several_processes_may_have_it_open(tmp_path: Path) -> None:
    """A reader sees what was committed, while a writer has it open."""
    with open_index(tmp_path) as one, open_index(tmp_path) as two:
        one.add(track())

        assert two.by_key("soundcloud:7") == track()


def test_those_who_open_it_first_do_not_refuse_each_other(tmp_path: Path) -> None:
    """Two tasks of a first evening open an index that is not there yet, at the same moment."""
    at_once = 6
    start = threading.Barrier(at_once)

    def look(folder: Path) -> int:
        start.wait()
        with open_index(folder) as index:
            return len(index)

    with ThreadPoolExecutor(at_once) as pool:
        for number in range(150):
            assert list(pool.map(look, [tmp_path / str(number)] * at_once)) == [0] * at_once


def test_an_index_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """An old program does not write into a new index."""
    with open_index(tmp_path) as index:
        index.connection.execute("PRAGMA user_version = 99")

    with pytest.raises(sqlite3.DatabaseError, match="newer"), open_index(tmp_path):
        pass


def test_the_export_has_its_documented_shape(tmp_path: Path) -> None:
    """One shape, with the words of every script readable in it."""
    target = tmp_path / "export" / "index.json"
    with open_index(tmp_path) as index:
        index.add(track(at=2))
        index.add(replace(track("youtube:1", isrc=None, run="run-2"), filed_at="2026-01-01T00:00:00+00:00"))
        write_export(index, target)

    content = json.loads(target.read_text("utf-8"))
    assert (content["format"], content["version"]) == ("segue-volume-index", 1)
    assert set(content) == {"format", "version", "generated_at", "roots", "tracks", "files"}
    assert [entry["key"] for entry in content["tracks"]] == ["youtube:1", "soundcloud:7"]
    assert content["tracks"][1]["artists"] == ["Ada", "מירי"]
    assert content["tracks"][1]["files"] == [asdict(file) for file in track().files]
    assert content["tracks"][1]["bpm"] == 124.0
    assert content["tracks"][0]["isrc"] is None
    assert exported_track(target, "soundcloud:7") == content["tracks"][1]
    assert exported_track(target, "soundcloud:8") is None
    assert [each.name for each in target.parent.iterdir()] == ["index.json"]


def test_an_export_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """The place is said, and nothing is lost."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    with open_index(tmp_path) as index, pytest.raises(NotReady, match="Nothing can be written"):
        write_export(index, blocked / "index.json")


def test_a_foreign_file_is_not_read_as_an_export(tmp_path: Path) -> None:
    """The empty stubs of earlier systems do not pass for an index."""
    (tmp_path / "stub.json").write_text('{"created": "x", "tracks": [], "version": "1.0"}')

    with pytest.raises(ValueError, match="is no segue-volume-index"):
        exported_track(tmp_path / "stub.json", "soundcloud:7")


def test_records_survive_json(tmp_path: Path) -> None:
    """A FiledTrack read from JSON equals the one written, tuples and all."""
    del tmp_path
    assert decode_track(json.loads(json.dumps(asdict(track())))) == track()


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A folder with tagged music of several kinds, and things that are none."""
    root = tmp_path / "music"
    (root / "deep" / "er").mkdir(parents=True)
    for number, kind in enumerate(("m4a", "mp3", "flac", "opus")):
        (root / "deep" / f"{number}.{kind}").write_bytes(piece(kind))
    (root / "deep" / "er" / "broken.mp3").write_bytes(b"no music " * 500)
    (root / "cover.jpg").write_bytes(b"x" * 5000)
    (root / ".hidden.mp3").write_bytes(b"x" * 5000)
    (root / "tiny.wav").write_bytes(b"x")
    return root


def test_a_first_scan_reads_tags_and_a_second_opens_nothing(music: Path, tmp_path: Path) -> None:
    """Unchanged files are known by inode, size and time."""
    with open_index(tmp_path) as index:
        first = scan(index, str(music))
        for path in music.rglob("*.*"):
            path.chmod(0o000)  # whoever is not root could not read them any more
        again = scan(index, str(music))
        titles = {
            row[0] for row in index.connection.execute("SELECT title FROM files WHERE title IS NOT NULL")
        }

    assert (first.total, first.added, first.unreadable, first.mounted) == (5, 5, 1, True)
    assert (again.total, again.added, again.changed, again.moved, again.gone) == (5, 0, 0, 0, 0)
    assert titles == {"Tide"}


def test_changed_moved_and_lost_files_are_told_apart(music: Path, tmp_path: Path) -> None:
    """A rename is no loss and no news."""
    with open_index(tmp_path) as index:
        scan(index, str(music))
        (music / "deep" / "1.mp3").rename(music / "renamed.mp3")
        (music / "deep" / "2.flac").unlink()
        (music / "deep" / "0.m4a").write_bytes(piece(seconds=5.0, title="Ebb"))
        (music / "new.opus").write_bytes(piece("opus", seconds=5.0, title="Flow"))

        report = scan(index, str(music))
        titles = dict(index.connection.execute("SELECT path, title FROM files"))

    assert (report.added, report.changed, report.moved, report.gone, report.total) == (1, 1, 1, 1, 5)
    assert titles[str(music / "deep" / "0.m4a")] == "Ebb"
    assert titles[str(music / "renamed.mp3")] == "Tide"


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_an_unmounted_volume_keeps_its_entries(music: Path, tmp_path: Path, how: str) -> None:
    """A missing folder or an empty mount point loses nothing, and is marked."""
    with open_index(tmp_path) as index:
        scan(index, str(music))
        (tmp_path / "unplugged").mkdir()
        shutil.move(music, tmp_path / "unplugged" / "disk")
        if how == "empty":
            music.mkdir()

        report = scan(index, str(music))
        (mounted,) = index.connection.execute("SELECT mounted FROM roots").fetchone()

        assert (report.mounted, report.total) == (False, 5)
        assert mounted == 0
        if how == "empty":
            music.rmdir()
        shutil.move(tmp_path / "unplugged" / "disk", music)
        assert scan(index, str(music)).added == 0
