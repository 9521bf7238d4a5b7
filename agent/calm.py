"""Keeps a chatty library from flooding the log: one line for what it says again and again while a database is away.

Only for loggers of libraries; what Segue says itself is never dropped. Called by ``engine``.
"""

from __future__ import annotations

import logging
import re
import threading
import time

_AGAIN_S = 60.0
_LONGEST = 300
# What these raise is about the database or a cancelled run; anybody else's error keeps its traceback.
_CHATTY = ("dbos", "psycopg", "sqlalchemy", "sqlite3")
_VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+(?:\.\d+)?|'[^']*'")


class Calm(logging.Filter):
    """Lets a message pass once a minute, cut to its first line, and says how many like it were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """See ``logging.Filter``."""
        first = (record.getMessage().strip().splitlines() or [""])[0][:_LONGEST]
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            if type(error).__module__.split(".")[0] not in _CHATTY:
                return True
            said = (str(error).strip().splitlines() or [""])[0][:_LONGEST]
            first = f"{first} {type(error).__name__}: {said}"
        kind = _VARYING.sub("…", first)
        now = time.monotonic()
        with self._lock:
            at, dropped = self._seen.get(kind, (-_AGAIN_S, 0))
            if now - at < _AGAIN_S:
                self._seen[kind] = (at, dropped + 1)
                return False
            self._seen[kind] = (now, 0)
        more = f" (and {dropped} more like it)" if dropped else ""
        record.msg, record.args = first + more, None
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def down(*loggers: str) -> None:
    """The libraries' own console handlers go; their warnings reach our log like everybody's, without repetition."""
    for name in loggers:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.filters[:] = [Calm()]
        logger.propagate = True
        logger.setLevel(logging.WARNING)
