"""How fast the embedded workspace answers, and how that grows with its rows.

One client over real HTTP against a workspace on disk, every write flushed before its answer. Prints a table of
requests per second and the slowest percentile.

    .venv/bin/python -m benchmarks.notion_local [--rows 100 10000 100000] [--requests 300]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from notion_local.server import RunningServer
from notion_local.shapes import fill

_STATES = ("Ready", "Done", "Failed", "Review")


class Bench:
    """A workspace on disk with one data source, and a client."""

    def __init__(self, server: RunningServer, rows: int) -> None:
        self._http = httpx.Client(
            base_url=server.base_url,
            headers={"Authorization": f"Bearer {server.token}", "Notion-Version": "2026-03-11"},
            timeout=120,
        )
        options = [{"name": name} for name in _STATES]
        database = self._post(
            "databases",
            {
                "parent": {"page_id": server.root_page_id},
                "title": [{"text": {"content": "Bench"}}],
                "initial_data_source": {
                    "properties": {
                        "Name": {"title": {}},
                        "Status": {"status": {"options": [*options, {"name": "Rare"}]}},
                        "Task Type": {"select": {"options": options}},
                        "Number": {"number": {}},
                        "Key": {"rich_text": {}},
                        "Due": {"date": {}},
                    }
                },
            },
        )
        self.source = database["data_sources"][0]["id"]
        fill(server.workspace, self.source, rows)
        self._change_options()
        self.row = self.create(0)["id"]

    def _change_options(self) -> None:
        """Take the rare status away from all rows, so that it is as rare as waiting work is."""
        options = [{"name": name} for name in _STATES]
        path = f"data_sources/{self.source}"
        for wanted in (options, [*options, {"name": "Rare"}]):
            body = {"properties": {"Status": {"status": {"options": wanted}}}}
            self._http.patch(f"/v1/{path}", json=body).raise_for_status()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._http.post(f"/v1/{path}", json=body)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def create(self, number: int) -> dict[str, Any]:
        """Create a row whose status is rare for the first few."""
        status = "Rare" if number < 5 else "Done"
        properties = {
            "Name": {"title": [{"text": {"content": f"row {number}"}}]},
            "Status": {"status": {"name": status}},
            "Number": {"number": number},
        }
        return self._post("pages", {"parent": {"data_source_id": self.source}, "properties": properties})

    def update(self, number: int) -> None:
        """Change a number."""
        body = {"properties": {"Number": {"number": number}}}
        self._http.patch(f"/v1/pages/{self.row}", json=body).raise_for_status()

    def poll(self, _number: int) -> None:
        """Ask as the worker does: by a rare status, in order."""
        rare = {"property": "Status", "status": {"equals": "Rare"}}
        sorts = [{"property": "Task Type", "direction": "ascending"}]
        self._post(f"data_sources/{self.source}/query", {"filter": rare, "sorts": sorts})

    def page_of_many(self, _number: int) -> None:
        """Ask for a page of a common status."""
        many = {"property": "Status", "status": {"equals": "Done"}}
        self._post(f"data_sources/{self.source}/query", {"filter": many, "page_size": 25})

    def sort_all(self, _number: int) -> None:
        """Ask for the first rows of all, sorted by a number."""
        sorts = [{"property": "Number", "direction": "descending"}]
        self._post(f"data_sources/{self.source}/query", {"sorts": sorts, "page_size": 25})

    def close(self) -> None:
        """Close the client."""
        self._http.close()


def measure(action: Callable[[int], Any], requests: int) -> tuple[float, float]:
    """Return requests per second and the 99th percentile in milliseconds."""
    taken = []
    for number in range(requests):
        began = time.perf_counter()
        action(number)
        taken.append(time.perf_counter() - began)
    return requests / sum(taken), statistics.quantiles(taken, n=100)[98] * 1000


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--requests", type=int, default=300)
    given = parser.parse_args()
    print(f"{'rows':>8}  {'operation':<22}{'requests/s':>11}{'p99 ms':>9}")
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder, RunningServer(Path(folder)) as server:
            bench = Bench(server, rows)
            actions: dict[str, tuple[Callable[[int], Any], int]] = {
                "create": (bench.create, given.requests),
                "update": (bench.update, given.requests),
                "query, rare status": (bench.poll, given.requests),
                "query, common status": (bench.page_of_many, max(20, given.requests // 10)),
                "query, all sorted": (bench.sort_all, max(20, given.requests // 10)),
            }
            for name, (action, requests) in actions.items():
                speed, slowest = measure(action, requests)
                print(f"{rows:>8}  {name:<22}{speed:>11.0f}{slowest:>9.1f}", flush=True)
            bench.close()


if __name__ == "__main__":
    main()
