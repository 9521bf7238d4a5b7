"""What is done now and then, not at once: issues brought up to date, originators told, trigger files looked after.

Each errand keeps its own time and costs nothing when there is nothing to do. The worker tends them after each look and
lets them finish at its end.
"""

from __future__ import annotations

from agent.companion import Companion
from agent.handing_on.returns import Returns
from agent.handing_on.trigger_files import TriggerFiles
from agent.poller import Look
from agent.problems.issues import Issues


class Errands(Companion):
    """The worker's errands; without ``triggers`` no other agent is served."""

    def __init__(self, issues: Issues, returns: Returns, triggers: TriggerFiles | None = None) -> None:
        self._issues = issues
        self._returns = returns
        self._triggers = triggers

    def tend(self, look: Look) -> int:
        """Does what is due; returns how many rows became ready by it."""
        del look
        if self._triggers is not None:
            self._triggers.look()
        self._issues.catch_up()
        return self._returns.catch_up()

    def stop(self) -> None:
        """Writes what was held back."""
        self._issues.catch_up(everything=True)
        self._returns.catch_up(everything=True)
