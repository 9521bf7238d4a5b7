"""What a person may wish of the library, as settings: a part of the worker's and of the ``music`` command's alike.

Nothing here is required. `MusicPreferences.wishes` says it in the library's own words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from music_workflow.core.ports import LAYOUT_FIELDS, EagleSettings, check_fields
from music_workflow.folders import FolderSettings
from music_workflow.model import AudioFormat, MixPolicy
from music_workflow.service_settings import ServiceSettings


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip().upper() for part in value.split(",") if part.strip())
    return value


def _layout(value: str) -> str:
    check_fields("LAYOUT", value, LAYOUT_FIELDS, needed="name")
    return value


def _eagle_folder(value: str) -> str:
    check_fields("EAGLE_FOLDER", value, EagleSettings.FOLDER_FIELDS)
    return value


class MusicPreferences(FolderSettings, ServiceSettings):
    """Layout, mixes, Eagle: what has a good default."""

    layout: Annotated[str, AfterValidator(_layout)] = Field(
        default="{name}",
        validation_alias=AliasChoices("LAYOUT"),
        description=(
            "Optional. Where a track stands below OUT_DIR, with / between folders: {name} (Artist - Title [id]),"
            " {artist}, {album}, {playlist}, {format}. For example {playlist}/{name}."
        ),
    )
    playlist_tracks_dir: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("PLAYLIST_TRACKS_DIR"),
        description=(
            "Optional. Each playlist gets a folder here, with the WAV of its tracks: a second name of the same file"
            " where the volume permits it, else a copy. It must exist."
        ),
    )
    min_free_mb: int = Field(
        default=1000,
        ge=0,
        validation_alias=AliasChoices("MIN_FREE_MB"),
        description="Optional. Free space that a track must leave on the volumes of OUT_DIR and DATA_DIR.",
    )
    mix_minutes: float = Field(
        default=11.0,
        gt=0,
        validation_alias=AliasChoices("MIX_MINUTES"),
        description="Optional. What is longer counts as a mix or live set; from half of it, if its title says so too.",
    )
    mix_policy: MixPolicy = Field(
        default="review",
        validation_alias=AliasChoices("MIX_POLICY"),
        description="Optional. What becomes of a mix: sync (as any track), review (a person is asked) or skip.",
    )
    analysis_backend: Literal["native", "librosa"] = Field(
        default="native",
        validation_alias=AliasChoices("ANALYSIS_BACKEND"),
        description="Optional. Who measures tempo and key: native, or librosa (pip install 'segue[librosa]').",
    )
    second_opinion_below: float = Field(
        default=0.5,
        ge=0,
        le=1,
        validation_alias=AliasChoices("SECOND_OPINION_BELOW"),
        description="Optional. Confidence below which librosa, where installed, is asked too; 0 never asks.",
    )
    eagle_api_base: str = Field(
        default="",
        validation_alias=AliasChoices("EAGLE_API_BASE", "EAGLE_BASE_URL"),
        description="Optional. Where Eagle answers, http://localhost:41595; without it no track is brought to Eagle.",
    )
    eagle_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("EAGLE_TOKEN", "EAGLE_API_TOKEN"),
        description="Optional. Eagle's token (Preferences, Developer), if it asks for one.",
    )
    eagle_library_path: str = Field(
        default="",
        validation_alias=AliasChoices("EAGLE_LIBRARY_PATH"),
        description="Optional. The library that must be open in Eagle; without it, whichever is.",
    )
    eagle_folder: Annotated[str, AfterValidator(_eagle_folder)] = Field(
        default="Playlists/{playlist}",
        validation_alias=AliasChoices("EAGLE_FOLDER"),
        description="Optional. Eagle's folder for a track: {playlist} (Uncategorized without one), {artist}, {format}.",
    )
    eagle_formats: Annotated[tuple[AudioFormat, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=("AIFF",),
        validation_alias=AliasChoices("EAGLE_FORMATS"),
        description="Optional. Which files Eagle gets, of AIFF, WAV, M4A; it copies them. The first one's id is kept.",
    )

    def wishes(self) -> dict[str, Any]:
        """The arguments of `LibrarySettings` that these settings decide."""
        folder = self.playlist_tracks_dir
        return {
            "layout": self.layout,
            "playlist_dir": str(folder.expanduser().absolute()) if folder else None,
            "min_free_bytes": self.min_free_mb * 1_000_000,
            "mix_minutes": self.mix_minutes,
            "mix_policy": self.mix_policy,
            "analysis_backend": self.analysis_backend,
            "second_opinion_below": self.second_opinion_below,
            "eagle": self._eagle(),
            **self.folders(),
            **self.services(),
        }

    def _eagle(self) -> EagleSettings | None:
        if not self.eagle_api_base:
            return None
        return EagleSettings(
            base_url=self.eagle_api_base,
            token=self.eagle_token.get_secret_value(),
            library_path=self.eagle_library_path,
            folder=self.eagle_folder,
            formats=self.eagle_formats,
        )
