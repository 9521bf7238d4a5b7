"""Spotify's Web API, on loopback: what a link means, and what each refusal becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_workflow.core import alternatives
from music_workflow.core.ports import LibrarySettings, SpotifyCredentials
from music_workflow.deduplication.matching import Wanted
from music_workflow.errors import NotReady, Removed, Unavailable
from tests.fakes.media_server import Answer, MediaServer, Spotify, media_server
from tests.music_workflow.library_world import make_library

ID = "4uLU6hMCjMI75M1A2tKUQC"
TIDE = {
    "name": "Tide",
    "artists": [{"name": "Ada Loop"}, {"name": "Juno Fields"}],
    "album": {"name": "Shore"},
    "duration_ms": 200_500,
    "external_ids": {"isrc": "gb-abc-24-00001"},
    "explicit": False,
}


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """The services' machine."""
    with media_server() as running:
        yield running


def settings(server: MediaServer, folder: Path, **credentials: str) -> LibrarySettings:
    """A library's settings with an app of the user's."""
    given = {"client_id": Spotify.CLIENT_ID, "client_secret": Spotify.SECRET, **credentials}
    made = make_library(folder, service_base=server.base, spotify=SpotifyCredentials(**given))
    return made.settings


@pytest.mark.parametrize(
    "link",
    [
        f"https://open.spotify.com/track/{ID}",
        f"https://open.spotify.com/intl-de/track/{ID}?si=abc",
        f"spotify:track:{ID}",
    ],
)
def test_a_link_in_every_form_is_described(server: MediaServer, tmp_path: Path, link: str) -> None:
    """Title, artists, album, length and recording code are those of the API."""
    Spotify(server).add(ID, **TIDE)

    wanted = alternatives.describe(settings(server, tmp_path), link, None)

    assert wanted == Wanted(
        title="Tide",
        artists=("Ada Loop", "Juno Fields"),
        album="Shore",
        duration_s=200.5,
        isrc="GBABC2400001",
        explicit=False,
    )


def test_a_short_link_is_followed_first(server: MediaServer, tmp_path: Path) -> None:
    """What the app shares on phones leads to the track by a redirect."""
    server.redirect("/spotify.link/Ab12", f"{Spotify(server).add(ID, **TIDE)}?si=abc")

    wanted = alternatives.describe(settings(server, tmp_path), "https://spotify.link/Ab12", None)

    assert wanted is not None
    assert wanted.title == "Tide"


def test_a_refresh_token_is_used_where_there_is_one(server: MediaServer, tmp_path: Path) -> None:
    """Without a browser; else the app logs in for itself."""
    spotify = Spotify(server)
    link = spotify.add(ID, **TIDE)

    alternatives.describe(settings(server, tmp_path), link, None)
    alternatives.describe(settings(server, tmp_path, refresh_token="kept"), link, None)

    assert spotify.logins == [
        "grant_type=client_credentials",
        "refresh_token=kept&grant_type=refresh_token",
    ]


def test_a_day_long_wait_is_said_and_not_waited_for(server: MediaServer, tmp_path: Path) -> None:
    """Apps in development mode are sent away for a day; the error carries the seconds."""
    link = Spotify(server).refuse(ID, 429, **{"Retry-After": "86400"})

    with pytest.raises(Unavailable) as caught:
        alternatives.describe(settings(server, tmp_path), link, None)

    assert caught.value.retry_after_s == 86400


@pytest.mark.parametrize(("status", "kind"), [(403, NotReady), (404, Removed), (503, Unavailable)])
def test_refusals_have_their_meaning(
    server: MediaServer, tmp_path: Path, status: int, kind: type[Exception]
) -> None:
    """An app that is not allowed, a track that is gone, a service in trouble."""
    link = Spotify(server).refuse(ID, status)

    with pytest.raises(kind):
        alternatives.describe(settings(server, tmp_path), link, None)


def test_wrong_credentials_are_for_the_user_to_mend(server: MediaServer, tmp_path: Path) -> None:
    """The sentence names the variables and shows no secret."""
    link = Spotify(server).add(ID, **TIDE)

    with pytest.raises(NotReady, match="SPOTIFY_CLIENT_SECRET") as caught:
        alternatives.describe(settings(server, tmp_path, client_secret="wrong-secret"), link, None)

    assert "wrong-secret" not in str(caught.value)


def test_an_answer_that_is_no_track_is_a_service_in_trouble(server: MediaServer, tmp_path: Path) -> None:
    """A captive portal answers 200 with a page."""
    Spotify(server)
    server.serve(f"/api.spotify.com/v1/tracks/{ID}", Answer(body=b"<html>", content_type="text/html"))

    with pytest.raises(Unavailable, match="no track"):
        alternatives.describe(settings(server, tmp_path), f"https://open.spotify.com/track/{ID}", None)


def test_without_credentials_spotify_is_not_asked(server: MediaServer, tmp_path: Path) -> None:
    """There is no keyless way in; a person's words serve instead, or nothing does."""
    bare = make_library(tmp_path, service_base=server.base).settings
    link = f"https://open.spotify.com/track/{ID}"

    assert alternatives.describe(bare, link, None) is None
    assert alternatives.describe(bare, link, "just words") is None
    assert alternatives.describe(bare, link, "Ada Loop - Tide") == Wanted(title="Tide", artists=("Ada Loop",))
    assert server.seen == []


def test_credentials_are_shown_nowhere() -> None:
    """Settings are logged and travel to child processes."""
    shown = repr(SpotifyCredentials(client_id="app-id", client_secret="hush", refresh_token="kept"))
    assert not any(secret in shown for secret in ("app-id", "hush", "kept"))
