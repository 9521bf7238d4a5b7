"""How long the worker waits: between two looks, and before it tries the same thing once more.

Figures alone; nothing here waits, looks or tries. Used by ``worker`` and ``poller``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container

_IDLE_GROWTH = 1.5
_FAILING_GROWTH = 2.0
_LONGEST_FAILING_S = 60.0


class Cadence:
    """The wait after each look.

    Args:
        busy_s: the wait while there is work, and the shortest of all.
        idle_s: the longest wait while there is none.
    """

    def __init__(self, busy_s: float, idle_s: float) -> None:
        self._busy_s = busy_s
        self._idle_s = max(busy_s, idle_s)
        self._failing_limit_s = max(self._idle_s, _LONGEST_FAILING_S)
        self._wait_s = busy_s

    def reset(self) -> None:
        """Somebody called: the next waits are short again."""
        self._wait_s = self._busy_s

    def after(self, *, working: bool, failed: bool) -> float:
        """Seconds to wait after a look.

        Args:
            working: something was submitted, runs, or is to be reported now.
            failed: a database could not be read.
        """
        if failed:
            wait = self._wait_s
            self._wait_s = min(self._wait_s * _FAILING_GROWTH, self._failing_limit_s)
            return wait
        if working:
            self.reset()
            return self._busy_s
        wait = min(self._wait_s, self._idle_s)
        self._wait_s = min(wait * _IDLE_GROWTH, self._idle_s)
        return wait


class Backoff:
    """For each of many things by name: not again before so long, longer each time.

    Args:
        first_s: the first wait; doubled each time.
        longest_s: the doubling ends here.
        clock: seconds that only go forward.
    """

    def __init__(
        self, first_s: float, longest_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._clock = clock
        self._waiting: dict[str, tuple[int, float]] = {}

    def is_due(self, name: str) -> bool:
        """Whether it may be done now."""
        return name not in self._waiting or self._waiting[name][1] <= self._clock()

    def postpone(self, name: str) -> int:
        """It was done and is not over; returns how often by now."""
        count = self.count(name) + 1
        wait = min(self._first_s * 2 ** min(count - 1, 30), self._longest_s)
        self._waiting[name] = (count, self._clock() + wait)
        return count

    def count(self, name: str) -> int:
        """How often it was postponed."""
        return self._waiting.get(name, (0, 0.0))[0]

    def forget(self, name: str) -> None:
        """It is over."""
        self._waiting.pop(name, None)

    def keep(self, names: Container[str]) -> None:
        """Forgets all others."""
        self._waiting = {name: waiting for name, waiting in self._waiting.items() if name in names}
