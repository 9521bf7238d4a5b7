"""Small notes that must outlive a crash and be kept once by all workers of one engine: what was counted, told, handed.

Beside a SQLite engine it is a SQLite file of its own, so that it never waits for the engine's writes; on PostgreSQL it
is a few tables in the engine's database, and so shared by every worker there. Plain SQL that both understand; a table
that changes gets a new name. It knows nothing of what is noted: each part that notes something declares its tables.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from agent.leases import parse

LedgerError = SQLAlchemyError
"""What every call here may raise: the notes can be neither read nor written now."""

_BUSY_S = 30.0
# Any fixed number: workers that start together create the tables one after the other.
_CREATING = 7_312_905_519


class Ledger:
    """The notes of one engine. Safe to share between threads.

    Args:
        engine_url: The engine's database.
        folder: Where the file goes when that is SQLite.
        tables: ``CREATE TABLE IF NOT EXISTS`` and ``CREATE INDEX IF NOT EXISTS`` statements.
    """

    def __init__(self, engine_url: str, folder: Path, *tables: str) -> None:
        parsed = parse(engine_url)
        self._on_server = parsed.get_backend_name() == "postgresql"
        self._folder = folder
        self._tables = tables
        if self._on_server:
            # A connection for each transaction: none can be stale after the server was away.
            server = parsed.set(drivername="postgresql+psycopg")
            self._engine = sa.create_engine(server, poolclass=NullPool)
        else:
            file = f"sqlite:///{folder.absolute() / 'ledger.sqlite'}"
            self._engine = sa.create_engine(file, connect_args={"timeout": _BUSY_S})
        self._creating = threading.Lock()
        self._created = False

    def close(self) -> None:
        """Closes what is open; a later call opens it again."""
        self._engine.dispose()

    @contextmanager
    def notes(self) -> Iterator[Notes]:
        """A transaction: all of it is kept, or, when the block raises, nothing."""
        self._create()
        with self._transaction() as connection:
            yield Notes(connection)

    @contextmanager
    def alone(self, name: str, wait_s: float = 0.0) -> Iterator[bool]:
        """Whether this thread alone, among all workers of the engine, may now do what ``name`` says.

        Args:
            name: What is to be done by one at a time.
            wait_s: How long to wait for another to finish; only beside a SQLite engine.
        """
        held = self._held_on_server(name) if self._on_server else self._held_in_folder(name, wait_s)
        with held as mine:
            yield mine

    @contextmanager
    def _held_in_folder(self, name: str, wait_s: float) -> Iterator[bool]:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"ledger-{_number(name):x}.lock")
        try:
            lock.acquire(timeout=wait_s)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @contextmanager
    def _held_on_server(self, name: str) -> Iterator[bool]:
        # Held by a transaction, not by the session: a pooler between here and the server shares its sessions.
        with self._engine.begin() as connection:
            locked = sa.text("SELECT pg_try_advisory_xact_lock(:key)")
            yield bool(connection.execute(locked, {"key": _number(name)}).scalar())

    def _create(self) -> None:
        with self._creating:
            if self._created:
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._engine.begin() as connection:
                if self._on_server:
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATING})
                    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS segue"))
                    connection.execute(sa.text("SET LOCAL search_path TO segue"))
                else:
                    # A kept note then costs one wait for the disk instead of three; the file stays in this mode.
                    connection.execute(sa.text("PRAGMA journal_mode=WAL"))
                for statement in self._tables:
                    connection.execute(sa.text(statement))
            self._created = True

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            if self._on_server:
                connection.execute(sa.text("SET LOCAL search_path TO segue"))
            yield connection


class Notes:
    """One transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, /, **values: Any) -> int:
        """Carries out a statement; returns how many rows it touched."""
        return self._connection.execute(sa.text(statement), values).rowcount

    def rows(self, statement: str, /, **values: Any) -> list[Mapping[str, Any]]:
        """What a query finds."""
        return [dict(row) for row in self._connection.execute(sa.text(statement), values).mappings()]

    def row(self, statement: str, /, **values: Any) -> Mapping[str, Any] | None:
        """The first row a query finds."""
        return next(iter(self.rows(statement, **values)), None)


def _number(name: str) -> int:
    """A 63-bit number that stands for ``name``."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1
