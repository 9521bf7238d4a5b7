"""The plan to set duplicates aside: which file is kept, which are moved, the proof of each, and one hash over it all.

An approval names the hash; a plan that differs in one file, proof or figure has another. Kept as JSON below the data
folder, so that what was approved is what is carried out. Called by `core.collection` and `setting_aside`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from music_workflow.core.organize import disk_error, flush_folder
from music_workflow.deduplication.proving import Rung
from music_workflow.errors import BadLink

FORMAT = "segue-duplicates-plan"
VERSION = 1
SHOWN_DIGITS = 12
"""Of a hash, where people read it; as many are enough to approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file that stays."""

    path: str
    size: int
    sha256: str
    quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A file to be set aside."""

    path: str
    root: str
    """The collection's folder in which it stands; the quarantine is there."""
    size: int
    mtime_ns: int
    sha256: str
    quality: str
    against: str
    """The kept file that it was proven against."""
    rung: Rung
    says: tuple[str, ...]
    """The proof in sentences, with its figures."""
    why: str
    """What the kept one has over it."""
    track: str | None = None
    """Key of the track that Segue filed and that this file is part of; its files are moved all or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file that is a duplicate, or nearly, and stays all the same."""

    path: str
    against: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGroup:
    """Copies of one recording."""

    name: str
    kept: tuple[KeptFile, ...]
    kept_track: str | None
    """Key of the track that the kept files are, when Segue filed it."""
    moves: tuple[Move, ...]
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is proposed."""

    groups: tuple[PlannedGroup, ...]
    files: int
    """Looked at."""
    coverage: float
    """Share of them that were heard, 0..1."""
    by_sound: bool
    """Whether fingerprints and names were used; not below the least coverage."""
    libraries: tuple[str, ...]
    """Other programs' libraries that were read."""
    sealed: tuple[str, ...]
    """Those that could not be read, and why."""

    @property
    def hash(self) -> str:
        """SHA-256 over what would be done and why, in hex; what was merely looked at does not count."""
        content = json.dumps([asdict(group) for group in self.groups], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def moves(self) -> tuple[Move, ...]:
        """All files that would be set aside, in order."""
        return tuple(move for group in self.groups for move in group.moves)

    @property
    def freed(self) -> int:
        """Bytes that a purge would free."""
        return sum(move.size for move in self.moves)


def save(plan: Plan, data_dir: str | Path) -> Path:
    """Keep a plan; the same plan is kept once.

    Raises:
        NotReady: The data folder cannot be written.
    """
    content = {"format": FORMAT, "version": VERSION, "hash": plan.hash, **asdict(plan)}
    path = folder(data_dir, plan.hash) / "plan.json"
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=1))
    return path


def load(data_dir: str | Path, digits: str) -> Plan:
    """Read the plan whose hash begins with these digits.

    Raises:
        BadLink: There is none, more than one, or it is not what was approved any more.
    """
    if len(digits) < SHOWN_DIGITS:
        raise _bad(f"A plan is named by at least {SHOWN_DIGITS} digits of its hash; these are {len(digits)}.")
    path = folder(data_dir, digits) / "plan.json"
    if not path.is_file():
        raise _bad(f"There is no plan {digits[:SHOWN_DIGITS]}. Make one anew and approve that.")
    plan = decode(json.loads(path.read_text(encoding="utf-8", errors="surrogateescape")))
    if not plan.hash.startswith(digits):
        raise _bad(
            f"Plan {digits[:SHOWN_DIGITS]} was changed since it was made. Make one anew and approve that."
        )
    return plan


def folder(data_dir: str | Path, plan_hash: str) -> Path:
    """Where a plan and the manifests of carrying it out are kept."""
    return Path(data_dir, "duplicates", plan_hash[:SHOWN_DIGITS])


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one; on return it is on the disk.

    Raises:
        NotReady: The place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise disk_error(error, path.parent) from error


def decode(content: Mapping[str, Any]) -> Plan:
    """Make a plan of its JSON.

    Raises:
        BadLink: It is no plan of this version.
    """
    if (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise _bad(f"This is no {FORMAT} of version {VERSION}.")
    return Plan(
        groups=tuple(_group(each) for each in content["groups"]),
        files=content["files"],
        coverage=content["coverage"],
        by_sound=content["by_sound"],
        libraries=tuple(content["libraries"]),
        sealed=tuple(content["sealed"]),
    )


def _group(content: Mapping[str, Any]) -> PlannedGroup:
    return PlannedGroup(
        name=content["name"],
        kept=tuple(KeptFile(**each) for each in content["kept"]),
        kept_track=content["kept_track"],
        moves=tuple(Move(**{**each, "says": tuple(each["says"])}) for each in content["moves"]),
        left=tuple(Left(**each) for each in content["left"]),
    )


def _bad(message: str) -> BadLink:
    return BadLink(message, service="library", operation="read plan")
