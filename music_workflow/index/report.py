"""What a scan has to say; apart from the scan itself, which loads the readers of every tag format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a scan of one root found."""

    root: str
    mounted: bool
    total: int
    """Files known under the root afterwards."""
    added: int = 0
    changed: int = 0
    moved: int = 0
    """Found again under another path, by inode, size and time."""
    gone: int = 0
    unreadable: int = 0
    """Entered without tags, because those could not be read."""
