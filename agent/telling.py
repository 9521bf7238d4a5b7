"""Shows on the rows how far their runs are, and renews their leases in the same writes.

One thread writes for all runs, so that no run ever waits for Notion to hear how far it is. Of what a run says between
two writes the last word counts; a write that Notion refuses is not repeated, since the next one says more. A run that
says nothing for long still has its lease renewed. Fed by ``runner`` through ``reporting``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from agent.report import RowRef
from notion_schema.databases import TaskRow

_EVERY_S = 2.5
_TICK_S = 0.5

Write = Callable[[RowRef, Mapping[str, Any]], TaskRow]
"""Writes values to a row, once, and returns the row as it is then."""


class Guarded(Protocol):
    """What carries out the writes, so that no one row ends the thread that writes for all: ``runner.Guard``."""

    def run(self, what: str, work: Callable[[], bool], otherwise: bool, *, about: str = "") -> bool:  # noqa: FBT001 - the guard's own signature
        """What ``work`` returns, or ``otherwise`` when it raises."""


@dataclass(slots=True)
class _Told:
    """What a run last said, and when its row was last written to (seconds of the monotonic clock)."""

    ref: RowRef
    percent: float
    words: str
    written_at: float
    changed: bool = False


class Teller:
    """Writes progress and leases.

    Args:
        write: how.
        is_ours: whether a row, as a write returned it, still belongs to the run; when not, the run is told of no more.
        guard: carries out each write.
        lease_s: how long each write makes a lease last.
        every_s: the shortest time between two writes to a row.
    """

    def __init__(
        self,
        write: Write,
        is_ours: Callable[[TaskRow, RowRef], bool],
        guard: Guarded,
        *,
        lease_s: float,
        every_s: float = _EVERY_S,
    ) -> None:
        self._write = write
        self._is_ours = is_ours
        self._guard = guard
        self._lease_s = lease_s
        self._every_s = every_s
        self._runs: dict[str, _Told] = {}
        self._silent: set[str] = set()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, ref: RowRef, percent: float, words: str) -> None:
        """Notes how far a run is; returns at once."""
        with self._lock:
            if ref.run_id in self._silent:
                return
            known = self._runs.get(ref.run_id)
            if known is None:
                # The claim has just written to the row.
                self._runs[ref.run_id] = _Told(ref, percent, words, time.monotonic(), changed=True)
            else:
                known.percent, known.words, known.changed = percent, words, True
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="segue-teller", daemon=True)
                self._thread.start()

    def forget(self, run_id: str) -> None:
        """Nothing more is written about a run; a write in progress is waited for, so that the next one is the last."""
        with self._lock:
            self._runs.pop(run_id, None)
            self._silent.discard(run_id)
        with self._writing:
            pass

    def hush(self, run_id: str) -> None:
        """Its row belongs to somebody else by now: whatever the run says is not shown any more."""
        with self._lock:
            self._runs.pop(run_id, None)
            self._silent.add(run_id)

    def stop(self) -> None:
        """Ends the thread; what was not shown stays unshown."""
        self._stopping.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(min(_TICK_S, self._every_s)):
            for told in self._due():
                if self._stopping.is_set():
                    return
                self._show(told)

    def _due(self) -> list[_Told]:
        now = time.monotonic()
        with self._lock:
            return [
                told
                for told in self._runs.values()
                if now - told.written_at >= (self._every_s if told.changed else self._lease_s / 3)
            ]

    def _show(self, told: _Told) -> None:
        with self._writing:
            with self._lock:
                if told.ref.run_id not in self._runs:
                    return
                told.changed, told.written_at = False, time.monotonic()
                values = {"progress": round(told.percent), "step": told.words, "lease_until": self.lease()}

            def written() -> bool:
                return self._is_ours(self._write(told.ref, values), told.ref)

            # A refused write says nothing about whose the row is.
            is_ours = self._guard.run("progress", written, otherwise=True, about=told.ref.page_id)
        if not is_ours:
            self.hush(told.ref.run_id)

    def lease(self) -> datetime:
        """Until when a lease that is written now lasts."""
        return datetime.now(UTC) + timedelta(seconds=self._lease_s)
