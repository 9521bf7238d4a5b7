"""The line that shows on a terminal how far something is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from music_workflow.model import Progress, silent


@contextmanager
def progress() -> Iterator[Progress]:
    """Show one changing line on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield silent
        return
    with console.status("…") as status:
        yield lambda fraction, words: status.update(f"{fraction:4.0%}  {words}")
