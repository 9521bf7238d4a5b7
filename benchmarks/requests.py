"""What the worker costs Notion, counted at the server: requests a task, idle, latency, many waiting rows.

``python -m benchmarks.requests [tasks] [latency] [waiting]``, each on a fresh embedded workspace; without a word, all
of them. ``tasks`` runs a row of every task type alone; ``waiting`` looks at 10, 100, 1,000 and (``WAITING=10000``)
10,000 waiting rows.
"""

from __future__ import annotations

import collections
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent import log, setup, wiring
from agent.commands import tasks
from agent.demo import serve
from agent.settings import Settings
from agent.worker import Worker
from handlers import registry
from music_workflow import synthesizer
from notion_local.server import RunningServer
from notion_schema.databases import AGENT_TASKS
from notion_schema.workspace import Workspace

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
SONG = "Band - Song.m4a"
LATENCIES = 12


@dataclass(frozen=True)
class Home:
    """A fresh workspace with settings for a worker, and its traffic."""

    settings: Settings
    workspace: Workspace
    traffic: Path
    music: Callable[[str], str]

    def mark(self) -> int:
        """How many requests there were."""
        return len(self.traffic.read_text(encoding="utf-8").splitlines())

    def since(self, mark: int) -> list[str]:
        """The requests since then, ids left out."""
        lines = self.traffic.read_text(encoding="utf-8").splitlines()[mark:]
        return [_kind(json.loads(line)) for line in lines]


def _kind(exchange: dict[str, str]) -> str:
    return f"{exchange['method']} {ID.sub('…', exchange['path'].split('?')[0])}"


@contextmanager
def home(**more: Any) -> Iterator[Home]:
    """A home of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = folder / "media"
        media.mkdir()
        (folder / "library").mkdir()
        synthesizer.render(
            str(media / SONG),
            bpm=120,
            key="A minor",
            seconds=10,
            style="house",
            seed=1,
            title="Song",
            artists=("Band",),
        )
        with (
            (folder / "log").open("w", encoding="utf-8") as lines,
            serve(media) as music,
            RunningServer(folder / "workspace", record=folder / "traffic") as server,
        ):
            log.configure(as_json=True, to=lines)
            settings = Settings.isolated(
                notion_token=SecretStr(server.token),
                notion_base_url=server.base_url,
                notion_rate_per_s=500.0,
                data_dir=folder / "data",
                out_dir=folder / "library",
                volume_index_path=folder / "index.json",
                allow_private_addresses=True,
                **{"poll_seconds": 0.5, **more},
            )
            with wiring.notion(settings) as notion:
                ids = setup.apply(notion, setup.plan(notion, settings, server.root_page_id))
                settings = setup.with_databases(settings, ids)
                yield Home(settings, wiring.workspace(notion, settings), folder / "traffic", music.link)


@contextmanager
def at_work(settings: Settings) -> Iterator[Worker]:
    """A worker that cycles in a thread."""
    with wiring.worker(settings) as worker:
        worker.start()
        thread = threading.Thread(target=worker.run_forever)
        thread.start()
        try:
            yield worker
        finally:
            worker.ask_to_stop()
            thread.join()
            worker.stop()


# Tasks ---------------------------------------------------------------------------------------------------------------


def count_tasks() -> None:
    """One table line for each task type and for what an idle worker asks."""
    print("\n| task | ends | requests beside queries | which |\n|---|---|---|---|")
    with home() as here:
        link = here.music(SONG)
        cases = [
            ("Sync track, no link", "Sync track", ""),
            ("Sync track and its Verify run", "Sync track", link),
            ("Sync track of a track that is there", "Sync track", link),
        ]
        special = {"Sync track", "Verify run"}
        cases += [(name, name, "") for name in registry.load().handlers if name not in special]
        for case, task_type, url in cases:
            row = tasks.add(here.workspace, task_type, url=url, title=case)
            with wiring.worker(here.settings) as worker:
                mark = here.mark()
                worker.start()
                worker.run_until_idle()
                worker.stop()
            sent = [kind for kind in here.since(mark) if not kind.endswith("/query")]
            which = ", ".join(f"{count} {kind}" for kind, count in collections.Counter(sent).most_common())
            ended = here.workspace.database(AGENT_TASKS).get(row.id).status
            print(f"| {case} | {ended} | {len(sent)} | {which} |", flush=True)
        with wiring.worker(here.settings) as worker:
            worker.look()
            mark = here.mark()
            worker.look()
            print(f"| an idle look | | {len(here.since(mark))} queries | one for each task database |")


# Latency -------------------------------------------------------------------------------------------------------------


def measure_latency() -> None:
    """Seconds from a row's creation to its being taken, by how the worker learns of it."""
    print("\n| how the worker learns of a row | p50 | slowest |\n|---|---|---|")
    for case, poll_s, idle_s, wake in (
        ("looking every 3 s", 3.0, 3.0, False),
        ("woken (webhook)", 3.0, 30.0, True),
    ):
        with home(poll_seconds=poll_s, poll_idle_seconds=idle_s) as here, at_work(here.settings) as worker:
            rows = here.workspace.database(AGENT_TASKS)
            seconds = []
            for number in range(LATENCIES):
                time.sleep(2.0 + number * 0.37)
                begun = time.monotonic()
                row = tasks.add(here.workspace, "Sync track", title="no link")
                if wake:
                    worker.wake()
                while not rows.get(row.id).attempt:
                    time.sleep(0.02)
                seconds.append(time.monotonic() - begun)
            print(f"| {case} | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s |", flush=True)


# Waiting rows --------------------------------------------------------------------------------------------------------


def look_at_waiting() -> None:
    """What looks cost, by the number of rows that are ready: half of them due, half tomorrow."""
    most = int(os.environ.get("WAITING", "1000"))
    print("\n| ready rows | full look | quick look | handed to the engine at once |\n|---|---|---|---|")
    with home() as here:
        made = 0
        for number in (10, 100, 1000, 10_000):
            if number > most:
                break
            _fill(here, made, number)
            made = number
            print(f"| {number:,} | {_looks(here)} |", flush=True)


def _fill(here: Home, begin: int, end: int) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    rows = here.workspace.database(AGENT_TASKS)

    def create(number: int) -> None:
        values = {"title": f"row {number}", "task_type": "Sync track", "status": "Ready"}
        rows.create({**values, "run_after": tomorrow} if number % 2 else values)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, range(begin, end)))


def _looks(here: Home) -> str:
    told = []
    with wiring.worker(here.settings) as worker:
        for full in (True, False):
            mark, begun = here.mark(), time.monotonic()
            worker._poller.look(full=full)  # noqa: SLF001 - the two kinds of looks are told apart nowhere else
            took = time.monotonic() - begun
            told.append(f"{len(here.since(mark))} requests, {took:.2f} s")
    return " | ".join([*told, "at most 50 a queue"])


def main() -> None:
    """Runs what is named, or everything."""
    parts = {"tasks": count_tasks, "latency": measure_latency, "waiting": look_at_waiting}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
