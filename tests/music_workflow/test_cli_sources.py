"""``music detect`` and ``music list``, as a person runs them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from music_workflow.cli.main import main
from music_workflow.cli.settings import MusicSettings
from music_workflow.core.ports import LibrarySettings
from tests.fakes.media_server import MediaServer, media_server
from tests.fakes.spotify import Spotify, track, track_id

Music = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """Spotify's machine."""
    with media_server() as running:
        yield running


@pytest.fixture
def music(
    server: MediaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Music:
    """The command's own entry point; what it asks for is asked on loopback."""
    monkeypatch.chdir(tmp_path)
    for name in (*MusicSettings.model_fields, "VOLUME_INDEX_PATH"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OUT_DIR", str(tmp_path / "out"))
    monkeypatch.setenv("COLUMNS", "200")
    real = MusicSettings.library

    def library(self: MusicSettings) -> LibrarySettings:
        return replace(real(self), service_base=server.base, allow_private_addresses=True)

    monkeypatch.setattr(MusicSettings, "library", library)

    def run(*args: str, **more: str) -> tuple[int, str, str]:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["music", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


LOGIN = {
    "SPOTIFY_CLIENT_ID": Spotify.CLIENT_ID,
    "SPOTIFY_CLIENT_SECRET": Spotify.SECRET,
    "SPOTIFY_REFRESH_TOKEN": Spotify.REFRESH,
}


def test_without_logins_each_place_says_what_it_needs(music: Music) -> None:
    """Nothing to sync is exit code 1, and no network is needed to say so."""
    code, out, _ = music("detect")

    assert code == 1
    assert "There is nothing to sync." in out
    for name in ("SPOTIFY_REFRESH_TOKEN", "SOUNDCLOUD_PROFILE"):
        assert name in out


def test_what_plays_is_named_with_its_link(music: Music, server: MediaServer) -> None:
    """As JSON with what every place said; a service that is down is exit code 5."""
    spotify = Spotify(server)
    spotify.playing = {"is_playing": True, "item": track(1, "Now")}

    code, out, _ = music("detect", "--json", **LOGIN)
    found = json.loads(out)
    assert (code, found["place"]) == (0, "Spotify player")
    assert found["entry"]["link"] == f"https://open.spotify.com/track/{track_id(1)}"

    spotify.down = True
    code, out, _ = music("detect")
    assert code == 5
    assert "not all could be asked" in out


def test_a_list_is_shown_and_a_refusal_is_a_sentence(music: Music, server: MediaServer) -> None:
    """Titles and links; a playlist that Spotify hides is exit code 4 with what to do."""
    link = Spotify(server).add_playlist(7, "Summer", [track(1, "Song 1"), None])

    code, out, _ = music("list", link, **LOGIN)
    assert code == 0
    assert "Summer (spotify playlist, The Owner)" in out
    assert "Ada Loop - Song 1" in out
    assert "left out: a track that Spotify has removed" in out

    code, _, err = music("list", f"https://open.spotify.com/playlist/{track_id(9)}")
    assert code == 4
    assert "Spotify does not show this playlist" in err
