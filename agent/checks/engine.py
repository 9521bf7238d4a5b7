"""The engine's database: readable, whole, and what waits in it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from agent.checks.lines import failed, passed, warned
from agent.engine import Run, reading, sqlite_file
from agent.leases import EngineError
from agent.runner import REPORT, RUN
from handlers.base import Diagnosis

SERVICE = "Engine"
_STUCK_S = 3600.0
_LARGEST_CHECKED_BYTES = 64_000_000


def check(url: str) -> Iterator[Diagnosis]:
    """Looks at the engine's database without taking it from its worker."""
    try:
        file = sqlite_file(url)
        if file is not None:
            told = tuple(_file(file))
            yield from told
            if not file.exists() or any(one.verdict == "fail" for one in told):
                return
        with reading(url) as read:
            live = read.live()
    except EngineError as error:
        yield failed(SERVICE, "database", str(error))
        return
    kind = "SQLite" if file else "PostgreSQL"
    runs = sum(run.workflow == RUN for run in live)
    yield passed(SERVICE, "database", f"{kind}, readable; {runs} runs wait or work.")
    yield _late(live)


def _file(file: Path) -> Iterator[Diagnosis]:
    if not file.exists():
        yield passed(SERVICE, "database", f"{file} is not there yet; the first run makes it.")
        return
    try:
        FileLock(f"{file}.lock").acquire(timeout=0).lock.release()
    except Timeout:
        yield passed(SERVICE, "worker", "A worker runs on this machine.")
    except OSError as error:
        yield failed(
            SERVICE, "lock", f"{file}.lock cannot be used: {error.strerror or error}.", "Change its owner."
        )
    else:
        yield warned(SERVICE, "worker", "No worker runs: ready rows wait.", "Start “segue run”.")
    if file.stat().st_size > _LARGEST_CHECKED_BYTES:
        yield passed(
            SERVICE, "file", f"{file}: {file.stat().st_size / 1e6:.0f} MB, too large to be read through here."
        )
    elif damage := _damage(file):
        yield failed(
            SERVICE, "file", f"{file} is damaged: {damage}.", "Stop the worker and put your copy of it back."
        )
    else:
        yield passed(SERVICE, "file", f"{file} is whole.")


def _damage(file: Path) -> str:
    try:
        connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error as error:
        return str(error)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        return "" if "locked" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    return "" if found == "ok" else str(found)


def _late(live: tuple[Run, ...]) -> Diagnosis:
    """Results that wait to be written: Notion was away, or does not take them."""
    waiting = [run for run in live if run.workflow == REPORT]
    oldest = max((time.time() - run.created_at for run in waiting), default=0.0)
    if oldest > _STUCK_S:
        return warned(
            SERVICE,
            "results",
            f"{len(waiting)} wait to be written to Notion, the oldest for {oldest / 3600:.1f} hours.",
            "Look at the Notion lines above; they are written once it takes them.",
        )
    return passed(SERVICE, "results", f"{len(waiting)} wait to be written to Notion.")
