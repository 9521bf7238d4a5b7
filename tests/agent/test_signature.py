"""Whose a row is, by what stands in its Worker column; and ids of attempts."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report import attempts_of, page_of, run_id, run_ids
from agent.signature import Signature
from notion_schema.databases import TaskRow

HEX = st.text("0123456789abcdef", min_size=8, max_size=8)


@given(st.text(max_size=40), HEX, HEX)
def test_a_signature_is_foreign_to_every_other_engine(worker: str, mine: str, theirs: str) -> None:
    """Whatever the worker is called."""
    signed = str(Signature(worker, theirs))
    assert Signature("me", mine).is_foreign(signed) is (mine != theirs)


@pytest.mark.parametrize("signed", ["", "laptop (12)", "laptop · engine", "engine 0badcafe"])
def test_what_names_no_engine_says_nothing(signed: str) -> None:
    """Rows of an earlier version, or written by hand."""
    assert not Signature("me", "deadbeef").is_foreign(signed)


@pytest.mark.parametrize(
    ("count", "means"),
    [
        (None, 0),
        (0, 0),
        (3, 3),
        (2.7, 2),
        (-4, 0),
        (1e300, 0),
        (math.inf, 0),
        (math.nan, 0),
        (999_999, 999_999),
    ],
)
def test_attempts_are_counted_soberly(count: float | None, means: int) -> None:
    """What cannot be a count is none."""
    assert attempts_of(TaskRow(id="p", attempt=count)) == means


def test_the_ids_of_an_attempt_name_its_page() -> None:
    """Also those under which it is begun again."""
    ids = list(itertools.islice(run_ids("source", "page", 4), 3))
    assert ids == ["source:page:4", "source:page:4.2", "source:page:4.3"]
    assert ids[0] == run_id("source", "page", 4)
    assert {page_of(one) for one in ids} == {"page"}
    assert page_of("anything else") is None
