"""A worker frozen past its lease in the middle of a row: taken over, thawed, and still one result."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from agent.shutdown import LOST
from tests.chaos.storm import Storm, Weather
from tests.fakes.postgres import Postgres
from tests.story.conftest import House
from tests.story.light import eventually

SONG = "Test Band - Short Song.m4a"
LONG_S = 120


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "moment"), [("new", "download"), ("done", "claim"), ("done", "write page"), ("done", "close")]
)
def test_a_frozen_worker_does_nothing_twice(
    postgres: Postgres, house: House, tmp_path: Path, kind: str, moment: str
) -> None:
    """SIGSTOP as the step begins, a takeover, SIGCONT: the first ends by itself, each effect stands once.

    Answers take a while, so that the worker is frozen before a request, or after it was carried out and before it
    knows.
    """
    weather = Weather(rows=1, workers=2, seed=0, kills=0, outage_s=0, longest_s=LONG_S)
    with postgres.database() as url:
        storm = Storm(house, tmp_path, weather, engine_url=url)
        if kind == "new":
            storm.kinds[house.add(house.media.link(f"slow/{SONG}")).id] = kind
        else:
            storm.sow((kind,))
        (page_id,) = storm.kinds
        house.server.workspace.faults.set(latency=0.3)
        with storm.crew() as crew:
            step = f'"step": "{moment}", "event": "step started"'
            frozen = eventually(lambda: next((one for one in crew if step in one.said()), None), LONG_S)
            assert frozen, storm.log()[-3000:]
            frozen.process.send_signal(signal.SIGSTOP)
            house.server.workspace.faults.set(latency=0.0)
            (other,) = (one for one in crew if one is not frozen)
            assert eventually(lambda: "runs of a dead worker handed on" in other.said(), LONG_S)
            assert eventually(lambda: house.row(page_id).status == "Completed", LONG_S), other.said()[-3000:]
            frozen.process.send_signal(signal.SIGCONT)
            assert frozen.process.wait(20) == LOST
            assert other.process.poll() is None
        storm.calm()
        print(f"\nfrozen at {moment}: {storm.judge()}")
