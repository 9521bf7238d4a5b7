"""The pace at which one token may call Notion, kept by everyone who uses that token.

A token bucket: calls are spread to so many per second, a short burst is allowed, and when Notion names a
time to wait (``Retry-After``), everybody waits. ``LocalPace`` serves the threads of one process.
``SharedPace`` keeps the same figures in a small file, so that several processes on one machine share them.
Used by ``client`` alone; it never calls Notion and never holds the token: a shared pace is named by a hash.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

_IMPLAUSIBLE_S = 3600.0
# The file is held for well under a millisecond.
_FROZEN_S = 2.0


class Pace(Protocol):
    """When the next call may be sent."""

    def reserve(self, longest_s: float) -> float:
        """Take the next place in the line.

        Args:
            longest_s: The longest wait the caller would accept.

        Returns:
            Seconds to wait before sending. When that is more than ``longest_s``, no place was taken.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Let nobody send for this many seconds from now."""
        ...


@dataclass(frozen=True)
class Bucket:
    """State of a token bucket.

    Attributes:
        tokens: Calls that may be sent at once; negative while callers stand in line.
        at: The instant the figure is valid for, in seconds of the pace's clock.
        closed_until: No call before this instant.
    """

    tokens: float
    at: float
    closed_until: float

    def next(self, now: float, rate_per_s: float, burst: float) -> tuple[float, Bucket]:
        """Seconds until the next call may go, and the bucket after it was taken."""
        start = max(now, self.closed_until)
        tokens = self.filled(start, rate_per_s, burst) - 1.0
        wait = (start - now) + max(0.0, -tokens / rate_per_s)
        return wait, Bucket(tokens, max(start, self.at), self.closed_until)

    def filled(self, at: float, rate_per_s: float, burst: float) -> float:
        """The tokens at an instant."""
        return min(burst, self.tokens + max(0.0, at - self.at) * rate_per_s)


@dataclass(frozen=True)
class Standing:
    """How a token stands, for whoever watches.

    Attributes:
        free: Calls that could be sent at once.
        burst: How many that are at most.
        in_line: Calls that wait for their turn.
        closed_s: Seconds for which Notion still asks to be left alone.
    """

    free: int
    burst: int
    in_line: int
    closed_s: float


class LocalPace:
    """A pace shared by the threads of this process."""

    def __init__(self, rate_per_s: float, burst: float | None = None) -> None:
        self._rate = rate_per_s
        self._burst = burst if burst is not None else max(1.0, rate_per_s)
        self._lock = threading.Lock()
        self._bucket = Bucket(self._burst, time.monotonic(), 0.0)

    def reserve(self, longest_s: float) -> float:
        """See ``Pace.reserve``."""
        with self._lock:
            wait, after = self._bucket.next(time.monotonic(), self._rate, self._burst)
            if wait <= longest_s:
                self._bucket = after
            return wait

    def pause(self, seconds: float) -> None:
        """See ``Pace.pause``."""
        with self._lock:
            until = max(self._bucket.closed_until, time.monotonic() + seconds)
            self._bucket = Bucket(self._bucket.tokens, self._bucket.at, until)


class SharedPace:
    """A pace shared by every process on this machine that names the same folder, address and token."""

    def __init__(
        self, folder: Path, base_url: str, token: str, rate_per_s: float, burst: float | None = None
    ) -> None:
        name = hashlib.sha256(f"{base_url}\n{token}".encode()).hexdigest()[:24]
        self._path = folder / f"notion-pace-{name}.json"
        self._lock = FileLock(folder / f"notion-pace-{name}.lock")
        self._rate = rate_per_s
        self._burst = burst if burst is not None else max(1.0, rate_per_s)

    def reserve(self, longest_s: float) -> float:
        """See ``Pace.reserve``."""
        with self._alone():
            now = time.time()
            wait, after = self._read(now).next(now, self._rate, self._burst)
            if wait <= longest_s:
                self._write(after)
            return wait

    def pause(self, seconds: float) -> None:
        """See ``Pace.pause``."""
        with self._alone():
            now = time.time()
            bucket = self._read(now)
            self._write(Bucket(bucket.tokens, bucket.at, max(bucket.closed_until, now + seconds)))

    def standing(self) -> Standing | None:
        """How the token stands now; ``None`` when nobody has sent anything yet. Takes no place in the line."""
        if not self._path.exists():
            return None
        with self._alone():
            now = time.time()
            bucket = self._read(now)
        tokens = bucket.filled(now, self._rate, self._burst)
        return Standing(
            free=max(0, math.floor(tokens)),
            burst=math.floor(self._burst),
            in_line=max(0, math.ceil(-tokens)),
            closed_s=max(0.0, bucket.closed_until - now),
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The file for this caller; whoever holds it for seconds is frozen, and must not hold up everybody else."""
        try:
            self._lock.acquire(timeout=_FROZEN_S)
        except Timeout:
            # Two that count at once may miss a call: Notion then answers 429, which is borne.
            yield
            return
        try:
            yield
        finally:
            self._lock.release()

    def _read(self, now: float) -> Bucket:
        full = Bucket(self._burst, now, 0.0)
        if not self._path.exists():
            return full
        try:
            tokens, at, closed_until = (float(figure) for figure in json.loads(self._path.read_text()))
        except ValueError:  # half written at a power cut; a fresh bucket costs one burst
            return full
        # A clock that was set back would otherwise close the door for as long as it was set back.
        return full if at > now + _IMPLAUSIBLE_S else Bucket(tokens, at, closed_until)

    def _write(self, bucket: Bucket) -> None:
        self._path.write_text(json.dumps([bucket.tokens, bucket.at, bucket.closed_until]))
