"""``music index`` and ``music dedupe`` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.music_workflow.library_world import piece
from tests.music_workflow.test_cli import Music, music

__all__ = ["music"]


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    """A library and a folder of downloads, with one song in both."""
    downloads = tmp_path / "downloads"
    for folder in (tmp_path / "out", downloads):
        folder.mkdir()
    (tmp_path / "out" / "Ada Loop - Tide.flac").write_bytes(piece("flac"))
    (downloads / "tide.flac").write_bytes(piece("flac"))
    return downloads


def test_the_index_is_scanned_searched_and_exported(music: Music, owned: Path) -> None:
    """Each command says what it found; a search for nothing known is an error."""
    folders = {"MUSIC_DIRECTORY_PATHS": str(owned), "DJ_LIBRARY_PATHS": ""}
    reports = music("index", "scan", "--json", **folders).stdout.splitlines()
    assert [json.loads(line)["added"] for line in reports] == [1, 1]
    assert "2 files heard" in music("index", "hear", **folders).stdout
    known = json.loads(music("index", "status", "--json", **folders).stdout)
    assert known["coverage"] == {"files": 2, "heard": 2, "fingerprinted": 2}
    assert str(owned / "tide.flac") in music("index", "lookup", "downloads/tide", **folders).stdout
    missing = music("index", "lookup", "GBABC2499999", **folders)
    assert (missing.returncode, "knows no file by" in missing.stderr) == (2, True)
    exported = music("index", "export", **folders).stdout.strip()
    entries = json.loads(Path(exported).read_text())["files"]
    assert len({entry["audio_sha256"] for entry in entries}) == 1 < len({entry["path"] for entry in entries})
    assert {round(entry["duration_s"]) for entry in entries} == {8}

    renamed = owned.rename(owned.parent / "downloads 2")
    said = music("index", "scan", **folders).stdout.replace("\n", "")
    assert f"{renamed} is what stood at {owned}; correct your settings" in said


def test_duplicates_are_planned_applied_and_put_back(music: Music, owned: Path) -> None:
    """The plan prints its hash; only that hash applies it; undo brings the file back."""
    folders = {"MUSIC_DIRECTORY_PATHS": str(owned), "DJ_LIBRARY_PATHS": ""}
    first = music("dedupe", "plan", **folders)
    assert "Only 0% of 2 files are fingerprinted" in first.stderr
    assert "0 of 2 files would be set aside" in first.stdout

    music("index", "hear", **folders)
    shown = music("dedupe", "plan", **folders).stdout
    assert "the encoded sound is the same, bit by bit" in shown
    plan = json.loads(music("dedupe", "plan", "--json", **folders).stdout)
    assert plan["hash"] in shown

    assert music("dedupe", "apply", "--approve", "0123456789ab", **folders).returncode == 2
    done = music("dedupe", "apply", "--approve", plan["hash"][:12], **folders)
    assert (done.returncode, "1 set aside" in done.stdout) == (0, True)
    assert not (owned / "tide.flac").exists()

    assert "would be deleted for good; add --yes" in music("dedupe", "purge", plan["hash"], **folders).stdout
    back = music("dedupe", "undo", plan["hash"], **folders)
    assert (back.returncode, "1 put back" in back.stdout) == (0, True)
    assert (owned / "tide.flac").read_bytes() == piece("flac")


def test_nothing_mounted_is_said_and_is_not_wrong_use(music: Music, tmp_path: Path) -> None:
    """Exit code 4: something of yours first."""
    run = music("index", "scan", MUSIC_DIRECTORY_PATHS=str(tmp_path / "gone"), DJ_LIBRARY_PATHS="")

    assert run.returncode == 4
    assert "No music was found" in run.stderr
