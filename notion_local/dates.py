"""Dates as Notion keeps them: a day, or a moment floored to the minute with its offset, and perhaps an end.

Pure. Called by the property values, the rich text, the filters and the formulas.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notion_local import validation as check
from notion_local.errors import invalid

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def is_day(text: str) -> bool:
    """Tell whether a stored date is a whole day rather than a moment."""
    return _DAY.fullmatch(text) is not None


def parse(value: object, path: str) -> dict[str, Any]:
    """Return the stored form of a request's date object.

    Raises:
        ApiError: for a wrong shape, an unknown time zone, a text that is no date, or an end before the start.
    """
    given = check.an_object(value, path)
    check.no_other_keys(given, path, ("start", "end", "time_zone"))
    zone = _zone(given.get("time_zone"), f"{path}.time_zone")
    start = _normal(check.a_string(check.member(given, "start"), f"{path}.start"), zone, f"{path}.start")
    end = None
    if given.get("end") is not None:
        end = _normal(check.a_string(given["end"], f"{path}.end"), zone, f"{path}.end")
        if moment(end) < moment(start):
            raise invalid("Invalid date: end date must be after start date.")
    return {"start": start, "end": end, "time_zone": None}


def _zone(name: object, path: str) -> ZoneInfo | None:
    if name is None:
        return None
    text = check.a_string(name, path)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        check.refuse(path, "a valid time zone", text)


def _normal(text: str, zone: ZoneInfo | None, path: str) -> str:
    if is_day(text):
        _day(text, path)
        return text
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        check.refuse(path, "a valid ISO 8601 date string", text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone or UTC)
    elif zone is not None:
        when = _in_zone(when, zone, path, text)
    return when.replace(second=0, microsecond=0).isoformat(timespec="milliseconds")


def _in_zone(when: datetime, zone: ZoneInfo, path: str, text: str) -> datetime:
    try:
        return when.astimezone(zone)
    except OverflowError:
        check.refuse(path, "a valid ISO 8601 date string", text)


def _day(text: str, path: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        check.refuse(path, "a valid ISO 8601 date string", text)


def moment(text: str) -> datetime:
    """Return the instant at which a stored date begins; days begin at midnight UTC."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def seconds(when: datetime) -> float:
    """Return an instant as seconds since 1970, for any year."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)


def words(value: dict[str, Any]) -> str:
    """Return the plain text of a date mention."""
    return f"{value['start']} → {value['end']}" if value.get("end") else str(value["start"])


def floored_moment(when: datetime) -> str:
    """Return an instant as stored: floored to the minute, with its offset."""
    return when.replace(second=0, microsecond=0).isoformat(timespec="milliseconds")
