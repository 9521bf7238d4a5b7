"""The folders by which agents outside Notion are told of work: files only, nothing of Notion, nothing decided.

Below one base folder each agent has its own, with the stages ``01_inbox``, ``02_processed`` and ``03_failed``. Folders
that differ only in how the agent's name is spelt ("Cursor-MM1", "CursorMM1-Agent-Trigger") are one agent's. Files are
written whole or not at all and never twice under one name; what an agent has written is read with care, and never
moved or changed. ``trigger_files`` is the only caller.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

_ENDINGS = ("agents", "agent", "triggers", "trigger", "folder", "gd")
_HANDOFF = re.compile(
    r"__([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})(?:-(\d{1,6}))?(?=[._]|$)"
)
_IDS = ("task_id", "agent_task_id", "page_id")
_LARGEST_FILE = 1_000_000
_STILL_WRITING_S = 10.0
_MOST_SAID = 300
_ENDED = frozenset({"completed", "complete", "done", "success", "succeeded", "failed", "failure", "error"})
_SAID = ("result", "summary", "message", "error", "reason", "execution_summary")


class Stage(IntEnum):
    """Where a file lies; the later stage tells more."""

    INBOX = 1
    PROCESSED = 2
    FAILED = 3

    @property
    def folder(self) -> str:
        """What it is called when Segue makes it."""
        return f"0{self.value}_{self.name.lower()}"


STALE_FOLDER = "04_stale"
"""Where Segue puts a file of its own that nobody took, when a new one is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A handoff's file as it was found."""

    page_id: str
    number: int
    stage: Stage
    path: Path
    said: str = ""
    """What the agent wrote into it about the outcome."""
    ended: bool = False
    """Whether its content says that the work has ended."""
    trouble: str = ""
    """Why its content could not be read; where it lies counts all the same."""


class AgentFolders:
    """All agents' folders below one base."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._foreign: dict[Path, tuple[float, str | None]] = {}

    def check(self) -> None:
        """Raises ``FileNotFoundError`` when the base is not there: it may be a volume that is not mounted."""
        if not self._base.is_dir():
            raise FileNotFoundError(f"AGENT_TRIGGERS_DIR {self._base} is not there, or no folder")

    def deliver(self, agent: str, name: str, content: Mapping[str, Any]) -> Path:
        """Puts a file into an agent's inbox, whole; one that is there under this name stays as it is."""
        home = self._home(agent)
        home.mkdir(exist_ok=True)
        there = dict(_stages(home))
        for stage in Stage:
            there.setdefault(stage, home / stage.folder).mkdir(exist_ok=True)
        inbox = there[Stage.INBOX]
        path = inbox / name
        draft = inbox / f".{name}.{os.getpid()}.tmp"
        try:
            with draft.open("w", encoding="utf-8") as file:
                json.dump(content, file, ensure_ascii=False, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            _publish(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        return path

    def retire(self, path: Path) -> bool:
        """Moves a file of ours that nobody took out of the inbox; False when somebody has taken it meanwhile."""
        folder = path.parent.parent / STALE_FOLDER
        folder.mkdir(exist_ok=True)
        try:
            path.rename(folder / path.name)
        except FileNotFoundError:
            return False
        return True

    def sightings(self, agent: str) -> Iterator[Sighting]:
        """Every handoff's file in the agent's folders, in every spelling of them."""
        for folder in self._spellings(agent):
            for stage, place in _stages(folder):
                for entry in os.scandir(place):
                    if entry.name.startswith(".") or not entry.is_file():
                        continue
                    if found := self._sighting(stage, Path(entry.path)):
                        yield found

    def read(self, seen: Sighting) -> Sighting | None:
        """The same with what its content says; None while it is still being written."""
        data, trouble = _content(seen.path)
        if trouble and time.time() - seen.path.stat().st_mtime < _STILL_WRITING_S:
            return None
        given = next((str(data[name]) for name in _IDS if data.get(name)), seen.page_id)
        if not trouble and _bare(given) != _bare(seen.page_id):
            trouble = f"it names another task, {given}"
        return Sighting(
            page_id=seen.page_id,
            number=seen.number,
            stage=seen.stage,
            path=seen.path,
            said="" if trouble else _said(data),
            ended=not trouble and str(data.get("status", "")).strip().lower() in _ENDED,
            trouble=trouble,
        )

    def _sighting(self, stage: Stage, path: Path) -> Sighting | None:
        if named := _HANDOFF.search(path.name.lower()):
            return Sighting(page_id=_dashed(named[1]), number=int(named[2] or 1), stage=stage, path=path)
        if stage is Stage.INBOX or path.suffix.lower() != ".json":
            return None
        page_id = self._named_inside(path)
        return Sighting(page_id=page_id, number=0, stage=stage, path=path) if page_id else None

    def _named_inside(self, path: Path) -> str | None:
        """The task that a renamed file names; read again only when it has changed."""
        changed = path.stat().st_mtime
        known = self._foreign.get(path)
        if known is None or known[0] != changed:
            data, _ = _content(path)
            given = _bare(next((str(data[name]) for name in _IDS if data.get(name)), ""))
            known = (changed, _dashed(given) if re.fullmatch(r"[0-9a-f]{32}", given) else None)
            self._foreign[path] = known
        return known[1]

    def _home(self, agent: str) -> Path:
        """The folder that files are written to: one that is there already, the plainest of several."""
        usual = folder_name(agent)
        there = self._spellings(agent)
        return min(
            there,
            key=lambda one: (one.name != usual, Stage.INBOX not in dict(_stages(one)), len(one.name)),
            default=self._base / usual,
        )

    def _spellings(self, agent: str) -> list[Path]:
        wanted = spelling(agent)
        return sorted(
            Path(entry.path)
            for entry in os.scandir(self._base)
            if entry.is_dir() and spelling(entry.name) == wanted
        )


def _publish(draft: Path, path: Path) -> None:
    """Gives a finished file its name, unless a file of that name is there."""
    try:
        # A link fails where a rename would replace: what lies there already may be in an agent's hands.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    except OSError:
        # A volume without links; only one worker at a time writes here.
        if not path.exists():
            draft.rename(path)


def spelling(name: str) -> str:
    """What is the same in all spellings of an agent's name."""
    core = re.sub(r"[\W_]+", "", name.casefold())
    while ending := next((one for one in _ENDINGS if core.endswith(one) and core != one), None):
        core = core.removesuffix(ending)
    return core


def folder_name(agent: str) -> str:
    """What an agent's folder is called when there is none yet."""
    return re.sub(r"[\W_]+", "-", agent).strip("-")


def file_name(*, made_at: time.struct_time, title: str, page_id: str, number: int) -> str:
    """A trigger file's name: when, what it is called, the whole page id, and a number from the second one on.

    The id is whole because pages made on one day share its first digits.
    """
    words = re.sub(r"[\W_]+", "-", title).strip("-")[:50].strip("-") or "task"
    again = f"-{number}" if number > 1 else ""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', made_at)}__HANDOFF__{words}__{_bare(page_id)}{again}.json"


def _stages(folder: Path) -> Iterator[tuple[Stage, Path]]:
    """The stages in an agent's folder, also "02-Processed" and its like."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            core = re.sub(r"[\W\d_]+", "", entry.name.casefold())
            if stage := next((stage for stage in Stage if core == stage.name.lower()), None):
                yield stage, Path(entry.path)


def _content(path: Path) -> tuple[dict[str, Any], str]:
    """A file's JSON object, or why there is none."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return {}, f"it is larger than {_LARGEST_FILE:,} bytes"
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return {}, f"it is not JSON ({error})"
    except OSError as error:
        return {}, f"it cannot be opened ({error.strerror})"
    return (data, "") if isinstance(data, dict) else ({}, "it holds no JSON object")


def _said(data: Mapping[str, Any]) -> str:
    for name in _SAID:
        given = data.get(name)
        if given:
            text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            flat = " ".join(text.split())
            return flat if len(flat) <= _MOST_SAID else f"{flat[: _MOST_SAID - 1]}…"
    return ""


def _bare(page_id: str) -> str:
    return page_id.replace("-", "").strip().lower()


def _dashed(page_id: str) -> str:
    digits = _bare(page_id)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
