"""What a person's words mean when Sync track asks whether a mix is wanted."""

from __future__ import annotations

import pytest

from handlers.base import NeedsHuman
from handlers.sync_track import Request, unwanted
from music_workflow.model import MixPolicy, MixVerdict


def asked(answer: str, policy: MixPolicy = "review") -> bool:
    """Whether a mix is left out."""
    return unwanted(
        MixVerdict(policy=policy, why="it lasts 62 minutes"),
        Request(link="https://x", answer=answer.casefold()),
    )


@pytest.mark.parametrize(
    ("answer", "left_out"),
    [
        ("Sync it as one track", False),
        ("sync", False),
        ("Yes, please", False),
        ("Leave it out", True),
        ("skip it", True),
        ("no", True),
        ("No.", True),
    ],
)
def test_a_plain_answer_holds(answer: str, left_out: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The two choices, and what people write instead of them."""
    assert asked(answer) is left_out


@pytest.mark.parametrize("answer", ["", "not sure yet", "which one?", "nobody knows", "synchronise?"])
def test_anything_else_is_asked_again(answer: str) -> None:
    """“Not sure” is no “no”; the question names both figures and choices."""
    with pytest.raises(NeedsHuman, match="62 minutes") as question:
        asked(answer)
    assert len(question.value.choices) == 2


def test_the_policy_spares_the_question() -> None:
    """Sync and skip need no answer."""
    assert asked("", "skip") is True
    assert asked("", "sync") is False
