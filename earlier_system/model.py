"""What was found in the earlier system's files, and what is proposed about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

TITLE, STATUS, PRIORITY, DESCRIPTION, LINK = "title", "status", "priority", "description", "link"
"""What is taken over of a row."""


class Home(StrEnum):
    """Where a row belongs."""

    TASKS = "Agent-Tasks"
    ISSUES = "Issues+Questions"
    ELSEWHERE = "a database that Segue does not work in"


class Source(StrEnum):
    """What kind of file said it."""

    TRIGGER = "trigger file"
    RETURN = "return handoff"
    PENDING = "pending write"


class Stage(StrEnum):
    """Which folder a trigger file lay in."""

    INBOX = "inbox"
    PROCESSED = "processed"
    FAILED = "failed"
    ARCHIVE = "archive"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one file, or several copies of it, wanted of Notion."""

    key: str
    """The same for the same wish, wherever its file lies and however often it is read."""
    source: Source
    home: Home
    places: tuple[str, ...]
    written_at: float | None
    """Seconds since the epoch; None when neither the name nor the content says."""
    page_id: str | None = None
    """The row that is meant, dashed; None for a new one."""
    stage: Stage = Stage.NONE
    values: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    """What an agent reported about the row."""
    left_out: tuple[str, ...] = ()
    """Names of what else the file holds and nobody takes over."""
    settled: str = ""
    """Why nothing is wanted any more, where the file's own name says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder that an earlier volume index speaks of."""

    path: str
    files: int
    """As many as the index names."""
    present: int
    """As many as are there now, with the size the index names where it names one."""
    mounted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierIndex:
    """A volume index of the earlier system."""

    path: str
    files: int
    folders: tuple[Folder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that was read."""

    wishes: tuple[Wish, ...] = ()
    indexes: tuple[EarlierIndex, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    """Path and why it was not understood."""
    passed_over: int = 0
    """Files that were pushed already, or are none of the earlier system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A row as it is now."""

    page_id: str
    home: Home
    url: str
    edited_at: float
    """Seconds since the epoch; Notion floors it to the minute."""
    values: Mapping[str, str]
    ended: bool = False
    in_trash: bool = False
    key: str = ""
    """Its Segue key."""
    is_ours: bool = False
    """Segue works on it: only Segue and the row's owner write its status."""


class Move(StrEnum):
    """What is proposed."""

    CREATE = "create"
    SET = "set"
    NOTE = "add a note"
    HUMAN = "for you"
    SKIP = "skip"


WRITES = (Move.CREATE, Move.SET, Move.NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed about one row."""

    move: Move
    key: str
    home: Home
    title: str
    why: str = ""
    page_id: str = ""
    url: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """What would be written."""
    was: Mapping[str, str] = field(default_factory=dict)
    """What the row said when the plan was made, for each value that would be written."""
    note: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All proposals."""

    proposals: tuple[Proposal, ...]
    unread: tuple[tuple[str, str], ...] = ()
    passed_over: int = 0

    def of(self, *moves: Move) -> tuple[Proposal, ...]:
        """The proposals of these kinds, in order."""
        return tuple(one for one in self.proposals if one.move in moves)

    @property
    def hash(self) -> str:
        """Hexadecimal digits that stand for exactly what would be written, and over what."""
        said = [
            [one.move, one.key, one.page_id, sorted(one.values.items()), sorted(one.was.items()), one.note]
            for one in self.of(*WRITES)
        ]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
