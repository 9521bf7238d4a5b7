"""Keeps a worker's hold on the engine's database, and ends a worker that has lost it.

The engine itself would wait for its database for ever, silently; and a worker whose lease ran out (its machine slept,
its network failed) must not go on beside the one that took over. So one thread beats, and another watches the clock
in case the beat hangs. Never restarts anything: that is for whoever started the worker. Called by ``engine``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from agent import log
from agent.leases import BeatFailedError, Hold, HoldLostError

_BEAT_S = 30.0
_PATIENCE_S = 120.0
_SAY_AGAIN_S = 60.0


def clock() -> float:
    """Seconds that also pass while the machine sleeps, where the system can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boot) if boot is not None else time.monotonic()


class Watchdog:
    """Beats a hold; tells ``on_lost``, once, when it is lost.

    Args:
        hold: what is kept up.
        on_lost: told why, in one of the watchdog's threads or in the one that called `holds`.
        beat_s: a beat each so many seconds; default: a third of the hold's term, or 30.
        patience_s: for how long beats may fail where the hold has no term.
    """

    def __init__(
        self,
        hold: Hold,
        on_lost: Callable[[str], None],
        *,
        beat_s: float | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._hold = hold
        self._on_lost = on_lost
        self._beat_s = beat_s or (hold.term_s / 3 if hold.term_s else _BEAT_S)
        self._patience_s = patience_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._lost = False
        self._good_from = clock()
        self._threads: list[threading.Thread] = []

    def start(self, held_since: float) -> None:
        """Begins to beat.

        Args:
            held_since: `clock` just before the hold was taken.
        """
        self._good_from = held_since
        self._threads = [threading.Thread(target=self._beat, name="segue-beat", daemon=True)]
        if self._hold.term_s is not None:
            self._threads.append(threading.Thread(target=self._watch, name="segue-lease", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends both threads; the hold is left as it is."""
        self._stop.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    @property
    def age_s(self) -> float:
        """Seconds since the hold was last known to be good."""
        return clock() - self._good_from

    def holds(self) -> bool:
        """Whether the hold is still good, by this process's own clock; where it is not, everybody is told."""
        term = self._hold.term_s
        if not self._lost and term is not None and self.age_s >= term:
            self._lose(f"the lease of {term:.0f} s could not be renewed in time")
        return not self._lost

    def _beat(self) -> None:
        failing_since: float | None = None
        said_at = 0.0
        while not self._stop.wait(self._beat_s):
            began = clock()
            try:
                self._hold.beat()
            except HoldLostError as error:
                self._lose(str(error))
                return
            except BeatFailedError as error:
                failing_since = failing_since or began
                if began - said_at >= _SAY_AGAIN_S:
                    said_at = began
                    log.get().warning("the engine's database does not answer", why=str(error))
                if self._hold.term_s is None and clock() - failing_since > self._patience_s:
                    self._lose(f"the engine's database was away for {self._patience_s:.0f} s: {error}")
                    return
            else:
                if failing_since is not None:
                    log.get().info("the engine's database answers again")
                failing_since, said_at = None, 0.0
                # Counted from before the beat, so that this clock never says "good" when the database says "over".
                self._good_from = began

    def _watch(self) -> None:
        while self.holds():
            left = (self._hold.term_s or 0.0) - self.age_s
            # Awake at least once a second: how a wait passes while the machine sleeps differs between systems.
            if self._stop.wait(max(0.01, min(left, 1.0))):
                return

    def _lose(self, why: str) -> None:
        with self._lock:
            if self._lost:
                return
            self._lost = True
        self._on_lost(why)
