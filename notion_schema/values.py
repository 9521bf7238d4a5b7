"""Property values, between Notion's JSON and Python, by the type Notion gives them.

Reading never fails on a type it knows: a value that has become something else is read as what it is, and
the ``as_`` functions then take from it what a declared column wants. Writing follows the live property's
type and refuses what the type cannot hold. Pure functions, used by ``properties`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notion_schema import blocks

Json = dict[str, Any]

LONGEST = blocks.RUN_UNITS * blocks.RUNS
LONGEST_URL = 2000
MOST_ITEMS = 100
_TICKED = frozenset({"yes", "true", "done", "x", "1", "✓", "✅", "on"})


class Unwritable(Exception):  # noqa: N818  a fact about the live property, turned into an error by ``rows``
    """The live property cannot take the value; the argument says why, as a clause."""


class UnknownOption(Exception):  # noqa: N818  as above
    """The value is not among the live options; the argument is the value."""


@dataclass(frozen=True)
class FileRef:
    """A file on a row.

    Attributes:
        name: As shown.
        url: Where it can be fetched; expires after an hour when ``hosted``.
        hosted: Notion keeps the file itself.
    """

    name: str
    url: str
    hosted: bool


@dataclass(frozen=True)
class Ids:
    """Ids of pages or people, apart from other texts."""

    ids: tuple[str, ...]


Plain = str | float | bool | datetime | Ids | tuple[str, ...] | tuple[FileRef, ...] | None
"""What a property value is, whatever was expected of it."""


# --- reading --------------------------------------------------------------------------------------------


def read(live: Json) -> Plain:
    """What a live property value holds; ``None`` when it is empty or of a type that holds nothing readable."""
    kind = str(live.get("type", ""))
    reader = READERS.get(kind)
    content = live.get(kind)
    return None if reader is None or content is None else reader(content)


def _read_words(content: Sequence[Json]) -> tuple[str, ...]:
    return tuple(str(option["name"]) for option in content)


def _read_ids(content: Sequence[Json]) -> Ids:
    return Ids(tuple(str(item["id"]) for item in content))


def _read_files(content: Sequence[Json]) -> tuple[FileRef, ...]:
    return tuple(
        FileRef(
            name=str(item.get("name", "")),
            url=str(item.get(item.get("type", ""), {}).get("url", "")),
            hosted=item.get("type") == "file",
        )
        for item in content
    )


def _read_unique_id(content: Json) -> str | None:
    number = content.get("number")
    prefix = content.get("prefix")
    return None if number is None else f"{prefix}-{number}" if prefix else str(number)


def _read_formula(content: Json) -> Plain:
    kind = content.get("type")
    inner = content.get(str(kind))
    if inner is None:
        return None
    return (
        read_date(inner) if kind == "date" else inner if isinstance(inner, str | float | int | bool) else None
    )


def _read_rollup(content: Json) -> Plain:
    kind = content.get("type")
    inner = content.get(str(kind))
    if kind == "date" and inner is not None:
        return read_date(inner)
    if kind != "array" or not inner:
        return inner if isinstance(inner, int | float) else None
    found = [value for value in (read(item) for item in inner) if value is not None]
    if found and all(isinstance(value, Ids) for value in found):
        return Ids(tuple(i for value in found if isinstance(value, Ids) for i in value.ids))
    return found[0] if len(found) == 1 else tuple(as_text(value) for value in found) or None


def read_date(content: Json) -> datetime | None:
    """The beginning of a date value, with an offset."""
    return instant(str(content["start"]), content.get("time_zone"))


def instant(text: str, zone: str | None = None) -> datetime | None:
    """An ISO date or time as an aware ``datetime``; without offset or zone it is local time."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return moment
    if zone:
        try:
            return moment.replace(tzinfo=ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError):  # a zone this machine does not know
            return _local(moment)
    return _local(moment)


def _local(moment: datetime) -> datetime:
    try:
        return moment.astimezone()
    except (
        OverflowError,
        ValueError,
        OSError,
    ):  # at the ends of the calendar the local offset leads out of it
        return moment.replace(tzinfo=UTC)


READERS: dict[str, Callable[[Any], Plain]] = {
    "title": blocks.plain_text,
    "rich_text": blocks.plain_text,
    "number": float,
    "select": lambda content: str(content["name"]),
    "status": lambda content: str(content["name"]),
    "multi_select": _read_words,
    "date": read_date,
    "checkbox": bool,
    "url": str,
    "email": str,
    "phone_number": str,
    "relation": _read_ids,
    "people": _read_ids,
    "files": _read_files,
    "unique_id": _read_unique_id,
    "created_time": lambda content: instant(str(content)),
    "last_edited_time": lambda content: instant(str(content)),
    "created_by": lambda content: Ids((str(content["id"]),)),
    "last_edited_by": lambda content: Ids((str(content["id"]),)),
    "formula": _read_formula,
    "rollup": _read_rollup,
}


# --- what a declared column wants of it -----------------------------------------------------------------


def as_text(value: Plain) -> str:
    """As text; lists are joined with commas, whole numbers have no decimal point."""
    match value:
        case None:
            text = ""
        case bool():
            text = "Yes" if value else "No"
        case int() | float():
            text = number_text(value)
        case datetime():
            text = value.isoformat()
        case Ids():
            text = ", ".join(value.ids)
        case tuple():
            text = ", ".join(item.url if isinstance(item, FileRef) else item for item in value)
        case str():
            text = value
    return text


def number_text(value: float) -> str:
    """A number as a person writes it."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def as_number(value: Plain) -> float | None:
    """As a number; a text counts when it is one, with a decimal comma as well."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        number = float(as_text(value).strip().replace(",", "."))
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124  NaN test


def as_words(value: Plain) -> tuple[str, ...]:
    """As words; a text is divided at its commas."""
    if isinstance(value, tuple):
        return tuple(item.name if isinstance(item, FileRef) else item for item in value)
    return tuple(word.strip() for word in as_text(value).split(",") if word.strip())


def as_instant(value: Plain) -> datetime | None:
    """As an aware ``datetime``; a text counts when it is an ISO date."""
    if isinstance(value, datetime):
        return value
    return instant(value) if isinstance(value, str) else None


def as_truth(value: Plain) -> bool:
    """As yes or no."""
    if isinstance(value, bool):
        return value
    return as_text(value).strip().casefold() in _TICKED


def as_ids(value: Plain) -> tuple[str, ...]:
    """As ids; values that are no ids are none."""
    return value.ids if isinstance(value, Ids) else ()


def as_files(value: Plain) -> tuple[FileRef, ...]:
    """As files."""
    if isinstance(value, tuple):
        return tuple(item for item in value if isinstance(item, FileRef))
    return ()


# --- writing --------------------------------------------------------------------------------------------


def write(value: Any, live: Json, *, new_options: bool = False, most: int = LONGEST) -> Json:
    """Notion's form of a value for a live property.

    Raises:
        Unwritable: The live type is read-only, or cannot hold this value.
        UnknownOption: The value is not among the live options, and growing was not allowed.
    """
    kind = str(live["type"])
    writer = WRITERS.get(kind)
    if writer is None:
        raise Unwritable(f"it is a {kind.replace('_', ' ')}, which only Notion fills")
    if kind in {"select", "status", "multi_select"}:
        allowed = None if new_options and kind != "status" else option_names(live)
        return {kind: writer(_known(value, allowed, many=kind == "multi_select"))}
    if kind in {"title", "rich_text"}:
        return {kind: blocks.rich_text(written_text(value), most=most)}
    return {kind: writer(value)}


def option_names(live: Json) -> tuple[str, ...]:
    """Names of a live property's options; empty for types that have none."""
    kind = str(live["type"])
    config = live.get(kind)
    options = config.get("options", []) if isinstance(config, dict) else []
    return tuple(str(option["name"]) for option in options)


def _known(value: Any, allowed: tuple[str, ...] | None, *, many: bool) -> list[str]:
    words = [str(word) for word in value] if isinstance(value, list | tuple) else [written_text(value)]
    words = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not many and len(words) > 1:
        raise UnknownOption(", ".join(words))
    for word in words:
        if (allowed is not None and word not in allowed) or "," in word:
            raise UnknownOption(word)
    return _few(words)


def written_text(value: Any) -> str:
    """A Python value as the text a person reads in Notion."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _write_option(words: list[str]) -> Json | None:
    return {"name": words[0]} if words else None


def _write_date(value: Any) -> Json | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.astimezone()
        return {"start": moment.isoformat(timespec="milliseconds")}
    if isinstance(value, date):
        return {"start": value.isoformat()}
    raise Unwritable("the value is no date")


def next_full_minute(moment: datetime) -> datetime:
    """The moment itself when it is a full minute, else the next one."""
    full = moment.replace(second=0, microsecond=0)
    return full if full == moment else full + timedelta(minutes=1)


def _write_number(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise Unwritable("the value is no number")


def _write_url(value: Any) -> str | None:
    text = written_text(value).strip()
    if blocks.units(text) > LONGEST_URL:
        raise Unwritable(f"the address is longer than {LONGEST_URL} characters")
    return text or None


def _write_ids(value: Any) -> list[Json]:
    ids = [value] if isinstance(value, str) else list(value or ())
    return [{"id": one} for one in _few(list(dict.fromkeys(ids)))]


def _few(items: list[str]) -> list[str]:
    if len(items) > MOST_ITEMS:
        raise Unwritable(f"Notion takes {MOST_ITEMS} entries at once, and there are {len(items)}")
    return items


def _write_people(value: Any) -> list[Json]:
    return [{"object": "user", **one} for one in _write_ids(value)]


def _write_files(value: Any) -> list[Json]:
    ids = [value] if isinstance(value, str) else list(value or ())
    return [{"type": "file_upload", "file_upload": {"id": one}} for one in ids]


WRITERS: dict[str, Callable[[Any], Any]] = {
    "title": blocks.rich_text,
    "rich_text": blocks.rich_text,
    "number": _write_number,
    "select": _write_option,
    "status": _write_option,
    "multi_select": lambda words: [{"name": word} for word in words],
    "date": _write_date,
    "checkbox": bool,
    "url": _write_url,
    "email": lambda value: written_text(value).strip() or None,
    "phone_number": lambda value: written_text(value).strip() or None,
    "relation": _write_ids,
    "people": _write_people,
    "files": _write_files,
}
