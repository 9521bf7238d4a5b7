"""What stands in the data folder beside the index: small SQLite files of things remembered, and locks.

Used by the parts of `music_workflow.core` that remember something or must be alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from music_workflow.errors import Unavailable


@contextmanager
def memory(data_dir: str, name: str, *tables: str) -> Iterator[sqlite3.Connection]:
    """Open what is remembered under a name; committed at the end, and taken back after an error.

    Args:
        data_dir: The folder; made if it lacks.
        name: Of the file, without its suffix.
        tables: Statements that make each table where it is not there yet.
    """
    with closing(sqlite3.connect(_made(data_dir) / f"{name}.sqlite", timeout=30.0)) as db, db:
        for statement in tables:
            db.execute(statement)
        yield db


@contextmanager
def lock(data_dir: str, name: str, wait_s: float, busy: str, *, operation: str) -> Iterator[None]:
    """Be alone under a name among all processes of this machine.

    Raises:
        Unavailable: It was not free in time; in the words of `busy`.
    """
    try:
        with FileLock(_made(data_dir) / f"{name}.lock", timeout=wait_s):
            yield
    except Timeout as error:
        raise Unavailable(busy, service=name, operation=operation) from error


def _made(data_dir: str) -> Path:
    folder = Path(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
