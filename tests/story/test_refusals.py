"""What cannot be done ends in the right state, with a sentence that says what to do, and nothing half-done remains."""

from __future__ import annotations

import pytest

from notion_schema.databases import AGENT_TASKS, ISSUES
from notion_schema.vocabulary import RunState
from tests.story.conftest import House

SONG = "Test Band - Short Song.m4a"
SPOTIFY = "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"


def test_spotify_is_known_as_drm_before_any_download(house: House) -> None:
    """The row is Blocked with the reason; one Fix DRM failure row, linked to it, is filed and says what it lacks."""
    row = house.add(SPOTIFY, title="A Spotify track")
    house.work()
    blocked = house.row(row.id)
    assert blocked.status == "Blocked"
    assert "DRM" in blocked.question
    (fix,) = [other for other in house.rows() if other.id != row.id]
    assert fix.task_type == "Fix DRM failure"
    assert fix.status == "Blocked"
    assert "SPOTIFY_CLIENT_ID" in fix.question
    assert fix.handed_off_from == (row.id,)
    assert fix.link == SPOTIFY
    assert house.media.requests == []
    assert house.files() == []
    assert house.issues() == []


def test_blocked_row_goes_on_with_another_link(house: House) -> None:
    """A person puts a permitted link and sets Ready; the second attempt succeeds, the fix row is not filed again."""
    row = house.add(SPOTIFY)
    house.work()
    tasks = house.workspace.database(AGENT_TASKS)
    tasks.update(row.id, {"link": house.media.link(SONG), "status": "Ready"})
    house.work()
    done = house.row(row.id)
    assert done.status == "Completed"
    assert done.attempt == 2
    assert done.question == ""
    assert len([other for other in house.rows() if other.task_type == "Fix DRM failure"]) == 1


def test_dead_link_fails_and_files_one_issue(house: House) -> None:
    """Failed with the reason; the issue links the task, carries no task type, and a second try adds no second issue."""
    row = house.add(house.media.link("Nobody - Gone.m4a"))
    house.work()
    failed = house.row(row.id)
    assert failed.status == "Failed"
    assert (
        "404" in failed.last_error
        or "not there" in failed.last_error
        or "gone" in failed.last_error.casefold()
    )
    (issue,) = house.issues()
    assert issue.status == "Unreported"
    assert issue.task_type is None
    assert issue.tasks == (row.id,)
    house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready"})
    house.work()
    assert house.row(row.id).attempt == 2
    assert len(house.issues()) == 1


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("https://www.youtube.com/watch", "youtube"),
        ("https://open.spotify.com/track/spotify:track:4uLU6hMCjMI75M1A2tKUQC", "Link"),
        ("ftp://example.org/song.mp3", "http"),
        ("https://soundcloud.com/someone/sets/my-set", "one track"),
        ("http://user:pw@example.org/song.mp3", "password"),
    ],
)
def test_malformed_links_are_blocked_with_a_sentence(house: House, link: str, says: str) -> None:
    """Each names what is wrong and where to write what; nothing is fetched."""
    row = house.add(link)
    house.work()
    blocked = house.row(row.id)
    assert blocked.status == "Blocked"
    assert says.casefold() in blocked.question.casefold()
    assert "Status to Ready" in blocked.question
    assert house.media.requests == []


def test_row_without_a_link_says_where_to_put_one(house: House) -> None:
    """The column and an example are named."""
    row = house.add("", title="Sync something")
    house.work()
    blocked = house.row(row.id)
    assert blocked.status == "Blocked"
    assert "Put one into Link" in blocked.question
    assert "https://" in blocked.question


def test_link_in_the_description_is_found(house: House) -> None:
    """Free text with one link is enough, as the earlier system's rows had it."""
    row = house.workspace.database(AGENT_TASKS).create(
        {
            "title": "Old style",
            "task_type": "Sync track",
            "status": "Ready",
            "description": f"Please get {house.media.link(SONG)}.",
        }
    )
    house.work()
    assert house.row(row.id).status == "Completed"


def test_a_private_address_is_refused_unless_allowed(house: House) -> None:
    """Without the setting a link to this machine is not fetched."""
    guarded = House(
        house.server,
        house.settings.model_copy(update={"allow_private_addresses": False}),
        house.notion,
        house.workspace,
        house.media,
    )
    row = house.add(house.media.link(SONG))
    guarded.work()
    assert house.row(row.id).status == "Blocked"
    assert house.media.requests == []


def test_an_oversized_file_is_refused(house: House) -> None:
    """A source above the limit is refused while it streams; no file and no part of one remains in the library."""
    (house.media.folder / "Big - File.wav").write_bytes(b"RIFF" + bytes(3_000_000))
    small = House(
        house.server,
        house.settings.model_copy(update={"max_download_mb": 1}),
        house.notion,
        house.workspace,
        house.media,
    )
    row = house.add(house.media.link("Big - File.wav"))
    small.work()
    assert house.row(row.id).status in ("Blocked", "Failed")
    assert house.files() == []


def test_a_page_that_is_no_audio_is_refused(house: House) -> None:
    """HTML under an audio name is not filed as music."""
    (house.media.folder / "Fake - Song.mp3").write_text("<html>not music</html>" * 200)
    row = house.add(house.media.link("Fake - Song.mp3"))
    house.work()
    assert house.row(row.id).status in ("Blocked", "Failed")
    assert house.files() == []
    assert house.tracks() == []


def test_issue_rows_with_a_task_type_are_worked_too(house: House) -> None:
    """An Unreported issue with a Segue task type is run; a failing one stays Troubleshooting with Run state Failed."""
    issues = house.workspace.database(ISSUES)
    good = issues.create(
        {"title": "Get it", "task_type": "Sync track", "status": "Unreported", "link": house.media.link(SONG)}
    )
    bad = issues.create(
        {
            "title": "Get that",
            "task_type": "Sync track",
            "status": "Unreported",
            "link": house.media.link("gone.mp3"),
        }
    )
    house.work()
    assert issues.get(good.id).status == "Resolved"
    failed = issues.get(bad.id)
    assert failed.status == "Troubleshooting"
    assert failed.run_state is RunState.FAILED
    assert failed.last_error
    assert len(house.issues()) == 2, "an issue does not file an issue about itself"
