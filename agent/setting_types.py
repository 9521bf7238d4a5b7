"""The kinds of values that settings have, beside pydantic's own. Used by the classes that declare settings."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, AliasChoices, BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.replace("\n", ",").split(",") if part.strip())
    return value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Comma or newline separated."""


def _zone(name: str) -> str:
    if name and name not in available_timezones():
        raise ValueError(f"“{name}” is no time zone; write for example Europe/Berlin or UTC")
    return name


_SHORTEST_SECRET = 16


def _strong(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise ValueError(f"it is too short to be safe; use at least {_SHORTEST_SECRET} characters")
    return secret


StrongSecret = Annotated[SecretStr, AfterValidator(_strong)]
"""A secret that is too long to be guessed; empty for none."""

TimeZone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone; empty for none."""


def names(*names: str) -> AliasChoices:
    """The variables that set a field, the documented one first."""
    return AliasChoices(*names)
