"""What the rows of lists and of closed sources may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import detect_track, fix_drm_failure, sync_backlog
from handlers.base import NeedsHuman
from notion_schema.databases import TaskRow

CLOSED = "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"
PAGE, OTHER = "https://soundcloud.com/ada/one", "https://soundcloud.com/ada/two"


def answered(answer: str) -> fix_drm_failure.Request:
    """The request of a row with this answer."""
    return fix_drm_failure.Request.from_row(
        TaskRow(id="x", link=CLOSED, answer=answer, description="Track: Ada - Tide")
    )


@pytest.mark.parametrize(
    ("answer", "chosen", "turned_down"),
    [
        (PAGE, PAGE, ()),
        (f"{PAGE} · Ada - Tide · 3:20 · SoundCloud · a live version", PAGE, ()),
        (f"not {PAGE}", None, (PAGE,)),
        (f"Not this one: {PAGE}, it is a cover.", None, (PAGE,)),
        (f"- not {PAGE}\n- not {OTHER}", None, (PAGE, OTHER)),
        (f"not {PAGE}\n{OTHER}", OTHER, (PAGE,)),
        (f"Nothing else will do: {PAGE}", PAGE, ()),
        (f"This is the one, not the others: {PAGE}", PAGE, ()),
        ("none", None, ()),
    ],
)
def test_an_answer_chooses_or_turns_down(
    answer: str, chosen: str | None, turned_down: tuple[str, ...]
) -> None:
    """“not” at the beginning of a line turns its link down; any other link is the one that is meant."""
    request = answered(answer)

    assert (request.chosen, request.turned_down) == (chosen, turned_down)
    assert request.named == "Ada - Tide", "a word about links is no name of a track"


def test_a_name_in_the_answer_says_which_track_it_is() -> None:
    """It counts for more than the row's own."""
    assert answered("Ada Loop - Tide (Live)").named == "Ada Loop - Tide (Live)"


def test_two_chosen_links_are_a_question() -> None:
    """One of them may be taken, not both."""
    with pytest.raises(NeedsHuman, match="several links"):
        answered(f"{PAGE}\n{OTHER}")


@pytest.mark.parametrize(
    ("text", "batch"), [("", None), ("Batch: 50", 50), ("Please.\nbatch:  7 \nThanks", 7)]
)
def test_a_backlog_may_name_its_batch(text: str, batch: int | None) -> None:
    """In a line of its own; else the setting counts."""
    assert sync_backlog.Request.from_row(TaskRow(id="x", description=text)).batch == batch


@given(st.text(min_size=1, max_size=12).filter(lambda text: text.strip() and "\n" not in text))
def test_any_other_batch_is_a_question(text: str) -> None:
    """Nought, too many, words, and digits of other scripts included."""
    row = TaskRow(id="x", description=f"Batch: {text}")
    if text.strip().isascii() and text.strip().isdigit() and 1 <= int(text.strip()) <= 500:
        assert sync_backlog.Request.from_row(row).batch == int(text.strip())
    elif len(text.splitlines()) == 1:
        with pytest.raises(NeedsHuman, match="number from 1 to 500"):
            sync_backlog.Request.from_row(row)


def test_detection_takes_no_link_one_link_or_asks() -> None:
    """None means: find one. Several are a question."""
    assert detect_track.Request.from_row(TaskRow(id="x", title="What next?")).link is None
    assert detect_track.Request.from_row(TaskRow(id="x", description=f"this: {PAGE}")).link == PAGE
    with pytest.raises(NeedsHuman, match="2 links"):
        detect_track.Request.from_row(TaskRow(id="x", description=f"{PAGE} {OTHER}"))
