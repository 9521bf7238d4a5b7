"""Likes, playlists, the backlog and detection, through rows: each track becomes one row, and the row says why.

Spotify and SoundCloud stand on loopback behind the library's gateway; the worker, Notion's stand-in and yt-dlp are
real. The rows that are filed are counted and read; what becomes of a row once it is filed is other stories' matter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.rows import playlist_rows
from agent.settings import Settings
from music_workflow.core.library import Library
from music_workflow.core.ports import SpotifyCredentials
from notion_schema.databases import AGENT_TASKS, ARTISTS, PLAYLISTS, TRACKS, TaskRow
from tests.fakes.media_server import MediaServer, media_server
from tests.fakes.soundcloud import SoundCloudPages
from tests.fakes.spotify import DAY_S, Spotify, local_file, track, track_id
from tests.story.conftest import SECONDS, House


@dataclass
class World:
    """A house, and its owner's Spotify and SoundCloud."""

    house: House
    server: MediaServer
    spotify: Spotify
    soundcloud: SoundCloudPages

    def run(self, task_type: str, link: str = "", **more: Any) -> TaskRow:
        """A person asks for something; the row after its run. What it files is not worked off."""
        row = self.house.add(link, task_type, **more)
        self.again(row)
        return self.house.row(row.id)

    def again(self, row: TaskRow) -> TaskRow:
        """The row runs, alone: all others are put to sleep."""
        tasks = self.house.workspace.database(AGENT_TASKS)
        for other in self.house.rows():
            if other.id != row.id and other.status == "Ready":
                tasks.update(other.id, {"status": "Draft"})
        tasks.update(row.id, {"status": "Ready", "run_after": None})
        with self.house.worker() as worker:
            assert worker.run_once()
        return self.house.row(row.id)

    def filed(self) -> dict[str, TaskRow]:
        """The Sync track rows by title; no two have the same."""
        rows = [row for row in self.house.rows() if row.task_type == "Sync track"]
        named = {row.title: row for row in rows}
        assert len(named) == len(rows), "a row was filed twice"
        return named

    def add_track(self, **values: Any) -> str:
        """A person's row in Music Tracks; returns its page id."""
        page_id: str = self.house.workspace.database(TRACKS).create(values).id
        return page_id


@pytest.fixture
def world(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The worker's library asks the services on loopback, with the owner's logins."""
    with media_server() as server:
        spotify, soundcloud = Spotify(server), SoundCloudPages(server)
        soundcloud.add_profile("ada")
        real = wiring.library

        def library(settings: Settings) -> Library:
            app = SpotifyCredentials(
                client_id=Spotify.CLIENT_ID, client_secret=Spotify.SECRET, refresh_token=Spotify.REFRESH
            )
            given = replace(
                real(settings).settings,
                service_base=server.base,
                spotify=app,
                soundcloud_profile="ada",
                likes_at_first=2,
                backlog_batch=2,
            )
            return Library(given)

        monkeypatch.setattr(wiring, "library", library)
        yield World(house, server, spotify, soundcloud)


def test_new_likes_become_rows_once(world: World) -> None:
    """The first poll takes the newest and says what it leaves; the next ones file what is new, and nothing twice."""
    for number in range(1, 5):
        world.spotify.like(f"2026-01-0{number}T00:00:00Z", track(number, f"Song {number}"))
    world.soundcloud.likes = [world.soundcloud.shown(number, f"Cloud {number}") for number in (13, 12, 11)]

    poll = world.run("Sync liked tracks")

    assert poll.status == "Completed", poll.last_error
    first = {"Cloud 12", "Cloud 13", "Ada Loop - Song 3", "Ada Loop - Song 4"}
    assert world.filed().keys() == first
    assert world.filed()["Ada Loop - Song 4"].link == f"https://open.spotify.com/track/{track_id(4)}"
    text = world.house.text(poll.id)
    assert "the newest 2 taken up; 1 older one left alone" in text

    world.spotify.like("2026-01-05T00:00:00Z", track(5, "Song 5"))
    world.soundcloud.likes.insert(0, world.soundcloud.shown(14, "Cloud 14"))
    began = time.monotonic()
    poll = world.again(poll)

    assert time.monotonic() - began < 60
    assert world.filed().keys() - first == {"Cloud 14", "Ada Loop - Song 5"}
    assert poll.result == "2 new likes have a Sync track row now."

    world.spotify.wait_s = DAY_S
    world.soundcloud.likes.insert(0, world.soundcloud.shown(15, "Cloud 15"))
    poll = world.again(poll)

    assert poll.status == "Completed"
    assert len(world.filed()) == 7
    assert "Cloud 15" in world.filed()
    assert "Spotify likes: spotify answers 429" in world.house.text(poll.id)


def test_a_playlist_becomes_a_row_a_track_and_a_summary(world: World) -> None:
    """What is synced is linked, what is missing gets a row, what is no track is named, what left is proposed.

    One that Spotify does not show waits for a person, with words.
    """
    done = world.add_track(
        title="Song 2",
        spotify_url=f"https://open.spotify.com/track/{track_id(2)}?si=x",
        downloaded=True,
        wav_path="/a",
    )
    songs = [track(number, f"Song {number}") for number in range(1, 4)]
    link = world.spotify.add_playlist(7, "Summer", [*songs, local_file("Own"), None])

    row = world.run("Sync playlist", f"{link}?si=abc")

    assert row.status == "Completed", row.last_error or row.question
    assert row.result == "“Summer”: 3 tracks, 1 synced before, 2 Sync track rows filed now."
    assert world.filed().keys() == {"Ada Loop - Song 1", "Ada Loop - Song 3"}
    assert world.filed()["Ada Loop - Song 1"].description.startswith("Playlist: Summer\n")
    assert "a local file, which only its owner has: Ada Loop - Own" in world.house.text(row.id)
    (playlist,) = world.house.workspace.database(PLAYLISTS).query()
    assert (playlist.title, playlist.source_url, playlist.tracks) == ("Summer", link, (done,))

    world.house.workspace.database(PLAYLISTS).update(playlist.id, {"title": "My summer"})
    world.spotify.add_playlist(7, "Summer 26", [songs[0], track(4, "Song 4")])
    row = world.again(row)

    assert world.filed().keys() == {"Ada Loop - Song 1", "Ada Loop - Song 3", "Ada Loop - Song 4"}
    text = world.house.text(row.id)
    assert "No longer in the list" in text
    assert "Ada Loop - Song 2" in text
    assert "nothing was removed" in text
    (playlist,) = world.house.workspace.database(PLAYLISTS).query()
    assert (playlist.title, playlist.tracks) == ("My summer", (done,))

    hidden = world.run("Sync playlist", f"https://open.spotify.com/playlist/{track_id(9)}")
    assert hidden.status == "Blocked"
    assert "Spotify does not show this playlist" in hidden.question


def test_a_long_playlist_is_linked_from_its_tracks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notion takes a hundred pages in one write of a relation; beyond that each track adds itself."""
    monkeypatch.setattr(playlist_rows, "_MOST_AT_ONCE", 2)
    songs = [track(number, f"Song {number}") for number in range(1, 4)]
    pages = {
        world.add_track(
            title=song["name"],
            spotify_url=f"https://open.spotify.com/track/{song['id']}",
            downloaded=True,
            wav_path="/a",
        )
        for song in songs
    }

    row = world.run("Sync playlist", world.spotify.add_playlist(7, "Summer", songs))

    assert row.status == "Completed", row.last_error
    (playlist,) = world.house.workspace.database(PLAYLISTS).query()
    assert set(playlist.tracks) == pages
    assert world.filed() == {}


def test_a_worker_that_ends_in_the_middle_files_the_rest_and_nothing_twice(world: World) -> None:
    """30 tracks; the worker is stopped when some rows stand, and another goes on."""
    link = world.spotify.add_playlist(7, "Long", [track(number, f"Song {number}") for number in range(1, 31)])
    row = world.house.add(link, "Sync playlist")
    with world.house.worker() as worker:
        thread = threading.Thread(target=worker.run_once)
        thread.start()
        deadline = time.monotonic() + 60
        while len(world.filed()) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        worker.ask_to_stop()
        thread.join()
    before = len(world.filed())
    assert 5 <= before < 30

    with world.house.worker() as worker:
        deadline = time.monotonic() + 60
        while world.house.row(row.id).status != "Completed" and time.monotonic() < deadline:
            time.sleep(0.1)
        worker.ask_to_stop()

    assert world.house.row(row.id).status == "Completed"
    assert len(world.filed()) == 30


def test_the_backlog_is_worked_off_in_batches(world: World) -> None:
    """What has no link of use is named, what had a task is passed over, and the task knows its track."""
    first = world.add_track(
        title="One", artist_name="Ada", soundcloud_url="https://soundcloud.com/ada/one?si=x"
    )
    world.add_track(title="Broken", youtube_url="https://www.youtube.com/watch")
    world.add_track(title="Done", soundcloud_url="https://soundcloud.com/ada/done", downloaded=True)
    world.add_track(title="Twice", soundcloud_url="https://soundcloud.com/ada/two", duplicate=True)
    world.add_track(title="Two", spotify_url=f"https://open.spotify.com/intl-de/track/{track_id(2)}")
    world.add_track(title="Three", youtube_url="https://youtu.be/abcdefghij3")

    row = world.run("Sync backlog")

    assert row.status == "Completed", row.last_error
    waiting = {"Ada - One", "Two", "Three"}
    assert len(world.filed()) == 2
    assert world.filed().keys() < waiting

    row = world.again(row)
    assert world.filed().keys() == waiting
    one = world.filed()["Ada - One"]
    assert (one.link, one.tracks) == ("https://soundcloud.com/ada/one", (first,))
    text = world.house.text(row.id)
    assert "Had a task before, and is not downloaded | 2 rows" in text
    assert "This YouTube link names no video" in text
    assert world.again(row).result.startswith("0 of")

    refused = world.run("Sync backlog", title="Sync backlog, all of it")
    world.house.workspace.database(AGENT_TASKS).update(refused.id, {"description": "Batch: many"})
    assert "“Batch: many” is not a number from 1 to 500" in world.again(refused).question


def test_detection_asks_in_order_and_says_what_each_place_said(world: World) -> None:
    """What plays; else the newest like that is not synced; else the oldest row that waits; else nothing."""
    world.spotify.down = True
    row = world.run("Detect and sync")
    assert row.status == "Ready", "nothing found, and a service down, is not nothing to do"
    assert row.run_after is not None
    assert "Spotify player: spotify answers 503" in row.last_error

    world.spotify.down = False
    world.spotify.playing = {"is_playing": True, "item": track(1, "Now")}
    row = world.again(row)
    assert row.status == "Completed", row.last_error
    assert row.result == "Spotify player named Ada Loop - Now; a Sync track row is filed for it."
    assert world.filed()["Ada Loop - Now"].link == f"https://open.spotify.com/track/{track_id(1)}"

    world.spotify.playing["is_playing"] = False
    world.spotify.like("2026-01-01T00:00:00Z", track(2, "Liked"))
    link = f"https://open.spotify.com/track/{track_id(2)}"
    world.add_track(title="Liked", spotify_url=link, downloaded=True, m4a_path="/music/liked.m4a")
    world.add_track(title="Waits", soundcloud_url="https://soundcloud.com/ada/waits")
    row = world.run("Detect and sync")
    text = world.house.text(row.id)
    assert "Music Tracks rows named Waits" in row.result
    assert "Spotify player | the player is paused" in text
    assert "SoundCloud likes of ada | it has none" in text
    assert "Spotify likes | Ada Loop - Liked: its row says Downloaded and names its files" in text

    asked = world.run("Detect and sync", link)
    assert asked.result.startswith("There is nothing to sync"), (
        "the person asked for this one, and it is synced"
    )
    listed = world.run("Detect and sync", "https://soundcloud.com/ada/sets/summer")
    assert "a Sync playlist row is filed" in listed.result


def test_a_row_of_the_backlog_is_completed_in_place(world: World, song: Path) -> None:
    """Its Spotify link leads to SoundCloud's audio; the very row gets files, links, artists and its playlist."""
    shown = track(21, "Short Song (Rio Vega Flip)", "Test Band", seconds=SECONDS)
    world.spotify.add_track(shown)
    link = world.spotify.add_playlist(8, "Night", [shown])
    spotify_link = f"https://open.spotify.com/track/{track_id(21)}"
    page_id = world.add_track(
        title="Short Song (Rio Vega Flip)", spotify_url=f"{spotify_link}?si=1", label="Night"
    )
    world.house.workspace.database(ARTISTS).create({"title": "TEST BAND"})
    page = world.soundcloud.add(
        21,
        "test-band/short-song",
        title=str(shown["name"]),
        artist="Test Band",
        audio=song.read_bytes(),
        duration_s=SECONDS,
    )
    assert world.run("Sync playlist", link).status == "Completed"
    (task,) = world.filed().values()

    world.house.workspace.database(AGENT_TASKS).update(task.id, {"status": "Ready"})
    world.house.work()

    task = world.house.row(task.id)
    assert (task.status, task.link) == ("Completed", page), task.last_error or task.question
    assert f"Asked for by | {spotify_link}" in world.house.text(task.id)
    (row,) = world.house.tracks()
    assert (row.id, row.downloaded, row.label) == (page_id, True, "Night")
    assert (row.soundcloud_url, row.spotify_url) == (page, f"{spotify_link}?si=1")
    assert row.remixer == "Rio Vega"
    artists = {each.id: each.title for each in world.house.workspace.database(ARTISTS).query()}
    assert sorted(artists.values()) == ["Rio Vega", "TEST BAND"]
    assert [artists[each] for each in row.artists] == ["TEST BAND", "Rio Vega"]
    (playlist,) = world.house.workspace.database(PLAYLISTS).query()
    assert row.playlists == (playlist.id,)
    assert "Format Conversion Complete" in row.audio_processing

    world.house.workspace.database(AGENT_TASKS).update(task.id, {"link": f"{spotify_link}?si=2"})
    task = world.again(task)
    assert "was already in the library" in task.result, "the link that was asked for is known by now"
    assert len(world.house.tracks()) == 1
    assert len(list(world.house.workspace.database(ARTISTS).query())) == 2


def test_a_source_that_a_person_turned_down_is_never_taken_again(world: World, song: Path) -> None:
    """“not” and the link in Answer: another source is looked for, and the track is to be synced anew from that."""
    audio = song.read_bytes()
    asked = world.spotify.add_track(track(31, "Short Song", "Test Band", seconds=SECONDS))
    wrong = world.soundcloud.add(
        31, "test-band/one", title="Short Song", artist="Test Band", audio=audio, duration_s=SECONDS
    )
    fix = world.run("Fix DRM failure", asked)
    assert fix.status == "Completed", fix.last_error or fix.question
    assert wrong in fix.result

    right = world.soundcloud.add(
        32, "test-band/two", title="Short Song", artist="Test Band", audio=audio, duration_s=SECONDS
    )
    tasks = world.house.workspace.database(AGENT_TASKS)
    tasks.update(fix.id, {"answer": f"not {wrong}, that is a cover"})
    fix = world.again(fix)

    assert fix.status == "Completed", fix.last_error or fix.question
    assert right in fix.result
    assert f"Turned down by a person |  |  | {wrong}" in world.house.text(fix.id)
    links = [row.link for row in world.house.rows() if row.task_type == "Sync track"]
    assert sorted(links) == [wrong, right]
