"""Status words mean what they were configured to mean, and nothing else."""

from __future__ import annotations

import pytest

from notion_schema.databases import ISSUE_WORDS, TASK_WORDS
from notion_schema.rows import Level
from notion_schema.vocabulary import RunState, State

TASK_OPTIONS = TASK_WORDS.all_words()


@pytest.mark.parametrize("state", [state for state in State if state is not State.ARCHIVED])
def test_a_task_state_comes_back(state: State) -> None:
    """What is written for a state is read as that state; Archived means cancelled, which is asked first."""
    assert TASK_WORDS.state(TASK_WORDS.word(state)) is state


@pytest.mark.parametrize("word", ["Draft", "Planning", "Ready To Publish", "Complete", "ready", None])
def test_other_words_mean_nothing(word: str | None) -> None:
    """No word is guessed: not by its likeness, not by its group."""
    assert TASK_WORDS.state(word) is None


def test_one_word_of_issues_means_three_things_told_apart_by_run_state() -> None:
    """Troubleshooting is blocked, in review or failed."""
    read = {run: ISSUE_WORDS.state("Troubleshooting", run) for run in RunState}
    assert read[RunState.BLOCKED] is State.BLOCKED
    assert read[RunState.REVIEW] is State.REVIEW
    assert read[RunState.FAILED] is State.FAILED
    assert ISSUE_WORDS.state("Troubleshooting") is State.BLOCKED


def test_the_status_a_person_sets_wins_over_the_run_state() -> None:
    """Ready set on a failed row is ready."""
    assert TASK_WORDS.state("Ready", RunState.FAILED) is State.READY
    assert ISSUE_WORDS.state("Unreported", RunState.FAILED) is State.READY


def test_issues_have_no_word_for_cancelled() -> None:
    """What a database cannot show is not written."""
    assert ISSUE_WORDS.word(State.CANCELLED) is None
    assert ISSUE_WORDS.words(State.CANCELLED) == ()


def test_the_owners_word_replaces_ours() -> None:
    """A configured word is the only one for its state; the others stay."""
    mine = TASK_WORDS.with_words({State.CANCELLED: "Draft"})
    assert mine.state("Draft") is State.CANCELLED
    assert mine.state("Archived") is State.ARCHIVED
    assert mine.state("Ready") is State.READY


def test_a_missing_word_is_found_before_it_hides_work() -> None:
    """A required word stops the database, another one is a warning; both name what is there."""
    without = [option for option in TASK_OPTIONS if option not in {"Ready", "Review"}]
    found = {
        finding.sentence: finding for finding in TASK_WORDS.check(without, database="T", column="Status")
    }
    levels = {sentence.split("“")[2].split("”")[0]: finding.level for sentence, finding in found.items()}
    assert levels == {"Ready": Level.FAILURE, "Review": Level.WARNING}
    assert all("“In Progress”" in sentence for sentence in found)
