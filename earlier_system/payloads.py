"""The values inside the earlier system's JSON: flat or as Notion's properties, under the many names they had."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from earlier_system.model import DESCRIPTION, LINK, PRIORITY, STATUS, TITLE

_NAMES: Mapping[str, tuple[str, ...]] = {
    TITLE: ("title", "name", "task name", "task title", "issue title", "issue name"),
    STATUS: ("status", "status update", "new status"),
    PRIORITY: ("priority",),
    DESCRIPTION: ("description", "details", "body", "content", "handoff instructions", "required action"),
    LINK: ("link", "url", "source url", "track url"),
}
_WRAPPERS = ("payload", "data", "properties", "updates", "fields")
_PAGE_IDS = (
    "page_id",
    "notion_page_id",
    "issue_id",
    "task_id",
    "agent_task_id",
    "target_page_id",
    "id",
)
_UUID = re.compile(
    r"(?<![0-9a-f])([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})(?![0-9a-f])"
)
_STAMP = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})[T_ ]?(\d{2})[:-]?(\d{2})[:-]?(\d{2})")
_TIMES = ("timestamp", "created_at", "written_at", "queued_at", "updated_at", "date")
_PLUMBING = frozenset(
    (
        *_WRAPPERS,
        *_PAGE_IDS,
        *_TIMES,
        "parent",
        "database_id",
        "data_source_id",
        "database",
        "action",
        "operation",
        "type",
        "children",
    )
)


def values_of(payload: Mapping[str, Any]) -> dict[str, str]:
    """Column -> text, for the columns that are taken over; what comes first in the list of names counts."""
    found: dict[str, str] = {}
    layers = list(_layers(payload))
    for column, names in _NAMES.items():
        for name in names:
            texts = (text_of(layer[name]) for layer in layers if name in layer)
            if text := next((text for text in texts if text), ""):
                found.setdefault(column, text)
    return found


def left_out(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of what the payload would write and nobody takes over."""
    taken = {name for names in _NAMES.values() for name in names}
    return tuple(
        sorted(
            {
                name
                for layer in _layers(payload)
                for name, value in layer.items()
                if name not in taken and name.replace(" ", "_") not in _PLUMBING and text_of(value)
            }
        )
    )


def page_id_of(payload: Mapping[str, Any]) -> str | None:
    """The page that is meant, dashed; None when there is no Notion id (a session's slug is none)."""
    for layer in (
        payload,
        payload.get("original_task"),
        payload.get("original_handoff"),
        payload.get("chain_tracking"),
    ):
        if not isinstance(layer, Mapping):
            continue
        for name in _PAGE_IDS:
            if found := uuid_in(str(layer.get(name) or ""), whole=True):
                return found
        # A new row's own link may lead to a Notion page, too; inside an original task it is the task's.
        for name in ("task_url", "page_url", "issue_url", *(("url",) if layer is not payload else ())):
            if found := uuid_in(str(layer.get(name) or "")):
                return found
    return None


def uuid_in(text: str, *, whole: bool = False) -> str | None:
    """The last Notion id in a text, dashed; with ``whole`` only if the text is nothing else."""
    found = list(_UUID.finditer(text.strip().lower()))
    if not found or (whole and found[0].group(0) != text.strip().lower()):
        return None
    return "-".join(found[-1].groups())


def time_of(payload: Mapping[str, Any], name: str) -> float | None:
    """When it was written, by the content, else by the file's name; names and bare times are UTC."""
    for key in _TIMES:
        given = payload.get(key)
        if isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0:
            return float(given)
        if isinstance(given, str) and (moment := _moment(given)) is not None:
            return moment
    # A router put its own time before the first one; the last is the oldest.
    stamps = [moment for part in name.split("__") if (moment := _stamp(part)) is not None]
    return min(stamps, default=None)


def text_of(value: Any) -> str:
    """A value as text: a plain one, or one as Notion's API writes it; "" for what is neither."""
    match value:
        case str():
            return value.strip()
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case list():
            # The runs of one rich text belong together; a list of plain texts is one line each.
            between = "" if all(isinstance(part, Mapping) for part in value) else "\n"
            return between.join(text for part in value if (text := text_of(part))).strip()
        case dict():
            return _text_of_object(value)
    return ""


def _text_of_object(value: Mapping[str, Any]) -> str:
    match value:
        case {"plain_text": str(text)} | {"text": {"content": str(text)}}:
            return text
        case {"title": inner} | {"rich_text": inner} | {"status": inner} | {"select": inner} | {"url": inner}:
            return text_of(inner)
        case {"name": str(name)}:
            return name.strip()
    return ""


def _layers(payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The payload and what it wraps, the innermost first, by lower-case names with blanks."""
    for name in _WRAPPERS:
        inner = payload.get(name)
        if isinstance(inner, Mapping):
            yield from _layers(inner)
    yield {str(name).casefold().replace("_", " ").strip(): value for name, value in payload.items()}


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return _stamp(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _stamp(text: str) -> float | None:
    found = _STAMP.search(text)
    if not found:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
