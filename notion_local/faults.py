"""What shall go wrong: switches that can be turned while the server runs.

Every switch is a plain field of `Settings`; `Faults` hands out consistent copies and counts down those that are
limited in number. It decides nothing about requests; `app.py`, `query.py` and `workspace.py` ask it.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, fields, replace
from typing import Any

STATUSES = (409, 429, 500, 502, 503, 504, 529)


@dataclass(frozen=True)
class Settings:
    """All switches, off by default."""

    requests_per_second: float = 0.0
    """Token bucket: sustained rate; 0 is unlimited."""
    burst: int = 0
    """Token bucket: its size; 0 means one second's worth."""
    error_rate: float = 0.0
    """Share of requests, 0 to 1, that fail with `error_status` before anything is done."""
    error_status: int = 503
    error_count: int = 0
    """So many of the next requests fail with `error_status`, whatever the rate."""
    retry_after: int = 1
    """Seconds named by 429 and 529 answers."""
    only: str = ""
    """Failures strike only requests whose ``METHOD path`` contains this text; empty strikes all."""
    latency: float = 0.0
    """Seconds by which every answer is delayed."""
    timeout_count: int = 0
    """So many of the next requests are done, and their answer is held back for `timeout_seconds`."""
    timeout_seconds: float = 120.0
    drop_rate: float = 0.0
    """Share of writes, 0 to 1, that are done, whereupon the connection breaks without an answer."""
    drop_count: int = 0
    """So many of the next writes are done without an answer, whatever the rate."""
    stale_seconds: float = 0.0
    """Queries see a page's write only so many seconds later; reading the page itself sees it at once."""
    cursor_seconds: float = 3600.0
    """How long a cursor is good for."""
    schema_limit: int = 0
    """So many properties a data source may have, 0 being unlimited. Notion's own limit counts bytes."""
    unshared: frozenset[str] = frozenset()
    """Ids that the integration has lost access to, with everything beneath them."""


class Faults:
    """The switches of one server; safe to turn from any thread."""

    def __init__(self, seed: int | None = None, **switches: Any) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 faults need repeatability, not secrecy
        self._settings = Settings()
        self._tokens = 0.0
        self._filled_at = time.monotonic()
        if switches:
            self.set(**switches)

    @property
    def settings(self) -> Settings:
        """The switches as they are now."""
        with self._lock:
            return self._settings

    @property
    def unshared(self) -> frozenset[str]:
        """Ids that the integration has lost access to."""
        return self.settings.unshared

    def set(self, **switches: Any) -> Settings:
        """Turn some switches; those not named stay.

        Raises:
            ValueError: for an unknown switch or a value of the wrong kind.
        """
        known = {entry.name: entry for entry in fields(Settings)}
        for name, value in switches.items():
            if name not in known:
                raise ValueError(f"there is no fault {name!r}; there are {', '.join(sorted(known))}")
            switches[name] = _converted(name, getattr(Settings(), name), value)
        if switches.get("error_status", STATUSES[0]) not in STATUSES:
            raise ValueError(f"error_status must be one of {', '.join(map(str, STATUSES))}")
        with self._lock:
            self._settings = replace(self._settings, **switches)
            if "burst" in switches or "requests_per_second" in switches:
                self._tokens = self._size()
                self._filled_at = time.monotonic()
            return self._settings

    def reset(self) -> None:
        """Turn everything off."""
        with self._lock:
            self._settings = Settings()

    def _size(self) -> float:
        return float(self._settings.burst or max(1.0, self._settings.requests_per_second))

    def refused_by_rate(self) -> bool:
        """Take a token; True when there is none."""
        with self._lock:
            rate = self._settings.requests_per_second
            if rate <= 0:
                return False
            now = time.monotonic()
            self._tokens = min(self._size(), self._tokens + (now - self._filled_at) * rate)
            self._filled_at = now
            if self._tokens < 1:
                return True
            self._tokens -= 1
            return False

    def error_for(self, request: str) -> int | None:
        """Return the status with which this request shall fail, or None."""
        with self._lock:
            settings = self._settings
            if settings.only not in request:
                return None
            if settings.error_count > 0:
                self._settings = replace(settings, error_count=settings.error_count - 1)
                return settings.error_status
            return settings.error_status if self._random.random() < settings.error_rate else None

    def drops(self, request: str) -> bool:
        """Tell whether this write shall be done without an answer."""
        with self._lock:
            settings = self._settings
            if settings.only not in request:
                return False
            if settings.drop_count > 0:
                self._settings = replace(settings, drop_count=settings.drop_count - 1)
                return True
            return self._random.random() < settings.drop_rate

    def delay(self, request: str) -> float:
        """Return for how many seconds this answer shall be held back."""
        with self._lock:
            settings = self._settings
            if settings.timeout_count > 0 and settings.only in request:
                self._settings = replace(settings, timeout_count=settings.timeout_count - 1)
                return settings.timeout_seconds
            return settings.latency


def _converted(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, frozenset):
        parts = value.split(",") if isinstance(value, str) else value
        return frozenset(part.strip() for part in parts if part.strip())
    try:
        return type(default)(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the fault {name} takes a {type(default).__name__}, not {value!r}") from error
