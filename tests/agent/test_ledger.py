"""The ledger keeps the same promises on a SQLite file and on PostgreSQL, for threads and for workers side by side."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from agent import answers
from agent.handing_on import returns, trigger_notes
from agent.handing_on.trigger_notes import Handed, Standing, TriggerNotes
from agent.ledger import Ledger, LedgerError
from agent.problems import drift, issue_notes
from agent.problems.issue_notes import IssueNotes, Words

TABLES = (*issue_notes.TABLES, *answers.TABLES, *returns.TABLES, *trigger_notes.TABLES, *drift.TABLES)
WORDS = Words(title="It is gone", description="It is gone.")


@pytest.fixture
def workers(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Ledger]]:
    """Two workers on one engine database."""
    folder = tmp_path_factory.getbasetemp() / "ledger"
    one, two = Ledger(module_url, folder, *TABLES), Ledger(module_url, folder, *TABLES)
    with closing(one), closing(two):
        yield one, two


def test_failures_are_counted_once_by_all_workers_together(workers: tuple[Ledger, Ledger]) -> None:
    """Two workers in eight threads tell of 60 runs three times over: the count is 60."""
    notes = [IssueNotes(ledger) for ledger in workers]

    def tell(number: int) -> None:
        run = number % 60
        notes[number % 2].failed(
            "issue:many",
            WORDS,
            run_id=f"run {run}",
            page_id=f"page {run % 7}",
            at=1000.0 + run,
            again="again",
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(180)))

    found = notes[0].get("issue:many")
    assert (found.occurrences, found.first_seen <= 1059.0, found.last_seen) == (60, True, 1059.0)
    count, first = notes[1].tasks("issue:many", 5)
    assert (count, len(set(first))) == (7, 5)


def test_an_issue_is_mended_by_the_last_success_and_broken_by_the_next_failure(
    workers: tuple[Ledger, Ledger],
) -> None:
    """One of two tasks is not enough; what is said of it follows."""
    one, two = (IssueNotes(ledger) for ledger in workers)
    for page in ("a", "b"):
        one.failed("issue:two", WORDS, run_id=f"run {page}", page_id=page, at=1.0, again="again")
    two.succeeded("a", "mended")
    assert not one.get("issue:two").mended
    two.succeeded("b", "mended")
    assert (one.get("issue:two").mended, one.get("issue:two").saying) == (1, "mended")
    one.failed("issue:two", WORDS, run_id="run c", page_id="a", at=2.0, again="again")
    assert (two.get("issue:two").mended, two.get("issue:two").saying) == (0, "again")


def test_what_was_noted_while_it_was_shown_is_still_to_be_shown(workers: tuple[Ledger, Ledger]) -> None:
    """A failure counted between reading and writing the row is not forgotten."""
    one, two = (IssueNotes(ledger) for ledger in workers)
    one.failed("issue:between", WORDS, run_id="run 1", page_id="a", at=1.0, again="again")
    read = one.get("issue:between")
    two.failed("issue:between", WORDS, run_id="run 2", page_id="a", at=2.0, again="again")
    one.shown(read, 10.0, page_id="row")
    assert "issue:between" not in one.due(10.0)
    assert "issue:between" in one.due(10.0, everything=True)
    assert "issue:between" in two.due(10.0 + 16.0)


def test_failures_that_keep_coming_are_shown_more_and_more_seldom(workers: tuple[Ledger, Ledger]) -> None:
    """From a quarter of a minute to ten minutes; after a quiet hour it begins anew."""
    notes = IssueNotes(workers[0])
    shown, now = [], 100_000.0
    for second in range(0, 480, 15):
        notes.failed("issue:flood", WORDS, run_id=f"run {second}", page_id="a", at=now + second, again="")
        if "issue:flood" in notes.due(now + second):
            notes.shown(notes.get("issue:flood"), now + second)
            shown.append(second)
    assert shown == [0, 15, 45, 105, 225, 465]
    later = now + 10_000
    notes.failed("issue:flood", WORDS, run_id="run later", page_id="a", at=later, again="")
    assert "issue:flood" in notes.due(later)


def test_only_one_worker_at_a_time_does_a_thing(workers: tuple[Ledger, Ledger]) -> None:
    """The other is told no at once, and may when the first has finished; other things are not held up."""
    one, two = workers
    with one.alone("a thing") as mine:
        assert mine
        with two.alone("a thing") as theirs, two.alone("another") as other:
            assert (theirs, other) == (False, True)
    with two.alone("a thing") as now:
        assert now


def test_a_transaction_that_fails_leaves_nothing(workers: tuple[Ledger, Ledger]) -> None:
    """All of a note is kept, or none of it."""

    def half() -> None:
        with workers[0].notes() as notes:
            notes.run("INSERT INTO asked VALUES ('page', 'answer')")
            notes.run("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(LedgerError):
        half()
    with workers[1].notes() as notes:
        assert notes.rows("SELECT * FROM asked") == []


def test_the_last_trigger_file_of_a_row_is_what_counts(workers: tuple[Ledger, Ledger]) -> None:
    """Its standing survives another process; an earlier file is history."""
    for number in (1, 2):
        TriggerNotes(workers[0]).plan(
            Handed(
                page_id="p",
                number=number,
                agent="Claude",
                name=f"{number}.json",
                made_at=float(number),
                standing=Standing.PLANNED,
            )
        )
    latest = TriggerNotes(workers[1]).latest()["p"]
    assert (latest.number, latest.standing) == (2, Standing.PLANNED)


def test_a_ledger_on_a_read_only_place_says_so(tmp_path: Path) -> None:
    """What cannot be kept is an error, never silence."""
    (tmp_path / "file").write_text("not a folder")
    ledger = Ledger(f"sqlite:///{tmp_path / 'x'}", tmp_path / "file", *TABLES)
    with pytest.raises((LedgerError, OSError)), ledger.notes():
        pass
