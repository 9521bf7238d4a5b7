"""An approval in a row's page: asked for, given by a tick, kept over a retry, and not taken for another plan's.

The worker is real; its one handler moves nothing but a counter, so that a test can say what the plan is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from pydantic import SecretStr

from handlers import approval, registry
from handlers.base import Done, Evidence, Handler, Job, Tools, TryLater, handler
from notion_schema.databases import AGENT_TASKS, TaskRow
from tests.story.conftest import House, furnished

SECRET = "a-secret-that-nobody-may-read"


@dataclass
class World:
    """What the handler finds, and what it did."""

    plan: str = "move 2 files"
    is_down: bool = False
    did: list[str] = field(default_factory=list)


WORLD = World()


@dataclass(frozen=True, slots=True)
class Request:
    """What a person has answered."""

    answer: str

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the answer."""
        return cls(row.answer)


@handler("Tidy up", attempts=3, first_delay=0.0, steps={"plan": 1, "carry out": 1})
def tidy_up(job: Job[Request], tools: Tools) -> Done:
    """Carries out a plan that was approved."""
    plan = job.step("plan", _plan)
    plan_hash = hashlib.sha256(plan.encode()).hexdigest()
    if not approval.is_given(job.request.answer, plan_hash):
        raise approval.needed(job.request.answer, plan_hash, plan)
    if WORLD.is_down:
        WORLD.is_down = False
        raise TryLater(f"The volume is busy ({SECRET}).", after_s=0.0)
    return Done(summary=job.step("carry out", _carry_out, plan), evidence=(Evidence("Secret", SECRET),))


def _plan() -> str:
    return WORLD.plan


def _carry_out(plan: str) -> str:
    WORLD.did.append(plan)
    return f"Did {plan}."


@pytest.fixture
def house(tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house whose worker knows the one task type."""
    known: dict[str, Handler[Request]] = {"Tidy up": tidy_up}
    monkeypatch.setattr(registry, "load", lambda: registry.Registry(known))
    WORLD.__init__()  # type: ignore[misc] # begun anew
    with furnished(tmp_path, song) as house:
        settings = house.settings.model_copy(update={"trigger_secret": SecretStr(SECRET)})
        yield House(house.server, settings, house.notion, house.workspace, house.media)


def _tick(house: House, row: TaskRow) -> None:
    """A person ticks the latest choice and sets Ready."""
    *_, choice = [block for block in house.page(row.id) if block["type"] == "to_do"]
    house.notion.update_block(choice["id"], "to_do", {"checked": True})
    house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready"})
    house.work()


def test_a_plan_is_carried_out_after_its_own_approval_alone(house: House) -> None:
    """Asked, approved too late for a changed plan, asked again with the reason, approved, kept over a retry, done."""
    row = house.add("", task_type="Tidy up", title="Tidy")
    house.work()
    asked = house.row(row.id)
    assert asked.status == "Blocked"
    assert "would move 2 files" in asked.question
    assert WORLD.did == []

    WORLD.plan = "move 3 files"
    _tick(house, row)
    asked = house.row(row.id)
    assert (asked.status, WORLD.did) == ("Blocked", [])
    assert asked.question.startswith("The plan has changed since it was approved")

    # Ready again without an answer: the tick below the older question does not count.
    WORLD.plan = "move 2 files"
    house.workspace.database(AGENT_TASKS).update(row.id, {"status": "Ready"})
    house.work()
    assert (house.row(row.id).status, WORLD.did) == ("Blocked", [])

    WORLD.is_down = True
    _tick(house, row)
    assert house.row(row.id).last_error == "The volume is busy ([hidden])."
    house.workspace.database(AGENT_TASKS).update(row.id, {"run_after": None})
    house.work()
    done = house.row(row.id)
    assert (done.status, done.result, WORLD.did) == ("Completed", "Did move 2 files.", ["move 2 files"])
    text = house.text(row.id)
    assert "to be tried again" in text
    assert "The volume is busy ([hidden])." in text
    assert SECRET not in text
    assert SECRET not in str(house.notion.retrieve_page(row.id))
