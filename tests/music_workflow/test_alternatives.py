"""Finding another source of a track: yt-dlp's real searches and pages, against services on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from music_workflow.core import alternatives
from music_workflow.core.alternatives import Search
from music_workflow.core.library import Library
from music_workflow.deduplication.matching import Wanted
from music_workflow.errors import BadLink
from tests.fakes.media_server import Answer, MediaServer, SoundCloud, YouTube, media_server
from tests.music_workflow.library_world import SECONDS, make_library, piece, prepare, sync

LINK = "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"
TIDE = Wanted(title="Tide", artists=("Ada Loop",), album="Shore", duration_s=SECONDS, isrc="GBABC2400001")


class World:
    """The services, and a library whose whole outside they are."""

    def __init__(self, server: MediaServer, folder: Path) -> None:
        self.server = server
        self.soundcloud = SoundCloud(server)
        self.youtube = YouTube(server)
        self.library: Library = make_library(folder, service_base=server.base, allow_private_addresses=False)
        self._count = 0

    def on_soundcloud(
        self, title: str = "Tide", artist: str = "Ada Loop", *, seconds: float = SECONDS, **more: object
    ) -> str:
        """Publish a track there."""
        self._count += 1
        slug = f"{artist}/track-{self._count}".lower().replace(" ", "-")
        return self.soundcloud.add(
            self._count,
            slug,
            title=title,
            artist=artist,
            audio=piece(),
            duration_s=seconds,
            **more,  # type: ignore[arg-type]
        )

    def on_youtube(
        self, title: str = "Tide", channel: str = "Ada Loop", *, seconds: float = SECONDS, song: bool = False
    ) -> str:
        """Publish a video or a song there."""
        self._count += 1
        return self.youtube.add(
            f"abcdefghij{self._count}",
            title=title,
            channel=channel,
            audio=piece(),
            duration_s=seconds,
            song=song,
        )

    def search(self, wanted: Wanted = TIDE, *given: str) -> Search:
        """Look everywhere."""
        return alternatives.search(self.library.settings, wanted, LINK, given)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world with nothing in it."""
    with media_server() as server:
        yield World(server, tmp_path)


def test_an_artists_own_upload_is_taken_and_nobody_else_is_asked(world: World) -> None:
    """It scores high enough, its page was read, and it carries the reasons."""
    page = world.on_soundcloud(isrc="GBABC2400001")

    found = world.search()

    assert found.taken is not None
    assert (found.taken.url, found.taken.where) == (page, "SoundCloud")
    assert found.taken.score >= 90
    assert found.taken.why
    assert not [seen for seen in world.server.seen if "youtube" in seen.path]


def test_a_labels_song_beats_a_strangers_upload(world: World) -> None:
    """The stranger's copy is good enough, the song is better."""
    world.on_soundcloud("Ada Loop - Tide", "Some Blog")
    song = world.on_youtube(channel="Ada Loop - Topic", song=True)

    found = world.search()

    assert found.taken is not None
    assert (found.taken.url, found.taken.where) == (song, "YouTube Music")


def test_a_video_of_the_artists_channel_is_found_last(world: World) -> None:
    """YouTube's own search tells channel and length."""
    video = world.on_youtube("Ada Loop - Tide (Official Video)")

    found = world.search()

    assert found.taken is not None
    assert (found.taken.url, found.taken.where) == (video, "YouTube")


def test_near_misses_are_neither_taken_nor_all_offered(world: World) -> None:
    """A remix and an edit have one reason against them and may be shown; a cover by others has several."""
    remix = world.on_soundcloud("Tide (Night Remix)")
    edit = world.on_soundcloud("Tide", seconds=SECONDS + 20)
    cover = world.on_soundcloud("Tide (Piano Cover)", "Piano Pete", seconds=SECONDS + 40)

    found = world.search()

    assert found.taken is None
    assert {each.url for each in found.offered} == {remix, edit}
    assert cover not in {each.url for each in found.offered}
    assert all(each.why for each in found.offered)


def test_a_good_hit_that_cannot_be_had_is_passed_over(world: World) -> None:
    """The best hit is encrypted, the next one is gone from this country; a third serves it."""
    world.on_soundcloud(trouble="drm")
    world.on_soundcloud(trouble="geo")
    third = world.on_soundcloud()

    found = world.search()

    assert found.taken is not None
    assert found.taken.url == third
    assert sum("cannot be had" in words for words in found.asked) == 2


def test_a_preview_is_no_source(world: World) -> None:
    """It has the right title and length, and half a minute of sound."""
    world.on_soundcloud(trouble="preview")

    assert world.search().taken is None


def test_the_library_is_looked_at_first(world: World, tmp_path: Path) -> None:
    """A track that stands there already is the source; nothing is asked."""
    url = world.on_soundcloud()
    library = world.library
    identity, source, processed = prepare(library, url, tmp_path / "work", "run-1")
    library.file(processed, identity, source, "run-1")
    world.server.seen.clear()

    found = world.search()

    assert found.taken is not None
    assert (found.taken.url, found.taken.where) == (url, "the library")
    assert world.server.seen == []


def test_a_link_on_the_row_is_judged_like_any_other(world: World) -> None:
    """The right one is taken; the wrong and the dead one before it change nothing."""
    right = world.on_soundcloud("Tide", "Ada Loop", isrc="GBABC2400001")
    wrong = world.on_soundcloud("Tide (Live)", "Ada Loop")

    taken = world.search(TIDE, wrong, "https://soundcloud.com/nobody/gone", right).taken

    assert taken is not None
    assert (taken.url, taken.where) == (right, "a link on the row")


def test_without_a_known_length_a_person_decides(world: World) -> None:
    """Words of a person name the track; even a perfect hit is only offered."""
    page = world.on_soundcloud()

    found = world.search(replace(TIDE, duration_s=None, isrc=None, album=None))

    assert found.taken is None
    assert [each.url for each in found.offered] == [page]


def test_what_a_person_turned_down_is_never_taken_again(world: World) -> None:
    """Also in a later search, and when it is the best there is."""
    page = world.on_soundcloud("Tide", seconds=SECONDS + 20)
    assert [each.url for each in world.search().offered] == [page]

    assert alternatives.reject_offers(world.library.settings, LINK) == 1

    assert world.search().offered == ()
    assert world.search(replace(TIDE, duration_s=SECONDS + 20)).taken is None
    other = alternatives.search(world.library.settings, replace(TIDE, duration_s=SECONDS + 20), "another", ())
    assert other.taken is not None, "it was turned down for that link only"


def test_a_place_in_trouble_is_noted_and_the_others_are_asked(world: World) -> None:
    """With the seconds it asked to wait."""
    busy = Answer(status=429, headers={"Retry-After": "90"})
    world.server.serve("/api-v2.soundcloud.com/search/tracks", busy)
    video = world.on_youtube("Ada Loop - Tide")

    found = world.search()

    assert found.taken is not None
    assert found.taken.url == video
    assert found.retry_after_s == 90
    assert "SoundCloud" in found.trouble[0]


@pytest.mark.parametrize("trouble", ["drm", "preview"])
def test_a_closed_page_says_which_track_it_is(world: World, trouble: str) -> None:
    """Title, artist, length and recording code are read; no audio is asked for."""
    page = world.on_soundcloud(trouble=trouble, isrc="GBABC2400001")

    wanted = alternatives.describe(world.library.settings, page, None)

    assert wanted == replace(TIDE, album=None)
    assert not [seen for seen in world.server.seen if "cf-media" in seen.path]


def test_a_chosen_link_must_lead_somewhere(world: World) -> None:
    """A person's choice is taken at their word, unless it is protected or dead as well."""
    page = world.on_soundcloud("Something Else")

    assert alternatives.look_at(world.library.settings, LINK, page).title == "Something Else"
    for dead in (LINK, "https://soundcloud.com/nobody/nothing"):
        with pytest.raises(BadLink, match="Answer"):
            alternatives.look_at(world.library.settings, LINK, dead)


def test_what_was_taken_before_is_taken_again_without_a_search(world: World) -> None:
    """However the link is spelt; and no more once a person says that it is not the track."""
    page = world.on_soundcloud()
    other = world.on_youtube("Ada Loop - Tide")
    assert world.search().taken is not None
    searched = len(world.server.requests_for("/api-v2.soundcloud.com/search/tracks"))
    settings = world.library.settings

    again = alternatives.search(settings, TIDE, f"{LINK}?si=another", ())
    assert again.taken is not None
    assert (again.taken.url, again.taken.where) == (page, "what was found before")
    assert len(world.server.requests_for("/api-v2.soundcloud.com/search/tracks")) == searched

    assert alternatives.reject(settings, LINK, [f"{page}?utm_source=x"])
    after = alternatives.search(settings, TIDE, LINK, ())
    assert after.taken is not None
    assert after.taken.url == other
    assert not alternatives.reject(settings, LINK, [page]), "it is not the one that is taken now"


def test_a_track_synced_from_elsewhere_answers_to_the_link_it_was_asked_for_by(
    world: World, tmp_path: Path
) -> None:
    """The library knows it by Spotify's id too, until a person says that it was the wrong track."""
    page = world.on_soundcloud()
    assert world.search().taken is not None
    filed = sync(world.library, page, tmp_path / "work")
    settings = world.library.settings

    asked = world.library.lookup("spotify:4uLU6hMCjMI75M1A2tKUQC")
    assert asked is not None
    assert asked.identity.key == filed.identity.key
    known = alternatives.search(settings, TIDE, "spotify:track:4uLU6hMCjMI75M1A2tKUQC", ())
    assert known.taken is not None
    assert known.taken.where == "the library"
    assert world.library.identify(f"{LINK}?si=1") == filed.identity, "so that it is not searched for anew"

    alternatives.reject(settings, LINK, [page])
    assert world.library.lookup("spotify:4uLU6hMCjMI75M1A2tKUQC") is None
