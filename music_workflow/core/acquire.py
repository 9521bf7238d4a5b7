"""From a link to an untouched audio file in the work folder.

Knows the order in which sources are asked and what a complete download is; fetches nothing itself. Called by
`core.library`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from music_workflow.core.links import Link, host_allowed, parse_link
from music_workflow.core.ports import Download, LibrarySettings, Source, too_long
from music_workflow.errors import BadLink, NoMatch, Protected
from music_workflow.model import Identity, Progress, SourceFile

_SHORT_HOPS = 3
_SIDECAR = "source.json"
_PREVIEW_LENGTHS_S = (25.0, 35.0)
"""Services cut their samples to about half a minute."""
_SHORT_SHARE = 0.75
"""Of the stated duration; what measures less was cut."""


def identify(
    text: str, sources: Sequence[Source], follow: Callable[[str], str], settings: LibrarySettings
) -> Identity:
    """Say which track a link asks for.

    Args:
        text: The link as a person wrote it.
        sources: Asked in this order; the first that knows the link answers.
        follow: Says where a short link leads.
        settings: For the permitted hosts.

    Raises:
        MusicError: Why it is none that can be had.
    """
    link = parse_link(text)
    _check_permitted(link, settings)
    for _ in range(_SHORT_HOPS):
        if not link.short:
            break
        link = parse_link(follow(link.url))
        _check_permitted(link, settings)
    willing = [source for source in sources if source.takes(link)]
    for source in willing:
        identity = source.identify(link)
        if identity is not None:
            return identity
    raise NoMatch("There is no audio behind this link.", service="link", operation="identify")


def fetch(
    identity: Identity,
    sources: Sequence[Source],
    settings: LibrarySettings,
    work_dir: str,
    progress: Progress,
) -> SourceFile:
    """Download what `identity` names, or recognise that it stands complete in `work_dir` already.

    Returns:
        The file, measured.

    Raises:
        Protected: It turned out to be a preview.
        BadLink: It turned out to be too long, or no audio.
        MusicError: It could not be had.
    """
    folder = Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if (done := _complete(identity, folder)) is not None:
        progress(1.0, "already downloaded")
        return done
    source = _source_of(identity, sources)
    download = source.fetch(identity, work_dir, progress)
    found = _measure(download)
    _check_length(identity, found, settings)
    _write_sidecar(identity, found, folder)
    return found


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_permitted(link: Link, settings: LibrarySettings) -> None:
    host = link.url.split("/")[2].rpartition("@")[2].partition(":")[0]
    if not host_allowed(host, settings.allowed_hosts):
        raise BadLink(f"{host} is not on the list of permitted hosts.", service="link", operation="identify")


def _source_of(identity: Identity, sources: Sequence[Source]) -> Source:
    link = Link(identity.url, None if identity.service == "direct" else identity.service)
    for source in sources:
        if source.takes(link):
            return source
    raise NoMatch(
        f"No source takes {identity.service} links.", service=identity.service, operation="download"
    )


def _measure(download: Download) -> SourceFile:
    from music_workflow.core import process  # noqa: PLC0415 - loads FFmpeg's libraries

    probe = process.probe(download.path)
    return SourceFile(
        path=download.path,
        size=Path(download.path).stat().st_size,
        sha256=file_digest(download.path),
        duration_s=probe.duration_s,
        codec=probe.codec,
        format_id=download.format_id,
        artwork_path=download.artwork_path,
    )


def _check_length(identity: Identity, found: SourceFile, settings: LibrarySettings) -> None:
    words = {"service": identity.service, "operation": "download"}
    stated = identity.duration_s
    if stated is not None and found.duration_s < stated * _SHORT_SHARE:
        raise Protected(
            f"Only {found.duration_s:.0f} of {stated:.0f} seconds were served: a preview, not the track.",
            **words,
        )
    low, high = _PREVIEW_LENGTHS_S
    if "preview" in found.format_id and low <= found.duration_s <= high:
        raise Protected(f"{identity.service} served a preview of {found.duration_s:.0f} seconds.", **words)
    if found.duration_s > settings.max_duration_s:
        raise too_long(found.duration_s, settings.max_duration_s, identity.service)


def _complete(identity: Identity, folder: Path) -> SourceFile | None:
    try:
        noted = json.loads((folder / _SIDECAR).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if noted.get("identity") != identity.key:
        return None
    found = SourceFile(**noted["source"])
    path = Path(found.path)
    if not path.is_file() or path.stat().st_size != found.size or file_digest(path) != found.sha256:
        return None
    return found


def _write_sidecar(identity: Identity, found: SourceFile, folder: Path) -> None:
    temporary = folder / f"{_SIDECAR}.part"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump({"identity": identity.key, "source": asdict(found)}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / _SIDECAR)
