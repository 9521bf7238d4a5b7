"""Help for stories about the worker itself: a task type that does what its row says, a person at the board, a tally.

The house, its HTTP and its worker are the real ones; the task is light, so that what is tested is everything around it.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from agent import runner, wiring
from agent.worker import Worker
from handlers import registry
from handlers.base import CannotDo, Done, Evidence, Handler, Job, NeedsHuman, Tools, TryLater, handler
from notion_local.errors import ApiError
from notion_schema.calls import Patience
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.vocabulary import State
from tests.story.conftest import House, furnished

TYPE = "Light task"
QUICK = functools.partial(Patience, attempts=4, first_wait_s=0.02, longest_wait_s=0.1)


@dataclass(frozen=True, slots=True)
class Order:
    """What the row's Description says: done, later, human, cannot, bug, wait, dawdle."""

    word: str

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the word."""
        return cls(row.description.strip() or "done")


class Gate:
    """Where the word “wait” waits, and who has come by."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.ran: list[str] = []
        self.inside: set[str] = set()

    def pass_by(self, page_id: str, word: str) -> str:
        """The one step of a light task."""
        self.ran.append(page_id)
        if word == "wait":
            self.inside.add(page_id)
            assert self.opened.wait(60), "nobody opened the gate"
            self.inside.discard(page_id)
        if word == "dawdle":
            time.sleep(1.1)
        if word == "later":
            raise TryLater("It is too early.")
        if word == "human":
            raise NeedsHuman("Which one?", ("this", "that"))
        if word == "cannot":
            raise CannotDo("There is no such thing.")
        if word == "bug":
            raise ZeroDivisionError("a slip")
        return f"{word}, by {page_id}"

    def end(self, said: str) -> str:
        """The step after it."""
        return said.upper()


def light_handler(
    gate: Gate, *, task_type: str = TYPE, timeout_s: float = 60.0, attempts: int = 3
) -> Handler[Order]:
    """The handler of light tasks."""

    @handler(task_type, attempts=attempts, timeout=timeout_s, steps={"pass": 50, "end": 50})
    def light(job: Job[Order], tools: Tools) -> Done:
        said = job.step("pass", gate.pass_by, job.page_id, job.request.word)
        return Done(summary=said, evidence=(Evidence("Passed", job.step("end", gate.end, said)),))

    return light


@contextmanager
def light_registry(*handlers: Handler[Any]) -> Iterator[None]:
    """Inside, every worker knows these task types, too."""
    real = registry.load()
    known = {**real.handlers, **{one.task_type: one for one in handlers}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load", lambda: dataclasses.replace(real, handlers=known))
        yield


class Tally:
    """Every request that reaches the house's Notion, by when it came; it can also revoke the token."""

    def __init__(self, house: House, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[float, str]] = []
        self.revoked = False
        self.faults = house.server.workspace.faults
        strike = self.faults.error_for

        def noted(request: str) -> int | None:
            if " /v1/" in request:
                self.seen.append((time.monotonic(), request))
                if self.revoked:
                    raise ApiError(401, "unauthorized", "API token is invalid.")
            return strike(request)

        patch.setattr(self.faults, "error_for", noted)

    def count(self, part: str = "", *, since: float = 0.0) -> int:
        """Requests that contain ``part``."""
        return sum(part in request for at, request in self.seen if at >= since)

    def requests(self, *, since: float) -> list[str]:
        """Requests since a moment, in order."""
        return [request for at, request in self.seen if at >= since]


@dataclass
class Scene:
    """A house with a light worker at work in it."""

    house: House
    gate: Gate
    tally: Tally
    worker: Worker

    def add(self, word: str = "done", **values: Any) -> str:
        """A person creates a light task at the board, which no fault strikes; its page id."""
        tasks = self.house.workspace.database(AGENT_TASKS)
        row = {
            "title": f"light: {word}",
            "task_type": TYPE,
            "status": tasks.vocabulary.word(State.READY),
            "description": word,
            **values,
        }
        properties, _ = tasks.binding.encode(row, new_options=("task_type",))
        parent = {"type": "data_source_id", "data_source_id": tasks.id}
        return str(by_hand(self.house, "POST", "pages", {"parent": parent, "properties": properties})["id"])

    def row(self, page_id: str) -> TaskRow:
        """A row as it is now."""
        return self.house.row(page_id)

    def is_(self, page_id: str, status: str) -> bool:
        """Whether a row has this status."""
        return self.row(page_id).status == status

    def sections(self, page_id: str) -> int:
        """How many attempts its page tells of."""
        return sum(block["type"] == "heading_2" for block in self.house.notion.list_children(page_id))

    def log_rows(self, page_id: str) -> int:
        """How many Execution-Logs rows name the row."""
        return sum(page_id in row.tasks for row in self.house.logs())


def eventually(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Waits until something holds; what it last was."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def by_hand(house: House, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A person does something at the board; what the board answers."""
    board = house.server.base_url
    answer = httpx.request(method, f"{board}/board/v1/{path}", json=body, headers={"Origin": board})
    answer.raise_for_status()
    return dict(answer.json())


def set_by_hand(house: House, page_id: str, values: dict[str, Any]) -> None:
    """A person edits a row at the board, which no fault strikes."""
    tasks = house.workspace.database(AGENT_TASKS)
    properties, _ = tasks.binding.encode(values)
    by_hand(house, "PATCH", f"pages/{page_id}", {"properties": properties})


def duplicate(house: House, page_id: str) -> str:
    """A person duplicates a row in Notion, which copies every property it can; the copy's page id."""
    page = house.notion.retrieve_page(page_id)
    kept = {
        live["id"]: {live["type"]: live[live["type"]]}
        for live in page["properties"].values()
        if live["type"] in ("title", "rich_text", "number", "select", "status", "url", "date", "checkbox")
        and live[live["type"]] not in (None, [])
    }
    for value in kept.values():
        for kind in ("select", "status"):
            if kind in value:
                value[kind] = {"name": value[kind]["name"]}
    copy = by_hand(house, "POST", "pages", {"parent": page["parent"], "properties": kept})
    return str(copy["id"])


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    """The worker works on in a thread until the end."""
    thread = threading.Thread(target=worker.run_forever)
    thread.start()
    try:
        yield
    finally:
        worker.ask_to_stop()
        thread.join()


@contextmanager
def scene(
    folder: Path,
    song: Path,
    *,
    handlers: tuple[Handler[Any], ...] = (),
    gate: Gate | None = None,
    **settings: Any,
) -> Iterator[Scene]:
    """A light worker at work, until the end; its waits are short."""
    gate = gate or Gate()
    with (
        pytest.MonkeyPatch.context() as patch,
        light_registry(light_handler(gate), *handlers),
        furnished(folder, song) as house,
    ):
        patch.setattr(wiring, "Patience", QUICK)
        patch.setattr(runner, "_REPORT_DELAY_S", 0.2)
        house.settings = house.settings.model_copy(
            update={"poll_seconds": 0.2, "poll_idle_seconds": 0.4, "notion_stale_seconds": 0.5, **settings}
        )
        tally = Tally(house, patch)
        with house.worker() as worker, running(worker):
            try:
                yield Scene(house, gate, tally, worker)
            finally:
                gate.opened.set()
