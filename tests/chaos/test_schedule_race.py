"""Three workers on one PostgreSQL, woken by their clocks at the same moment: each due time gives one row."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notion_schema.databases import AGENT_TASKS
from tests.fakes.postgres import Postgres
from tests.story.conftest import House
from tests.story.light import eventually

TEMPLATES = int(os.environ.get("SCHEDULE_TEMPLATES", "30"))
WORKERS = 3


@pytest.mark.timeout(600)
def test_three_workers_make_one_child_of_each_due_time(
    postgres: Postgres, house: House, tmp_path: Path
) -> None:
    """All idle when the time comes: as many children as templates, every one run to its end."""
    database = house.workspace.database(AGENT_TASKS)
    # In a minute or two: by then all of them have started and wait.
    due = (datetime.now(UTC) + timedelta(seconds=100)).replace(second=0, microsecond=0)
    templates = {
        database.create(
            {
                "title": f"Template {number}",
                "task_type": "File gaps",
                "status": "Ready",
                "schedule": f"{due.minute} {due.hour} * * * UTC",
            }
        ).id
        for number in range(TEMPLATES)
    }
    logs = [tmp_path / f"worker-{number}.log" for number in range(WORKERS)]
    with postgres.database() as url, contextlib.ExitStack() as stack:
        crew = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "agent", "run"],
                    env={
                        **house.environment(),
                        "ENGINE_DATABASE_URL": url,
                        "DATA_DIR": f"{house.settings.data_dir}-{number}",
                        "POLL_SECONDS": "1800",
                        "POLL_IDLE_SECONDS": "1800",
                    },
                    stderr=stack.enter_context(log.open("w")),
                )
            )
            for number, log in enumerate(logs)
        ]
        try:
            assert eventually(lambda: _ended(house) == TEMPLATES, 400)
        finally:
            for worker in crew:
                worker.send_signal(signal.SIGTERM)
    assert [worker.returncode for worker in crew] == [0] * WORKERS
    children = [row for row in house.rows() if row.id not in templates]
    shares = [log.read_text().count('"scheduled"') for log in logs]
    print(f"{TEMPLATES} due at once, made by {shares}: {len(children)} children")
    assert sum(shares) == TEMPLATES
    assert Counter(row.handed_off_from[0] for row in children) == dict.fromkeys(templates, 1)


def _ended(house: House) -> int:
    """Children that ran: there is nothing to file, so they are Blocked."""
    return sum(row.status == "Blocked" for row in house.rows())
