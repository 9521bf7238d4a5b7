"""The ``music`` command, as a person runs it: its output and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from music_workflow.cli.main import main
from music_workflow.cli.settings import MusicSettings
from tests.fakes.media_server import Answer, MediaServer, media_server
from tests.music_workflow.library_world import KEY, SECONDS, piece


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """A web server on loopback."""
    with media_server() as running:
        yield running


@dataclass(frozen=True)
class Run:
    """What a run of the command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


Music = Callable[..., Run]


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Music:
    """The command's own entry point, with settings for a temporary folder and none of this machine's own."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "OUT_DIR": str(tmp_path / "out"),
        "DATA_DIR": str(tmp_path / "data"),
        "ALLOW_PRIVATE_ADDRESSES": "true",
        "COLUMNS": "200",
    }
    for name in (*MusicSettings.model_fields, "VOLUME_INDEX_PATH"):
        monkeypatch.delenv(name.upper(), raising=False)

    def run(*args: str, **more: str) -> Run:
        for name, value in {**settings, **more}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["music", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Run(int(ended.value.code or 0), out, err)

    return run


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """Neither FFmpeg, scipy nor yt-dlp is loaded to say what the command can do."""
    code = (
        "import sys; sys.argv = ['music', '--help']\n"
        "from music_workflow.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'av', 'scipy', 'yt_dlp', 'numpy', 'mutagen', 'httpx', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "Bring a track into the library" in done.stdout


def test_a_track_goes_in_and_can_be_verified_and_shown(server: MediaServer, music: Music) -> None:
    """Sync, sync again, show, verify: the whole library from the command line."""
    url = server.serve_audio("/tide.m4a", piece())

    first = music("sync", url, "--json")
    again = music("sync", url)
    track = json.loads(first.stdout)
    shown = music("index", "show", "--json")
    verified = music("verify", track["identity"]["key"])
    by_path = music("verify", track["files"][1]["path"], "--json")

    assert (first.returncode, again.returncode, verified.returncode) == (0, 0, 0), (
        first.stderr + verified.stderr
    )
    assert track["identity"]["title"] == "Tide"
    assert "was in the library already" in again.stdout
    assert json.loads(shown.stdout)["identity"]["key"] == track["identity"]["key"]
    assert "fail" not in verified.stdout
    checks = [json.loads(line) for line in by_path.stdout.splitlines()]
    assert {"WAV SHA-256", "AIFF sound", "Source is no preview"} <= {check["name"] for check in checks}

    Path(track["files"][0]["path"]).unlink()
    broken = music("verify", track["run_id"])
    assert broken.returncode == 1
    assert "no such file" in broken.stdout

    for file in track["files"][1:]:
        Path(file["path"]).unlink()
    assert "1 would be forgotten" in music("index", "forget").stdout
    assert json.loads(music("index", "show", "--json").stdout)["run_id"] == track["run_id"]
    assert "1 forgotten" in music("index", "forget", "--yes").stdout
    assert music("index", "show", "--json").stdout == ""


def test_identify_says_which_track(server: MediaServer, music: Music) -> None:
    """For people and for programs."""
    url = server.serve_audio("/tide.m4a", piece())

    plain, as_json = music("identify", url), music("identify", url, "--json")

    assert "Ada Loop" in plain.stdout
    assert json.loads(as_json.stdout)["title"] == "Tide"


@pytest.mark.parametrize(
    ("link", "code", "words"),
    [
        ("https://www.youtube.com/watch", 2, "names no video"),
        ("https://open.spotify.com/track/3uUuGVFu1V7jTQL60S1r8z", 3, "DRM protected"),
        ("{base}/gone.m4a", 1, "the link is dead"),
        ("{base}/busy.m4a", 5, "left alone"),
    ],
)
def test_each_error_is_one_sentence_and_a_code(
    server: MediaServer, music: Music, link: str, code: int, words: str
) -> None:
    """Programs tell them apart by the code, people by the words; there is no traceback."""
    server.serve("/busy.m4a", Answer(status=429))

    done = music("identify", link.format(base=server.base))

    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_volume_is_said_before_any_work(server: MediaServer, music: Music) -> None:
    """Exit code 4: something of the user's has to be put right."""
    done = music("sync", server.serve_audio("/tide.m4a", piece()), OUT_DIR="/Volumes/Missing/Music")

    assert done.returncode == 4
    assert "Mount its volume" in done.stderr
    assert server.seen == []


def test_analyze_prints_one_object_a_line(tmp_path: Path, music: Music) -> None:
    """A file that is no audio gets an object of its own, does not stop the others, and shows in the exit code."""
    (tmp_path / "good.m4a").write_bytes(piece())
    (tmp_path / "bad.m4a").write_bytes(b"no music" * 500)

    done = music("analyze", "--json", "bad.m4a", "good.m4a")

    refused, row = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert refused.keys() == {"path", "error"}
    assert refused["path"] == "bad.m4a"
    assert row["path"] == "good.m4a"
    assert (row["key"], row["camelot"]) == (KEY, "8A")
    assert row["duration_s"] == pytest.approx(SECONDS, abs=0.1)
    assert 0.0 <= row["confidence"] <= 1.0
    assert {"bpm", "loudness_lufs"} <= set(row)
    assert 0.0 <= row["first_beat_s"] < 60 / row["bpm"]


def test_analyze_several_at_once_keeps_their_order(tmp_path: Path, music: Music) -> None:
    """In processes of their own, with the same figures as one by one; loudness can be left out."""
    for name, kind in (("b.m4a", "m4a"), ("a.wav", "wav")):
        (tmp_path / name).write_bytes(piece(kind))

    at_once = music("analyze", "--json", "--quick", "--jobs", "2", "b.m4a", "a.wav")
    single = music("analyze", "--json", "--quick", "--jobs", "1", "b.m4a", "a.wav")

    rows = [json.loads(line) for line in at_once.stdout.splitlines()]
    assert [row["path"] for row in rows] == ["b.m4a", "a.wav"]
    assert at_once.stdout == single.stdout
    assert rows[0]["loudness_lufs"] is None


def test_a_mix_is_refused_unless_it_is_wanted(server: MediaServer, music: Music) -> None:
    """With the words why; --mix syncs it, and a playlist's name decides its folder."""
    url = server.serve_audio("/tide.m4a", piece())
    short: Any = {"MIX_MINUTES": "0.1", "LAYOUT": "{playlist}/{name}"}

    refused = music("sync", url, **short)
    wanted = music("sync", url, "--mix", "--playlist", "Sunday", "--json", **short)

    assert (refused.returncode, wanted.returncode) == (2, 0)
    assert "mix or live set" in refused.stderr
    assert Path(json.loads(wanted.stdout)["files"][0]["path"]).parent.name == "Sunday"


def test_scan_reports_folders_and_keeps_what_is_unmounted(tmp_path: Path, music: Music) -> None:
    """Folders come from the settings; one that is missing is said to be, and is no error."""
    (tmp_path / "out").mkdir()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "tide.mp3").write_bytes(piece("mp3"))
    folders: Any = {"MUSIC_DIRECTORY_PATHS": f"{tmp_path / 'more'}\n{tmp_path / 'missing'}"}

    done = music("index", "scan", **folders)

    assert done.returncode == 0, done.stderr
    assert "not mounted" in done.stdout
    exported = json.loads((tmp_path / "data" / "music_volume_index.json").read_text())
    assert [Path(file["path"]).name for file in exported["files"]] == ["tide.mp3"]
    assert [root["mounted"] for root in exported["roots"]] == [False, True, True]


def test_unknown_keys_are_said_to_be_unknown(music: Music) -> None:
    """Verify and show of what is not there are wrong use."""
    for command in (("verify", "soundcloud:1"), ("index", "show", "soundcloud:1")):
        done = music(*command)
        assert done.returncode == 2
        assert "knows nothing" in done.stderr
