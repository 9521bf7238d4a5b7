"""Two workers and one heap of rows: each row is run once."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.storm import Storm, Weather
from tests.fakes.postgres import Postgres
from tests.story.conftest import House
from tests.story.light import eventually

ROWS = int(os.environ.get("RACE_ROWS", "1000"))


@pytest.mark.timeout(1800)
def test_two_pollers_race(postgres: Postgres, house: House, tmp_path: Path) -> None:
    """As many executions as rows, although both workers see every row."""
    weather = Weather(rows=ROWS, workers=2, seed=0, kills=0, outage_s=0, lease_s=30, longest_s=1500)
    with postgres.database() as url:
        storm = Storm(house, tmp_path, weather, engine_url=url)
        storm.sow(("done",))
        with storm.crew() as crew:
            assert eventually(lambda: len(house.logs()) >= ROWS, 1500)
            shares = [worker.said().count('"event": "claimed"') for worker in crew]
        storm.calm()

    rows = house.rows()
    assert {(row.status, row.attempt) for row in rows} == {("Completed", 1)}
    runs = Counter(str(log.run_id) for log in house.logs())
    assert len(runs) == sum(runs.values()) == ROWS
    assert sum(shares) == ROWS
    print(f"\n{ROWS} rows, {sum(runs.values())} executions: {' + '.join(map(str, shares))}")
