"""The table from errors to outcomes."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import child, outcome, records
from handlers import registry
from handlers.base import (
    CannotDo,
    Done,
    Evidence,
    Handback,
    Handler,
    HandlerWordError,
    NeedsHuman,
    TryLater,
)
from music_workflow import errors as music
from notion_schema import errors as notion
from notion_schema.vocabulary import State

HANDLERS = list(registry.load().handlers.values())
HANDLER = next(one for one in HANDLERS if one.task_type == "Sync track")
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


@given(handler=st.sampled_from(HANDLERS), try_number=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_delays_grow_and_stay_bounded(handler: Handler[Any], try_number: int, chance: float) -> None:
    """From the handler's own first delay to its longest, a fifth either way, never shrinking."""
    delay = outcome.delay_s(handler, try_number, chance)
    assert 0.8 * handler.first_delay_s <= delay <= 1.2 * handler.longest_delay_s
    assert outcome.delay_s(handler, try_number + 1, chance) >= delay


def test_each_task_type_has_delays_of_its_own() -> None:
    """What a handler declares is what its rows wait."""
    patient = replace(HANDLER, first_delay_s=600.0, longest_delay_s=900.0, attempts=9)
    judged = [
        outcome.of_error(TryLater("x"), patient, try_number=number, chance=0.5, link=None)
        for number in (1, 2, 3)
    ]
    assert [one.run_after_s for one in judged] == [600.0, 900.0, 900.0]
    assert judged[1].summary == "x Attempt 2 of 9; it will be tried again."


def _every_error() -> list[type[Exception]]:
    """Each class of error that this project declares, and some that Python does."""
    found: list[type[Exception]] = [ValueError, OSError, MemoryError, RecursionError, StopIteration]
    roots = [notion.NotionError, music.MusicError, HandlerWordError]
    while roots:
        root = roots.pop()
        found.append(root)
        roots += root.__subclasses__()
    return [*found, child.StoppedError, child.TimedOutError, child.CrashedError, records.UnknownError]


@given(
    kind=st.sampled_from(_every_error()),
    text=st.text(max_size=200),
    title=st.text(max_size=40),
    try_number=st.integers(1, 12),
    handler=st.sampled_from(HANDLERS),
    wait=st.none() | st.floats(-1e12, 1e12),
)
def test_every_error_has_an_outcome_that_leaves_nobody_guessing(
    kind: type[Exception], text: str, title: str, try_number: int, handler: Handler[Any], wait: float | None
) -> None:
    """Whatever its class and words: a question with what to do, a wait with its count, or a failure with an issue."""
    error = kind.__new__(kind, text)
    error.args = (text,)
    vars(error).update(
        message=text,
        service="Somewhere",
        operation="try",
        status=None,
        code=None,
        request_id=None,
        choices=(),
    )
    vars(error).update(retry_after_s=wait, after_s=wait, evidence=(), follow_ups=(), handbacks=())
    vars(error).update(track_page_id=None, maybe_landed=False)

    judged = outcome.of_error(error, handler, try_number=try_number, chance=0.5, link=None, title=title)

    assert judged.summary.strip() or not text.strip()
    if judged.state is State.BLOCKED:
        assert judged.question == judged.summary
        assert isinstance(error, NeedsHuman) or "Ready" in judged.summary
        assert judged.issue is None
    elif judged.state is State.READY:
        assert try_number < handler.attempts
        assert f"Attempt {try_number} of {handler.attempts}" in judged.summary
        assert judged.run_after_s is not None
        assert 0 <= judged.run_after_s <= 7 * 86_400
    else:
        assert judged.state is State.FAILED
        assert judged.issue is not None
        assert judged.error == judged.summary


def test_the_table_knows_every_declared_error() -> None:
    """A new class of error is judged by a line of its own or of its parent; only these few count as bugs."""
    unjudged = {kind for kind in _every_error() if not issubclass(kind, outcome._JUDGED)}
    assert {kind.__name__ for kind in unjudged} == {
        "CrashedError", "HandlerWordError", "MemoryError", "MusicError", "NotionError", "OSError", "RecursionError",
        "Refused", "ResultLimit", "StopIteration", "StoppedError", "TimedOutError", "UnknownError", "ValueError",
    }  # fmt: skip


def test_a_refusal_by_notion_is_a_bug_with_its_traceback() -> None:
    """What Notion will never accept is not a person's to mend: the issue carries what a developer needs."""
    error = notion.Refused("Notion refused it.", operation="write", status=400, code="validation_error")
    vars(error)[records.TRACEBACK] = "Traceback: line 7"
    assert judge(error).state is State.READY
    issue = judge(error, HANDLER.attempts).issue
    assert issue
    assert issue.details == "Traceback: line 7"


def test_a_full_disk_is_a_persons_to_mend() -> None:
    """It says where, and is not tried until there is room."""
    judged = judge(OSError(errno.ENOSPC, "No space left on device", "/music"))
    assert judged.state is State.BLOCKED
    assert judged.question == "No space left on device (/music). Make room there, then set Status to Ready."


def test_equal_failures_of_different_tracks_share_a_fingerprint() -> None:
    """Links, ids and numbers do not count; the kind of failure does."""
    one = music.Removed("https://soundcloud.com/a/b is gone (404).", **AT)
    two = music.Removed("https://soundcloud.com/c/d is gone (404).", **AT)
    other = music.GeoBlocked("https://soundcloud.com/c/d is gone (404).", **AT)
    assert outcome.fingerprint(HANDLER, one) == outcome.fingerprint(HANDLER, two)
    assert outcome.fingerprint(HANDLER, one) != outcome.fingerprint(HANDLER, other)


@given(
    names=st.lists(
        st.from_regex(r"[A-Z][a-z]{2,8}( [A-Z][a-z]{2,8})?", fullmatch=True), min_size=4, max_size=4
    ),
    number=st.integers(0, 10**9),
    order=st.sampled_from(["", "Sync track: ", "Sync "]),
)
def test_what_the_row_is_called_does_not_count(names: list[str], number: int, order: str) -> None:
    """The same trouble with a thousand tracks is one trouble, whether the message quotes the names or not."""

    def judged(artist: str, name: str, count: int) -> str:
        error = CannotDo(
            f"No permitted source of {artist} - {name} ('{name}', {count} s) isn't known, it's so."
        )
        return outcome.fingerprint(HANDLER, error, title=f"{order}{artist} - {name}")

    assert judged(names[0], names[1], number) == judged(names[2], names[3], 7)


def test_other_words_make_another_failure() -> None:
    """Apostrophes do not hide what stands between them."""
    one, two = (CannotDo(f"It isn't {what} and it can't be.") for what in ("open", "mended"))
    assert outcome.fingerprint(HANDLER, one) != outcome.fingerprint(HANDLER, two)


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
