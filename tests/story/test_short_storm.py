"""The storm of ``tests/chaos`` in its short form: two workers on PostgreSQL, one killed, Notion failing and away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import Storm, Weather
from tests.fakes.postgres import Postgres
from tests.story.conftest import House


@pytest.mark.slow
def test_two_workers_survive_a_short_storm(postgres: Postgres, house: House, tmp_path: Path) -> None:
    """A task that is done, one that cannot be, one that asks, a dead link and none: each effect stands once."""
    weather = Weather(
        rows=5, workers=2, seed=20261123, kill_every_s=(1.0, 2.0), kills=1, outage_s=1.0, longest_s=150
    )
    with postgres.database() as url:
        storm = Storm(house, tmp_path, weather, engine_url=url)
        storm.sow(("done", "cannot", "human", "dead link", "no link"))
        storm.rage()
        storm.calm()
        assert storm.judge()
        assert storm.kills == 1
