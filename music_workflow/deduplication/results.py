"""What the search for duplicates and what follows from it answer: small records that a step keeps.

Apart from what makes them, which loads numpy and the decoders.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One file of a proposal."""

    name: str
    """``Move``, ``Stays``."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A picture of a pair."""

    path: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed."""

    hash: str
    plan_path: str
    files: int
    coverage: float
    groups: int
    moves: int
    left: int
    freed: int
    """Bytes."""
    lines: tuple[Line, ...]
    """One a file, as many as are shown; all are in the plan's file."""
    sealed: tuple[str, ...]
    libraries: tuple[str, ...]
    pictures: tuple[Drawn, ...]

    refusal: str | None
    """That sound and names were not used, where too little was heard for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that was left where it is, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What one batch did."""

    moved: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    remaining: int
    """Files of the plan that still wait for a batch."""
    freed: int
    """Bytes in quarantine because of this batch."""
    manifest: str | None
    """What `undo` reads; None when nothing was moved."""
    merged: tuple[str, ...] = ()
    """Keys of tracks whose files were moved and which lead to the kept tracks now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What taking back did."""

    restored: tuple[str, ...]
    there_already: int
    """Files that stand where they stood."""
    blocked: tuple[Skipped, ...]
    """Files that could not be put back, and what stands in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What deleting from the quarantine did."""

    deleted: tuple[str, ...]
    freed: int
    kept: tuple[Skipped, ...]
    """Files that stay in quarantine, and why."""
