"""Where the user's music stands besides OUT_DIR, and what there must stay untouched, as settings.

A part of `MusicPreferences`, and so of the worker's settings and of the ``music`` command's alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

from music_workflow.deduplication.references import usual_places


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.replace("\n", ",").split(",") if part.strip())
    return value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Separated by commas or line breaks."""


class FolderSettings(BaseSettings):
    """Music folders, protected folders, other programs' libraries."""

    music_directory_paths: Listed = Field(
        default=(),
        validation_alias=AliasChoices("MUSIC_DIRECTORY_PATHS"),
        description="Optional. Folders that the volume index scans besides OUT_DIR, and in which duplicates are found.",
    )
    protected_folders: Listed = Field(
        default=(),
        validation_alias=AliasChoices("PROTECTED_FOLDERS"),
        description="Optional. Folders from which no duplicate is ever moved; PLAYLIST_TRACKS_DIR is one by itself.",
    )
    dj_library_paths: Listed | None = Field(
        default=None,
        validation_alias=AliasChoices("DJ_LIBRARY_PATHS"),
        description=(
            "Optional. Libraries of Serato, Rekordbox (XML), Traktor, djay, Apple Music (XML), and M3U playlists: files"
            " that they name are never moved. Default: their usual places in your home folder."
        ),
    )

    def folders(self) -> dict[str, Any]:
        """The arguments of `LibrarySettings` that these settings decide."""
        libraries = self.dj_library_paths
        return {
            "music_folders": _absolute(self.music_directory_paths),
            "protected_folders": _absolute(self.protected_folders),
            "dj_libraries": usual_places(Path.home()) if libraries is None else _absolute(libraries),
        }


def _absolute(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(Path(path).expanduser().absolute()) for path in paths)
