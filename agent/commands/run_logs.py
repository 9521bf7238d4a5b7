"""The logs of attempts, as the worker on this machine wrote them: which there are, and their lines as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

_TICK_S = 0.3


def attempts(folder: Path) -> list[str]:
    """The attempts at a row that have a log here, the latest last."""
    if not folder.is_dir():
        return []
    names = [file.stem for file in folder.iterdir() if file.suffix == ".log" and _number(file.stem)]
    return sorted(names, key=_number)


def _number(attempt: str) -> tuple[int, ...]:
    parts = attempt.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def lines(file: Path, *, goes_on: Callable[[], bool]) -> Iterator[str]:
    """The lines of a log, then those that are added for as long as ``goes_on`` says so.

    Args:
        file: the log.
        goes_on: asked whenever nothing new is there; what was added before its last answer is still read.
    """
    with file.open(encoding="utf-8", errors="replace") as text:
        ending = False
        kept = ""
        while True:
            part = text.readline()
            if part.endswith("\n"):
                yield kept + part[:-1]
                kept = ""
            elif part:
                kept += part
            elif ending:
                if kept:
                    yield kept
                return
            else:
                ending = not goes_on()
                if not ending:
                    time.sleep(_TICK_S)
