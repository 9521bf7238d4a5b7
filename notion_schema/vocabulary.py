"""What the words of a status column mean.

Every database has its own words. Which option means ready, running or done is configured by name, checked
against the live options when a database is opened, and never guessed from Notion's groups. Pure; used by
``databases``, ``workspace`` and the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from notion_schema.properties import Word
from notion_schema.rows import Finding, Level


class State(StrEnum):
    """What a row can be in."""

    READY = "ready"
    RUNNING = "running"
    BLOCKED = "blocked"
    """A human is needed."""
    REVIEW = "review"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


class RunState(Word):
    """The worker's own word about a run, beside the status people steer by."""

    WAITING = "Waiting"
    RUNNING = "Running"
    BLOCKED = "Blocked"
    REVIEW = "Review"
    FAILED = "Failed"
    DONE = "Done"
    CANCELLED = "Cancelled"


class Priority(Word):
    """Urgency, the most urgent first; compare by ``rank``."""

    CRITICAL = "Critical"
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    ROUTINE = "Routine"

    @property
    def spellings(self) -> tuple[str, ...]:
        """The words met for this urgency, the preferred one first."""
        return {
            Priority.CRITICAL: ("Critical", "5 - Critical", "Highest", "P0", "Urgent"),
            Priority.HIGH: ("High", "3 - High", "4 - High", "P1"),
            Priority.MEDIUM: ("Medium", "3 - Medium", "2 - Medium", "Normal", "P2"),
            Priority.LOW: ("Low", "1 - Low", "2 - Low", "P3", "Lowest"),
            Priority.ROUTINE: ("Routine",),
        }[self]

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Priority).index(self)


def rank_of(priority: Priority | None) -> int:
    """Place in the queue: 0 first; rows without a priority last."""
    return len(Priority) if priority is None else priority.rank


_RUN_STATES: Mapping[RunState, State] = {
    RunState.WAITING: State.READY,
    RunState.RUNNING: State.RUNNING,
    RunState.BLOCKED: State.BLOCKED,
    RunState.REVIEW: State.REVIEW,
    RunState.FAILED: State.FAILED,
    RunState.DONE: State.DONE,
    RunState.CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True)
class Vocabulary:
    """The words of one database.

    Attributes:
        write: The option written for a state; a state without one cannot be shown.
        read: Further options that mean a state.
        offer: Options that mean nothing to Segue but belong to the column when it is created.
        required: States the database is useless without.
    """

    write: Mapping[State, str]
    read: Mapping[State, tuple[str, ...]] = field(default_factory=dict)
    offer: tuple[str, ...] = ()
    required: frozenset[State] = frozenset({State.READY, State.RUNNING, State.DONE})

    def word(self, state: State) -> str | None:
        """The option that is written for a state, or ``None`` when this database has none."""
        return self.write.get(state)

    def words(self, state: State) -> tuple[str, ...]:
        """All options that are read as a state, the written one first."""
        first = (self.write[state],) if state in self.write else ()
        return tuple(dict.fromkeys((*first, *self.read.get(state, ()))))

    def state(self, status: str | None, run_state: RunState | None = None) -> State | None:
        """What a status means.

        Args:
            status: The option's name.
            run_state: Tells states apart that share an option.

        Returns:
            The state, or ``None`` when the option means nothing to Segue.
        """
        possible = [state for state in State if status is not None and status in self.words(state)]
        hinted = _RUN_STATES[run_state] if run_state is not None else None
        if hinted in possible:
            return hinted
        return possible[0] if possible else None

    def with_words(self, words: Mapping[State, str]) -> Vocabulary:
        """The same with the owner's own words for some states, which are then the only ones for them."""
        read = {state: also for state, also in self.read.items() if state not in words}
        return replace(self, write={**self.write, **words}, read=read)

    def all_words(self) -> tuple[str, ...]:
        """Every option a new status column is created with."""
        return tuple(dict.fromkeys((*(self.write[s] for s in State if s in self.write), *self.offer)))

    def check(self, options: Iterable[str], *, database: str, column: str) -> Iterator[Finding]:
        """Compare with the live options: a word that does not exist hides work instead of failing."""
        live = tuple(options)
        known = ", ".join(f"“{name}”" for name in live) or "none"
        for state, word in self.write.items():
            if word in live:
                continue
            yield Finding(
                level=Level.FAILURE if state in self.required else Level.WARNING,
                database=database,
                property_name=column,
                sentence=f"“{column}” in {database} has no option “{word}”, which means {state} here; it has {known}.",
                remedy=f"Add “{word}”, or say in the settings which option means {state}.",
            )
