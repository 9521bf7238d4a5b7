"""The user's own logins and wishes at the music services: a part of the worker's settings and the ``music`` command's.

Nothing here is required; what is missing is left out of searches and feeds, and is said where it matters.
`ServiceSettings.services` says it in the library's own words.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings

from music_workflow.core.link_text import segments_of, split
from music_workflow.core.ports import SoundCloudCredentials, SpotifyCredentials
from music_workflow.errors import BadLink


def _profile(value: str) -> str:
    """The name in a profile's address, from the name or the address."""
    text = value.strip().removeprefix("@").strip("/")
    if "/" not in text and "." not in text:
        return text
    try:
        segments = segments_of(split(text if "://" in text else f"https://{text}"))
    except BadLink as error:
        raise ValueError(str(error)) from error
    if not segments:
        raise ValueError(f"{value!r} names no profile; give the name in https://soundcloud.com/name")
    return segments[0]


class ServiceSettings(BaseSettings):
    """Spotify, SoundCloud, and how much of their lists is taken up at once."""

    spotify_client_id: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("SPOTIFY_CLIENT_ID", "SPOTIPY_CLIENT_ID"),
        description=(
            "Optional. Your own Spotify app: says which track a Spotify link means, so that a source can be found, and"
            " reads albums."
        ),
    )
    spotify_client_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("SPOTIFY_CLIENT_SECRET", "SPOTIPY_CLIENT_SECRET"),
        description="Optional. The app's secret.",
    )
    spotify_refresh_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("SPOTIFY_REFRESH_TOKEN"),
        description=(
            "Optional. Your own login, for your playlists, your likes and what you are playing; `music spotify-login`"
            " gets one. Not needed to look up tracks."
        ),
    )
    soundcloud_profile: Annotated[str, AfterValidator(_profile)] = Field(
        default="",
        validation_alias=AliasChoices("SOUNDCLOUD_PROFILE"),
        description="Optional. Whose SoundCloud likes are followed: the name in soundcloud.com/NAME, or that link.",
    )
    soundcloud_client_id: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("SOUNDCLOUD_CLIENT_ID", "SC_CLIENT_ID"),
        description="Optional. Your own SoundCloud app: its API is asked in place of SoundCloud's pages.",
    )
    soundcloud_client_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("SOUNDCLOUD_CLIENT_SECRET", "SC_CLIENT_SECRET"),
        description="Optional. That app's secret.",
    )
    likes_at_first: int = Field(
        default=20,
        ge=0,
        le=200,
        validation_alias=AliasChoices("LIKES_AT_FIRST"),
        description="Optional. How many of the newest likes are taken up when they are followed for the first time.",
    )
    list_most: int = Field(
        default=2000,
        gt=0,
        validation_alias=AliasChoices("LIST_MOST"),
        description="Optional. How many tracks of one playlist are read at most.",
    )
    backlog_batch: int = Field(
        default=25,
        gt=0,
        le=500,
        validation_alias=AliasChoices("BACKLOG_BATCH"),
        description="Optional. How many Music Tracks rows one Sync backlog files tasks for.",
    )

    def services(self) -> dict[str, Any]:
        """The arguments of `LibrarySettings` that these settings decide."""
        return {
            "spotify": self._spotify(),
            "soundcloud": self._soundcloud(),
            "soundcloud_profile": self.soundcloud_profile,
            "likes_at_first": self.likes_at_first,
            "list_most": self.list_most,
            "backlog_batch": self.backlog_batch,
        }

    def _spotify(self) -> SpotifyCredentials | None:
        app, secret, refresh = (
            each.get_secret_value()
            for each in (self.spotify_client_id, self.spotify_client_secret, self.spotify_refresh_token)
        )
        if not app or not secret:
            return None
        return SpotifyCredentials(client_id=app, client_secret=secret, refresh_token=refresh or None)

    def _soundcloud(self) -> SoundCloudCredentials | None:
        app, secret = (
            each.get_secret_value() for each in (self.soundcloud_client_id, self.soundcloud_client_secret)
        )
        return SoundCloudCredentials(client_id=app, client_secret=secret) if app and secret else None
