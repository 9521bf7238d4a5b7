"""Checkpoints: what is read back is what was kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import records
from agent.outcome import Outcome
from handlers.base import CannotDo, Evidence, FollowUp
from music_workflow import errors as music
from notion_schema import errors as notion
from notion_schema.databases import TaskRow
from notion_schema.vocabulary import Priority, RunState, State

texts = st.text(max_size=40)
evidence = st.builds(Evidence, texts, texts, st.sampled_from(["pass", "fail", "skip", None]), texts)
outcomes = st.builds(
    Outcome,
    state=st.sampled_from(State),
    summary=texts,
    error=st.none() | texts,
    run_after_s=st.none() | st.floats(0, 1e6),
    evidence=st.lists(evidence, max_size=3).map(tuple),
    follow_ups=st.lists(
        st.builds(FollowUp, effect=texts, task_type=texts, title=texts, link=st.none() | texts), max_size=2
    ).map(tuple),
)
rows = st.builds(
    TaskRow,
    id=texts,
    title=texts,
    status=st.none() | texts,
    priority=st.none() | st.sampled_from(Priority),
    run_state=st.none() | st.sampled_from(RunState),
    run_after=st.none() | st.datetimes(timezones=st.just(UTC)),
    tracks=st.lists(texts, max_size=3).map(tuple),
)


@given(outcomes)
def test_outcomes_survive(outcome: Outcome) -> None:
    """Through real JSON text."""
    assert records.load(json.loads(json.dumps(records.dump(outcome, Outcome))), Outcome) == outcome


@given(rows)
def test_rows_survive(row: TaskRow) -> None:
    """With enums, dates and relations."""
    assert records.load(json.loads(json.dumps(records.dump(row, TaskRow))), TaskRow) == row


def _raised(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301 - a traceback is wanted
    except Exception as caught:  # noqa: BLE001 - the test wants the traceback on it
        return caught


@pytest.mark.parametrize(
    "error",
    [
        music.Removed("It is gone.", service="SoundCloud", operation="download", request_id="r1"),
        notion.Unavailable("Busy.", operation="read a page", status=429, retry_after_s=3.0),
        CannotDo("No."),
        ValueError("x", 3),
    ],
)
def test_errors_keep_class_text_facts_and_traceback(error: Exception) -> None:
    """An error replayed after a crash is judged like the one that was raised."""
    restored = records.load_error(json.loads(json.dumps(records.dump_error(_raised(error)))))
    assert type(restored) is type(error)
    assert str(restored) == str(error)
    for name in ("service", "operation", "request_id", "retry_after_s", "status"):
        assert getattr(restored, name, None) == getattr(error, name, None)
    assert "_raised" in getattr(restored, records.TRACEBACK)


def test_an_unknown_error_class_is_named() -> None:
    """A class that is gone by now becomes an UnknownError that says which it was."""
    data = {"class": "gone.module:Error", "args": ["why"], "attributes": {}, "traceback": ""}
    restored = records.load_error(data)
    assert isinstance(restored, records.UnknownError)
    assert "gone.module:Error: why" in str(restored)


@dataclass(frozen=True)
class _Small:
    name: str


def test_a_step_must_say_what_it_returns() -> None:
    """Without a return annotation a result could not be read back."""

    def work():  # type: ignore[no-untyped-def] # noqa: ANN202 - that is the point
        return _Small("x")

    with pytest.raises(TypeError, match="return annotation"):
        records.result_type(work)
