"""What is logged about a run is also what its row shows: one stream of events, secrets taken out at the source.

`configure` routes structlog and the standard library's loggers through the same processors. Inside `run_log` each event
carries the run id and is also appended to the run's own file, from which the row's log is written.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import structlog

_HIDDEN = "[hidden]"
_PATTERNS = (
    re.compile(r"()\b(?:secret|ntn)_[A-Za-z0-9_-]{6,}"),
    re.compile(r"(?i)\b((?:bearer|oauth) )[A-Za-z0-9._~+/=-]{12,}"),
    re.compile(r"(?i)([?&;](?:[a-z_-]*(?:token|secret|signature|password|api_?key)|sig|policy)=)[^&\s\"']+"),
    re.compile(r"(://)[^/\s:@]+:[^/\s@]+(?=@)"),
)
_SHORTEST_SECRET = 6
_NOISY = ("httpx", "httpcore", "urllib3", "uvicorn.access", "notion_client", "asyncio")

_run_file: ContextVar[TextIO | None] = ContextVar("run_file", default=None)


class Redaction:
    """A structlog processor that takes secrets out of every value of an event."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)

    def clean(self, text: str) -> str:
        """``text`` without the known secrets and whatever looks like one."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\1{_HIDDEN}", text)
        return text

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Cleans one event, as structlog asks its processors to."""
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = self.clean(value)
            elif not isinstance(value, (int, float, bool, type(None))) and not name.startswith("_"):
                event[name] = self.clean(str(value))
        return event


def _now(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["at"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _keep_for_row(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    file = _run_file.get()
    if file is not None:
        details = " ".join(
            f"{name}={value}"
            for name, value in event.items()
            if name not in ("at", "level", "event", "run_id", "logger") and not name.startswith("_")
        )
        line = f"{event['at'][11:23]} {event.get('level', 'info'):<7} {event['event']} {details}".rstrip()
        file.write(line.replace("\n", "\n    ") + "\n")
        file.flush()
    return event


def configure(
    *, as_json: bool, level: str = "info", secrets: Iterable[str] = (), to: TextIO | None = None
) -> None:
    """Sets up logging for the process: JSON lines or a readable console, on ``to`` (standard error by default)."""
    stream = to or sys.stderr
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _now,
        structlog.processors.format_exc_info,
        Redaction(secrets),
        _keep_for_row,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")
    )
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def get() -> structlog.stdlib.BoundLogger:
    """The worker's logger."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("segue")
    return logger


@contextmanager
def run_log(run_id: str, path: Path) -> Iterator[None]:
    """Events inside carry ``run_id`` and are kept, as readable lines, in the file at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file, structlog.contextvars.bound_contextvars(run_id=run_id):
        token = _run_file.set(file)
        try:
            yield
        finally:
            _run_file.reset(token)
