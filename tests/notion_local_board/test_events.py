"""The board's event stream, over a real connection."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.notion_local_board.conftest import Served


@contextmanager
def stream(board: Served, since: str = "", last_event_id: str = "") -> Iterator[Iterator[dict[str, str]]]:
    """The events of one connection, as a browser would read them."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    params = {"since": since} if since else {}
    with httpx.stream(
        "GET", f"{board.url}/board/events", headers=headers, params=params, timeout=5
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Server-sent events from their lines."""
    event: dict[str, str] = {}
    for line in lines:
        if not line and event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def test_a_new_page_hears_what_happens_from_now_on(board: Served) -> None:
    """The greeting gives the place in the sequence; then each change comes with its own."""
    board.feed.note("before")
    with stream(board) as told:
        hello = next(told)
        board.feed.note("row-1")
        change = next(told)

    assert (hello["event"], hello["id"]) == ("hello", "1")
    assert (change["event"], change["id"]) == ("change", "2")
    assert json.loads(change["data"]) == {
        "kind": "page.properties_updated",
        "id": "row-1",
        "parent": "a-data-source",
    }


def test_a_returning_page_hears_what_it_missed(board: Served) -> None:
    """`Last-Event-ID`, or the same number in the address, continues where the page left off."""
    for name in ("one", "two", "three"):
        board.feed.note(name)
    for resumed in ({"last_event_id": "1"}, {"since": "1"}):
        with stream(board, **resumed) as told:
            assert next(told)["event"] == "hello"
            assert [json.loads(next(told)["data"])["id"] for _ in range(2)] == ["two", "three"]


def test_a_page_from_another_workspace_starts_anew(board: Served) -> None:
    """A place beyond the sequence means that the workspace was replaced: everything is read again."""
    board.feed.note("one")
    with stream(board, last_event_id="77") as told:
        reset = next(told)

    assert (reset["event"], reset["id"]) == ("reset", "1")


def test_a_page_that_missed_very_much_starts_anew(board: Served) -> None:
    """Past the backlog's limit one fresh query is cheaper than row by row."""
    for _ in range(600):
        board.feed.note("row")
    with stream(board, last_event_id="5") as told:
        assert next(told)["event"] == "reset"


def test_nonsense_for_a_place_is_a_new_page(board: Served) -> None:
    """A header that is no number is as good as none."""
    for nonsense in ("-1", "ten", "1.5", "٣"):
        with stream(board, since=nonsense) as told:
            assert next(told)["event"] == "hello"


def test_many_pages_hear_the_same(board: Served) -> None:
    """Each open page gets each change once."""
    with stream(board) as first, stream(board) as second:
        next(first), next(second)
        board.feed.note("row-1")
        board.feed.note("row-2")
        heard = [[json.loads(next(told)["data"])["id"] for _ in range(2)] for told in (first, second)]

    assert heard == [["row-1", "row-2"]] * 2


def test_a_page_that_left_is_forgotten(board: Served) -> None:
    """A closed connection leaves no listener behind."""
    with stream(board) as told:
        next(told)
        assert len(board.feed.listeners) == 1
    deadline = time.monotonic() + 5
    while board.feed.listeners and time.monotonic() < deadline:
        time.sleep(0.02)

    assert board.feed.listeners == []


def test_a_closing_server_ends_its_streams(board: Served) -> None:
    """The stream ends by itself within a second or so; no connection is left to be cut."""
    with stream(board) as told:
        next(told)
        board.closing.set()

        assert list(told) == []
