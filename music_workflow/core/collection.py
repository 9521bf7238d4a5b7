"""The whole collection as its users see it: all music folders, their index, and the duplicates in them.

The library (`core.library`) files tracks; this looks at everything that stands on the volumes, Segue's own or not. A
frozen, picklable value; every method opens what it needs. Whatever moves a file takes the library's lock. Called by
the handlers and the ``music`` command.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from music_workflow.core import owned
from music_workflow.core.library import Library
from music_workflow.deduplication.results import Applied, Proposal, Purged, Undone
from music_workflow.errors import NotReady
from music_workflow.index import lookup, roots
from music_workflow.index.export import write_export
from music_workflow.index.report import Coverage, FoundFile, HearReport, ScanReport
from music_workflow.index.volume import open_index
from music_workflow.model import Identity, Progress, silent

if TYPE_CHECKING:
    from music_workflow.deduplication.plans import Plan
    from music_workflow.deduplication.references import References

DEFAULT_BATCH = 100
"""Files set aside at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the index knows."""

    roots: tuple[RootStatus, ...]
    tracks: int
    """Filed by Segue."""
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class RootStatus:
    """What the index knows of one folder."""

    path: str
    mounted: bool
    scanned_at: str
    files: int
    heard: int


@dataclass(frozen=True, slots=True)
class Collection:
    """All music folders: OUT_DIR and MUSIC_DIRECTORY_PATHS."""

    library: Library

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders, those within others left out."""
        settings = self.library.settings
        return tuple(roots.outermost((settings.out_dir, *settings.music_folders)))

    def scan(self, *, accept_loss: bool = False) -> list[ScanReport]:
        """Bring the index and its export up to date.

        Args:
            accept_loss: Forget what is gone even where it is more than half of a folder's files.

        Raises:
            NotReady: In none of the folders is any music, and none is known: nothing is mounted, or the settings are
                wrong. The index stays as it is.
            Unavailable: Another process holds the library's lock.
        """
        reports = self.library.scan(self.roots, accept_loss=accept_loss)
        if not any(report.state in {"scanned", "shrunk"} for report in reports):
            raise NotReady(_nothing_found(reports), service="disk", operation="scan")
        return reports

    def scan_and_forget(self) -> list[ScanReport]:
        """Scan, and forget what is gone even where it is more than half; once a person has said that this is right."""
        return self.scan(accept_loss=True)

    def hear(self, seconds: float = math.inf, progress: Progress = silent) -> HearReport:
        """Hash and fingerprint what was not yet, for so many seconds at most; it can be stopped anywhere."""
        from music_workflow.index.hearing import hear_all  # noqa: PLC0415 - loads FFmpeg's libraries

        with open_index(self.library.settings.data_dir) as index:
            return hear_all(index, seconds=seconds, progress=progress)

    def status(self) -> Status:
        """Say what the index knows, without looking at any volume."""
        with open_index(self.library.settings.data_dir) as index:
            rows = index.connection.execute(
                "SELECT roots.path, mounted, scanned_at, count(files.path), count(audio.path) FROM roots "
                "LEFT JOIN files ON files.root = roots.path LEFT JOIN audio ON audio.path = files.path "
                "GROUP BY roots.path ORDER BY roots.path"
            )
            known = tuple(
                RootStatus(path=path, mounted=bool(mounted), scanned_at=at, files=files, heard=heard)
                for path, mounted, at, files, heard in rows
            )
            return Status(roots=known, tracks=len(index), coverage=lookup.coverage(index))

    def export(self) -> str:
        """Write the index's JSON export anew, and return its path.

        Raises:
            NotReady: It cannot be written.
        """
        settings = self.library.settings
        with open_index(settings.data_dir) as index:
            write_export(index, settings.index_export_path)
        return settings.index_export_path

    def find(self, text: str) -> list[FoundFile]:
        """Find files by a source's key or link, an ISRC, or a part of a path."""
        with open_index(self.library.settings.data_dir) as index:
            return lookup.find(index, text)

    def owned(self, identity: Identity) -> FoundFile | None:
        """Find a file that certainly is this track, stands and is whole: by its source, else by ISRC and length.

        The first two rungs of the ladder; a fingerprint or a name is no certainty.
        """
        with open_index(self.library.settings.data_dir) as index:
            return owned.find(index, identity)

    def plan_duplicates(self, progress: Progress = silent) -> Plan:
        """Find duplicates and keep the plan to set them aside; nothing is moved.

        Raises:
            NotReady: A file cannot be read, or the plan cannot be kept.
        """
        from music_workflow.deduplication import planning, plans  # noqa: PLC0415 - loads numpy

        with open_index(self.library.settings.data_dir) as index:
            plan = planning.make(index, self._references(), progress)
        plans.save(plan, self.library.settings.data_dir)
        return plan

    def propose(self, progress: Progress = silent) -> Proposal:
        """Find duplicates, keep the plan, word it and draw its first pairs, for somebody who has to approve it.

        Raises:
            NotReady: A file cannot be read, or the plan cannot be kept.
        """
        from music_workflow.deduplication import proposal  # noqa: PLC0415 - loads numpy and FFmpeg's libraries

        plan = self.plan_duplicates(progress)
        return proposal.propose(plan, self.library.settings.data_dir, progress)

    def plan(self, digits: str) -> Plan:
        """Read a plan made before, by the first twelve or more digits of its hash.

        Raises:
            BadLink: There is none, or it is not what it was.
        """
        from music_workflow.deduplication import plans  # noqa: PLC0415 - loads numpy

        return plans.load(self.library.settings.data_dir, digits)

    def begun(self) -> tuple[str, ...]:
        """The hashes of plans that were carried out in part and have files left to do."""
        if not Path(self.library.settings.data_dir, "duplicates").is_dir():
            return ()
        from music_workflow.deduplication import setting_aside  # noqa: PLC0415 - loads numpy

        return setting_aside.begun(self.library.settings.data_dir)

    def set_aside(self, plan_hash: str, batch: int = DEFAULT_BATCH) -> Applied:
        """Carry the next batch of an approved plan out.

        Args:
            plan_hash: What was approved.
            batch: How many files at most.

        Raises:
            BadLink: There is no such plan, or it is not what it was.
            NotReady: A disk is full or cannot be written.
            Unavailable: Another process holds the library's lock.
        """
        from music_workflow.deduplication import setting_aside  # noqa: PLC0415 - loads numpy

        settings = self.library.settings
        with self.library.lock(), open_index(settings.data_dir) as index:
            plan = self.plan(plan_hash)
            done = setting_aside.apply(plan, index, self._references(), settings.data_dir, batch)
            write_export(index, settings.index_export_path)
        return done

    def undo(self, plan_hash: str) -> Undone:
        """Put back what a plan set aside, exactly as it was, or say what stands in the way.

        Raises:
            BadLink: There is no such plan.
            NotReady: A disk cannot be written.
            Unavailable: Another process holds the library's lock.
        """
        from music_workflow.deduplication import setting_aside  # noqa: PLC0415 - loads numpy
        from music_workflow.index.scan import scan_all  # noqa: PLC0415 - loads mutagen

        settings = self.library.settings
        with self.library.lock(), open_index(settings.data_dir) as index:
            undone = setting_aside.undo(index, settings.data_dir, self.plan(plan_hash).hash)
            scan_all(index, self.roots)
            write_export(index, settings.index_export_path)
        return undone

    def purge(self, plan_hash: str) -> Purged:
        """Delete what a plan set aside, for good, where the kept files still stand.

        Raises:
            BadLink: There is no such plan.
            Unavailable: Another process holds the library's lock.
        """
        from music_workflow.deduplication import setting_aside  # noqa: PLC0415 - loads numpy

        with self.library.lock():
            return setting_aside.purge(self.library.settings.data_dir, self.plan(plan_hash).hash)

    def _references(self) -> References:
        from music_workflow.deduplication import references  # noqa: PLC0415 - only the search for duplicates needs it

        settings = self.library.settings
        own = (settings.playlist_dir,) if settings.playlist_dir else ()
        return references.gather(settings.dj_libraries, (*settings.protected_folders, *own), self.roots)


def _nothing_found(reports: list[ScanReport]) -> str:
    words = {"missing": "is not there or empty", "unreadable": "cannot be read", "empty": "holds no music"}
    said = "; ".join(f"{report.root} {words[report.state]}" for report in reports)
    kept = sum(report.total for report in reports)
    return f"No music was found: {said}. Mount the volumes, or correct OUT_DIR and MUSIC_DIRECTORY_PATHS." + (
        f" All {kept:,} entries are kept." if kept else ""
    )
