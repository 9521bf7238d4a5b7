"""Writes what is derived from code: ``.env.example`` from the settings, ``docs/handlers.md`` from the handlers.

``--check`` changes nothing and fails when a file is not up to date; the tests run it so.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from pydantic import AliasChoices, SecretStr
from pydantic_core import PydanticUndefined

from agent.settings import Settings
from agent.status_words import StatusWords
from handlers import registry
from music_workflow.preferences import MusicPreferences

REPOSITORY = Path(__file__).resolve().parent.parent


def env_example() -> str:
    """``.env.example``: each variable with its purpose, default and other accepted names."""
    parts = [
        "# Segue's settings. Copy to .env and fill in what is marked Required; every other line may stay as it is.",
        "# Made from agent/settings.py by `make docs`.",
        "",
    ]
    parts_last = (StatusWords, MusicPreferences)
    own_first = sorted(
        Settings.model_fields, key=lambda name: [name in part.model_fields for part in parts_last]
    )
    for field in map(Settings.model_fields.__getitem__, own_first):
        alias = field.validation_alias
        names = [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else []
        parts += [f"# {line}" for line in textwrap.wrap(field.description or "", 110)]
        if names[1:]:
            parts += [f"# {line}" for line in textwrap.wrap(f"Also accepted: {', '.join(names[1:])}", 110)]
        required = (field.description or "").startswith("Required")
        parts += [f"{'' if required else '# '}{names[0]}={_shown(field.default)}", ""]
    return "\n".join(parts)


def _shown(default: object) -> str:
    if default is PydanticUndefined or default is None or isinstance(default, SecretStr):
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default)


def handlers_page() -> str:
    """``docs/handlers.md``: the task types with their runbooks."""
    known = registry.load()
    parts = [
        "# Task types",
        "",
        "Made from the files in `handlers/` by `make docs`; `segue handlers` prints the same.",
        "",
    ]
    for name, handler in known.handlers.items():
        parts += [f"## {name}", ""]
        if handler.aliases:
            parts += [f"Also accepted: {', '.join(handler.aliases)}.", ""]
        parts += [
            f"Up to {handler.attempts} attempts of {handler.timeout_s / 60:.0f} minutes.",
            f"Steps: {' → '.join(handler.steps)}.",
            "",
            known.runbook(name).strip(),
            "",
        ]
    return "\n".join(parts)


FILES = {".env.example": env_example, "docs/handlers.md": handlers_page}


def stale() -> list[str]:
    """The files that are not as the code says."""
    return [
        name
        for name, make in FILES.items()
        if not (REPOSITORY / name).exists() or (REPOSITORY / name).read_text(encoding="utf-8") != make()
    ]


def main() -> int:
    """Writes the files, or with ``--check`` names the stale ones."""
    if "--check" in sys.argv[1:]:
        for name in stale():
            print(f"{name} is not up to date; run `make docs`.")
        return 1 if stale() else 0
    for name, make in FILES.items():
        (REPOSITORY / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
