"""How a worker signs the rows it takes: its own name for people, and its engine's for other workers.

The engine is what makes an attempt happen once. Two machines with an engine of their own each do not know each other's
runs; by the signature they know that a row is not theirs. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENGINE = re.compile(r" · engine ([0-9a-f]{8})$")


@dataclass(frozen=True, slots=True)
class Signature:
    """What stands in a row's Worker column.

    Attributes:
        worker: the worker's name.
        engine: the first eight hexadecimal digits of its engine's identity; empty before the engine has started.
    """

    worker: str
    engine: str = ""

    def __str__(self) -> str:
        return f"{self.worker} · engine {self.engine}" if self.engine else self.worker

    def is_foreign(self, signed: str) -> bool:
        """Whether a Worker column names another engine; one that names none says nothing."""
        found = _ENGINE.search(signed)
        return found is not None and found[1] != self.engine
