"""The only file that picks the music library's concrete adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from music_workflow.core.ports import Catalogue, Finder, LibrarySettings, Source
from music_workflow.integrations.guards import Guard


def sources(settings: LibrarySettings) -> tuple[Source, ...]:
    """Build the places that tracks come from, in the order they are asked."""
    from music_workflow.integrations.files import DirectFiles  # noqa: PLC0415 - loads httpx
    from music_workflow.integrations.ytdlp import YtDlp  # noqa: PLC0415 - loads yt-dlp

    guard = _guard(settings)
    listed = replace(guard, allowed_hosts=settings.allowed_hosts)
    return (DirectFiles(settings, listed), YtDlp(settings, guard))


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
        SoundCloudSearch(settings, guard),
        YouTubeMusicSearch(settings, guard),
        YouTubeSearch(settings, guard),
    )


def catalogues(settings: LibrarySettings) -> tuple[Catalogue, ...]:
    """Build what knows the meaning of links whose audio is closed; Spotify only with credentials."""
    from music_workflow.integrations.soundcloud import SoundCloudCatalogue  # noqa: PLC0415 - loads yt-dlp
    from music_workflow.integrations.spotify import SpotifyCatalogue  # noqa: PLC0415 - loads httpx

    guard = _guard(settings)
    soundcloud = SoundCloudCatalogue(settings, guard)
    if settings.spotify is None:
        return (soundcloud,)
    return (SpotifyCatalogue(settings, guard, settings.spotify), soundcloud)


def _guard(settings: LibrarySettings) -> Guard:
    return Guard(allow_private=settings.allow_private_addresses, gateway=settings.service_base)
