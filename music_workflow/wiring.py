"""The only file that picks the music library's concrete adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from music_workflow.core.eagle import Desk
from music_workflow.core.listing import Likes, Lister, Player
from music_workflow.core.ports import Catalogue, Finder, LibrarySettings, Source
from music_workflow.integrations.guards import Guard

if TYPE_CHECKING:
    from music_workflow.integrations.soundcloud_api import SoundCloudApi  # imported where it is used


def sources(settings: LibrarySettings) -> tuple[Source, ...]:
    """Build the places that tracks come from, in the order they are asked."""
    from music_workflow.integrations.files import DirectFiles  # noqa: PLC0415 - loads httpx
    from music_workflow.integrations.ytdlp import YtDlp  # noqa: PLC0415 - loads yt-dlp

    guard = _guard(settings)
    listed = replace(guard, allowed_hosts=settings.allowed_hosts)
    pages = YtDlp(settings, guard)
    if (app := _soundcloud_app(settings)) is None:
        return (DirectFiles(settings, listed), pages)
    from music_workflow.integrations.soundcloud_api import SoundCloudSource  # noqa: PLC0415 - only with an app

    return (DirectFiles(settings, listed), SoundCloudSource(app, pages), pages)


def short_links(settings: LibrarySettings) -> Callable[[str], str]:
    """Build what follows short links."""
    from music_workflow.integrations.transport import follow_short_link  # noqa: PLC0415 - loads httpx

    return partial(follow_short_link, guard=_guard(settings), timeout_s=settings.timeout_s)


def finders(settings: LibrarySettings) -> tuple[Finder, ...]:
    """Build the places that are searched for another source of a track, in the order they are asked."""
    from music_workflow.integrations.soundcloud import SoundCloudSearch  # noqa: PLC0415 - loads yt-dlp
    from music_workflow.integrations.ytmusic import YouTubeMusicSearch, YouTubeSearch  # noqa: PLC0415 - the same

    guard = _guard(settings)
    return (
        _soundcloud_app(settings) or SoundCloudSearch(settings, guard),
        YouTubeMusicSearch(settings, guard),
        YouTubeSearch(settings, guard),
    )


def catalogues(settings: LibrarySettings) -> tuple[Catalogue, ...]:
    """Build what knows the meaning of links whose audio is closed; Spotify only with credentials."""
    from music_workflow.integrations.soundcloud import SoundCloudCatalogue  # noqa: PLC0415 - loads yt-dlp
    from music_workflow.integrations.spotify import SpotifyCatalogue  # noqa: PLC0415 - loads httpx

    guard = _guard(settings)
    soundcloud = _soundcloud_app(settings) or SoundCloudCatalogue(settings, guard)
    if settings.spotify is None:
        return (soundcloud,)
    return (SpotifyCatalogue(settings, guard, settings.spotify), soundcloud)


def listers(settings: LibrarySettings) -> tuple[Lister, ...]:
    """Build what reads playlists, albums and likes; the first that takes a link reads it."""
    from music_workflow.integrations.page_lists import PageLists  # noqa: PLC0415 - loads yt-dlp
    from music_workflow.integrations.spotify import SpotifyCatalogue  # noqa: PLC0415 - loads spotipy

    guard = _guard(settings)
    spotify = (SpotifyCatalogue(settings, guard, settings.spotify),) if settings.spotify else ()
    app = _soundcloud_app(settings)
    return (*spotify, *((app,) if app else ()), PageLists(settings, guard))


def likes(settings: LibrarySettings) -> tuple[Likes, ...]:
    """Build the likes that are followed: those that the settings name, SoundCloud's first."""
    from music_workflow.integrations.page_lists import SoundCloudPageLikes  # noqa: PLC0415 - loads yt-dlp
    from music_workflow.integrations.spotify import SpotifyCatalogue  # noqa: PLC0415 - loads spotipy

    guard = _guard(settings)
    found: list[Likes] = []
    if settings.soundcloud_profile:
        app = _soundcloud_app(settings)
        name = f"SoundCloud likes of {settings.soundcloud_profile}"  # what was seen is remembered by it
        pages = SoundCloudPageLikes(settings, guard, settings.soundcloud_profile, name)
        found.append(replace(app, name=name) if app else pages)
    if settings.spotify and settings.spotify.refresh_token:
        found.append(SpotifyCatalogue(settings, guard, settings.spotify, name="Spotify likes"))
    return tuple(found)


def players(settings: LibrarySettings) -> tuple[Player, ...]:
    """Build what tells which track plays now; none without the user's own login at Spotify."""
    from music_workflow.integrations.spotify import SpotifyCatalogue  # noqa: PLC0415 - loads spotipy

    if settings.spotify is None or not settings.spotify.refresh_token:
        return ()
    return (SpotifyCatalogue(settings, _guard(settings), settings.spotify, name="Spotify player"),)


@contextmanager
def eagle(settings: LibrarySettings) -> Iterator[Desk | None]:
    """Open a conversation with Eagle; None without settings for it."""
    if settings.eagle is None:
        yield None
        return
    from music_workflow.integrations.eagle import Eagle  # noqa: PLC0415 - loads httpx

    with Eagle(settings.eagle) as app:
        yield Desk(app, settings.eagle, settings.data_dir)


def _soundcloud_app(settings: LibrarySettings) -> SoundCloudApi | None:
    if settings.soundcloud is None:
        return None
    from music_workflow.integrations.soundcloud_api import SoundCloudApi  # noqa: PLC0415 - only with an app

    return SoundCloudApi(settings, _guard(settings), settings.soundcloud, settings.soundcloud_profile)


def _guard(settings: LibrarySettings) -> Guard:
    return Guard(allow_private=settings.allow_private_addresses, gateway=settings.service_base)
