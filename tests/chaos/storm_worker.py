"""A real worker that also knows light tasks: ``python storm_worker.py run``."""

from __future__ import annotations

from agent import cli
from tests.story.light import Gate, light_handler, light_registry

if __name__ == "__main__":
    with light_registry(light_handler(Gate())):
        cli.main()
