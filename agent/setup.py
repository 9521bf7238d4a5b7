"""Brings the databases of the settings up to what the worker needs: plan, apply, and the ids for ``.env``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.settings import Settings
from handlers import registry
from notion_schema import provisioning
from notion_schema.client import Notion
from notion_schema.databases import SPECS
from notion_schema.provisioning import Plan

_VARIABLES = {
    "agent_tasks": "AGENT_TASKS_DB_ID",
    "issues_questions": "ISSUES_QUESTIONS_DB_ID",
    "music_tracks": "TRACKS_DB_ID",
    "execution_logs": "EXECUTION_LOGS_DB_ID",
    "music_artists": "ARTISTS_DB_ID",
    "music_playlists": "PLAYLISTS_DB_ID",
}


def plan(notion: Notion, settings: Settings, parent_page: str) -> Plan:
    """What the databases lack; those that no setting names are to be created under ``parent_page``."""
    handled = registry.load().handlers
    return provisioning.plan(
        notion,
        parent_page_id=parent_page or None,
        specs=tuple(
            replace(spec, vocabulary=settings.vocabularies.get(key, spec.vocabulary))
            for key, spec in SPECS.items()
        ),
        existing=settings.database_ids,
        task_types=tuple(handled),
    )


def apply(notion: Notion, wanted: Plan) -> dict[str, str]:
    """Carries a plan out; returns the id of each database by its key."""
    places = provisioning.apply(notion, wanted)
    return {key: place.database_id or place.data_source_id for key, place in places.items()}


def env_lines(ids: Mapping[str, str]) -> list[str]:
    """The ids as lines of ``.env``."""
    return [f"{_VARIABLES[key]}={database_id}" for key, database_id in ids.items()]


def with_databases(settings: Settings, ids: Mapping[str, str]) -> Settings:
    """The settings with these databases."""
    return settings.model_copy(
        update={_VARIABLES[key].lower(): database_id for key, database_id in ids.items()}
    )


def add_to_env(path: Path, lines: list[str]) -> None:
    """Sets variables in an ``.env`` file; its other lines stay as they are."""
    named = {line.split("=", 1)[0]: line for line in lines}
    kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    merged = [named.pop(line.split("=", 1)[0].strip(), line) for line in kept]
    path.write_text("\n".join([*merged, *named.values()]) + "\n", encoding="utf-8")
