"""What a worker must have to run an engine's database, and what happens when it loses it."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent import calm
from agent.engine import Engine, EngineError, EngineInUseError, reading
from agent.leases import BeatFailedError, FileHold, HoldLostError, Lease, parse
from agent.watchdog import Watchdog
from tests.agent.test_engine import wait_for
from tests.fakes.postgres import Postgres


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[FileHold, Path]]:
    """A SQLite file that this process holds."""
    file = tmp_path / "data" / "engine.sqlite"
    hold = FileHold(file)
    hold.take()
    yield hold, file
    hold.release()


def test_a_second_worker_on_the_same_file_is_refused(held: tuple[FileHold, Path]) -> None:
    """With a sentence that says what to do; after the first ends, it may start."""
    hold, file = held
    with pytest.raises(EngineInUseError, match=r"Another Segue worker already runs on .* own DATA_DIR"):
        FileHold(file).take()
    hold.release()

    again = FileHold(file)
    again.take()
    again.release()


def test_the_file_is_in_the_mode_in_which_steps_are_cheap(held: tuple[FileHold, Path]) -> None:
    """The write-ahead log is on, and stays on for whoever opens the file."""
    connection = sqlite3.connect(held[1])
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Nothing is overwritten: the sentence says to put the copy back."""
    file = tmp_path / "engine.sqlite"
    file.write_bytes(b"no database at all" * 500)

    with pytest.raises(EngineError, match="Put your copy of it back"):
        FileHold(file).take()
    assert file.read_bytes().startswith(b"no database at all")


@pytest.mark.parametrize("harm", ["deleted", "replaced", "overwritten"])
def test_a_file_that_goes_away_is_lost(held: tuple[FileHold, Path], harm: str) -> None:
    """The engine would write on into nothing; the beat finds out."""
    hold, file = held
    hold.beat()
    if harm == "deleted":
        file.unlink()
    elif harm == "replaced":
        file.rename(file.with_suffix(".old"))
        sqlite3.connect(file).close()
    else:
        file.write_bytes(b"\0" * 8192)

    with pytest.raises(HoldLostError, match=harm):
        hold.beat()


def test_a_file_that_is_locked_is_not_lost_yet(
    held: tuple[FileHold, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody copies it, a backup for instance: the next beat may succeed."""
    monkeypatch.setattr("agent.leases._BUSY_S", 0.1)
    hold, file = held
    other = sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BeatFailedError, match="locked"):
        hold.beat()
    other.rollback()
    other.close()

    hold.beat()


class _Hold:
    """A hold whose beats fail when it is told so."""

    executor_id = "test"

    def __init__(self, term_s: float | None) -> None:
        self.term_s = term_s
        self.error: Exception | None = None
        self.hangs = threading.Event()
        self.beats = 0

    def take(self) -> None:
        """Nothing to take."""

    def beat(self) -> None:
        """Counts, and fails or hangs as it is told."""
        self.beats += 1
        if self.hangs.is_set():
            time.sleep(1.0)
        if self.error:
            raise self.error

    def release(self) -> None:
        """Nothing to give back."""


@pytest.mark.parametrize(
    ("term_s", "error", "says"),
    [
        (None, HoldLostError("it was deleted"), "deleted"),
        (None, BeatFailedError("locked"), "away for"),
        (0.4, BeatFailedError("no route"), "could not be renewed in time"),
        (0.4, None, "could not be renewed in time"),
        (30.0, HoldLostError("it ran out"), "ran out"),
    ],
)
def test_the_watchdog_tells_once_that_the_hold_is_lost(
    term_s: float | None, error: Exception | None, says: str
) -> None:
    """Gone at once; failing, or hanging without an error, only for so long. Before that, it holds."""
    hold, told = _Hold(term_s), list[str]()
    watchdog = Watchdog(hold, told.append, beat_s=0.05, patience_s=0.3)
    watchdog.start(_now())
    assert wait_for(lambda: hold.beats > 2)
    assert watchdog.holds()
    assert told == []

    hold.error = error
    if error is None:
        hold.hangs.set()
    assert wait_for(lambda: told)
    assert not watchdog.holds()
    watchdog.stop()
    assert len(told) == 1
    assert says in told[0]


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def test_workers_that_start_together_share_one_table(postgres: Postgres) -> None:
    """Eight at once on an empty database: each has its lease, none an error."""
    with postgres.database() as url:
        leases = [Lease(parse(url), term_s=30, worker=f"w{number}") for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(Lease.take, leases))
        names = {lease.executor_id for lease in leases}

        assert leases[0].dead(names) == frozenset()
        assert leases[0].dead({*names, "nobody"}) == {"nobody"}
        for lease in leases:
            lease.release()
        assert leases[0].dead(names) == names - {leases[0].executor_id}


def test_a_lease_that_ran_out_cannot_be_renewed(postgres: Postgres) -> None:
    """On the database's clock: its runs may be somebody else's by now."""
    with postgres.database() as url:
        lease, other = (Lease(parse(url), term_s=30) for _ in range(2))
        lease.take()
        lease.beat()
        name = url.rsplit("/", 1)[1]
        postgres.run("UPDATE segue.worker_lease SET expires_at = now() - interval '4 seconds'", name)
        other.take()
        assert other.dead({lease.executor_id}) == frozenset(), "it may still be noticing that it must stop"
        with pytest.raises(HoldLostError, match="ran out"):
            lease.beat()
        lease.release()
        other.release()


def test_a_database_that_cannot_be_reached_is_named_without_its_password(postgres: Postgres) -> None:
    """One sentence: which, why, what to check."""
    wrong = postgres.url("not_there").replace("postgres@", "postgres:hunter22@")
    for start in (lambda: Engine(wrong).start({}), lambda: list(reading(wrong).__enter__()())):
        with pytest.raises(EngineError, match="does not exist") as caught:
            start()
        assert "hunter22" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://user:hunter22@host/x", "mysql"),
        ("not an address hunter22", "no database address"),
        ("postgresql://user:hunter22@host:port/x", "no database address"),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(url: str, says: str) -> None:
    """The sentence names the setting, never the password in it."""
    with pytest.raises(EngineError, match=says) as caught:
        Engine(url)
    assert "ENGINE_DATABASE_URL" in str(caught.value)
    assert "hunter22" not in "".join(traceback.format_exception(caught.value))


def test_a_library_that_repeats_itself_is_heard_once(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand warnings of an outage make one line; another library's error keeps its traceback."""
    name = "segue.test.chatty"
    calm.down(name)
    logger = logging.getLogger(name)
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            logger.warning("Database connection failed: at port %d\nmore lines", number)
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logger.exception("in a workflow")

    outage, slip = caplog.records
    assert outage.getMessage() == "Database connection failed: at port 0"
    assert slip.exc_info
    logger.filters.clear()
