"""The ``.env`` file: variables added to it or changed in it, everything else kept as it stands.

Written whole or not at all, readable by its owner alone, since it holds the token. Which of its values may be replaced
is for the caller to ask. Used by ``segue init`` and ``segue provision``.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

_OWNER_ONLY = 0o600
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


class EnvFile:
    """One ``.env`` file.

    Args:
        path: Where it is or shall be; a link is followed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def values(self) -> dict[str, str]:
        """What it sets now, quotes resolved; nothing when it is not there."""
        if not self.path.exists():
            return {}
        read = dotenv_values(self.path, interpolate=False, encoding="utf-8")
        return {name: value for name, value in read.items() if value is not None}

    def differing(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Variables that it sets to something else than wanted, with what it says."""
        return {
            name: said
            for name, said in self.values().items()
            if said and name in wanted and said != wanted[name]
        }

    def write(self, wanted: Mapping[str, str]) -> bool:
        """Set variables.

        A variable that is there is changed in its place; one that is there as a comment is set below that; others
        follow at the end. All other lines stay as they are.

        Returns:
            Whether anything changed.

        Raises:
            ValueError: A value cannot stand in one line.
            OSError: The file cannot be written.
        """
        current = self.values()
        missing = {name: value for name, value in wanted.items() if current.get(name) != value}
        if not missing:
            return False
        lines = _lines(self.path)
        self._replace("\n".join(_merged(lines, missing)) + "\n")
        return True

    def _replace(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".env-", dir=self.path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(_OWNER_ONLY)
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _lines(path: Path) -> list[str]:
    """Its lines; only a line feed ends one, or a value with a stranger separator would be torn."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text.removesuffix("\n").split("\n") if text else []


def _merged(lines: list[str], wanted: Mapping[str, str]) -> list[str]:
    left = {name: f"{name}={_quoted(value)}" for name, value in wanted.items()}
    last = {name: number for number, line in enumerate(lines) if (name := _set_by(line)) in left}
    merged: list[str] = []
    for number, line in enumerate(lines):
        if (name := _set_by(line)) in left and last[name] == number:
            merged.append(left.pop(name))
            continue
        merged.append(line)
        if (name := _commented(line)) in left and name not in last:
            merged.append(left.pop(name))
    return [*merged, *left.values()]


def _set_by(line: str) -> str:
    match = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", line)
    return match[1] if match else ""


def _commented(line: str) -> str:
    match = re.match(r"\s*#\s*([A-Z_][A-Z0-9_]*)=\S*\s*$", line)
    return match[1] if match else ""


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if "\n" in value or "\r" in value:
        raise ValueError("A value for .env holds a line break.")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
