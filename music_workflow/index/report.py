"""What looking through the volumes has to say; apart from the scan, which loads the readers of every tag format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RootState = Literal["scanned", "missing", "empty", "unreadable", "shrunk"]
"""What became of a folder: looked through; not there, or an empty place where files are known; there, with no music
and none known; there, and not to be read; or looked through, with so much missing that nothing was forgotten."""

By = Literal["key", "link", "ISRC", "path"]
"""What a file was found by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a scan of one root found."""

    root: str
    state: RootState = "scanned"
    total: int
    """Files known under the root afterwards."""
    before: int = 0
    """Files known under the root before."""
    added: int = 0
    changed: int = 0
    moved: int = 0
    """Found again under another path: by inode, size and time, or by size and hash."""
    gone: int = 0
    """No longer there. Forgotten, unless the state is ``shrunk``."""
    unreadable: int = 0
    """Without tags that could be read."""
    closed: tuple[str, ...] = ()
    """Folders below it that could not be read, and names that are no text; what is known there is kept."""
    renamed_from: str | None = None
    """Where the same volume stood before."""

    @property
    def mounted(self) -> bool:
        """Whether the folder was there to be looked through."""
        return self.state not in {"missing", "unreadable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many of the files on mounted volumes were heard: hashed and fingerprinted."""

    files: int
    heard: int
    """Hashed; those that hold no sound are among them."""
    fingerprinted: int
    """Heard, and long enough for a fingerprint or known to be too short for one."""

    @property
    def share(self) -> float:
        """Of all files, 0..1; 1 where there are none."""
        return self.fingerprinted / self.files if self.files else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HearReport:
    """What one round of hashing and fingerprinting did."""

    heard: int
    troubled: int
    """Among them, those that hold no sound that can be decoded."""
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file of the volumes that a look-up found."""

    path: str
    by: By
    """What it was found by."""
    size: int
    mounted: bool
    """False: its volume was not there at the last scan, and the entry is from before."""
    title: str | None
    artist: str | None
    isrc: str | None
    duration_s: float | None
