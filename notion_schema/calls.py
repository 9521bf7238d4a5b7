"""One call to Notion as data, what is noted about it, and how long its failures are borne.

Plain records, shared by ``client`` and those who watch it (the worker's metrics, the tests). Nothing here
does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
Lookup = Callable[[], Json | None]
"""Finds what a lost call may have made, by the caller's own key; ``None`` when nothing is there."""


class Repeat(StrEnum):
    """What a second sending of the same call would do."""

    HARMLESS = "harmless"
    """Nothing more than the first did: reads, and writes that set a value."""

    DOUBLES = "doubles"
    """A second page, block or comment, when the first was carried out after all."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call before it is sent.

    Attributes:
        operation: What it does, as an infinitive ("update a page"), for sentences.
        method: HTTP method.
        endpoint: Path below ``/v1/`` with ``{}`` for each id; also the name under which the call is counted.
        ids: What stands in for the ``{}``.
        query: Query string.
        body: JSON body.
        form: Multipart form, instead of a body.
        repeat: What sending it twice would do.
        once: It is not worth repeating or waiting for: a later call says the same and more.
    """

    operation: str
    method: str
    endpoint: str
    ids: tuple[str, ...] = ()
    query: Mapping[str, Any] | None = None
    body: Json | None = None
    form: Json | None = None
    repeat: Repeat = Repeat.HARMLESS
    once: bool = False

    @property
    def path(self) -> str:
        """The path below ``/v1/`` with the ids in it."""
        return self.endpoint.format(*self.ids)

    @property
    def name(self) -> str:
        """Method and endpoint, the same for all ids."""
        return f"{self.method} {self.endpoint}"


@dataclass(frozen=True, kw_only=True)
class RequestNote:
    """One HTTP request that was sent, and how it ended. Holds no token and no content.

    Attributes:
        method: HTTP method.
        endpoint: Path with ``{}`` instead of ids.
        status: HTTP status, or ``None`` when no answer came.
        code: Notion's error code, or ``None``.
        request_id: Notion's id of the request.
        seconds: From sending to the answer.
        waited_s: Waited before sending, to keep the pace.
        attempt: 1 for the first sending of a call.
    """

    method: str
    endpoint: str
    status: int | None
    code: str | None
    request_id: str | None
    seconds: float
    waited_s: float
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the edge bears Notion's stumbling before it says so.

    Attributes:
        attempts: Sendings of one call at most.
        total_s: Seconds one call may take with all its waits; a longer ``Retry-After`` is reported at once.
        first_wait_s: Wait before the second sending; doubled each time, with jitter.
        longest_wait_s: The doubling ends here.
        settle_s: Wait before looking for what a lost call may have made: Notion's queries lag behind its
            writes.
        once_s: Longest wait of a call that is not worth waiting for.
    """

    attempts: int = 6
    total_s: float = 90.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0
    settle_s: float = 5.0
    once_s: float = 3.0


@dataclass(frozen=True)
class Position:
    """Where appended blocks go among the children that are there.

    Attributes:
        after: Id of the block they follow, or ``None``.
        start: Put them first instead of last.
    """

    after: str | None = None
    start: bool = False

    def json(self) -> Json:
        """Notion's form."""
        if self.after:
            return {"type": "after_block", "after_block": {"id": self.after}}
        return {"type": "start" if self.start else "end"}


Blocks = Sequence[Json]
