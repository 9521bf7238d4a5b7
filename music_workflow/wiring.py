"""The only file that picks the music library's concrete adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from music_workflow.core.ports import LibrarySettings, Source
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


def _guard(settings: LibrarySettings) -> Guard:
    return Guard(allow_private=settings.allow_private_addresses, gateway=settings.service_base)
