"""Status words mean what they were configured to mean, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_schema.databases import ISSUE_WORDS, TASK_WORDS
from notion_schema.rows import Finding, Level
from notion_schema.vocabulary import RunState, State, Vocabulary

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
    mine = TASK_WORDS.with_words({State.CANCELLED: ("Draft",)})
    assert mine.state("Draft") is State.CANCELLED
    assert mine.state("Archived") is State.ARCHIVED
    assert mine.state("Ready") is State.READY


def check(words: Vocabulary, options: Iterable[str]) -> dict[str, Finding]:
    """What is wrong with the words, by what it is about."""
    found = words.check(options, key="t", database="T", column="Status")
    return {finding.subject: finding for finding in found}


def test_a_missing_word_stops_the_database_before_it_hides_work() -> None:
    """A word that Segue reads or writes is a failure, one that only people set a warning; both name what is there."""
    without = [option for option in TASK_OPTIONS if option not in {"Ready", "Review", "Archived"}]
    found = check(TASK_WORDS, without)
    assert {subject: finding.level for subject, finding in found.items()} == {
        "t/status/Ready/absent": Level.FAILURE,
        "t/status/Review/absent": Level.FAILURE,
        "t/status/Archived/absent": Level.WARNING,
    }
    assert all("“In Progress”" in finding.sentence for finding in found.values())


def test_a_word_with_several_meanings_is_missed_once() -> None:
    """One sentence says all it means."""
    [found] = check(ISSUE_WORDS, [o for o in ISSUE_WORDS.all_words() if o != "Troubleshooting"]).values()
    assert "which means blocked, review and failed here" in found.sentence


def test_the_remedy_names_the_setting_and_the_likely_word() -> None:
    """Somebody whose board says “To Do” is told the line to write."""
    found = check(TASK_WORDS, ["To Do", "Doing", *TASK_OPTIONS[2:]])
    assert found["t/status/Ready/absent"].remedy.endswith("AGENT_TASKS_STATUS_READY=To Do.")
    assert found["t/status/In Progress/absent"].remedy.endswith("AGENT_TASKS_STATUS_RUNNING=Doing.")


def test_further_words_are_read_and_the_first_is_written() -> None:
    """Each of them must exist: a misspelt one would hide work."""
    mine = TASK_WORDS.with_words({State.READY: ("To Do", "Ready")})
    assert (mine.word(State.READY), mine.state("Ready"), mine.state("To Do")) == (
        "To Do",
        State.READY,
        State.READY,
    )
    assert list(check(mine, TASK_OPTIONS)) == ["t/status/To Do/absent"]


@pytest.mark.parametrize(
    ("words", "ambiguous"),
    [
        ({State.DONE: ("Archived",)}, True),
        ({State.READY: ("In Progress",)}, True),
        ({State.RUNNING: ("Blocked",)}, True),
        ({State.BLOCKED: ("Review",)}, False),
        ({State.ARCHIVED: ("Draft",)}, False),
    ],
)
def test_one_word_must_not_mean_two_things(words: dict[State, tuple[str, ...]], *, ambiguous: bool) -> None:
    """Done and cancelled by one word would stop what is finished; what Run state tells apart may share one."""
    found = check(TASK_WORDS.with_words(words), TASK_OPTIONS)
    assert [finding.level for finding in found.values()] == [Level.FAILURE] * ambiguous


@given(
    st.dictionaries(
        st.sampled_from(State), st.lists(st.sampled_from(TASK_OPTIONS), min_size=1, max_size=3, unique=True)
    )
)
def test_what_passes_the_check_is_unambiguous(words: dict[State, list[str]]) -> None:
    """Whatever the owner sets: when no failure is found, each written word is read as its state again."""
    mine = TASK_WORDS.with_words(words)
    if not check(mine, TASK_OPTIONS):
        assert mine.state(mine.word(State.READY)) is State.READY
        assert mine.state(mine.word(State.RUNNING)) is State.RUNNING
        assert mine.state(mine.word(State.DONE)) is State.DONE
        assert mine.state(mine.word(State.FAILED), RunState.FAILED) is State.FAILED
