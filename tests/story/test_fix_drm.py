"""Fix DRM failure, through rows: a Spotify link ends as a track from a permitted source, or as a good question.

The services stand on loopback behind the library's gateway; yt-dlp's real extractors and the real client for Spotify
run against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.settings import Settings
from music_workflow.core.library import Library
from music_workflow.core.ports import SpotifyCredentials
from notion_schema.databases import AGENT_TASKS, TaskRow
from tests.fakes.media_server import MediaServer, SoundCloud, Spotify, YouTube, media_server
from tests.story.conftest import SECONDS, House

ID = "4uLU6hMCjMI75M1A2tKUQC"


@dataclass
class Story:
    """A house, and the services around it."""

    house: House
    server: MediaServer
    audio: bytes

    def publish(self, title: str = "Short Song", seconds: float = SECONDS, number: int = 7) -> str:
        """Put a track on SoundCloud."""
        return SoundCloud(self.server).add(
            number,
            f"test-band/song-{number}",
            title=title,
            artist="Test Band",
            audio=self.audio,
            duration_s=seconds,
        )

    def spotify_link(self) -> str:
        """A link that Spotify's API knows."""
        return Spotify(self.server).add(
            ID,
            name="Short Song",
            artists=[{"name": "Test Band"}],
            album={"name": "Shore"},
            duration_ms=SECONDS * 1000,
            external_ids={"isrc": "GBABC2400001"},
        )

    def run(self, **more: Any) -> tuple[TaskRow, TaskRow]:
        """A person asks for the Spotify track; returns the row and its fix after all work."""
        row = self.house.add(self.spotify_link(), **more)
        self.house.work()
        return self.house.row(row.id), self.fix(row)

    def fix(self, row: TaskRow) -> TaskRow:
        """The Fix DRM failure row that belongs to a row."""
        (found,) = [
            each
            for each in self.house.rows()
            if each.task_type == "Fix DRM failure" and each.handed_off_from == (row.id,)
        ]
        return found

    def answer(self, row: TaskRow, text: str) -> TaskRow:
        """A person answers and sets Ready; returns the row after all work."""
        self.house.workspace.database(AGENT_TASKS).update(row.id, {"answer": text, "status": "Ready"})
        self.house.work()
        return self.house.row(row.id)


@pytest.fixture
def story(house: House, song: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """The worker's library asks the services on loopback, with an app at Spotify."""
    with media_server() as server:
        SoundCloud(server)
        YouTube(server)
        real = wiring.library

        def library(settings: Settings) -> Library:
            app = SpotifyCredentials(client_id=Spotify.CLIENT_ID, client_secret=Spotify.SECRET)
            return Library(replace(real(settings).settings, service_base=server.base, spotify=app))

        monkeypatch.setattr(wiring, "library", library)
        yield Story(house, server, song.read_bytes())


def test_a_spotify_link_ends_as_a_track_from_a_permitted_source(story: Story) -> None:
    """The fix finds it with score and reasons; the waiting row gets the link, goes on and is completed and verified."""
    page = story.publish()

    row, fix = story.run()

    assert fix.status == "Completed", fix.last_error or fix.question
    assert page in fix.result
    text = story.house.text(fix.id)
    assert "of 100" in text
    assert "Test Band - Short Song (0:12, GBABC2400001)" in text
    assert (row.status, row.link, row.attempt) == ("Completed", page, 2)
    assert len(story.house.files()) == 3
    assert [each.status for each in story.house.rows() if each.task_type == "Verify run"] == ["Completed"]
    assert story.house.issues() == []


def test_candidates_are_shown_and_the_chosen_one_is_taken(story: Story) -> None:
    """A remix is not taken; it stands in the page with link, length and why, and a person may want it all the same."""
    page = story.publish("Short Song (Night Remix)")

    row, fix = story.run()

    assert (row.status, fix.status) == ("Blocked", "Blocked")
    assert "into Answer" in fix.question
    text = story.house.text(fix.id)
    assert page in text
    assert "0:12" in text
    assert "remix" in text
    assert story.house.files() == []

    assert story.answer(fix, f"This one: {page}").status == "Completed"
    assert story.house.row(row.id).status == "Completed"
    assert story.house.row(row.id).link == page


def test_the_ticked_candidate_is_the_answer(story: Story) -> None:
    """A tick in the page does what a link in Answer does."""
    page = story.publish("Short Song (Night Remix)")
    row, fix = story.run()
    (candidate,) = [block for block in story.house.page(fix.id) if block["type"] == "to_do"]
    story.house.notion.update_block(candidate["id"], "to_do", {"checked": True})

    assert story.answer(fix, "").status == "Completed"

    assert (story.house.row(row.id).status, story.house.row(row.id).link) == ("Completed", page)


def test_what_was_turned_down_is_not_shown_again(story: Story) -> None:
    """With nothing else to be found the fix fails, says so and files an issue; the row waits on."""
    story.publish("Short Song (Night Remix)")
    row, fix = story.run()

    failed = story.answer(fix, "none")

    assert failed.status == "Failed"
    assert "turned down" in failed.last_error
    assert "Link of the original row" in failed.last_error
    assert len(story.house.issues()) == 1
    assert story.house.row(row.id).status == "Blocked"


def test_nothing_found_is_tried_again_later(story: Story) -> None:
    """The row says when, and where was looked."""
    row, fix = story.run()

    assert fix.status == "Ready"
    assert fix.run_after is not None
    assert "SoundCloud" in fix.last_error
    assert row.status == "Blocked"


def test_without_credentials_it_asks_and_a_name_is_enough_for_candidates(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked of any service until a person has said which track it is; then a person picks."""
    with_app = wiring.library
    monkeypatch.setattr(
        wiring, "library", lambda settings: Library(replace(with_app(settings).settings, spotify=None))
    )
    page = story.publish()

    _, fix = story.run()

    assert fix.status == "Blocked"
    assert "SPOTIFY_CLIENT_ID" in fix.question
    assert "into Answer" in fix.question
    assert story.server.seen == []

    named = story.answer(fix, "Test Band - Short Song")
    assert named.status == "Blocked"
    assert page in story.house.text(fix.id)


def test_a_rows_own_name_is_enough_for_candidates(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials, "Artist - Title" as the row is called gives something to choose from at once."""
    with_app = wiring.library
    monkeypatch.setattr(
        wiring, "library", lambda settings: Library(replace(with_app(settings).settings, spotify=None))
    )
    page = story.publish()

    _, fix = story.run(title="Test Band - Short Song")

    assert fix.status == "Blocked"
    assert page in story.house.text(fix.id)


def test_a_protected_soundcloud_page_leads_to_the_label_song(story: Story) -> None:
    """The page itself says which track it is; the song is found on YouTube Music, and the row is completed with it."""
    protected = SoundCloud(story.server).add(
        8,
        "test-band/locked",
        title="Short Song",
        artist="Test Band",
        audio=b"",
        duration_s=SECONDS,
        trouble="drm",
    )
    song = YouTube(story.server).add(
        "abcdefghij0",
        title="Short Song",
        channel="Test Band",
        audio=story.audio,
        duration_s=SECONDS,
        song=True,
    )
    row = story.house.add(protected)

    story.house.work()

    done = story.house.row(row.id)
    assert (done.status, done.link) == ("Completed", song), done.last_error
    assert story.fix(row).status == "Completed"


def test_a_row_that_a_person_has_mended_is_not_run_again(story: Story) -> None:
    """While the fix waited for an answer, the original was given a file and completed: it stays as it is."""
    story.publish("Short Song (Night Remix)")
    row, fix = story.run()
    own = story.house.media.link("Test Band - Short Song.m4a")
    story.house.workspace.database(AGENT_TASKS).update(row.id, {"link": own, "status": "Ready"})
    story.house.work()
    mended = story.house.row(row.id)
    assert mended.status == "Completed"

    story.answer(fix, story.publish())

    after = story.house.row(row.id)
    assert (after.status, after.link, after.attempt) == ("Completed", own, mended.attempt)


def test_a_fix_that_a_person_created_files_its_sync(story: Story) -> None:
    """There is no row that waits, so one is made for the source that was found."""
    page = story.publish()
    row = story.house.add(story.spotify_link(), task_type="Fix DRM failure")

    story.house.work()

    assert story.house.row(row.id).status == "Completed"
    (sync,) = [each for each in story.house.rows() if each.task_type == "Sync track"]
    assert (sync.link, sync.status) == (page, "Completed")
