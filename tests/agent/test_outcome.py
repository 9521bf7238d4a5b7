"""The table from errors to outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import child, outcome
from handlers import registry
from handlers.base import CannotDo, Done, Evidence, Handback, NeedsHuman, TryLater
from music_workflow import errors as music
from notion_schema import errors as notion
from notion_schema.vocabulary import State

HANDLER = registry.load().handlers["Sync track"]
AT = {"service": "SoundCloud", "operation": "download"}


def judge(error: Exception, try_number: int = 1) -> outcome.Outcome:
    return outcome.of_error(error, HANDLER, try_number=try_number, chance=0.5, link="https://example.org/a")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (NeedsHuman("Which one?", ("a", "b")), State.BLOCKED),
        (music.Protected("It is DRM protected.", **AT), State.BLOCKED),
        (music.BadLink("That is no link.", **AT), State.BLOCKED),
        (music.NotReady("The volume is not mounted.", **AT), State.BLOCKED),
        (notion.NotShared("Share the page.", operation="read a page"), State.BLOCKED),
        (notion.SchemaDrift("A column is gone.", signature="x", operation="write"), State.BLOCKED),
        (CannotDo("No."), State.FAILED),
        (music.Removed("It is gone.", **AT), State.FAILED),
        (music.GeoBlocked("Not in your country.", **AT), State.FAILED),
        (music.NoMatch("Nothing like it.", **AT), State.FAILED),
        (TryLater("Not yet."), State.READY),
        (music.Unavailable("It is down.", **AT), State.READY),
        (notion.Unavailable("Notion is down.", operation="read a page"), State.READY),
        (child.TimedOutError("Too long."), State.READY),
        (child.CrashedError("Died."), State.READY),
        (KeyError("a bug"), State.READY),
    ],
)
def test_each_kind_of_error_has_its_state(error: Exception, state: State) -> None:
    """First try: a person's turn, a failure, or later."""
    assert judge(error).state is state


@pytest.mark.parametrize(
    "error", [TryLater("x"), music.Unavailable("x", **AT), KeyError("x"), child.CrashedError("x")]
)
def test_what_can_be_tried_again_fails_after_the_last_attempt(error: Exception) -> None:
    """The third of three attempts ends Failed, with an issue."""
    assert judge(error, 2).state is State.READY
    last = judge(error, HANDLER.attempts)
    assert last.state is State.FAILED
    assert last.issue is not None


def test_blocked_rows_always_carry_a_question_and_failed_ones_an_error() -> None:
    """Nobody is left guessing."""
    assert (
        judge(music.BadLink("That is no link.", **AT)).question
        == "That is no link. Correct Link and set Status to Ready."
    )
    assert judge(music.Removed("It is gone.", **AT)).error == "It is gone."


def test_protected_source_files_its_fix_and_no_issue() -> None:
    """The follow-up carries the link."""
    judged = judge(music.Protected("It is DRM protected.", **AT))
    (fix,) = judged.follow_ups
    assert fix.task_type == "Fix DRM failure"
    assert fix.link == "https://example.org/a"
    assert judged.issue is None


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Ada Loop - Tide", "\nTrack: Ada Loop - Tide"),
        ("Sync track: Ada Loop - Tide", "\nTrack: Ada Loop - Tide"),
        ("Sync a Spotify track", ""),
        ("Sync track: https://example.org/a - b", ""),
    ],
)
def test_the_fix_is_told_the_track_when_the_row_names_it(title: str, line: str) -> None:
    """Without credentials for the service, the row's own name is all there is."""
    error = music.Protected("It is DRM protected.", **AT)
    judged = outcome.of_error(error, HANDLER, try_number=1, chance=0.5, link=None, title=title)
    assert judged.follow_ups[0].description.partition("set that row to Ready.")[2] == line


def test_a_bug_keeps_its_traceback_for_the_issue() -> None:
    """What a developer needs stands in the issue's details, not in the sentence."""
    error = KeyError("a bug")
    error.recorded_traceback = "Traceback: line 3"  # type: ignore[attr-defined] # as agent.records restores it
    issue = judge(error, HANDLER.attempts).issue
    assert issue
    assert issue.details == "Traceback: line 3"
    assert "Traceback" not in issue.description


def test_a_service_may_say_how_long_to_wait() -> None:
    """A day-long Retry-After becomes a Run after of a day, not of a minute."""
    error = music.Unavailable("Slow down.", **AT)
    error.retry_after_s = 86_400.0
    assert judge(error).run_after_s == 86_400.0


@given(try_number=st.integers(1, 60), chance=st.floats(0, 1))
def test_delays_grow_and_stay_bounded(try_number: int, chance: float) -> None:
    """Between 48 seconds and 29 hours, never shorter than a fifth under the one before."""
    delay = outcome.delay_s(try_number, chance)
    assert 48 <= delay <= 24 * 3600 * 1.2
    assert outcome.delay_s(try_number + 1, 0.5) >= outcome.delay_s(try_number, 0.5)


def test_equal_failures_of_different_tracks_share_a_fingerprint() -> None:
    """Links, ids and numbers do not count; the kind of failure does."""
    one = music.Removed("https://soundcloud.com/a/b is gone (404).", **AT)
    two = music.Removed("https://soundcloud.com/c/d is gone (404).", **AT)
    other = music.GeoBlocked("https://soundcloud.com/c/d is gone (404).", **AT)
    assert outcome.fingerprint(HANDLER, one) == outcome.fingerprint(HANDLER, two)
    assert outcome.fingerprint(HANDLER, one) != outcome.fingerprint(HANDLER, other)


def test_done_without_evidence_is_refused() -> None:
    """No claim without proof."""
    with pytest.raises(ValueError, match="evidence"):
        Done(summary="Trust me.", evidence=())
    done = Done(summary="Done.", evidence=(Evidence("File", "/a"),))
    assert outcome.of_done(done).state is State.DONE


def test_consequences_of_cannot_do_are_carried_on() -> None:
    """Evidence and the word to the earlier row reach the report."""
    handback = Handback(page_id="p", state=State.REVIEW, why="checks failed")
    judged = judge(CannotDo("No.", evidence=(Evidence("a", "b"),), handbacks=(handback,)))
    assert judged.handbacks == (handback,)
    assert judged.evidence == (Evidence("a", "b"),)
    assert judged.issue


def test_unknown_task_type_names_the_known_ones() -> None:
    """The sentence says what to write where."""
    judged = outcome.of_unknown_type("Sing a song", ["Sync track", "Verify run"])
    assert judged.state is State.BLOCKED
    assert judged.question
    assert "Sync track, Verify run" in judged.question
