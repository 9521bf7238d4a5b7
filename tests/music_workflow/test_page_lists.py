"""Lists read from the services' pages through yt-dlp's real extractors, and through SoundCloud's official API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_workflow import wiring
from music_workflow.core import playlists
from music_workflow.core.listing import Entry
from music_workflow.core.ports import LibrarySettings, SoundCloudCredentials
from music_workflow.deduplication.matching import Wanted
from music_workflow.errors import BadLink, GeoBlocked, NotReady, Protected, Removed, Unavailable
from tests.fakes.media_server import MediaServer, media_server
from tests.fakes.soundcloud import SoundCloudApi, SoundCloudPages, YouTubeLists
from tests.music_workflow.library_world import make_library


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """The services' machine."""
    with media_server() as running:
        yield running


def settings(
    server: MediaServer, folder: Path, *, app: bool = False, secret: str = SoundCloudApi.SECRET
) -> LibrarySettings:
    """A library that follows ada's likes, with an app at SoundCloud or without."""
    given = SoundCloudCredentials(client_id=SoundCloudApi.CLIENT_ID, client_secret=secret) if app else None
    return make_library(folder, service_base=server.base, soundcloud=given, soundcloud_profile="ada").settings


def newest(given: LibrarySettings, most: int = 100, *known: str) -> tuple[Entry, ...]:
    """What the followed likes had."""
    (likes,) = wiring.likes(given)
    return likes.newest(most, frozenset(known), None)


def test_a_set_is_read_from_its_page(server: MediaServer, tmp_path: Path) -> None:
    """Tracks named by number alone are asked for when they are needed; one that is gone stays without a link."""
    pages = SoundCloudPages(server)
    for number in range(1, 8):
        pages.add(
            number, f"ada/track-{number}", title=f"Song {number}", artist="Ada", audio=b"", duration_s=200
        )
    link = pages.add_set(
        "ada/sets/summer", "Summer", [pages.shown(number, f"Song {number}") for number in range(1, 9)]
    )
    given = settings(server, tmp_path)

    found = playlists.read(given, link)
    assert (found.title, found.owner, found.complete) == ("Summer", "Ada", True)
    assert [entry.key for entry in found.entries] == [f"soundcloud:{number}" for number in range(1, 9)]
    assert [bool(entry.link) for entry in found.entries] == [True] * 5 + [False] * 3

    whole = playlists.with_pages(given, found.url, found.entries)
    assert [entry.link for entry in whole[:7]] == [
        f"https://soundcloud.com/ada/track-{n}" for n in range(1, 8)
    ]
    assert whole[6].name == "Ada - Song 7"
    assert whole[7].link == ""


def test_likes_on_a_profile_page_are_read_until_known_ones(server: MediaServer, tmp_path: Path) -> None:
    """One liked anew does not hide what is below it; ten known ones in a row end the reading."""
    pages = SoundCloudPages(server)
    pages.add_profile("ada")
    pages.likes = [pages.shown(number, f"Song {number}") for number in range(30, 0, -1)]
    given = settings(server, tmp_path)

    assert [entry.key for entry in newest(given, 3)] == ["soundcloud:30", "soundcloud:29", "soundcloud:28"]

    known = [f"soundcloud:{number}" for number in (30, *range(25, 0, -1))]
    assert [entry.key for entry in newest(given, 100, *known)] == [
        f"soundcloud:{n}" for n in (30, 29, 28, 27, 26)
    ]


def test_likes_over_several_pages_are_a_list(server: MediaServer, tmp_path: Path) -> None:
    """A liked set among them is said, and not taken for a track."""
    pages = SoundCloudPages(server)
    link = pages.add_profile("ada")
    pages.page_size = 20
    liked_set = {**pages.shown(99, "A set"), "permalink_url": "https://soundcloud.com/ada/sets/one"}
    pages.likes = [liked_set, *(pages.shown(number, "Song") for number in range(1, 51))]

    found = playlists.read(settings(server, tmp_path), link)

    assert (found.kind, len(found.entries), found.complete) == ("likes", 50, True)
    assert found.left_out == ("a list inside the list: A set",)


def test_a_youtube_playlist_is_read_from_its_page(server: MediaServer, tmp_path: Path) -> None:
    """Channels are the artists; what is private or deleted is named."""
    link = YouTubeLists(server).add(
        "PLsummer",
        "Summer",
        [
            ("a" * 11, "Tide", "Ada Loop - Topic"),
            ("b" * 11, "Juno - Wave", "Uploads"),
            ("c" * 11, "[Private video]", ""),
        ],
    )

    found = playlists.read(settings(server, tmp_path), f"{link}&si=abc")

    assert (found.key, found.title) == ("youtube:playlist:PLsummer", "Summer")
    assert [(entry.key, entry.link) for entry in found.entries] == [
        (f"youtube:{'a' * 11}", f"https://www.youtube.com/watch?v={'a' * 11}"),
        (f"youtube:{'b' * 11}", f"https://www.youtube.com/watch?v={'b' * 11}"),
    ]
    assert found.entries[0].name == "Ada Loop - Tide"
    assert len(found.left_out) == 1


def test_a_track_is_no_list(server: MediaServer, tmp_path: Path) -> None:
    """It is sent to the task that takes tracks."""
    with pytest.raises(BadLink, match="Sync track"):
        playlists.read(settings(server, tmp_path), "https://soundcloud.com/ada/track-1")


def test_a_short_link_to_a_list_is_followed(server: MediaServer, tmp_path: Path) -> None:
    """By its redirect, once; nothing is fetched from where it leads but the list."""
    pages = SoundCloudPages(server)
    link = pages.add_set("ada/sets/summer", "Summer", [pages.shown(1, "Song")])
    server.redirect("/on.soundcloud.com/Ab12", f"{link}?utm_source=x")

    assert playlists.read(settings(server, tmp_path), "https://on.soundcloud.com/Ab12").key == (
        playlists.read(settings(server, tmp_path), link).key
    )


def test_spotify_lists_without_an_app_name_the_settings(server: MediaServer, tmp_path: Path) -> None:
    """Spotify has no keyless way in."""
    with pytest.raises(NotReady, match="SPOTIFY_CLIENT_ID"):
        playlists.read(settings(server, tmp_path), "https://open.spotify.com/playlist/" + "a" * 22)


def test_with_an_app_the_official_api_is_asked(server: MediaServer, tmp_path: Path) -> None:
    """Sets, likes over several pages, searches and tracks with their recording codes; one login serves all."""
    api = SoundCloudApi(server)
    tracks = [api.add_track(number, f"ada/track-{number}", f"Song {number}") for number in range(1, 251)]
    tide = api.add_track(300, "label/tide", "Juno - Tide", isrc="gb-abc-24-00001", metadata_artist="Juno")
    api.add_profile("ada")
    api.likes = tracks
    given = settings(server, tmp_path, app=True)

    summer = playlists.read(given, api.add_set("ada/sets/summer", "Summer", tracks))
    assert (summer.title, len(summer.entries), summer.complete) == ("Summer", 250, True)
    assert summer.entries[0] == Entry(
        key="soundcloud:1", link="https://soundcloud.com/ada/track-1", title="Song 1", artists=("Ada Loop",)
    )
    assert len(newest(given, 250)) == 250

    wanted = Wanted(title="Tide", artists=("Juno",))
    assert [each.id for each in wiring.finders(given)[0].find(wanted)] == [
        "https://soundcloud.com/label/tide"
    ]
    identity = make_library(tmp_path, service_base=server.base, soundcloud=given.soundcloud).identify(
        "https://soundcloud.com/label/tide"
    )
    assert (identity.key, identity.title, identity.artists) == ("soundcloud:300", "Tide", ("Juno",))
    assert (identity.isrc, identity.duration_s) == ("GBABC2400001", tide["duration"] / 1000)
    assert api.logins == 1
    assert not server.requests_for("/api-v2.soundcloud.com/resolve")


def test_an_app_reads_likes_no_further_than_known_ones(server: MediaServer, tmp_path: Path) -> None:
    """Each poll costs one page when nothing is new, however many likes there are."""
    api = SoundCloudApi(server)
    api.add_profile("ada")
    api.likes = [api.add_track(number, f"ada/track-{number}", "Song") for number in range(450, 0, -1)]
    known = [f"soundcloud:{number}" for number in range(448, 0, -1)]

    fresh = newest(settings(server, tmp_path, app=True), 2000, *known)

    assert [entry.key for entry in fresh] == ["soundcloud:450", "soundcloud:449"]
    pages = server.requests_for("/api.soundcloud.com/users/soundcloud:users:5/likes/tracks")
    assert len(pages) == 1


@pytest.mark.parametrize(("access", "kind"), [("preview", Protected), ("blocked", GeoBlocked)])
def test_closed_tracks_are_refused_before_a_download(
    server: MediaServer, tmp_path: Path, access: str, kind: type[Exception]
) -> None:
    """The API says what may be heard; what a closed track is can still be asked."""
    api = SoundCloudApi(server)
    api.add_track(7, "ada/tide", "Tide", access=access)
    given = settings(server, tmp_path, app=True)
    library = make_library(tmp_path, service_base=server.base, soundcloud=given.soundcloud)

    with pytest.raises(kind):
        library.identify("https://soundcloud.com/ada/tide")

    described = wiring.catalogues(given)[0].describe("https://soundcloud.com/ada/tide")
    assert described is not None
    assert described.title == "Tide"


def test_tokens_are_few_and_replaced_only_when_refused(server: MediaServer, tmp_path: Path) -> None:
    """The kept token serves later uses; one that is refused costs one new login, in the same question."""
    api = SoundCloudApi(server)
    api.add_profile("ada")
    given = settings(server, tmp_path, app=True)
    newest(given)
    newest(given)
    assert api.logins == 1

    api.expire_token()
    assert newest(given) == ()
    assert api.logins == 2


def test_refusals_of_the_api_have_their_meaning(server: MediaServer, tmp_path: Path) -> None:
    """Gone, sent away for a while, or the wrong credentials, which are not shown."""
    api = SoundCloudApi(server)
    with pytest.raises(Removed, match="gone or private"):
        playlists.read(settings(server, tmp_path, app=True), "https://soundcloud.com/ada/sets/none")

    with pytest.raises(NotReady, match="SOUNDCLOUD_CLIENT_SECRET") as caught:
        newest(settings(server, tmp_path / "b", app=True, secret="wrong-secret"))
    assert "wrong-secret" not in str(caught.value)

    api.wait_s = 3600
    with pytest.raises(Unavailable) as sent_away:
        newest(settings(server, tmp_path, app=True))
    assert sent_away.value.retry_after_s == 3600
    assert "sc-app" not in repr(settings(server, tmp_path, app=True))
