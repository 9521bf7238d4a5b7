"""What the engine remembers, as plain records, and what of it must not be forgotten.

Knows nothing of the library that keeps it. Made by ``engine``, read by everyone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_FAMILY = re.compile(r"^(?P<family>.+?)(?::(?P<number>\d+)(?:\.\d+)?)?(?P<part>/.*)?$")


class RunState(StrEnum):
    """Where a workflow stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    BROKEN = "broken"
    """It raised, or was given up after too many crashes."""


LIVE = (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A workflow as the engine remembers it."""

    run_id: str
    workflow: str
    state: RunState
    payload: Any
    output: Any
    created_at: float
    """Seconds since the epoch."""
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """A finished step of a workflow."""

    name: str
    started_at: float
    ended_at: float
    failed: bool


def spared(known: Iterable[tuple[str, RunState]]) -> frozenset[str]:
    """The ids that are kept whatever their age.

    Ids that share what stands before ``:number`` are a family: the attempts at a row, and their reports. Of a family in
    which something waits or runs all are kept, and of every family the highest number.
    """
    members: dict[str, list[str]] = {}
    numbers: dict[str, dict[int, list[str]]] = {}
    busy: set[str] = set()
    for run_id, state in known:
        parts = _FAMILY.match(run_id)
        family = parts["family"] if parts else run_id
        members.setdefault(family, []).append(run_id)
        if state in LIVE:
            busy.add(family)
        if parts and parts["number"] and not parts["part"]:
            numbers.setdefault(family, {}).setdefault(int(parts["number"]), []).append(run_id)
    latest = [found[max(found)] for found in numbers.values()]
    return frozenset(run_id for ids in (*(members[family] for family in busy), *latest) for run_id in ids)
