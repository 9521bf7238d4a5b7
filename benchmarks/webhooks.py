"""How long it takes from the arrival of Notion's event to *In Progress* on the row, on loopback.

``python -m benchmarks.webhooks [EVENTS]``. A person's row stands on the embedded workspace, a signed event about it is
posted to a real ``segue run --webhooks`` that looks at the rows by itself only every half hour, and the clock stops
when the claim has been written. Once at Notion's pace of 3 requests a second, once without it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr

from agent import setup, wiring
from agent.commands import tasks
from agent.settings import Settings
from agent.web.notion_events import signed
from notion_local.server import RunningServer
from notion_schema.databases import AGENT_TASKS
from notion_schema.vocabulary import State
from notion_schema.workspace import Workspace

TOKEN = "secret_of_the_benchmark"  # noqa: S105 - of a workspace that ends with this program
PERSON = "11111111-1111-4111-8111-111111111111"
GOAL_S = 1.5


def main() -> int:
    """Prints a line for each pace; 1 when the 95th percentile at Notion's pace misses the goal."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    missed = False
    for rate in (3.0, 500.0):
        took = sorted(_measure(events, rate))
        p95 = statistics.quantiles(took, n=20)[-1]
        missed = missed or (rate == 3.0 and p95 > GOAL_S)
        print(
            f"{rate:g} requests/s: {events} events, from arrival to In Progress"
            f" p50 {statistics.median(took):.2f} s, p95 {p95:.2f} s, longest {took[-1]:.2f} s",
            flush=True,
        )
    return 1 if missed else 0


def _measure(events: int, rate: float) -> Iterator[float]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "library").mkdir()
        with RunningServer(home / "workspace") as server:
            settings = Settings.isolated(
                notion_token=SecretStr(server.token),
                notion_base_url=server.base_url,
                # This program's own requests are not what is measured.
                notion_rate_per_s=1000.0,
                data_dir=home / "mine",
                out_dir=home / "library",
            )
            with wiring.notion(settings) as notion:
                ids = setup.apply(notion, setup.plan(notion, settings, server.root_page_id))
                settings = setup.with_databases(settings, ids)
                workspace = wiring.workspace(notion, settings)
                with _worker(settings, home, rate) as url:
                    for number in range(events):
                        yield _one(workspace, server, url, number)
                        # The bucket is full again before the next event, as it is when events are rare.
                        time.sleep(1.2)


def _one(workspace: Workspace, server: RunningServer, url: str, number: int) -> float:
    database = workspace.database(AGENT_TASKS)
    row = tasks.add(workspace, "File gaps", title=f"Row {number}")
    event = json.dumps(
        {
            "id": f"event-{number}",
            "type": "page.created",
            "authors": [{"id": PERSON, "type": "person"}],
            "entity": {"id": row.id, "type": "page"},
            "data": {"parent": {"id": database.place.database_id, "data_source_id": database.id}},
        }
    ).encode()
    seq = server.workspace.last_seq()
    began = time.monotonic()
    answer = httpx.post(
        f"{url}/webhooks/notion",
        content=event,
        headers={"X-Notion-Signature": signed(event, TOKEN)},
        trust_env=False,
    )
    answer.raise_for_status()
    while not any(
        change.object_id == row.id for change in server.workspace.changes_since(seq)
    ):  # the claim is the first write to the row
        server.workspace.wait_for_change(seq, 0.01)
    took = time.monotonic() - began
    while database.vocabulary.state(database.get(row.id).status) is not State.BLOCKED:
        time.sleep(0.05)
    return took


@contextmanager
def _worker(settings: Settings, home: Path, rate: float) -> Iterator[str]:
    environment = {
        **os.environ,
        "NOTION_TOKEN": settings.notion_token.get_secret_value(),
        "NOTION_BASE_URL": settings.notion_base_url,
        "NOTION_RATE_PER_S": str(rate),
        "NOTION_WEBHOOK_TOKEN": TOKEN,
        "AGENT_TASKS_DB_ID": settings.agent_tasks_db_id,
        "ISSUES_QUESTIONS_DB_ID": settings.issues_questions_db_id,
        "TRACKS_DB_ID": settings.tracks_db_id,
        "EXECUTION_LOGS_DB_ID": settings.execution_logs_db_id,
        "DATA_DIR": str(home / "data"),
        "OUT_DIR": str(settings.out_dir),
        "POLL_SECONDS": "1800",
        "POLL_IDLE_SECONDS": "1800",
        "LOG_JSON": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "run", "--webhooks", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    listening: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in process.stderr or ():
            if '"listening"' in line:
                listening.put(json.loads(line)["address"])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        url = listening.get(timeout=60)
        while httpx.get(f"{url}/readyz", trust_env=False).status_code != httpx.codes.OK:
            time.sleep(0.05)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        reader.join()
        if process.stderr:
            process.stderr.close()


if __name__ == "__main__":
    sys.exit(main())
