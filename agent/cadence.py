"""How long the worker waits between two looks: short while there is work, longer the longer there is none.

Pure figures; waits for nothing and looks at nothing. Used by ``worker`` alone.
"""

from __future__ import annotations

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
