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


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("moment", ["download", "tag", "write page", "close"])
def test_a_frozen_worker_does_nothing_twice(
    postgres: Postgres, house: House, tmp_path: Path, moment: str
) -> None:
    """SIGSTOP as the step begins, a takeover, SIGCONT: the first ends by itself, each effect stands once."""
    weather = Weather(rows=0, workers=2, seed=0, kills=0, outage_s=0, longest_s=120)
    with postgres.database() as url:
        storm = Storm(house, tmp_path, weather, engine_url=url)
        page_id = house.add(house.media.link(f"slow/{SONG}")).id
        storm.kinds[page_id] = "new"
        with storm.crew() as crew:
            step = f'"{moment}", "event": "step started"'
            frozen = eventually(lambda: next((one for one in crew if step in one.said()), None), 60)
            assert frozen, storm.log()[-3000:]
            frozen.process.send_signal(signal.SIGSTOP)
            (other,) = (one for one in crew if one is not frozen)
            assert eventually(lambda: "runs of a dead worker handed on" in other.said(), 30)
            assert eventually(lambda: house.row(page_id).status == "Completed", 60), other.said()[-3000:]
            frozen.process.send_signal(signal.SIGCONT)
            assert frozen.process.wait(20) == LOST
            assert other.process.poll() is None
        storm.calm()
        print(f"\nfrozen at {moment}: {storm.judge()}")
