"""Rollups: the functions that turn the values of related pages into one. Pure; called by `showing`."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from notion_local import dates
from notion_local.schema import COMPUTED, Property


def rolled(function: str, found: list[Any], target: Property) -> dict[str, Any]:
    """Return the value of a rollup as answers show it.

    Args:
        function: one of Notion's rollup functions.
        found: the related pages' values as answers show them.
        target: the property they are values of.
    """
    if function == "show_original":
        return {"type": "array", "array": [{"type": target.type, target.type: value} for value in found]}
    if function == "show_unique":
        unique = [value for i, value in enumerate(found) if value not in found[:i]]
        return {"type": "array", "array": [{"type": target.type, target.type: value} for value in unique]}
    if function in ("earliest_date", "latest_date", "date_range"):
        return _rolled_dates(function, found, target)
    return {"type": "number", "number": _number(function, found, target)}


def _rolled_dates(function: str, found: list[Any], target: Property) -> dict[str, Any]:
    moments = sorted(
        (dates.moment(text), text)
        for value in found
        for text in _date_texts(value, target)
        if text is not None
    )
    if not moments:
        return {"type": "date", "date": None}
    start, end = moments[0][1], moments[-1][1]
    if function == "earliest_date":
        return {"type": "date", "date": {"start": start, "end": None, "time_zone": None}}
    if function == "latest_date":
        return {"type": "date", "date": {"start": end, "end": None, "time_zone": None}}
    return {"type": "date", "date": {"start": start, "end": end, "time_zone": None}}


def _date_texts(value: Any, target: Property) -> list[str | None]:
    if target.type == "formula":
        value = value.get("date")
    if isinstance(value, str):
        return [value.replace("Z", "+00:00")]
    return [value["start"], value.get("end")] if value else []


def _number(function: str, found: list[Any], target: Property) -> float | None:
    total = len(found)
    filled = sum(1 for value in found if not _is_empty(value, target))
    if function in _COUNTS:
        return _COUNTS[function](total, filled)
    if function in _SHARES:
        return _SHARES[function](total, filled) / total if total else None
    if function == "count_values":
        return sum(
            len(value) if isinstance(value, list) else 1 for value in found if not _is_empty(value, target)
        )
    if function == "unique":
        return len({repr(value) for value in found if not _is_empty(value, target)})
    numbers = [number for value in found if (number := _as_number(value, target)) is not None]
    return _aggregated(function, numbers)


_COUNTS: dict[str, Callable[[int, int], int]] = {
    "count": lambda total, _filled: total,
    "empty": lambda total, filled: total - filled,
    "not_empty": lambda _total, filled: filled,
    "checked": lambda _total, filled: filled,
    "unchecked": lambda total, filled: total - filled,
    "count_per_group": lambda _total, filled: filled,
}
_SHARES: dict[str, Callable[[int, int], int]] = {
    "percent_empty": lambda total, filled: total - filled,
    "percent_not_empty": lambda _total, filled: filled,
    "percent_checked": lambda _total, filled: filled,
    "percent_unchecked": lambda total, filled: total - filled,
    "percent_per_group": lambda _total, filled: filled,
}


def _aggregated(function: str, numbers: list[float]) -> float | None:
    if not numbers:
        return 0 if function == "sum" else None
    if function == "sum":
        return sum(numbers)
    if function == "average":
        return sum(numbers) / len(numbers)
    if function == "median":
        return statistics.median(numbers)
    if function == "range":
        return max(numbers) - min(numbers)
    return min(numbers) if function == "min" else max(numbers)


def _is_empty(value: Any, target: Property) -> bool:
    if target.type == "checkbox":
        return not value
    if target.type in COMPUTED:
        inner = value.get(value["type"])
        return inner in (None, "", [], False)
    return value in (None, "", [])


def _as_number(value: Any, target: Property) -> float | None:
    if target.type in COMPUTED:
        value = value.get("number")
    if target.type == "unique_id":
        value = value["number"]
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
