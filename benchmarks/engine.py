"""What the durable engine costs, on SQLite and on PostgreSQL: start latency, throughput, price of a kept step.

``python -m benchmarks.engine``. Each measurement runs in a process of its own, as a worker does. PostgreSQL is the
embedded one of the tests, without fsync, or the running one of SEGUE_TEST_POSTGRES_URL: its figures for a kept step say
nothing about your disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles

from agent import log
from agent.engine import Engine
from tests.fakes.postgres import serving

LATENCIES, PACE_S = 100, 0.07
RUNS = 1000
STEPS = 200


def main() -> int:
    """Prints one line for each measurement and database."""
    if len(sys.argv) > 1:
        return _measure(sys.argv[1], sys.argv[2])
    with tempfile.TemporaryDirectory() as folder, serving() as postgres, postgres.database() as on_postgres:
        for what in ("latency", "throughput", "step"):
            for url in (f"sqlite:///{Path(folder) / f'{what}.sqlite'}", on_postgres):
                subprocess.run([sys.executable, "-m", "benchmarks.engine", what, url], check=True)
    return 0


def _measure(what: str, url: str) -> int:
    log.configure(as_json=True, level="warning")
    engine = Engine(url, poll_s=0.2 if what == "latency" else 0.05)
    name = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    print(f"{name}: {_MEASUREMENTS[what](engine)}", flush=True)
    engine.stop()
    return 0


def _latency(engine: Engine) -> str:
    waited: list[float] = []
    engine.register("light", lambda sent: waited.append(time.monotonic() - sent))
    engine.start({"default": 4})
    _settle(engine)
    waited.clear()
    for number in range(LATENCIES):
        engine.submit("light", f"latency {number}", time.monotonic(), queue="default")
        time.sleep(PACE_S)
    _idle(engine)
    return (
        f"from submit to start p50 {1000 * median(waited):.0f} ms,"
        f" p95 {1000 * quantiles(waited, n=20)[-1]:.0f} ms, {LATENCIES} runs, a look every 0.2 s as in the worker"
    )


def _throughput(engine: Engine) -> str:
    done = threading.Semaphore(0)
    engine.register("light", lambda _payload: done.release())
    engine.start({"default": 8})
    _settle(engine)
    done.acquire()
    began = time.monotonic()
    for number in range(RUNS):
        engine.submit("light", f"throughput {number}", None, queue="default")
    submitted = time.monotonic() - began
    for _ in range(RUNS):
        done.acquire()
    return f"{RUNS / submitted:.0f} submitted a second, {RUNS / (time.monotonic() - began):.0f} run a second"


def _step(engine: Engine) -> str:
    took: list[float] = []

    def nothing() -> int:
        return 0

    def steps(_payload: object) -> None:
        began = time.monotonic()
        for number in range(STEPS):
            engine.step(f"step {number}", nothing)
        took.append((time.monotonic() - began) / STEPS)

    engine.register("light", steps)
    engine.start({"default": 1})
    _settle(engine)
    return f"a kept step costs {1000 * took[0]:.1f} ms, {STEPS} steps in a row"


def _settle(engine: Engine) -> None:
    """The first run waits until the queue's thread is there; that is not what is measured."""
    engine.submit("light", "first", time.monotonic(), queue="default")
    _idle(engine)


def _idle(engine: Engine) -> None:
    while engine.live():
        time.sleep(0.05)


_MEASUREMENTS = {"latency": _latency, "throughput": _throughput, "step": _step}


if __name__ == "__main__":
    sys.exit(main())
