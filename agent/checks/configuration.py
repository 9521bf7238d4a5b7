"""The settings themselves: which are set and from where, what contradicts what, and what looks like a slip of the pen.

No value of a secret is told, nor its length or beginning.
"""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import AliasChoices, SecretStr

from agent import setup
from agent.checks.lines import failed, passed, warned
from agent.commands.env_file import EnvFile
from agent.settings import Settings
from handlers.base import Diagnosis

SERVICE = "Settings"
_ALIKE = 0.85
_PAIRS = (
    ("spotify_client_id", "spotify_client_secret"),
    ("soundcloud_client_id", "soundcloud_client_secret"),
)
_NEEDS = (
    ("spotify_refresh_token", "spotify_client_id"),
    ("eagle_token", "eagle_api_base"),
    ("eagle_library_path", "eagle_api_base"),
)


def check(settings: Settings, environment: Mapping[str, str], env_file: Path) -> Iterator[Diagnosis]:
    """Looks at the settings.

    Args:
        settings: As they were read.
        environment: The variables of the process, which win over the file.
        env_file: Where ``.env`` is or would be.
    """
    written = EnvFile(env_file).values()
    yield from _required(settings)
    yield from _each(settings, environment, written)
    yield from _contradictions(environment, written)
    yield from _incomplete(settings)
    yield from _misspelt(written)
    yield from _file(env_file)


def _required(settings: Settings) -> Iterator[Diagnosis]:
    named = {setup.VARIABLES[key]: bool(settings.database_ids.get(key)) for key in setup.REQUIRED}
    for name, is_set in {"NOTION_TOKEN": _is_given(settings, "notion_token"), **named}.items():
        if not is_set:
            yield failed(SERVICE, name, "It is not set.", "Run “segue init”, or put it into .env.")


def _each(
    settings: Settings, environment: Mapping[str, str], written: Mapping[str, str]
) -> Iterator[Diagnosis]:
    for field in Settings.model_fields:
        names = names_of(field)
        origin = next((f"{name} in the environment" for name in names if environment.get(name)), "")
        origin = origin or next((f"{name} in .env" for name in names if written.get(name)), "")
        if origin:
            yield passed(SERVICE, names[0], f"Set by {origin}.")
        elif _is_given(settings, field) and field in settings.model_fields_set:
            yield passed(SERVICE, names[0], "Set.")


def _contradictions(environment: Mapping[str, str], written: Mapping[str, str]) -> Iterator[Diagnosis]:
    for field in Settings.model_fields:
        names = names_of(field)
        outside = {name: environment[name] for name in names if environment.get(name)}
        inside = {name: written[name] for name in names if written.get(name)}
        for where, said in (("the environment", outside), (".env", inside)):
            if len(set(said.values())) > 1:
                first, *others = said
                yield warned(
                    SERVICE,
                    names[0],
                    f"{' and '.join(said)} in {where} mean the same setting and differ; {first} is used.",
                    f"Remove {' and '.join(others)}.",
                )
        if outside and inside and next(iter(outside.values())) != next(iter(inside.values())):
            yield warned(
                SERVICE,
                names[0],
                "The environment and .env set it differently; the environment is used.",
                f"Unset {next(iter(outside))}, or remove it from .env.",
            )


def _incomplete(settings: Settings) -> Iterator[Diagnosis]:
    for one, other in _PAIRS:
        if _is_given(settings, one) != _is_given(settings, other):
            absent, there = (one, other) if _is_given(settings, other) else (other, one)
            yield warned(
                SERVICE,
                names_of(absent)[0],
                f"{names_of(there)[0]} is set and this is not, so neither is used.",
                "Set both or none.",
            )
    for one, needed in _NEEDS:
        if _is_given(settings, one) and not _is_given(settings, needed):
            name = names_of(needed)[0]
            yield warned(SERVICE, names_of(one)[0], f"It has no effect without {name}.", f"Set {name}.")


def _misspelt(written: Mapping[str, str]) -> Iterator[Diagnosis]:
    known = [name for field in Settings.model_fields for name in names_of(field)]
    folded = {name.casefold() for name in known}
    for name in written:
        if name.casefold() in folded:
            continue
        if near := difflib.get_close_matches(name.upper(), known, 1, _ALIKE):
            yield warned(
                SERVICE, name, f"No setting has this name; {near[0]} has.", "Correct the name in .env."
            )


def _file(env_file: Path) -> Iterator[Diagnosis]:
    if not env_file.exists():
        return
    if stat.S_IMODE(env_file.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH):
        yield warned(
            SERVICE,
            ".env",
            "Other users of this machine can read it, and it holds the token.",
            "chmod 600 .env",
        )
    else:
        yield passed(SERVICE, ".env", "Only its owner can read it.")


def names_of(field: str) -> tuple[str, ...]:
    """The variables that set a field, the documented one first."""
    alias = Settings.model_fields[field].validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (field.upper(),)


def _is_given(settings: Settings, field: str) -> bool:
    """Whether a field holds anything; one that this version does not have holds nothing."""
    value = getattr(settings, field, None)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
