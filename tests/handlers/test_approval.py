"""An approval holds for the plan it was given for, and for no other."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import approval

hashes = st.binary(min_size=1, max_size=8).map(lambda seed: hashlib.sha256(seed).hexdigest())
PLAN = hashlib.sha256(b"plan").hexdigest()
SHOWN = PLAN[:12]


@given(plan=hashes, words=st.text(max_size=60))
def test_a_ticked_choice_approves_its_plan(plan: str, words: str) -> None:
    """The to-do item's text, read back as the answer, is an approval of the plan it was made for."""
    assert approval.is_given(approval.choice(plan, words), plan)


@given(plan=hashes, other=hashes, words=st.text(max_size=60))
def test_a_ticked_choice_approves_no_other_plan(plan: str, other: str, words: str) -> None:
    """An approval of one plan is none of another, and is recognised as out of date."""
    if plan[:12] == other[:12]:
        return
    answer = approval.choice(plan, words)

    assert not approval.is_given(answer, other)
    assert approval.is_for_another(answer, other)


@given(answer=st.text(max_size=200))
def test_no_other_text_approves(answer: str) -> None:
    """Text that does not hold the plan's digits never approves it."""
    assert SHOWN in answer.lower() or not approval.is_given(answer, PLAN)


@pytest.mark.parametrize(
    "answer",
    [
        SHOWN,
        SHOWN.upper(),
        PLAN,
        f"yes {SHOWN}",
        f"Approve {SHOWN}.",
        f"OK, approve plan {SHOWN}",
        f"something else\n{SHOWN}",
    ],
)
def test_typed_approvals_count(answer: str) -> None:
    """A person may type the digits instead of ticking the item."""
    assert approval.is_given(answer, PLAN)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "yes",
        "Approve",
        SHOWN[:11],
        f"{SHOWN} but leave the first group alone",
        f"what would {SHOWN} do?",
        f"do not approve plan {SHOWN}",
        f"No: {SHOWN}",
        f"Approve plan {SHOWN}: move 3 files\nwait",
        f"Approve plan {SHOWN}0: move 3 files",
    ],
)
def test_what_is_not_clear_does_not_approve(answer: str) -> None:
    """A bare yes, a condition, a question or a refusal approves nothing."""
    plan = PLAN if PLAN[12] != "0" else f"{SHOWN}1{PLAN[13:]}"

    assert not approval.is_given(answer, plan)


def test_a_changed_plan_is_asked_for_again_and_says_why() -> None:
    """The question tells that the earlier approval was for another plan; a first question does not."""
    old = hashlib.sha256(b"before").hexdigest()

    first = approval.needed("", PLAN, "move 3 files")
    again = approval.needed(approval.choice(old, "move 2 files"), PLAN, "move 3 files")

    assert "has changed" not in str(first)
    assert str(again).startswith("The plan has changed since it was approved")
    assert again.choices == (f"Approve plan {SHOWN}: move 3 files",)


def test_a_hash_that_is_none_is_refused() -> None:
    """A plan without a real hash cannot be approved by accident."""
    with pytest.raises(ValueError, match="hexadecimal"):
        approval.choice("abc", "move 3 files")
    with pytest.raises(ValueError, match="hexadecimal"):
        approval.is_given("anything", "")
