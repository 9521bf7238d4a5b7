"""New likes and what playlists hold: what is remembered between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from music_workflow.core import feed, playlists
from music_workflow.core.listing import Entry, Listing
from music_workflow.core.ports import LibrarySettings, SpotifyCredentials
from music_workflow.errors import NotReady
from tests.fakes.media_server import MediaServer, media_server
from tests.fakes.soundcloud import SoundCloudPages
from tests.fakes.spotify import Spotify, track, track_id
from tests.music_workflow.library_world import make_library


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """The services' machine."""
    with media_server() as running:
        yield running


def settings(server: MediaServer, folder: Path) -> LibrarySettings:
    """A library that follows one person's Spotify likes."""
    app = SpotifyCredentials(
        client_id=Spotify.CLIENT_ID, client_secret=Spotify.SECRET, refresh_token=Spotify.REFRESH
    )
    return make_library(folder, service_base=server.base, spotify=app, likes_at_first=2).settings


def names(given: LibrarySettings, batch: int = 10, *, take: bool = True) -> list[str]:
    """What a poll has, and whether it is taken up."""
    poll = feed.poll(given, batch)
    if take:
        feed.advance(given, poll.fresh)
    return [entry.title for one in poll.fresh for entry in one.entries]


def test_a_poll_that_was_not_taken_up_is_repeated(server: MediaServer, tmp_path: Path) -> None:
    """A crash between the question and the rows loses nothing; what was taken up does not come again."""
    spotify, given = Spotify(server), settings(server, tmp_path)
    for number in (1, 2, 3):
        spotify.like(f"2026-01-0{number}T00:00:00Z", track(number, f"Song {number}"))

    assert names(given, take=False) == ["Song 2", "Song 3"]
    assert names(given) == ["Song 2", "Song 3"]
    assert names(given) == []


def test_more_than_a_batch_is_left_to_the_next_poll(server: MediaServer, tmp_path: Path) -> None:
    """The oldest first, so that the cursor never passes one that was not taken up."""
    spotify, given = Spotify(server), settings(server, tmp_path)
    names(given)
    for number in range(1, 6):
        spotify.like("2026-02-01T00:00:00Z", track(number, f"Song {number}"))

    poll = feed.poll(given, 2)
    assert (poll.fresh[0].more, len(poll.fresh[0].entries)) == (3, 2)
    assert [names(given, 2) for _ in range(4)] == [["Song 1", "Song 2"], ["Song 3", "Song 4"], ["Song 5"], []]


def test_a_track_liked_anew_is_not_taken_twice(server: MediaServer, tmp_path: Path) -> None:
    """And it hides none of those liked in between."""
    spotify, given = Spotify(server), settings(server, tmp_path)
    spotify.like("2026-01-01T00:00:00Z", track(1, "Song 1"))
    names(given)
    spotify.like("2026-01-02T00:00:00Z", track(2, "Song 2"))
    again = spotify.likes.pop()[1]
    spotify.like("2026-01-03T00:00:00Z", again)

    assert names(given) == ["Song 2"]


def test_another_profile_is_another_feed(server: MediaServer, tmp_path: Path) -> None:
    """A changed SOUNDCLOUD_PROFILE begins anew and does not mix memories."""
    pages = SoundCloudPages(server)
    pages.add_profile("ada")
    pages.add_profile("juno", 5)
    pages.likes = [pages.shown(1, "Song 1")]
    given = make_library(tmp_path, service_base=server.base, soundcloud_profile="ada").settings

    assert names(given) == ["Song 1"]
    assert names(given) == []
    assert feed.poll(replace(given, soundcloud_profile="juno"), 10).fresh[0].is_first


def test_with_nobody_to_follow_the_settings_are_named(tmp_path: Path) -> None:
    """It is for the owner to say whom."""
    with pytest.raises(NotReady, match="SOUNDCLOUD_PROFILE"):
        feed.poll(make_library(tmp_path).settings, 10)


def listing(*numbers: int, complete: bool = True) -> Listing:
    """A playlist of so many tracks."""
    entries = tuple(
        Entry(
            key=f"spotify:{track_id(n)}",
            link=f"https://open.spotify.com/track/{track_id(n)}",
            title=f"Song {n}",
        )
        for n in numbers
    )
    return Listing(
        key="spotify:playlist:x",
        url="https://open.spotify.com/playlist/x",
        service="spotify",
        kind="playlist",
        title="Summer",
        entries=entries,
        complete=complete,
    )


def test_what_left_a_list_is_told_only_when_the_list_was_read_whole(tmp_path: Path) -> None:
    """A list that was cut says nothing about what comes behind, and forgets nothing."""
    given = make_library(tmp_path).settings
    assert playlists.compare(given, listing(1, 2, 3)).is_first
    playlists.keep(given, listing(1, 2, 3), "page")

    assert playlists.compare(given, listing(1, complete=False)).left == ()
    playlists.keep(given, listing(1, complete=False), "page")
    assert [each.title for each in playlists.compare(given, listing(1, 4)).left] == ["Song 2", "Song 3"]

    playlists.keep(given, listing(1, 4), "page")
    assert playlists.compare(given, listing(1, 4)).left == ()
    assert playlists.pages_of(given, [f"spotify:{track_id(4)}", "soundcloud:9"]) == ("page",)
    assert playlists.pages_of(given, [f"spotify:{track_id(2)}"]) == ()
