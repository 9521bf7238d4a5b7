"""The worker in figures, as Prometheus reads them: what waits and runs, how runs end, how Notion answers.

In a registry of its own. Labels hold task types, outcomes and kinds of requests that this code knows, never a title, a
link, an id or a secret. The worker's parts tell it what happens (`on_request`, `on_report`, `tend`); ``webhooks``
serves it. Figures begin at zero with each start of the worker.
"""

from __future__ import annotations

import time
from collections import Counter as Count
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.companion import Companion
from agent.engine import LIVE, Run
from agent.poller import TASK_DATABASES, Look
from agent.report import Report
from agent.runner import REPORT, RUN
from handlers.registry import Registry
from notion_schema.calls import RequestNote

_RUN_BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
_REQUEST_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOO_MANY = 429
CONTENT_TYPE = CONTENT_TYPE_LATEST
_KINDS = {RUN: "task", REPORT: "report"}


class Metrics(Companion):
    """The figures of one worker. Safe to share between threads.

    Args:
        types: the task types; a row with another one counts as ``other``.
        live: what waits and what runs, asked at each look.
        lease_age: seconds since the worker's lease was renewed, None without a lease; asked when the figures are read.
    """

    def __init__(
        self,
        types: Registry,
        live: Callable[[], Iterable[Run]],
        lease_age: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._types = types
        self._registry = CollectorRegistry()
        self._live = live
        self._registry.register(_Lease(lease_age))
        registry = self._registry
        self._runs = Histogram(
            "segue_run_seconds",
            "Attempts at rows, from the claim to the outcome.",
            ("task_type", "outcome"),
            buckets=_RUN_BUCKETS_S,
            registry=registry,
        )
        self._requests = Counter(
            "segue_notion_requests",
            "Requests to Notion; status is none when no answer came.",
            ("method", "endpoint", "status"),
            registry=registry,
        )
        self._answers = Histogram(
            "segue_notion_request_seconds",
            "From sending a request to its answer.",
            ("method",),
            buckets=_REQUEST_BUCKETS_S,
            registry=registry,
        )
        self._waits = Histogram(
            "segue_notion_wait_seconds",
            "Waits before a request, to keep the pace or because Notion asked for one.",
            buckets=_REQUEST_BUCKETS_S,
            registry=registry,
        )
        self._limited = Counter("segue_notion_rate_limited", "Answers 429.", registry=registry)
        self._retries = Counter(
            "segue_notion_retries", "Requests sent again.", ("method",), registry=registry
        )
        self._looks = Counter(
            "segue_looks", "Looks at the task databases.", ("database", "result"), registry=registry
        )
        self._looked = Gauge(
            "segue_last_good_look_timestamp_seconds",
            "When all task databases were last read to their end.",
            registry=registry,
        )
        self._depth = Gauge(
            "segue_queue_depth",
            "What waits and runs in the engine, as of the last look.",
            ("kind", "state"),
            registry=registry,
        )
        self._rows = Gauge("segue_rows", "Rows at the last look.", ("state",), registry=registry)
        self._events = Counter(
            "segue_webhook_events", "Events that Notion sent.", ("result",), registry=registry
        )
        self._triggers = Counter("segue_triggers", "Calls of POST /triggers.", ("status",), registry=registry)

    def on_request(self, note: RequestNote) -> None:
        """A request to Notion ended."""
        status = str(note.status) if note.status else "none"
        self._requests.labels(note.method, note.endpoint, status).inc()
        self._answers.labels(note.method).observe(note.seconds)
        if note.waited_s > 0:
            self._waits.observe(note.waited_s)
        if note.status == _TOO_MANY:
            self._limited.inc()
        if note.attempt > 1:
            self._retries.labels(note.method).inc()

    def on_report(self, report: Report) -> None:
        """An attempt ended."""
        handler = self._types.find(report.task_type)
        self._runs.labels(handler.task_type if handler else "other", str(report.outcome.state)).observe(
            max(0.0, report.ended_at - report.started_at)
        )

    def on_event(self, result: str) -> None:
        """Notion sent an event; ``result`` is one of the few words of ``agent.web.webhooks``."""
        self._events.labels(result).inc()

    def on_trigger(self, status: int) -> None:
        """A trigger was answered with this HTTP status."""
        self._triggers.labels(str(status)).inc()

    def tend(self, look: Look) -> int:
        """Notes what a look found."""
        for key in TASK_DATABASES:
            self._looks.labels(key, "failed" if key in look.failed else "ok").inc()
        if not look.failed:
            self._looked.set(time.time())
        counts: Mapping[str, int] = {
            "ready": len(look.ready),
            "postponed": look.postponed,
            "running": len(look.running),
            "template": len(look.templates),
        }
        for state, count in counts.items():
            self._rows.labels(state).set(count)
        depth = Count((_KINDS.get(run.workflow, "row"), str(run.state)) for run in self._live())
        for kind in ("task", "report", "row"):
            for standing in LIVE:
                self._depth.labels(kind, str(standing)).set(depth[kind, str(standing)])
        return 0

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)


class _Lease(Collector):
    """How old the worker's lease is; nothing where there is none."""

    def __init__(self, age: Callable[[], float | None]) -> None:
        self._age = age

    def collect(self) -> Iterable[Metric]:
        """Asks the engine."""
        age = self._age()
        if age is not None:
            yield GaugeMetricFamily(
                "segue_lease_age_seconds", "Since this worker's lease was renewed.", value=age
            )

    def describe(self) -> Iterable[Metric]:
        """Asks nobody."""
        return ()
