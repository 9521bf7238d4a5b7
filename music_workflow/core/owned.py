"""Music that the user has already, somewhere on the volumes: what a sync takes instead of downloading it once more.

Only the certain rungs of the ladder count: the same source, or the same ISRC and length, with version words that agree.
Files of tracks that Segue filed are not meant here; those are twins, settled by `core.library`. Called by
`core.library` and `core.collection`; it changes no file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from music_workflow.core.links import Link
from music_workflow.core.ports import Download
from music_workflow.errors import BadLink, NotReady
from music_workflow.index import lookup
from music_workflow.index.report import FoundFile
from music_workflow.index.volume import VolumeIndex
from music_workflow.model import Identity, Progress

FORMAT_ID = "own file"


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the user's as the source of a track; it is copied, never moved or changed."""

    path: str

    def takes(self, link: Link) -> bool:  # noqa: ARG002 - the port's signature: it was chosen for this track
        """Whatever link led to it."""
        return True

    def identify(self, link: Link) -> Identity | None:  # noqa: ARG002 - the port's signature
        """Nothing: the track was identified before the file was found."""
        return None

    def fetch(self, identity: Identity, work_dir: str, progress: Progress) -> Download:  # noqa: ARG002 - the same
        """Copy it into the work folder.

        Raises:
            NotReady: It cannot be read any more, or the disk is full.
        """
        target = Path(work_dir, "download").with_suffix(Path(self.path).suffix.lower())
        try:
            shutil.copyfile(self.path, target)
        except OSError as error:
            message = f"{self.path} is yours already, but it cannot be copied ({error.strerror})."
            raise NotReady(message, service="disk", operation="copy") from error
        progress(1.0, "taken from your own files")
        return Download(path=str(target), format_id=FORMAT_ID)


def find(index: VolumeIndex, identity: Identity) -> FoundFile | None:
    """Find a file that certainly is this track, stands, and can be decoded to its end."""
    for file in _candidates(index, identity):
        if _stands(file) and index.owner(file.path) is None and _proven(file, identity) and _sound(file.path):
            return file
    return None


def _candidates(index: VolumeIndex, identity: Identity) -> Iterator[FoundFile]:
    yield from lookup.by_source(index, identity.key, identity.url)
    if identity.isrc and identity.duration_s:
        yield from lookup.by_isrc(index, identity.isrc, identity.duration_s)


def _stands(file: FoundFile) -> bool:
    path = Path(file.path)
    return file.mounted and path.is_file() and path.stat().st_size == file.size


def _proven(file: FoundFile, identity: Identity) -> bool:
    """Whether the ladder proves it, as it would between two files."""
    from music_workflow.deduplication.copies import Copy  # noqa: PLC0415 - loads numpy
    from music_workflow.deduplication.proving import prove  # noqa: PLC0415 - the same

    source = file.by in {"key", "link"}
    theirs = Copy(
        path=file.path,
        unit="file",
        size=file.size,
        mtime_ns=0,
        title=file.title,
        artist=file.artist,
        isrc=file.isrc,
        key=identity.key if source else None,
        duration_s=file.duration_s,
    )
    wanted = Copy(
        path=f"{identity.title}{Path(file.path).suffix}",
        unit="wanted",
        size=0,
        mtime_ns=0,
        title=identity.title,
        artist=", ".join(identity.artists),
        isrc=identity.isrc,
        key=identity.key,
        duration_s=identity.duration_s,
    )
    return theirs.version == wanted.version and prove(theirs, wanted, by_sound=False) is not None


def _sound(path: str) -> bool:
    from music_workflow.core import process  # noqa: PLC0415 - loads FFmpeg's libraries

    try:
        process.decode_check(path)
    except BadLink:
        return False  # damaged or cut short: the download is better
    return True
