"""A row that the integration does not see any more, while everything else is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent import runner
from agent.worker import Worker
from notion_schema.databases import AGENT_TASKS
from tests.story.conftest import House
from tests.story.light import TYPE, Gate, eventually, light_handler, light_registry


@contextmanager
def _gone_meanwhile(house: House, gate: Gate) -> Iterator[tuple[Worker, str]]:
    """A worker, and a row of its whose run comes to its end when the integration does not see the row any more."""
    values = {"title": "gone", "task_type": TYPE, "status": "Ready", "description": "wait"}
    row = house.workspace.database(AGENT_TASKS).create(values, new_options=("task_type",)).id
    with house.worker() as at_work:
        at_work.cycle()
        assert eventually(lambda: row in gate.inside)
        house.server.workspace.faults.set(unshared=[row])
        gate.opened.set()
        yield at_work, row


def test_a_report_for_a_row_that_is_gone_holds_nobody_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row alone is not shared any more: --until-idle ends and says so; shared again, the next worker delivers."""
    monkeypatch.setattr(runner, "_REPORT_DELAY_S", 0.5)
    gate = Gate()
    with light_registry(light_handler(gate)):
        with _gone_meanwhile(house, gate) as (at_work, row):
            assert at_work.run_until_idle() is False
        house.server.workspace.faults.reset()
        with house.worker() as at_work:
            assert eventually(lambda: house.row(row).status == "Completed")


def test_a_report_that_was_given_up_is_made_good_when_the_row_comes_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time the report is dropped; the row, in sight again, still says running, and is worked once more."""
    monkeypatch.setattr(runner, "_KEPT_FOR_S", 0.0)
    gate = Gate()
    with light_registry(light_handler(gate)), _gone_meanwhile(house, gate) as (at_work, row):
        assert at_work.run_until_idle()
        house.server.workspace.faults.reset()
        assert at_work.run_until_idle()
    assert (house.row(row).status, house.row(row).attempt) == ("Completed", 2)
