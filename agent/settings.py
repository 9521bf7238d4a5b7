"""Every setting, with its purpose, default and accepted names; from the environment or ``.env``.

`Settings()` reads both; `Settings.isolated(...)` reads neither, for the demo and the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.handing_on.handoff_settings import HandoffSettings
from agent.setting_types import Listed, StrongSecret, TimeZone
from agent.setting_types import names as _names
from agent.status_words import StatusWords
from music_workflow.preferences import MusicPreferences


class Settings(HandoffSettings, StatusWords, MusicPreferences):
    """What the worker needs to know. Required: the token and the two task databases."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", populate_by_name=True, frozen=True
    )

    # Notion
    notion_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=_names("NOTION_TOKEN", "NOTION_API_TOKEN", "NOTION_API_KEY"),
        description="Required. The token of your Notion integration.",
    )
    notion_base_url: str = Field(
        default="https://api.notion.com",
        validation_alias=_names("NOTION_BASE_URL"),
        description="Optional. Where Notion answers. Set it to work on the embedded workspace.",
    )
    notion_rate_per_s: float = Field(
        default=3.0,
        gt=0,
        validation_alias=_names("NOTION_RATE_PER_S"),
        description="Optional. Requests per second that all threads together may send.",
    )
    notion_stale_seconds: float = Field(
        default=60.0,
        gt=0,
        validation_alias=_names("NOTION_STALE_SECONDS"),
        description=(
            "Optional. How long Notion's queries may lag behind its writes: so long after a write whose answer was"
            " lost, what it may have made twice is looked for, and one is kept."
        ),
    )
    agent_tasks_db_id: str = Field(
        default="",
        validation_alias=_names("AGENT_TASKS_DB_ID"),
        description="Required. Agent-Tasks: its link, or the id of the database or data source.",
    )
    issues_questions_db_id: str = Field(
        default="",
        validation_alias=_names("ISSUES_QUESTIONS_DB_ID", "ISSUES_DB_ID"),
        description="Required. Issues+Questions.",
    )
    tracks_db_id: str = Field(
        default="",
        validation_alias=_names(
            "TRACKS_DB_ID",
            "DATABASE_ID",
            "MUSIC_TRACKS_DB_ID",
            "NOTION_TRACKS_DB_ID",
            "NOTION_TRACKS_DATABASE_ID",
            "NOTION_MUSIC_TRACKS_DB_ID",
        ),
        description="Required. Music Tracks.",
    )
    execution_logs_db_id: str = Field(
        default="",
        validation_alias=_names(
            "EXECUTION_LOGS_DB_ID", "NOTION_EXECUTION_LOGS_DB_ID", "SCRIPT_RUN_LOGS_DB_ID", "LOG_DB_ID"
        ),
        description="Optional. Execution-Logs; without it no row per attempt is written.",
    )
    artists_db_id: str = Field(
        default="",
        validation_alias=_names("ARTISTS_DB_ID", "MUSIC_ARTISTS_DB_ID"),
        description="Optional. Music Artists.",
    )
    playlists_db_id: str = Field(
        default="",
        validation_alias=_names("PLAYLISTS_DB_ID", "MUSIC_PLAYLISTS_DB_ID", "NOTION_PLAYLISTS_DATABASE_ID"),
        description="Optional. Music Playlists.",
    )
    agent_page_id: str = Field(
        default="",
        validation_alias=_names("AGENT_PAGE_ID"),
        description="Optional. The page or person that stands for Segue in an assignment column.",
    )
    assigned_property: str = Field(
        default="Assigned-Agent",
        validation_alias=_names("ASSIGNED_PROPERTY"),
        description="Optional. Which relation, rollup or people column assigns rows; used when AGENT_PAGE_ID is set.",
    )

    # Where things are kept
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("segue"),
        validation_alias=_names("DATA_DIR", "SEGUE_DATA_DIR"),
        description="Optional. The engine's database, work files, the index and pictures. Not on a synced folder.",
    )
    out_dir: Path = Field(
        default_factory=lambda: Path.home() / "Music" / "Segue",
        validation_alias=_names("OUT_DIR"),
        description="Optional. Where finished tracks are filed.",
    )
    volume_index_path: Path | None = Field(
        default=None,
        validation_alias=_names("VOLUME_INDEX_PATH"),
        description=(
            "Optional. The JSON export of the volume index."
            " Default: /var/music_volume_index.json when writable, else the data folder."
        ),
    )

    # Downloads
    m4a_codec: Literal["aac256", "alac"] = Field(
        default="aac256",
        validation_alias=_names("M4A_CODEC"),
        description="Optional. aac256 (AAC at 256 kbit/s; an AAC source is copied) or alac (lossless).",
    )
    max_download_mb: int = Field(
        default=1024,
        gt=0,
        validation_alias=_names("MAX_DOWNLOAD_MB"),
        description="Optional. A larger source is refused.",
    )
    max_duration_minutes: int = Field(
        default=180,
        gt=0,
        validation_alias=_names("MAX_DURATION_MINUTES"),
        description="Optional. A longer source is refused.",
    )
    allowed_hosts: Listed = Field(
        default=(),
        validation_alias=_names("ALLOWED_HOSTS"),
        description="Optional. When set, only these hosts (and their subdomains) are downloaded from.",
    )
    allow_private_addresses: bool = Field(
        default=False,
        validation_alias=_names("ALLOW_PRIVATE_ADDRESSES"),
        description="Optional. Allow downloads from this machine and the local network (for a NAS).",
    )

    # The worker
    engine_database_url: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=_names("ENGINE_DATABASE_URL"),
        description=(
            "Optional. Default: a SQLite file in DATA_DIR, for one worker."
            " postgresql://user:password@host/segue for several."
        ),
    )
    lease_seconds: float = Field(
        default=60.0,
        ge=1,
        validation_alias=_names("LEASE_SECONDS"),
        description=(
            "Optional. On PostgreSQL: after so many seconds without a sign of life a worker's runs go to the others,"
            " and it ends itself. The same for all workers."
        ),
    )
    stop_grace_seconds: float = Field(
        default=10.0,
        ge=0,
        validation_alias=_names("STOP_GRACE_SECONDS"),
        description="Optional. How long steps may go on after SIGTERM or Ctrl-C; what ends later is done again.",
    )
    engine_retention_days: float = Field(
        default=90.0,
        gt=0,
        validation_alias=_names("ENGINE_RETENTION_DAYS"),
        description="Optional. Clean up forgets runs that ended so long ago, except the last one of each row.",
    )
    poll_seconds: float = Field(
        default=3.0,
        gt=0,
        validation_alias=_names("POLL_SECONDS"),
        description="Optional. How often the task databases are looked at while there is work.",
    )
    poll_idle_seconds: float = Field(
        default=30.0,
        gt=0,
        validation_alias=_names("POLL_IDLE_SECONDS"),
        description="Optional. While there is none, the looks grow apart up to this.",
    )
    schema_refresh_seconds: float = Field(
        default=120.0,
        gt=0,
        validation_alias=_names("SCHEMA_REFRESH_SECONDS"),
        description=(
            "Optional. How often the databases' columns and options are read again, to notice what was changed in them."
        ),
    )
    download_concurrency: int = Field(
        default=2,
        gt=0,
        validation_alias=_names("DOWNLOAD_CONCURRENCY", "SC_MAX_CONCURRENCY"),
        description="Optional. How many tracks are synced at once.",
    )
    schedule_time_zone: TimeZone = Field(
        default="",
        validation_alias=_names("SCHEDULE_TIME_ZONE"),
        description=(
            "Optional. Where a Schedule is meant that names no time zone, such as Europe/Berlin. Default: this"
            " machine's; set it when several machines work the same databases."
        ),
    )
    clean_up_days: int = Field(
        default=30,
        gt=0,
        validation_alias=_names("CLEAN_UP_DAYS"),
        description="Optional. Clean up removes Segue's own work files and run logs once they are older.",
    )
    webhooks_host: str = Field(
        default="127.0.0.1",
        validation_alias=_names("WEBHOOKS_HOST"),
        description="Optional. The address that `segue run --webhooks` listens on; a tunnel brings in the outside.",
    )
    webhooks_port: int = Field(
        default=8788,
        ge=0,
        le=65535,
        validation_alias=_names("WEBHOOKS_PORT"),
        description="Optional. Its port; 0 takes a free one.",
    )
    notion_webhook_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=_names("NOTION_WEBHOOK_TOKEN"),
        description=(
            "Optional. The verification token of your webhook subscription. Without it the one that Notion sends first"
            " is kept in DATA_DIR (docs/webhooks.md)."
        ),
    )
    trigger_secret: StrongSecret = Field(
        default=SecretStr(""),
        validation_alias=_names("TRIGGER_SECRET"),
        description=(
            "Optional. Who knows it may create rows by POST /triggers/TASK TYPE; without it there are no triggers."
            " At least 16 characters."
        ),
    )
    worker_name: str = Field(
        default="",
        validation_alias=_names("WORKER_NAME"),
        description="Optional. What the Worker column shows; default: this machine's name.",
    )
    log_json: bool = Field(
        default=False, validation_alias=_names("LOG_JSON"), description="Optional. Log as JSON lines."
    )
    log_level: str = Field(
        default="info",
        pattern="^(debug|info|warning|error)$",
        validation_alias=_names("LOG_LEVEL"),
        description="Optional. debug, info, warning or error.",
    )

    @classmethod
    def isolated(cls, **values: Any) -> Settings:
        """Settings from ``values`` alone; neither the environment nor ``.env`` is read."""
        return _Isolated(**values)

    @classmethod
    def from_file(cls, path: Path) -> Settings:
        """Settings from the environment and another file than ``.env``."""
        chosen: dict[str, Any] = {"_env_file": path}
        return cls(**chosen)

    @property
    def engine_url(self) -> str:
        """The engine's database."""
        default = f"sqlite:///{self.data_dir.absolute() / 'engine.sqlite'}"
        return self.engine_database_url.get_secret_value() or default

    @property
    def database_ids(self) -> dict[str, str]:
        """Declared database key -> what the user gave as its id; unset ones left out."""
        named = {
            "agent_tasks": self.agent_tasks_db_id,
            "issues_questions": self.issues_questions_db_id,
            "music_tracks": self.tracks_db_id,
            "execution_logs": self.execution_logs_db_id,
            "music_artists": self.artists_db_id,
            "music_playlists": self.playlists_db_id,
        }
        return {key: text for key, text in named.items() if text}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set, for redaction."""
        values = tuple(
            value.get_secret_value()
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), SecretStr) and value.get_secret_value()
        )
        # A driver names the parts of an address one by one, the password as it was before it was escaped.
        written = urlsplit(self.engine_database_url.get_secret_value()).password
        return (*values, written, unquote(written)) if written else values


class _Isolated(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)
