"""What the handlers of lists are given: filing rows in numbers, the playlists' rows, tracks that wait.

Records and ports only, a part of the contract in ``handlers.base``; ``agent`` puts the adapters in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from music_workflow.core.listing import Entry, Listing

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> tuple[tuple[T, ...], ...]:
    """A long list in pieces, so that what is done about it goes on where it was stopped."""
    return tuple(tuple(items[start : start + size]) for start in range(0, len(items), size))


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRow:
    """A task row to be filed once, whoever asks for it and however often."""

    key: str
    """Names what the row is for; the same key is never filed twice."""
    task_type: str
    title: str
    link: str = ""
    description: str = ""
    track_page_id: str = ""
    """The Music Tracks row it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsFiled:
    """What came of filing a few rows."""

    new: int
    """Filed now."""
    before: int
    """Filed by an earlier run."""


class TaskRows(Protocol):
    """Task rows that a run files in numbers. What merely follows from a run are `Done.follow_ups`."""

    def file(self, rows: tuple[WantedRow, ...]) -> RowsFiled:
        """Files rows and waits until they stand in Notion; a dozen or two at a time.

        Raises:
            TryLater: Notion does not take them now; they will be there, and are not filed again.
        """

    def known(self, keys: tuple[str, ...]) -> frozenset[str]:
        """Those of the keys for which a row was filed before."""

    def busy(self, links: tuple[str, ...]) -> dict[str, str]:
        """Link -> address of a row that is to sync it and has not ended, for those that have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A Music Tracks row that is not downloaded and names a link."""

    page_id: str
    entry: Entry

    @property
    def task_key(self) -> str:
        """Of the task row to be filed for it; another link on the row makes another."""
        return f"backlog:{self.page_id}:{hashlib.sha256(self.entry.link.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The oldest rows that wait."""

    waiting: tuple[Waiting, ...]
    unusable: tuple[str, ...] = ()
    """For each row passed over whose links are of no use, its name and why."""
    passed_over: tuple[str, ...] = ()
    """For each row passed over because a task was filed for it before, its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How Music Tracks and the library stand to a track that a list names."""

    key: str
    page_id: str = ""
    """Its Music Tracks row; empty when there is none."""
    synced: str = ""
    """In words how it is known to be synced; empty when it is not."""


class Playlists(Protocol):
    """The Music Playlists database, where one is set."""

    def record(self, listing: Listing) -> str | None:
        """Creates or completes a list's row and returns its page id; None without such a database."""

    def add(self, page_id: str, track_page_ids: Sequence[str]) -> int:
        """Adds tracks to a playlist's row, none is taken away; returns how many were new to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEdit:
    """What a person has changed on a Music Tracks row."""

    page_id: str
    url: str
    name: str
    edited_at: str
    """ISO 8601; Notion floors it to the minute."""
    key: str = ""
    """The track's key; empty when Segue has filed nothing for the row."""
    values: tuple[tuple[str, str], ...] = ()
    """`music_workflow.core.corrections.FIELDS` -> what they wrote, where it is not what Segue wrote."""
    paths: tuple[tuple[str, str], ...] = ()
    """Format -> the path they wrote."""
    ticked: bool = False
    """Downloaded is ticked, and Segue did not tick it."""
    unticked: bool = False
    """Downloaded is not ticked, and Segue had ticked it."""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEdits:
    """What one look at the rows found."""

    edits: tuple[HandEdit, ...]
    looked: int
    """Rows edited since the last look."""
    until: str
    """ISO 8601: where the next look begins."""


class EditedTracks(Protocol):
    """Music Tracks rows that people edit, as the handler that reconciles them sees them."""

    def find(self) -> HandEdits:
        """What was changed by hand since the last look, and what was still in question then."""

    def finish(self, until: str, questions: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        """Remembers how far this look went and what is still in question (page id, question).

        Returns:
            The page ids whose question was not asked before.
        """
