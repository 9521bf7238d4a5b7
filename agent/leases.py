"""Who may run what stands in an engine's database: one worker per SQLite file, a lease per worker on PostgreSQL.

A hold is taken before the engine starts, kept up by a beat (a small write, which also proves that the database is still
there), and given back at the end. On PostgreSQL the lease runs out on the database's clock when it is not renewed,
and then the worker's runs belong to the others; an expired lease cannot be renewed, so a worker that slept too long
learns that it is no longer one. Never knows the engine's own tables. Called by ``engine``; beaten by ``watchdog``.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

_SQLITE_HEADER = b"SQLite format 3\0"
# Reading a whole file before each start is worth it while it takes less than about a second.
_LARGEST_CHECKED_BYTES = 64_000_000
_BUSY_S = 5.0
_CONNECT_S = 5
_STATEMENT_MS = 5000
# Any fixed number: workers that start together create the table one after the other.
_CREATING = 7_312_905_518
_FORGET_DEAD_S = 86_400.0


class EngineError(Exception):
    """The engine's database cannot be used; the sentence says what to do."""


class EngineInUseError(EngineError):
    """Another worker holds this engine's database."""


class BeatFailedError(Exception):
    """The database did not take the beat; it may take the next one."""


class HoldLostError(Exception):
    """The hold is gone and cannot be had back; whoever had it stops."""


class Hold(Protocol):
    """The right to run what stands in a database."""

    @property
    def executor_id(self) -> str:
        """The name under which the engine notes whose a run is."""
        ...

    @property
    def term_s(self) -> float | None:
        """How long a beat is good for; None when nobody else can take over while this process lives."""
        ...

    def take(self) -> None:
        """Takes the hold, or raises ``EngineError``."""
        ...

    def beat(self) -> None:
        """Keeps the hold; raises ``BeatFailedError`` or ``HoldLostError``."""
        ...

    def release(self) -> None:
        """Gives the hold back; nothing happens when there is none."""
        ...


def parse(url: str) -> sa.URL:
    """A database address.

    Raises:
        EngineError: it is no address of a SQLite or PostgreSQL database. The sentence does not repeat it: it may
            hold a password.
    """
    try:
        parsed = sa.make_url(url.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):
        raise EngineError(
            "ENGINE_DATABASE_URL is no database address; write for instance postgresql://user@host/segue."
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise EngineError(
            f"ENGINE_DATABASE_URL names {parsed.get_backend_name()}; Segue runs on SQLite or PostgreSQL."
        )
    return parsed


class FileHold:
    """The one worker of a SQLite file: an operating-system lock beside it, which ends with the process."""

    executor_id = "embedded"
    term_s = None

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = FileLock(f"{file}.lock")
        self._identity: tuple[int, int] | None = None

    def take(self) -> None:
        """Locks the file and makes it ready.

        Raises:
            EngineInUseError: another worker has it.
            EngineError: it is damaged, or cannot be written to.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise EngineInUseError(
                f"Another Segue worker already runs on {self._file}."
                " Stop it first, or give this one its own DATA_DIR."
            ) from error
        except OSError as error:
            raise EngineError(f"{self._file} cannot be used: {error.strerror or error}.") from error
        try:
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            self._lock.release()
            raise EngineError(
                f"{self._file} cannot be used: {error}. Put your copy of it back; without one, move it away"
                " (Segue then starts with an empty memory, and takes rows that say running over in time)."
            ) from error

    def _prepare(self) -> None:
        with _sqlite(self._file, "rwc") as connection:
            # Before the engine opens the file: it stays in this mode, in which a kept step costs a quarter.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS segue_heartbeat (id INTEGER PRIMARY KEY, beaten_at TEXT)"
            )
            if self._file.stat().st_size <= _LARGEST_CHECKED_BYTES:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise sqlite3.DatabaseError(f"it is damaged ({found})")
        self._identity = _identity(self._file)

    def beat(self) -> None:
        """Writes to the file, and looks whether it is still the one that was taken."""
        try:
            if _identity(self._file) != self._identity:
                raise HoldLostError(f"{self._file} was replaced while the worker ran")
            with self._file.open("rb") as raw:
                if raw.read(len(_SQLITE_HEADER)) != _SQLITE_HEADER:
                    raise HoldLostError(f"{self._file} was overwritten while the worker ran")
            with _sqlite(self._file, "rw") as connection:
                connection.execute("INSERT OR REPLACE INTO segue_heartbeat VALUES (1, datetime('now'))")
        except FileNotFoundError as error:
            raise HoldLostError(f"{self._file} was deleted while the worker ran") from error
        except (sqlite3.OperationalError, OSError) as error:
            raise BeatFailedError(f"{self._file}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise HoldLostError(f"{self._file} is damaged: {error}") from error

    def release(self) -> None:
        """Unlocks the file."""
        self._lock.release()


class Lease:
    """A worker's place among several on one PostgreSQL database: a row that must be renewed before it runs out."""

    def __init__(self, url: sa.URL, *, term_s: float, worker: str = "") -> None:
        self.executor_id = str(uuid.uuid4())
        self.term_s = term_s
        self._worker = worker
        self._place = f"{url.host or 'this machine'}/{url.database}"
        # A connection of its own for each beat: one in some twenty seconds costs little, and none can be stale.
        self._engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=sa.NullPool,
            connect_args={
                "connect_timeout": _CONNECT_S,
                "application_name": "segue lease",
                "tcp_user_timeout": _STATEMENT_MS,
            },
        )

    def take(self) -> None:
        """Writes the lease; before the engine starts, so that no run is ever seen without one.

        Raises:
            EngineError: the database cannot be reached or written to.
        """
        try:
            with self._transaction() as connection:
                self._create(connection)
                connection.execute(
                    sa.text(
                        "INSERT INTO segue.worker_lease (executor_id, worker, expires_at) VALUES"
                        " (:me, :worker, clock_timestamp() + make_interval(secs => :term))"
                    ),
                    {"me": self.executor_id, "worker": self._worker, "term": self.term_s},
                )
        except SQLAlchemyError as error:
            raise EngineError(
                f"The engine's database {self._place} cannot be used: {_reason(error)}."
                " Check ENGINE_DATABASE_URL, that the server runs, and that the database exists"
                " (createdb) and this user may create a schema in it."
            ) from None

    def _create(self, connection: sa.Connection) -> None:
        if connection.execute(sa.text("SELECT to_regclass('segue.worker_lease')")).scalar() is not None:
            return
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:creating)"), {"creating": _CREATING})
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS segue"))
        connection.execute(
            sa.text(
                "CREATE TABLE IF NOT EXISTS segue.worker_lease ("
                " executor_id text PRIMARY KEY,"
                " worker text NOT NULL,"
                " taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
                " expires_at timestamptz NOT NULL)"
            )
        )

    def beat(self) -> None:
        """Renews the lease."""
        try:
            with self._transaction() as connection:
                renewed = connection.execute(
                    sa.text(
                        "UPDATE segue.worker_lease"
                        " SET expires_at = clock_timestamp() + make_interval(secs => :term)"
                        " WHERE executor_id = :me AND expires_at > clock_timestamp()"
                    ),
                    {"me": self.executor_id, "term": self.term_s},
                ).rowcount
        except SQLAlchemyError as error:
            raise BeatFailedError(f"{self._place}: {_reason(error)}") from None
        if not renewed:
            raise HoldLostError(f"the lease of {self.term_s:.0f} s ran out, and the runs were handed on")

    def release(self) -> None:
        """Takes the lease out of the table, so that nobody has to wait for it to run out."""
        try:
            with self._transaction() as connection:
                connection.execute(
                    sa.text("DELETE FROM segue.worker_lease WHERE executor_id = :me"),
                    {"me": self.executor_id},
                )
        except SQLAlchemyError as error:
            raise BeatFailedError(f"{self._place}: {_reason(error)}") from None
        finally:
            self._engine.dispose()

    def dead(self, executors: Collection[str]) -> frozenset[str]:
        """Those of ``executors`` whose lease ran out, or who have none; never this one.

        They are dead a sixth of a term after the lease ran out: by then each has seen on its own clock, which it
        started before the lease began, that it must stop.

        Raises:
            BeatFailedError: the database could not be asked.
        """
        others = frozenset(executors) - {self.executor_id}
        if not others:
            return others
        try:
            with self._transaction() as connection:
                alive = connection.execute(
                    sa.text(
                        "SELECT executor_id FROM segue.worker_lease"
                        " WHERE expires_at + make_interval(secs => :margin) > clock_timestamp()"
                    ),
                    {"margin": self.term_s / 6},
                ).scalars()
                found = others - frozenset(alive)
                connection.execute(
                    sa.text(
                        "DELETE FROM segue.worker_lease"
                        " WHERE expires_at + make_interval(secs => :old) < clock_timestamp()"
                    ),
                    {"old": _FORGET_DEAD_S},
                )
        except SQLAlchemyError as error:
            raise BeatFailedError(f"{self._place}: {_reason(error)}") from None
        return found

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            # For this transaction alone: a pooler between here and the server shares its sessions.
            connection.execute(sa.text(f"SET LOCAL statement_timeout = {_STATEMENT_MS}"))
            yield connection


@contextmanager
def _sqlite(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode={mode}", uri=True, timeout=_BUSY_S)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino


def _reason(error: SQLAlchemyError) -> str:
    """The first line of what the server or driver said: the rest repeats the statement and its parameters."""
    said = str(error.orig) if isinstance(error, DBAPIError) and error.orig else str(error)
    return (said.strip().splitlines() or [type(error).__name__])[0].rstrip(".")
