"""Brings the databases of the settings up to what the worker needs: plan, apply, and the ids for ``.env``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.known_columns import known_columns
from agent.settings import Settings
from handlers import registry
from notion_schema import provisioning
from notion_schema.client import Notion
from notion_schema.databases import SPECS
from notion_schema.provisioning import Plan

VARIABLES = {
    "agent_tasks": "AGENT_TASKS_DB_ID",
    "issues_questions": "ISSUES_QUESTIONS_DB_ID",
    "music_tracks": "TRACKS_DB_ID",
    "execution_logs": "EXECUTION_LOGS_DB_ID",
    "music_artists": "ARTISTS_DB_ID",
    "music_playlists": "PLAYLISTS_DB_ID",
}
"""Database key -> the variable that holds its id."""

REQUIRED = ("agent_tasks", "issues_questions", "music_tracks")
"""Databases that Segue does not work without."""


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
        known_columns=known_columns(settings).read(),
    )


def apply(notion: Notion, wanted: Plan) -> dict[str, str]:
    """Carries a plan out; returns the id of each database by its key."""
    places = provisioning.apply(notion, wanted)
    return {key: place.id for key, place in places.items()}


def variables(ids: Mapping[str, str]) -> dict[str, str]:
    """The ids by the variables that hold them."""
    return {VARIABLES[key]: database_id for key, database_id in ids.items()}


def with_databases(settings: Settings, ids: Mapping[str, str]) -> Settings:
    """The settings with these databases."""
    return settings.model_copy(
        update={VARIABLES[key].lower(): database_id for key, database_id in ids.items()}
    )
