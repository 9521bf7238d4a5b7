"""The pace holds, whoever shares it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from notion_schema.pace import Bucket, LocalPace, SharedPace

ADDRESS = "http://127.0.0.1:1"


@given(
    st.floats(0.5, 50),
    st.floats(1, 10),
    st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_no_window_holds_more_than_rate_and_burst(rate: float, burst: float, gaps: list[float]) -> None:
    """However calls arrive, in any span of T seconds at most burst + T x rate are sent."""
    now, bucket, sent = 0.0, Bucket(burst, 0.0, 0.0), []
    for gap in gaps:
        now += gap
        wait, bucket = bucket.next(now, rate, burst)
        sent.append(now + wait)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + (sent[last] - sent[first]) * rate + 1e-6


def test_a_place_is_not_taken_by_whom_it_comes_too_late() -> None:
    """Someone who will not wait so long leaves the line as it was."""
    pace = LocalPace(1, burst=1)
    assert pace.reserve(10) == 0
    refused = [pace.reserve(0.1) for _ in range(50)]
    assert all(0.5 < wait <= 1 for wait in refused)


def test_a_pause_closes_the_door_for_all_and_the_longest_counts() -> None:
    """A shorter pause does not open what a longer one closed."""
    pace = LocalPace(100)
    pace.pause(5)
    pace.pause(1)
    assert 4.5 < pace.reserve(0) <= 5


def test_processes_on_one_machine_share_a_pace(tmp_path: Path) -> None:
    """Three processes with four calls each take as long as one with twelve; the file does not name the token."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from notion_schema.pace import SharedPace\n"
        f"pace = SharedPace(Path(sys.argv[1]), {ADDRESS!r}, 'secret', 10, burst=1)\n"
        "for _ in range(4):\n"
        "    wait = pace.reserve(60)\n"
        "    print(time.time() + wait)\n"
    )
    root = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=root, text=True
        )
        for _ in range(3)
    ]
    sent = sorted(float(line) for process in running for line in process.communicate()[0].split())
    assert len(sent) == 12
    assert sent[-1] - sent[0] >= 11 * 0.1 - 0.1
    assert not any("secret" in path.name + path.read_text() for path in tmp_path.iterdir())


def test_other_tokens_have_their_own_pace(tmp_path: Path) -> None:
    """A pause belongs to the token it was said to."""
    mine = SharedPace(tmp_path, ADDRESS, "a", 100)
    yours = SharedPace(tmp_path, ADDRESS, "b", 100)
    mine.pause(30)
    assert mine.reserve(0) > 29
    assert yours.reserve(0) == 0


def test_a_damaged_file_or_a_clock_set_back_does_not_close_the_door(tmp_path: Path) -> None:
    """Both begin afresh."""
    pace = SharedPace(tmp_path, ADDRESS, "a", 100)
    pace.reserve(0)
    [file] = tmp_path.glob("*.json")
    file.write_text("[1, ")
    assert pace.reserve(0) == 0
    file.write_text(f"[0, {time.time() + 86400}, {time.time() + 86400}]")
    assert pace.reserve(0) == 0


def test_a_frozen_process_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was stopped in the very moment it held the file: the others count on without it."""
    monkeypatch.setattr("notion_schema.pace._FROZEN_S", 0.05)
    pace = SharedPace(tmp_path, "https://api.notion.com", "token", 2.0)
    pace.reserve(0.0)
    (lock,) = tmp_path.glob("*.lock")
    with FileLock(lock):
        waits = [pace.reserve(10.0) for _ in range(3)]

    assert waits[0] == 0.0
    assert 0.0 < waits[1] < waits[2] <= 1.0
