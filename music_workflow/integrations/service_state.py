"""What is kept of a service between runs: its access token, and until when it asked to be left alone.

A file a service in the data folder, readable by its owner alone and replaced as a whole. Used by the clients of Spotify
and SoundCloud. A token is kept because some services hand out few a day; a pause is kept because an app that was sent
away for a day must not knock again with every row.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from music_workflow.errors import Unavailable

_EARLY_S = 60.0
"""A token is not used in its last minute."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The file of one service and one set of credentials; others' content in it counts as absent."""

    data_dir: str
    service: str
    credentials: tuple[str, ...]

    def token(self) -> dict[str, Any] | None:
        """The token as it was kept, expired or not; None when there is none."""
        token = self._read().get("token")
        return token if isinstance(token, dict) else None

    def access_token(self) -> str | None:
        """A kept access token that is still good."""
        token = self.token() or {}
        fresh = float(token.get("expires_at") or 0) - time.time() > _EARLY_S
        return str(token["access_token"]) if fresh and token.get("access_token") else None

    def keep_token(self, token: dict[str, Any] | None) -> None:
        """Keep a token; None forgets it."""
        self._write({**self._read(), "token": token})

    def pause(self, seconds: float) -> None:
        """Remember that the service asked to be left alone."""
        self._write({**self._read(), "pause_until": time.time() + seconds})

    def check_pause(self, name: str, operation: str) -> None:
        """Refuse to ask while the service wants to be left alone.

        Raises:
            Unavailable: With the seconds that are left.
        """
        left = float(self._read().get("pause_until") or 0) - time.time()
        if left > 0:
            error = Unavailable(
                f"{name} asked to be left alone for another {_words(left)}.",
                service=self.service,
                operation=operation,
            )
            error.retry_after_s = left
            raise error

    @property
    def _path(self) -> Path:
        return Path(self.data_dir, f"{self.service}.json")

    @property
    def _owner(self) -> str:
        return hashlib.sha256("\0".join(self.credentials).encode()).hexdigest()

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) and kept.get("owner") == self._owner else {}

    def _write(self, content: dict[str, Any]) -> None:
        folder = Path(self.data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{self.service}-")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({**content, "owner": self._owner}, file)
        Path(temporary).replace(self._path)


def _words(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{max(1, round(seconds / 60))} minutes"
