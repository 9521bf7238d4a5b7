"""Finds the earlier system's files below the folders that are named, and reads each as far as it can be understood.

A file that cannot be read is listed with the reason; none stops the others. Copies of one handoff in several folders
are one wish. Where a trigger file lies proves nothing about the work: agents moved files before they began.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from earlier_system import payloads
from earlier_system.indexes import read_index
from earlier_system.model import (
    DESCRIPTION,
    LINK,
    STATUS,
    TITLE,
    EarlierIndex,
    Findings,
    Home,
    Source,
    Stage,
    Wish,
)

_LARGEST_BYTES = 200_000_000
_DEEPEST = 12
_STAGES = (
    ("inbox", Stage.INBOX),
    ("processed", Stage.PROCESSED),
    ("failed", Stage.FAILED),
    ("archive", Stage.ARCHIVE),
)
_QUEUES: Mapping[str, Home] = {
    "agent_tasks": Home.TASKS,
    "issues_questions": Home.ISSUES,
    "issue_updates": Home.ISSUES,
    "agent_projects": Home.ELSEWHERE,
    "session_logs": Home.ELSEWHERE,
}
_SETTLED = re.compile(r"__(SUPERSEDED|STALE|ALREADY_FIXED|DUPLICATE)(?:_|\.|__|$)", re.IGNORECASE)
_TRIGGER_SIGNS = frozenset(
    (
        "task_id",
        "task_title",
        "handoff_id",
        "target_agent",
        "agent_name",
        "handoff_instructions",
        "return_handoff_id",
    )
)
_REPORTED = ("work_completed", "deliverables", "findings", "recommendations", "issues_found", "notes")
_TITLE_IN_NAME = re.compile(r"__(?:HANDOFF|RETURN|VALIDATION|INFO|BROADCAST|ESCALATION)__", re.IGNORECASE)


class NotThereError(Exception):
    """A path that was named is not there; an import of nothing would look like a finished one."""


def read(paths: Sequence[str | Path]) -> Findings:
    """Reads every file of the earlier system at or below ``paths``.

    Raises:
        NotThereError: one of them does not exist.
    """
    wishes: list[Wish] = []
    indexes: list[EarlierIndex] = []
    unread: list[tuple[str, str]] = []
    passed_over = 0
    for path in _files(paths):
        try:
            content = _content(path)
        except (OSError, ValueError, RecursionError) as error:
            unread.append((str(path), _reason(error)))
            continue
        if content is None:
            passed_over += 1
        elif isinstance(content, str):
            unread.append((str(path), content))
        elif (index := read_index(str(path), content)) is not None:
            indexes.append(index)
        elif (wish := _wish(path, content)) is not None:
            wishes.append(wish)
        else:
            passed_over += 1
    return Findings(
        wishes=tuple(_together(wishes)), indexes=tuple(indexes), unread=tuple(unread), passed_over=passed_over
    )


def _files(paths: Sequence[str | Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for given in paths:
        start = Path(given).expanduser().absolute()
        if not start.exists():
            raise NotThereError(f"There is no file or folder {start}. Nothing was read; correct the path.")
        for path in [start] if start.is_file() else _below(start):
            if path not in seen:
                seen.add(path)
                yield path


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_raise):
        here = Path(parent)
        deep = len(here.relative_to(folder).parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        yield from (here / name for name in sorted(names) if not name.startswith("."))


def _raise(error: OSError) -> None:
    raise NotThereError(
        f"{error.filename} cannot be read: {error.strerror}. Nothing was imported."
    ) from error


def _content(path: Path) -> Mapping[str, Any] | str | None:
    """What a JSON file holds; None for a file that is none of ours; words for one that ought to be and is not."""
    if path.suffix.lower() != ".json":
        # Agents read Markdown handoffs as prose; there is nothing in them to be sure of.
        is_prose = path.suffix.lower() == ".md" and _stage(path) is not Stage.NONE
        return "a handoff written as prose; read it and file a row by hand" if is_prose else None
    if path.stat().st_size > _LARGEST_BYTES:
        return f"larger than {_LARGEST_BYTES // 1_000_000} MB"
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    return content if isinstance(content, dict) else "not a JSON object"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error.strerror or error)
    if isinstance(error, UnicodeDecodeError):
        return "not text in UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"


def _wish(path: Path, content: Mapping[str, Any]) -> Wish | None:
    queue = next((home for folder, home in _QUEUES.items() if folder in path.parts[:-1]), None)
    if queue is not None:
        return _pending(path, content, queue)
    if str(content.get("type", "")).upper() == "RETURN_HANDOFF" or "return_handoff_id" in content:
        return _return(path, content)
    if _stage(path) is not Stage.NONE or len(_TRIGGER_SIGNS & content.keys()) > 1:
        return _trigger(path, content)
    return None


def _pending(path: Path, content: Mapping[str, Any], home: Home) -> Wish:
    page_id = payloads.page_id_of(content)
    values = payloads.values_of(content)
    written_at = payloads.time_of(content, path.name)
    said = (home, page_id or "", *(f"{name}={text}" for name, text in sorted(values.items())))
    return Wish(
        key=_key("pending", *said),
        source=Source.PENDING,
        home=home,
        places=(str(path),),
        written_at=written_at,
        page_id=page_id,
        values=values,
        left_out=payloads.left_out(content),
    )


def _trigger(path: Path, content: Mapping[str, Any]) -> Wish:
    page_id = payloads.page_id_of(content) or payloads.uuid_in(path.stem)
    values = {name: text for name, text in payloads.values_of(content).items() if name not in (STATUS, LINK)}
    values.setdefault(TITLE, _title_in(path.stem))
    if not values.get(DESCRIPTION) and (reason := payloads.text_of(content.get("handoff_reason"))):
        values[DESCRIPTION] = reason
    named = page_id or payloads.text_of(content.get("handoff_id")) or values[TITLE]
    settled = _SETTLED.search(path.name)
    return Wish(
        key=_key("handoff", named),
        source=Source.TRIGGER,
        home=Home.TASKS,
        places=(str(path),),
        written_at=payloads.time_of(content, path.name),
        page_id=page_id,
        stage=_stage(path),
        values=values,
        settled=f"its file is marked {settled[1].upper()}" if settled else "",
    )


def _return(path: Path, content: Mapping[str, Any]) -> Wish:
    summary = content.get("execution_summary")
    lines = [f"{payloads.text_of(content.get('executing_agent')) or 'An agent'} reported:"]
    if isinstance(summary, Mapping):
        lines += [
            f"{name.replace('_', ' ').capitalize()}: {line}"
            for name in _REPORTED
            for line in _lines(summary.get(name))
        ]
    elif summary:
        lines += _lines(summary)
    lines += [f"Next: {line}" for line in _lines(content.get("next_steps"))]
    page_id = payloads.page_id_of(content)
    note = "\n".join(lines) if len(lines) > 1 else ""
    named = payloads.text_of(content.get("return_handoff_id")) or f"{page_id}\n{note}"
    return Wish(
        key=_key("return", named),
        source=Source.RETURN,
        home=Home.TASKS,
        places=(str(path),),
        written_at=payloads.time_of(content, path.name),
        page_id=page_id,
        stage=_stage(path),
        values={TITLE: _title_in(path.stem)},
        note=note,
    )


def _lines(value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for part in value for line in _lines(part)]
    if isinstance(value, Mapping):
        said = [
            payloads.text_of(value.get(name)) for name in ("description", "path", "url", "title", "task_name")
        ]
        return [", ".join(part for part in said if part)] if any(said) else []
    text = payloads.text_of(value)
    return [text] if text else []


def _stage(path: Path) -> Stage:
    for folder in reversed(path.parts[:-1]):
        plain = folder.casefold().lstrip("0123456789").strip("_- ")
        for word, stage in _STAGES:
            if plain == word:
                return stage
    return Stage.NONE


def _title_in(stem: str) -> str:
    """The title in a trigger file's name; nested names keep the innermost."""
    parts = _TITLE_IN_NAME.split(stem)
    title = parts[-1].split("__")[0] if len(parts) > 1 else stem
    return re.sub(r"[-_]+", " ", title).strip() or stem


def _together(wishes: Iterable[Wish]) -> Iterator[Wish]:
    """Copies as one wish: the latest file speaks, the furthest folder counts, every place is kept."""
    groups: dict[str, list[Wish]] = defaultdict(list)
    for wish in wishes:
        groups[wish.key].append(wish)
    order = list(Stage)
    for group in groups.values():
        latest = max(group, key=lambda wish: (wish.written_at or 0.0, wish.places))
        yield replace(
            latest,
            places=tuple(sorted({place for wish in group for place in wish.places})),
            stage=min((wish.stage for wish in group), key=order.index),
            settled=next((wish.settled for wish in group), "") if all(wish.settled for wish in group) else "",
        )


def _key(*parts: str) -> str:
    said = "\n".join(" ".join(part.split()).casefold() for part in parts)
    return f"earlier:{parts[0]}:{hashlib.sha256(said.encode()).hexdigest()[:24]}"
