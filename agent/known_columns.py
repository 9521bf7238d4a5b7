"""Which column serves for what, kept between starts, so that one renamed while no worker ran is still known by its id.

A small JSON file in DATA_DIR: data source -> attribute -> property id. What is lost with it is only this knowledge;
columns are then found by their names again. Used by ``wiring`` and ``setup``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from agent.settings import Settings

_FILE = "columns.json"


class KnownColumns:
    """The file in one folder. Safe to share between threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._lock = FileLock(folder / f"{_FILE}.lock")

    def read(self) -> dict[str, dict[str, str]]:
        """Everything that is known; nothing when the file is not there or cannot be understood."""
        try:
            held = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(source): {str(a): str(i) for a, i in ids.items()} for source, ids in held.items()}
        except (FileNotFoundError, ValueError, AttributeError):
            return {}

    def keep(self, data_source_id: str, ids: Mapping[str, str]) -> None:
        """Keeps the columns of one data source."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            held = self.read()
            if held.get(data_source_id) == dict(ids):
                return
            held[data_source_id] = dict(ids)
            self._replace(json.dumps(held, indent=1, sort_keys=True))

    def _replace(self, text: str) -> None:
        handle, name = tempfile.mkstemp(prefix=f".{_FILE}-", dir=self._file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).replace(self._file)
        finally:
            Path(name).unlink(missing_ok=True)


def known_columns(settings: Settings) -> KnownColumns:
    """The file of these settings."""
    return KnownColumns(settings.data_dir.expanduser().absolute())
