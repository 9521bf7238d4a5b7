"""What the words of a status column mean.

Every database has its own words. Which option means ready, running or done is configured by name, checked
against the live options when a database is opened, and never guessed from Notion's groups. Pure; used by
``databases``, ``workspace`` and the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from notion_schema.properties import Word
from notion_schema.rows import Finding, Level, folded


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


_TOLD_APART: tuple[frozenset[State], ...] = (
    frozenset({State.BLOCKED, State.REVIEW, State.FAILED}),
    frozenset({State.CANCELLED, State.ARCHIVED}),
)
"""States that may share an option: *Run state* tells the first three apart, and the last two ask for the same."""

_UNWRITTEN = frozenset({State.CANCELLED, State.ARCHIVED})
"""States that people set and Segue never does."""

_USUAL: Mapping[State, frozenset[str]] = {
    State.READY: frozenset({"ready", "to do", "todo", "not started", "ready for handoff", "queued", "open"}),
    State.RUNNING: frozenset({"in progress", "in-progress", "doing", "running", "working", "started"}),
    State.BLOCKED: frozenset({"blocked", "waiting", "on hold", "needs input", "waiting on client"}),
    State.REVIEW: frozenset({"review", "in review", "to review", "needs review"}),
    State.DONE: frozenset({"done", "completed", "complete", "closed", "resolved", "finished"}),
    State.FAILED: frozenset({"failed", "error", "failure", "broken"}),
    State.CANCELLED: frozenset({"cancelled", "canceled", "archived", "stopped", "won't do"}),
    State.ARCHIVED: frozenset({"archived", "archive"}),
}
"""Words people use for a state, folded; only ever proposed to a person, never acted on."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of one database.

    Attributes:
        write: The option written for a state; a state without one cannot be shown.
        read: Further options that mean a state.
        offer: Options that mean nothing to Segue but belong to the column when it is created.
        setting: What the variables that set these words begin with, for remedies; empty when there are none.
    """

    write: Mapping[State, str]
    read: Mapping[State, tuple[str, ...]] = field(default_factory=dict)
    offer: tuple[str, ...] = ()
    setting: str = ""

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
        possible = self._meanings(status)
        hinted = _RUN_STATES[run_state] if run_state is not None else None
        if hinted in possible:
            return hinted
        return possible[0] if possible else None

    def _meanings(self, word: str | None) -> list[State]:
        return [state for state in State if word is not None and word in self.words(state)]

    def with_words(self, words: Mapping[State, Sequence[str]]) -> Vocabulary:
        """The same with the owner's own words for some states: the first is written, and no other is read."""
        write = {**self.write, **{state: own[0] for state, own in words.items() if own}}
        read = {state: also for state, also in self.read.items() if state not in words}
        read |= {state: tuple(own[1:]) for state, own in words.items() if own[1:]}
        return replace(self, write=write, read=read)

    def all_words(self) -> tuple[str, ...]:
        """Every option a new status column is created with."""
        meant = (word for state in State for word in self.words(state))
        return tuple(dict.fromkeys((*meant, *self.offer)))

    def check(self, options: Iterable[str], *, key: str, database: str, column: str) -> Iterator[Finding]:
        """Compare with the live options: a word that does not exist hides work instead of failing.

        Args:
            options: Names of the live options.
            key: Name of the database in settings and code.
            database: Its title.
            column: Name of its status column.

        Yields:
            A failure for each word that is missing and that Segue reads or writes, or that means two things; a
            warning for a missing one that only people would set.
        """
        live = tuple(options)
        for word in self.all_words():
            states = self._meanings(word)
            if not states:
                continue
            if word not in live:
                yield self._absent(word, states, live, key=key, database=database, column=column)
            elif not any(frozenset(states) <= told_apart for told_apart in _TOLD_APART) and states[1:]:
                yield Finding(
                    level=Level.FAILURE,
                    database=database,
                    property_name=column,
                    sentence=f"“{word}” in “{column}” of {database} is set to mean {_joined(states)} at once.",
                    remedy=f"Name another option for one of them: {self._variables(states, '…')}.",
                    subject=f"{key}/status/{word}/two meanings",
                )

    def _absent(
        self,
        word: str,
        states: Sequence[State],
        live: tuple[str, ...],
        *,
        key: str,
        database: str,
        column: str,
    ) -> Finding:
        known = ", ".join(f"“{name}”" for name in live) or "none"
        guess = next((name for name in live for state in states if folded(name) in _USUAL[state]), None)
        named = self._variables(states, guess or "…")
        return Finding(
            level=Level.WARNING if _UNWRITTEN.issuperset(states) else Level.FAILURE,
            database=database,
            property_name=column,
            sentence=(
                f"“{column}” in {database} has no option “{word}”, which means {_joined(states)} here;"
                f" it has {known}."
            ),
            remedy=f"Add “{word}”, or say in the settings which option means it: {named}."
            if named
            else f"Add “{word}”.",
            subject=f"{key}/status/{word}/absent",
        )

    def _variables(self, states: Iterable[State], word: str) -> str:
        """The settings that would name a word for these states, as lines of ``.env``."""
        return ", ".join(f"{self.setting}_{state.upper()}={word}" for state in states) if self.setting else ""


def _joined(states: Sequence[State]) -> str:
    *most, last = states
    return f"{', '.join(most)} and {last}" if most else str(last)
