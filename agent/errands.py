"""What is done now and then instead of at once: issues brought up to date, originators told.

Each errand keeps its own time and costs nothing when there is nothing to do. The worker tends them after each look and
lets them finish at its end.
"""

from __future__ import annotations

from agent.companion import Companion
from agent.issues import Issues
from agent.poller import Look
from agent.returns import Returns


class Errands(Companion):
    """The worker's errands."""

    def __init__(self, issues: Issues, returns: Returns) -> None:
        self._issues = issues
        self._returns = returns

    def tend(self, look: Look) -> int:
        """Does what is due; returns how many rows became ready by it."""
        del look
        self._issues.catch_up()
        return self._returns.catch_up()

    def stop(self) -> None:
        """Writes what was held back."""
        self._issues.catch_up(everything=True)
        self._returns.catch_up(everything=True)
