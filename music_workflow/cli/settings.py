"""The ``music`` command's settings: music's share of the worker's, under the same names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path
from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from music_workflow.core.ports import LibrarySettings, M4aCodec
from music_workflow.folders import Listed
from music_workflow.preferences import MusicPreferences

if TYPE_CHECKING:
    from music_workflow.core.collection import Collection  # keeps --help fast


class MusicSettings(MusicPreferences):
    """What the library has to be told."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    out_dir: Path = Field(default_factory=lambda: Path.home() / "Music" / "Segue", validation_alias="OUT_DIR")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("segue"),
        validation_alias=AliasChoices("DATA_DIR", "SEGUE_DATA_DIR"),
    )
    volume_index_path: Path | None = Field(default=None, validation_alias="VOLUME_INDEX_PATH")
    m4a_codec: M4aCodec = Field(default="aac256", validation_alias="M4A_CODEC")
    max_download_mb: int = Field(default=1024, gt=0, validation_alias="MAX_DOWNLOAD_MB")
    max_duration_minutes: int = Field(default=180, gt=0, validation_alias="MAX_DURATION_MINUTES")
    allowed_hosts: Listed = Field(default=(), validation_alias="ALLOWED_HOSTS")
    allow_private_addresses: bool = Field(default=False, validation_alias="ALLOW_PRIVATE_ADDRESSES")

    def library(self) -> LibrarySettings:
        """Say it in the library's own words."""
        data_dir = self.data_dir.expanduser().absolute()
        export = self.volume_index_path or data_dir / "music_volume_index.json"
        return LibrarySettings(
            out_dir=str(self.out_dir.expanduser().absolute()),
            data_dir=str(data_dir),
            index_export_path=str(export.expanduser().absolute()),
            m4a=self.m4a_codec,
            max_bytes=self.max_download_mb * 1_000_000,
            max_duration_s=self.max_duration_minutes * 60.0,
            allowed_hosts=self.allowed_hosts,
            allow_private_addresses=self.allow_private_addresses,
            **self.wishes(),
        )


def collection() -> Collection:
    """Open the collection that the settings name."""
    from music_workflow.core.collection import Collection  # noqa: PLC0415 - keeps --help fast
    from music_workflow.core.library import Library  # noqa: PLC0415 - the same

    return Collection(Library(MusicSettings().library()))
