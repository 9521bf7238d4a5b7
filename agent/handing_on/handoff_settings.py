"""Handing work on, as settings: how far by itself, and to which other agents. A part of `Settings`; all is optional."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from agent.handing_on.trigger_folder import spelling
from agent.setting_types import Listed, names
from notion_schema.ids import parse_id


def agents_of(entries: tuple[str, ...]) -> Mapping[str, str]:
    """Agent name -> page id, from entries like "Claude MM1=https://…".

    Raises:
        ValueError: an entry is not of that form, or two agents share a name or a page.
    """
    found: dict[str, str] = {}
    for entry in entries:
        name, equals, page = (part.strip() for part in entry.partition("="))
        if not name or not equals or not page:
            raise ValueError(
                f"“{entry}” is not of the form NAME=PAGE; write for example Claude MM1=https://…"
            )
        page_id, core = parse_id(page), spelling(name)
        if not core:
            raise ValueError(f"“{name}” makes no folder name; an agent's name needs letters or digits")
        if page_id in found.values() or core in map(spelling, found):
            raise ValueError(f"“{entry}” names an agent or a page that stands there already")
        found[name] = page_id
    return found


def _checked(entries: tuple[str, ...]) -> tuple[str, ...]:
    agents_of(entries)
    return entries


class HandoffSettings(BaseSettings):
    """How work goes on to other rows and other agents."""

    handoff_max_depth: int = Field(
        default=5,
        ge=1,
        validation_alias=names("HANDOFF_MAX_DEPTH"),
        description="Optional. How many follow-up rows may come of one another; a longer chain ends in an issue.",
    )
    agent_triggers_dir: Path | None = Field(
        default=None,
        validation_alias=names("AGENT_TRIGGERS_DIR"),
        description=(
            "Optional. Rows assigned to one of AGENTS get a trigger file below this folder, in AGENT/01_inbox."
            " Set it on one machine only."
        ),
    )
    agents: Annotated[Listed, AfterValidator(_checked)] = Field(
        default=(),
        validation_alias=names("AGENTS"),
        description=(
            "Optional. The agents that get trigger files: NAME=PAGE, separated by commas; PAGE is the link or id of"
            " the page that stands for the agent in the assignment column."
        ),
    )
    trigger_ttl_hours: float = Field(
        default=168.0,
        ge=0,
        validation_alias=names("TRIGGER_TTL_HOURS"),
        description="Optional. A trigger file that lies in the inbox for longer is stale; 0 for never.",
    )
    trigger_seconds: float = Field(
        default=30.0,
        gt=0,
        validation_alias=names("TRIGGER_SECONDS"),
        description="Optional. How often rows of other agents and their folders are looked at: one query each time.",
    )
    trigger_stale: Literal["list", "reissue"] = Field(
        default="list",
        validation_alias=names("TRIGGER_STALE"),
        description=(
            "Optional. What becomes of a stale trigger file: list (the row says Stale), or reissue (it is moved to the"
            " agent's 04_stale folder and a new one is written)."
        ),
    )
