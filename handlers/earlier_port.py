"""What the *Import earlier system* handler is given; ``agent`` puts the adapter in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from earlier_system.model import Findings, Proposal
from earlier_system.planning import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What came of a proposal."""

    title: str
    url: str
    said: str
    written: bool = False


class EarlierRows(Protocol):
    """The rows that the earlier system's files are about."""

    def rows(self, findings: Findings) -> Rows:
        """The rows as they are now."""

    def carry_out(self, one: Proposal) -> Carried:
        """Writes what a proposal says, unless the row has changed since; twice does no more than once."""
