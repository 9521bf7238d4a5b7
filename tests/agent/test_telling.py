"""Progress from one thread: merged, throttled, with the lease in the same write, and silent once it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.report import RowRef
from agent.runner import Guard
from agent.telling import Teller
from notion_schema.databases import TaskRow
from notion_schema.errors import Unavailable

REF = RowRef(database="agent_tasks", page_id="p", attempt=1, run_id="d:p:1")


class Row:
    """A row that notes what is written to it."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, Any]] = []
        self.ours = True
        self.refuses = False
        self.slips = False
        self.slow = threading.Event()
        self.slow.set()

    def write(self, _ref: RowRef, values: Mapping[str, Any]) -> TaskRow:
        """As ``Reporting`` would."""
        self.slow.wait(5)
        slips = self.slips
        self.written.append(values)
        if self.refuses:
            raise Unavailable("away", operation="update a page")
        if slips:
            raise RuntimeError("boom")
        return TaskRow(id="p")


@pytest.fixture
def row() -> Row:
    """A row."""
    return Row()


@pytest.fixture
def teller(row: Row) -> Iterator[Teller]:
    """A teller that writes to it every twentieth of a second."""
    teller = Teller(row.write, lambda _row, _ref: row.ours, Guard(), lease_s=0.9, every_s=0.05)
    yield teller
    row.slow.set()
    teller.stop()


def _eventually(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(holds())


def test_a_thousand_words_are_a_few_writes_and_the_last_one_counts(row: Row, teller: Teller) -> None:
    """Each write carries percent, words and a lease that lies ahead."""
    for number in range(1000):
        teller.tell(REF, number / 10, f"step {number}")
    assert _eventually(lambda: row.written and row.written[-1]["step"] == "step 999")
    assert len(row.written) < 10
    assert row.written[-1]["progress"] == 100
    assert row.written[-1]["lease_until"] > datetime.now(UTC)


def test_a_silent_run_has_its_lease_renewed(row: Row, teller: Teller) -> None:
    """Nothing is said for long: the lease is written all the same, three times in its length."""
    teller.tell(REF, 10, "listening")
    assert _eventually(lambda: len(row.written) >= 3)


def test_telling_never_waits_for_notion(row: Row, teller: Teller) -> None:
    """While a write hangs, the run goes on."""
    row.slow.clear()
    teller.tell(REF, 1, "a")
    time.sleep(0.2)
    begun = time.monotonic()
    teller.tell(REF, 2, "b")
    assert time.monotonic() - begun < 0.1


def test_after_forgetting_nothing_is_written(row: Row, teller: Teller) -> None:
    """The last word on the row stays the last."""
    teller.tell(REF, 50, "half")
    assert _eventually(lambda: row.written)
    teller.forget(REF.run_id)
    count = len(row.written)
    time.sleep(0.5)
    assert len(row.written) == count


def test_a_row_that_moved_on_is_told_no_more(row: Row, teller: Teller) -> None:
    """A write shows that the row is somebody else's: it was the last one, whatever the run says."""
    row.ours = False
    teller.tell(REF, 50, "half")
    assert _eventually(lambda: row.written)
    for _ in range(5):
        teller.tell(REF, 60, "more")
        time.sleep(0.1)
    assert len(row.written) == 1


def test_a_refused_write_is_followed_by_the_next_word(row: Row, teller: Teller) -> None:
    """It is not repeated, and does not end the telling."""
    row.refuses = True
    teller.tell(REF, 50, "half")
    assert _eventually(lambda: row.written)
    row.refuses = False
    teller.tell(REF, 60, "more")
    assert _eventually(lambda: row.written[-1]["step"] == "more")


def test_a_slip_of_ours_does_not_end_the_telling(row: Row, teller: Teller) -> None:
    """The one thread writes for all runs: what the answer to one write brings about must not end it."""
    row.slips = True
    teller.tell(REF, 50, "half")
    assert _eventually(lambda: row.written)
    row.slips = False
    teller.tell(REF, 60, "more")
    assert _eventually(lambda: row.written[-1]["step"] == "more")
