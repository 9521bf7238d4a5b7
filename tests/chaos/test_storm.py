"""The long storm, on both databases: hundreds of rows, one or three workers killed every few seconds, an outage."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.agent.conftest import BOTH
from tests.chaos.storm import Storm, Weather
from tests.story.conftest import House

ROWS = int(os.environ.get("CHAOS_ROWS", "200"))
KILLS = int(os.environ.get("CHAOS_KILLS", "60"))
OUTAGE_S = float(os.environ.get("CHAOS_OUTAGE_S", "60"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(10**6))))
LONGEST_S = float(os.environ.get("CHAOS_LONGEST_S", "2400"))


@pytest.mark.timeout(2 * LONGEST_S)
@pytest.mark.parametrize("database", BOTH)
def test_every_effect_stands_once(
    database: str, house: House, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every row ends as its kind must; files, track rows, log rows, follow-ups, issues and pictures stand once."""
    print(f"\n{database}: CHAOS_SEED={SEED} CHAOS_ROWS={ROWS} CHAOS_KILLS={KILLS} CHAOS_OUTAGE_S={OUTAGE_S}")
    weather = Weather(
        rows=ROWS,
        workers=1 if database == "sqlite" else 3,
        seed=SEED,
        kills=KILLS,
        outage_s=OUTAGE_S,
        longest_s=LONGEST_S,
    )
    if database == "sqlite":
        _survive(Storm(house, tmp_path, weather))
    else:
        with request.getfixturevalue("postgres").database() as url:
            _survive(Storm(house, tmp_path, weather, engine_url=url))


def _survive(storm: Storm) -> None:
    storm.sow()
    storm.rage()
    storm.calm()
    print(storm.judge())
