"""What a row must say, and the sentence when it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import sync_track, verify_run
from handlers.base import NeedsHuman, link_of
from notion_schema.databases import TaskRow

LINK = "https://soundcloud.com/artist/track"


@pytest.mark.parametrize(
    "row",
    [
        TaskRow(id="x", link=f"  {LINK} "),
        TaskRow(id="x", description=f"Please sync {LINK}."),
        TaskRow(id="x", next_step=f"({LINK})", description=f"again: {LINK}"),
        TaskRow(id="x", title=f"Sync track: {LINK}"),
    ],
)
def test_the_one_link_is_found(row: TaskRow) -> None:
    """In its column or in the texts; the same link twice is one link; punctuation around it does not count."""
    assert link_of(row, example=LINK) == LINK


def test_the_column_wins_over_the_texts() -> None:
    """Texts may mention other links."""
    row = TaskRow(id="x", link=LINK, description="not https://example.org/other")
    assert sync_track.Request.from_row(row).link == LINK


def test_no_link_and_several_links_are_questions() -> None:
    """Each says what to write where."""
    with pytest.raises(NeedsHuman, match=r"names no link\. Put one into Link"):
        link_of(TaskRow(id="x", title="Sync my song"), example=LINK)
    with pytest.raises(NeedsHuman, match="names 2 links"):
        link_of(TaskRow(id="x", description=f"{LINK} or https://example.org/b"), example=LINK)


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda text: f"{text} {LINK} {text}"))
def test_any_text_gives_a_link_or_a_question(text: str) -> None:
    """Never another error, and never an empty link."""
    row = TaskRow(id="x", description=text)
    if "http" not in text and "spotify:" not in text:
        with pytest.raises(NeedsHuman, match="Link"):
            link_of(row, example=LINK)
    else:
        assert link_of(row, example=LINK)


def test_verify_takes_the_run_before_the_link() -> None:
    """The hand-off names the run; the page link beside it is for people."""
    row = TaskRow(
        id="x",
        link="https://www.notion.so/Song-0123",
        description="Run ID: a:b:1",
        handed_off_from=("origin",),
    )
    request = verify_run.Request.from_row(row)
    assert (request.run_id, request.original) == ("a:b:1", "origin")
