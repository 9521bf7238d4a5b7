"""Clears away what Segue made for itself and no longer needs: work files, run logs, engine records, trigger files.

Only names that Segue itself gives are touched, only after they have lain untouched for long, and never those of a row
that runs. Music is never among them: no finished file, whatever its name, and nothing through a link. Trigger files
are other people's too: they are moved to an archive folder, never deleted. The task type *Clean up* calls it.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from agent import records
from agent.engine import Engine
from agent.report import RowRef
from agent.runner import REPORT, RUN
from handlers.base import Swept

_DAY_S = 86_400
_PAGE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RUN_LOG = re.compile(r"\d+(?:\.\d+)?\.log")
# What `music_workflow` writes beside a file of the library before it takes the file's place.
_BESIDE = re.compile(r"\.\d+-tags-.+\.(?:m4a|wav|aiff)|\..+\.(?:m4a|wav|aiff)\.part")
_TRIGGER = re.compile(r".+\.(?:json|md)")
# A handoff of Segue's own that nobody took is `trigger_files`' to list or to issue anew: its name holds the page's id.
_OWN_HANDOFF = re.compile(r"__[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?:-\d{1,6})?(?=[._]|$)")
_INBOX = "01_inbox"
_BOXES = (_INBOX, "02_processed", "03_failed", "04_stale")
ARCHIVE = "05_archive"


class HouseKeeping:
    """What there is to clear away, on this machine.

    Args:
        data_dir: the worker's own folder.
        out_dir: the library; only left-over temporary names of Segue's in it are looked at.
        triggers_dir: the folder of trigger files, where it is set.
        engine: whose records are cleared, and who knows which rows run.
        days: how old files must be.
        record_days: how old the engine's records must be.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        out_dir: Path,
        triggers_dir: Path | None,
        engine: Engine,
        days: int,
        record_days: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._data_dir = data_dir
        self._out_dir = out_dir
        self._triggers_dir = triggers_dir
        self._engine = engine
        self._days = days
        self._record_days = record_days
        self._clock = clock

    def work_files(self, *, dry_run: bool) -> Swept:
        """Work folders of rows that do not run, and temporary files that a crash left in the library."""
        busy = self._busy()
        folders = [
            folder
            for folder in _folders(self._data_dir / "work")
            if folder.name not in busy and self._is_old(folder, *folder.rglob("*"))
        ]
        left = [
            file
            for file in _files(self._out_dir.rglob(".*"))
            if _BESIDE.fullmatch(file.name) and self._is_old(file)
        ]
        files = [*left, *(file for folder in folders for file in _files(folder.rglob("*")))]
        swept = Swept(count=len(files), bytes=sum(file.lstat().st_size for file in files))
        if not dry_run:
            for file in left:
                file.unlink(missing_ok=True)
            for folder in folders:
                shutil.rmtree(folder)
        return swept

    def run_logs(self, *, dry_run: bool) -> Swept:
        """The logs of old attempts; their rows' pages keep what was written there."""
        busy = self._busy()
        folders = [folder for folder in _folders(self._data_dir / "runs") if folder.name not in busy]
        old = [
            file
            for folder in folders
            for file in _files(folder.iterdir())
            if _RUN_LOG.fullmatch(file.name) and self._is_old(file)
        ]
        swept = Swept(count=len(old), bytes=sum(file.lstat().st_size for file in old))
        if not dry_run:
            for file in old:
                file.unlink(missing_ok=True)
            for folder in folders:
                if not any(folder.iterdir()):
                    folder.rmdir()
        return swept

    def trigger_files(self, *, dry_run: bool) -> Swept:
        """Old trigger files, moved to the agent's archive folder; Segue's own in inboxes stay where they are."""
        if self._triggers_dir is None:
            return Swept(count=0, bytes=0, note="AGENT_TRIGGERS_DIR is not set")
        old = [
            file
            for agent in sorted(self._triggers_dir.iterdir())
            for box in _BOXES
            if (agent / box).is_dir() and not (agent / box).is_symlink()
            for file in _files((agent / box).iterdir())
            if _TRIGGER.fullmatch(file.name) and not file.name.startswith(".") and self._is_old(file)
            if box != _INBOX or not _OWN_HANDOFF.search(file.name)
        ]
        swept = Swept(count=len(old), bytes=sum(file.lstat().st_size for file in old))
        if not dry_run:
            for file in old:
                self._archive(file)
        return swept

    def engine_records(self, *, dry_run: bool) -> Swept:
        """What the engine remembers of runs that ended long ago."""
        if dry_run:
            return Swept(count=0, bytes=0, note="not counted in a dry run")
        return Swept(count=self._engine.forget(self._record_days * _DAY_S), bytes=0)

    def _busy(self) -> frozenset[str]:
        """Pages whose runs wait or run, or whose reports are not delivered yet."""
        refs = []
        for run in self._engine.live():
            if run.workflow == RUN:
                refs.append(records.load(run.payload, RowRef))
            elif run.workflow == REPORT:
                refs.append(records.load(run.payload["report"]["ref"], RowRef))
        return frozenset(ref.page_id for ref in refs)

    def _is_old(self, *paths: Path) -> bool:
        newest = max(path.lstat().st_mtime for path in paths)
        return newest < self._clock() - self._days * _DAY_S

    def _archive(self, file: Path) -> None:
        month = datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m")
        folder = file.parent.parent / ARCHIVE / month
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / file.name
        number = 1
        while target.exists():
            number += 1
            target = folder / f"{file.stem} ({number}){file.suffix}"
        shutil.move(file, target)


def _folders(parent: Path) -> list[Path]:
    """The folders named by a page's id, without links."""
    if not parent.is_dir():
        return []
    return [
        path
        for path in sorted(parent.iterdir())
        if _PAGE_ID.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    ]


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """The plain files, without links."""
    return (path for path in paths if path.is_file() and not path.is_symlink())
