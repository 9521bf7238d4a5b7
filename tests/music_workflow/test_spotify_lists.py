"""Spotify's lists, likes and player through spotipy, against a service that behaves like today's."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from music_workflow import wiring
from music_workflow.core import playlists
from music_workflow.core.listing import Entry
from music_workflow.core.ports import LibrarySettings, SpotifyCredentials
from music_workflow.errors import BadLink, NotReady, Unavailable
from tests.fakes.media_server import Answer, MediaServer, media_server
from tests.fakes.spotify import DAY_S, Spotify, local_file, track, track_id
from tests.music_workflow.library_world import make_library


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """The services' machine."""
    with media_server() as running:
        yield running


@pytest.fixture
def spotify(server: MediaServer) -> Spotify:
    """The user's Spotify."""
    return Spotify(server)


def settings(server: MediaServer, folder: Path, *, user: bool = True) -> LibrarySettings:
    """A library's settings with an app of the user's, and their login."""
    refresh = Spotify.REFRESH if user else None
    app = SpotifyCredentials(client_id=Spotify.CLIENT_ID, client_secret=Spotify.SECRET, refresh_token=refresh)
    return make_library(folder, service_base=server.base, spotify=app).settings


def newest(given: LibrarySettings, since: str | None = None, most: int = 500) -> tuple[Entry, ...]:
    """What the followed likes had."""
    (likes,) = wiring.likes(given)
    return likes.newest(most, frozenset(), since)


def test_a_playlist_is_read_to_its_end_with_what_is_no_track_named(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """Three pages; local files, removed tracks and episodes are said, a track that stands there twice counts once.

    One that this country may not play is looked for all the same: its sound comes from elsewhere.
    """
    items = [track(number, f"Song {number}", is_playable=number != 2) for number in range(1, 121)]
    episode = {**track(900, "Talk"), "type": "episode"}
    link = spotify.add_playlist(7, "Summer", [*items, items[0], None, local_file("Own"), episode])

    found = playlists.read(settings(server, tmp_path), f"{link}?si=abc")

    assert (found.key, found.title, found.owner) == (f"spotify:playlist:{track_id(7)}", "Summer", "The Owner")
    assert [entry.key for entry in found.entries] == [
        f"spotify:{track_id(number)}" for number in range(1, 121)
    ]
    assert found.entries[0].name == "Ada Loop - Song 1"
    assert found.complete
    assert len(found.left_out) == 3
    said = "; ".join(found.left_out)
    assert "removed" in said
    assert "local file" in said
    assert "episode: Talk" in said


def test_a_long_playlist_is_cut_and_says_so(server: MediaServer, spotify: Spotify, tmp_path: Path) -> None:
    """The limit is the setting's; what is not read is not asked for either."""
    link = spotify.add_playlist(7, "Long", [track(number, "Song") for number in range(1, 200)])
    given = make_library(
        tmp_path, service_base=server.base, spotify=settings(server, tmp_path).spotify, list_most=60
    ).settings

    found = playlists.read(given, link)

    assert (len(found.entries), found.complete) == (60, False)
    assert len(server.requests_for(f"/api.spotify.com/v1/playlists/{track_id(7)}/items")) == 2


def test_an_album_is_read_by_the_app_alone(server: MediaServer, spotify: Spotify, tmp_path: Path) -> None:
    """Albums are everybody's: no login of a person is needed."""
    link = spotify.add_album(3, "Shore", [track(number, f"Song {number}") for number in range(1, 61)])

    found = playlists.read(settings(server, tmp_path, user=False), link)

    assert (found.title, found.owner, len(found.entries)) == ("Shore", "Ada Loop", 60)
    assert spotify.grants == ["client_credentials"]


@pytest.mark.parametrize("shown", [False, None])
def test_a_playlist_that_is_not_shown_is_explained(
    server: MediaServer, spotify: Spotify, tmp_path: Path, shown: Literal[False] | None
) -> None:
    """Somebody else's (403) and Spotify's own (404) are refused with what to do instead, and Spotify is named."""
    link = f"https://open.spotify.com/playlist/{track_id(9)}"
    if shown is not None:
        spotify.add_playlist(9, "Secret", [track(1, "Song")], shown=shown)

    with pytest.raises(
        NotReady, match=r"Spotify does not show this playlist.*playlist of your own"
    ) as caught:
        playlists.read(settings(server, tmp_path), link)

    assert caught.value.service == "spotify"


def test_likes_are_read_down_to_the_last_one_seen(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """By the time of the like: older ones are not asked for, those of the same moment are."""
    for number in range(1, 121):
        spotify.like(f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}Z", track(number, "Song"))

    found = newest(settings(server, tmp_path), since="2026-01-01T00:01:58Z")

    assert [entry.key for entry in found] == [f"spotify:{track_id(number)}" for number in (120, 119, 118)]
    assert len(server.requests_for("/api.spotify.com/v1/me/tracks")) == 1
    assert len(newest(settings(server, tmp_path))) == 120


def test_liked_songs_are_a_list_too(server: MediaServer, spotify: Spotify, tmp_path: Path) -> None:
    """So that all old likes can be taken up at once."""
    spotify.like("2026-01-01T00:00:00Z", track(1, "Song"))

    found = playlists.read(settings(server, tmp_path), "https://open.spotify.com/collection/tracks")

    assert (found.kind, found.title, len(found.entries)) == ("likes", "Liked Songs", 1)


def test_what_plays_is_told_or_why_nothing_does(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """A track, or in words: nothing, a pause, an episode, a local file."""
    (player,) = wiring.players(settings(server, tmp_path))
    assert player.playing() == "nothing is playing"

    spotify.playing = {"is_playing": True, "item": track(5, "Now")}
    found = player.playing()
    assert isinstance(found, Entry)
    assert found.link == f"https://open.spotify.com/track/{track_id(5)}"

    spotify.playing = {"is_playing": False, "item": track(5, "Now")}
    assert player.playing() == "the player is paused"
    spotify.playing = {"is_playing": True, "item": None, "currently_playing_type": "ad"}
    assert player.playing() == "what is playing is not a track"
    spotify.playing = {"is_playing": True, "item": {**track(6, "Talk"), "type": "episode"}}
    assert "episode" in str(player.playing())
    spotify.playing = {"is_playing": True, "item": local_file("Own")}
    assert "local file" in str(player.playing())


def test_without_a_login_of_the_user_nothing_of_theirs_is_asked(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """The feed and the player are left out; the liked songs say which setting is missing."""
    given = settings(server, tmp_path, user=False)

    assert wiring.likes(given) == ()
    assert wiring.players(given) == ()
    with pytest.raises(NotReady, match="SPOTIFY_REFRESH_TOKEN"):
        playlists.read(given, "spotify:collection")
    assert spotify.grants == []


def test_a_wait_of_seconds_is_sat_out(server: MediaServer, spotify: Spotify, tmp_path: Path) -> None:
    """A few times; a service that goes on refusing is busy."""
    spotify.like("2026-01-01T00:00:00Z", track(1, "Song"))
    spotify.busy = 3
    assert len(newest(settings(server, tmp_path))) == 1

    spotify.busy = 4
    with pytest.raises(Unavailable, match="429"):
        newest(settings(server, tmp_path))


def test_a_day_long_wait_is_remembered_by_all_who_ask(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """The app is sent away once; until then nobody asks again, and every error carries the time that is left."""
    spotify.wait_s = DAY_S
    given = settings(server, tmp_path)
    with pytest.raises(Unavailable) as first:
        newest(given)
    asked = len(server.seen)
    spotify.wait_s = None

    with pytest.raises(Unavailable, match=r"left alone for another 2[34]\.\d hours") as second:
        wiring.catalogues(given)[0].describe(f"spotify:track:{track_id(1)}")

    assert first.value.retry_after_s == DAY_S
    assert second.value.retry_after_s is not None
    assert DAY_S - 60 < second.value.retry_after_s <= DAY_S
    assert len(server.seen) == asked


def test_an_access_token_is_used_again_and_replaced_when_it_is_refused(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """One login serves many questions; a token revoked early costs one failed try, which says to come again."""
    given = settings(server, tmp_path)
    newest(given)
    newest(given)
    assert spotify.grants == ["refresh_token"]

    spotify.expire_tokens()
    with pytest.raises(Unavailable, match="new one is asked for"):
        newest(given)
    newest(given)

    assert spotify.grants == ["refresh_token", "refresh_token"]


def test_a_new_refresh_token_takes_the_place_of_the_old_one(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """Spotify may replace it at any login; the file that keeps it is its owner's alone."""
    spotify.new_refresh_token = "the-next-one"
    given = settings(server, tmp_path)
    newest(given)
    kept = Path(given.data_dir, "spotify.json")
    content = json.loads(kept.read_text(encoding="utf-8"))
    content["token"]["expires_at"] = 0
    kept.write_text(json.dumps(content), encoding="utf-8")

    newest(given)

    assert spotify.refresh_tokens == {"the-next-one"}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_revoked_login_is_for_the_user_to_mend(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """It says how to get a new one, shows no token, and never asks at a terminal."""
    spotify.refresh_tokens = set()

    with pytest.raises(NotReady, match="music spotify-login") as caught:
        newest(settings(server, tmp_path))

    assert Spotify.REFRESH not in str(caught.value)


def test_trouble_at_the_login_is_trouble_and_not_a_refusal(
    server: MediaServer, spotify: Spotify, tmp_path: Path
) -> None:
    """A service that is down says nothing about the credentials."""
    spotify.down = True

    with pytest.raises(Unavailable, match="503"):
        newest(settings(server, tmp_path))


def test_a_next_page_elsewhere_is_not_followed(server: MediaServer, spotify: Spotify, tmp_path: Path) -> None:
    """The token goes to Spotify's hosts alone, whatever an answer names."""
    link = spotify.add_playlist(7, "Summer", [])
    body = json.dumps({"items": [], "next": "https://evil.example/v1/next"}).encode()
    page = Answer(body=body, content_type="application/json")
    server.serve(f"/api.spotify.com/v1/playlists/{track_id(7)}/items", page)

    with pytest.raises(BadLink, match=r"evil\.example is not on the list"):
        playlists.read(settings(server, tmp_path), link)

    assert not [seen for seen in server.seen if "evil" in seen.path]
