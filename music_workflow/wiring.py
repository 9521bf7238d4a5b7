"""The only file that picks the music library's concrete adapters."""

from __future__ import annotations

from dataclasses import replace

from music_workflow.core.ports import LibrarySettings, Source


def sources(settings: LibrarySettings) -> tuple[Source, ...]:
    """Build the places that tracks come from, in the order they are asked."""
    from music_workflow.integrations.files import DirectFiles  # noqa: PLC0415 - loads httpx
    from music_workflow.integrations.guards import Guard  # noqa: PLC0415
    from music_workflow.integrations.ytdlp import YtDlp  # noqa: PLC0415 - loads yt-dlp

    guard = Guard(allow_private=settings.allow_private_addresses, gateway=settings.service_base)
    listed = replace(guard, allowed_hosts=settings.allowed_hosts)
    return (DirectFiles(settings, listed), YtDlp(settings, guard))
