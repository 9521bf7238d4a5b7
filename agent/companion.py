"""What lives beside the worker, for as long as it does: the schedules' clock, the web server, the figures.

A companion may wake the worker, read what each look found and file rows; it never runs a task. The worker calls it.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.poller import Look


class Companion:
    """Does nothing; each companion does what it is for."""

    def register(self) -> None:
        """Makes its workflows known to the engine; before the engine starts."""

    def start(self, wake: Callable[[], None]) -> None:
        """The engine runs. ``wake`` makes the worker look at the rows now; any thread may call it."""

    def tend(self, look: Look) -> int:
        """Called after each look, in the worker's thread; returns how many rows are being filed because of it.

        What Notion refuses is logged and tried at a later look; nothing is raised for it.
        """
        del look
        return 0

    def stop(self) -> None:
        """The worker ends; called once, before the engine stops, also when `start` was not."""
