"""``segue demo --once``: exit code 0, a table, and nothing of the machine's own settings read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.slow
def test_demo_ends_well_by_itself(tmp_path: Path) -> None:
    """Every row reaches its state; the person's token is ignored; the library has two tracks in three formats."""
    data = tmp_path / "demo"
    ended = subprocess.run(
        [sys.executable, "-m", "agent", "demo", "--once", "--data", str(data)],
        env={**os.environ, "NOTION_TOKEN": "ntn_of_a_person", "OUT_DIR": "/nonexistent", "COLUMNS": "200"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Every row is as it should be." in ended.stdout
    assert len([path for path in (data / "library").rglob("*") if path.is_file()]) == 6
    assert "ntn_of_a_person" not in (data / "worker.log").read_text(encoding="utf-8")
