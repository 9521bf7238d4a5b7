"""Many rows, a worker that is killed at random again and again: every row ends right, every effect stands once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.story.conftest import House

SONG = "Test Band - Short Song.m4a"
ROWS = int(os.environ.get("CHAOS_ROWS", "24"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(10**6))))
LONGEST_S = 1500


@pytest.mark.timeout(LONGEST_S + 100)
def test_random_kills(house: House, tmp_path: Path) -> None:
    """A quarter new tracks, a quarter twins, a quarter dead links, a quarter rows without a link."""
    rng = random.Random(SEED)
    print(f"CHAOS_SEED={SEED} CHAOS_ROWS={ROWS}")
    wanted: dict[str, str] = {}
    new = 0
    for number in range(ROWS):
        kind = number % 4
        if kind == 0:
            name = f"Band {number} - Song {number}.m4a"
            # Other bytes, other audio hash: the song with a harmless box at its end.
            (house.media.folder / name).write_bytes(
                (house.media.folder / SONG).read_bytes()
                + (16).to_bytes(4, "big")
                + b"free"
                + rng.randbytes(8)
            )
            link, ends, new = house.media.link(name), "Completed", new + 1
        elif kind == 1:
            link, ends = house.media.link(SONG), "Completed"
        else:
            link, ends = (house.media.link(f"gone {number}.mp3"), "Failed") if kind == 2 else ("", "Blocked")
        wanted[house.add(link, title=f"row {number}").id] = ends
    kills = _work_with_kills(house, tmp_path, rng)

    rows = {row.id: row for row in house.rows()}
    assert {page_id: rows[page_id].status for page_id in wanted} == wanted
    verifications = [row for row in rows.values() if row.task_type == "Verify run"]
    assert [row.status for row in verifications] == ["Completed"] * (new + 1)
    assert len(rows) == ROWS + new + 1
    assert len(house.files()) == 3 * (new + 1)
    assert len(house.tracks()) == new + 1
    assert len(house.logs()) == len(rows)
    assert len(house.issues()) == 1, "equal failures share one issue"
    for row in rows.values():
        sections = [block for block in house.page(row.id) if block["type"] == "heading_2"]
        assert len(sections) == 1, house.text(row.id)
    print(f"{kills} kills, {len(rows)} rows, {len(house.files())} files, {len(house.logs())} log rows")


def _work_with_kills(house: House, tmp_path: Path, rng: random.Random) -> int:
    deadline = time.monotonic() + LONGEST_S
    kills = 0
    while time.monotonic() < deadline:
        with (tmp_path / "worker.log").open("a", encoding="utf-8") as errors:
            worker = subprocess.Popen(
                [sys.executable, "-m", "agent", "run", "--until-idle"],
                env=house.environment(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        try:
            code = worker.wait(timeout=rng.uniform(3, 8))
        except subprocess.TimeoutExpired:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            kills += 1
            continue
        assert code == 0, (tmp_path / "worker.log").read_text(encoding="utf-8")[-3000:]
        return kills
    pytest.fail(f"not done in {LONGEST_S} s; {kills} kills")
