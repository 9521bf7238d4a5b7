"""The functions of Notion's formulas, on plain values. Pure; called by `evaluation`."""

from __future__ import annotations

import calendar
import math
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notion_local import dates

_MAX_TEXT = 100_000
_NOON = 12


class FormulaError(Exception):
    """A formula that cannot be computed for this row."""


@dataclass(frozen=True)
class DateValue:
    """A date as formulas see it."""

    start: datetime
    end: datetime | None = None
    is_day: bool = False
    """Whether it is a whole day rather than a moment."""


def is_empty(value: Any) -> bool:
    """Tell whether Notion calls a value empty."""
    return value is None or value is False or value in ("", [], 0)


def truth(value: Any) -> bool:
    """Return a value as a condition."""
    return not is_empty(value)


def as_number(value: Any) -> float:
    """Return a value as a number; nothing counts as zero.

    Raises:
        FormulaError: when it is none.
    """
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, DateValue):
        return dates.seconds(value.start) * 1000
    raise FormulaError(f"{value!r} is not a number")


def as_text(value: Any) -> str:  # noqa: PLR0911 one case per type
    """Return a value as Notion's ``format`` writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))
    if isinstance(value, DateValue):
        return _written(value)
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    if isinstance(value, dict):
        return str(value.get("name") or value.get("id") or "")
    return str(value)


def _written(value: DateValue) -> str:
    def one(when: datetime) -> str:
        day = f"{calendar.month_name[when.month]} {when.day}, {when.year}"
        half = "AM" if when.hour < _NOON else "PM"
        return day if value.is_day else f"{day} {(when.hour - 1) % 12 + 1}:{when.minute:02d} {half}"

    return one(value.start) + (f" → {one(value.end)}" if value.end else "")


def as_date(value: Any) -> DateValue:
    """Return a value as a date.

    Raises:
        FormulaError: when it is none.
    """
    if isinstance(value, DateValue):
        return value
    raise FormulaError(f"{value!r} is not a date")


def as_list(value: Any) -> list[Any]:
    """Return a value as a list."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def same(left: Any, right: Any) -> bool:
    """Tell whether ``==`` holds."""
    if isinstance(left, DateValue) and isinstance(right, DateValue):
        return left.start == right.start
    if isinstance(left, dict):
        left = as_text(left)
    if isinstance(right, dict):
        right = as_text(right)
    if left in (None, "") and right in (None, ""):
        return True
    return bool(left == right)


def ordered(value: Any) -> tuple[int, Any]:
    """Return a key by which values of any kind can be put in order."""
    if value is None:
        return (0, 0)
    if isinstance(value, int | float):
        return (1, float(value))
    if isinstance(value, DateValue):
        return (1, dates.seconds(value.start) * 1000)
    return (2, as_text(value).casefold())


# Dates

_UNITS = {"minutes": 60, "hours": 3600, "days": 86400, "weeks": 604_800}


def _unit(name: Any) -> str:
    unit = as_text(name).lower()
    return unit if unit.endswith("s") else unit + "s"


def _plus_months(when: datetime, months: int) -> datetime:
    index = when.year * 12 + when.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:  # noqa: PLR2004 the years datetime knows
        raise FormulaError("the date is out of range")
    return when.replace(
        year=year, month=month + 1, day=min(when.day, calendar.monthrange(year, month + 1)[1])
    )


def date_add(value: Any, amount: Any, unit: Any, sign: int = 1) -> DateValue:
    """Return a date moved by an amount of a unit."""
    date, number, name = as_date(value), as_number(amount) * sign, _unit(unit)

    def moved(when: datetime) -> datetime:
        if name in _UNITS:
            return when + timedelta(seconds=number * _UNITS[name])
        months = {"months": 1, "quarters": 3, "years": 12}.get(name)
        if months is None:
            raise FormulaError(f"{name} is no unit of time")
        return _plus_months(when, int(number * months))

    try:
        return replace(date, start=moved(date.start), end=moved(date.end) if date.end else None)
    except OverflowError as error:
        raise FormulaError("the date is out of range") from error


def date_between(left: Any, right: Any, unit: Any) -> float:
    """Return how many whole units lie from the second date to the first."""
    later, earlier, name = as_date(left).start, as_date(right).start, _unit(unit)
    if name in _UNITS:
        return float(int((later - earlier).total_seconds() / _UNITS[name]))
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    rest = (later.day, later.time()), (earlier.day, earlier.time())
    if months > 0 and rest[0] < rest[1]:
        months -= 1
    elif months < 0 and rest[0] > rest[1]:
        months += 1
    size = {"months": 1, "quarters": 3, "years": 12}.get(name)
    if size is None:
        raise FormulaError(f"{name} is no unit of time")
    return float(int(months / size))


_FORMAT = re.compile(
    r"\[([^\]]*)\]|YYYY|YY|Y|MMMM|MMM|MM|M|DD|Do|D|dddd|ddd|d|HH|H|hh|h|mm|m|ss|s|A|a|WW|W|Q|X|x"
)


def format_date(value: Any, pattern: Any) -> str:
    """Return a date written by a pattern of Moment.js tokens, which Notion uses."""
    when = as_date(value).start
    return _FORMAT.sub(lambda match: _token(match, when), as_text(pattern))


def _token(match: re.Match[str], when: datetime) -> str:
    token = match.group(0)
    if token.startswith("["):
        return match.group(1)
    twelve = (when.hour - 1) % 12 + 1
    half = "am" if when.hour < _NOON else "pm"
    table: dict[str, Any] = {
        "YYYY": f"{when.year:04d}",
        "YY": f"{when.year % 100:02d}",
        "Y": when.year,
        "MMMM": calendar.month_name[when.month],
        "MMM": calendar.month_abbr[when.month],
        "MM": f"{when.month:02d}",
        "M": when.month,
        "DD": f"{when.day:02d}",
        "Do": f"{when.day}{_ordinal(when.day)}",
        "D": when.day,
        "dddd": calendar.day_name[when.weekday()],
        "ddd": calendar.day_abbr[when.weekday()],
        "d": when.isoweekday() % 7,
        "HH": f"{when.hour:02d}",
        "H": when.hour,
        "hh": f"{twelve:02d}",
        "h": twelve,
        "mm": f"{when.minute:02d}",
        "m": when.minute,
        "ss": f"{when.second:02d}",
        "s": when.second,
        "A": half.upper(),
        "a": half,
        "WW": f"{when.isocalendar().week:02d}",
        "W": when.isocalendar().week,
        "Q": (when.month - 1) // 3 + 1,
        "X": int(dates.seconds(when)),
        "x": int(dates.seconds(when) * 1000),
    }
    return str(table[token])


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")  # noqa: PLR2004 11th to 13th


def _parse_date(text: Any) -> DateValue:
    try:
        return DateValue(dates.moment(as_text(text)), is_day=dates.is_day(as_text(text)))
    except ValueError as error:
        raise FormulaError(f"{text!r} is not a date") from error


def _from_timestamp(milliseconds: Any) -> DateValue:
    try:
        return DateValue(datetime.fromtimestamp(as_number(milliseconds) / 1000, tz=UTC))
    except (OverflowError, ValueError, OSError) as error:
        raise FormulaError("the date is out of range") from error


def _part(read: Callable[[datetime], int]) -> Callable[[Any], float]:
    return lambda value: float(read(as_date(value).start))


# Texts and lists


def _at(items: Any, index: Any) -> Any:
    listed = as_list(items)
    i = int(as_number(index))
    return listed[i] if -len(listed) <= i < len(listed) else None


def _contains(text: Any, part: Any) -> bool:
    if isinstance(text, list):
        return any(same(item, part) for item in text)
    return as_text(part).casefold() in as_text(text).casefold()


def _length(value: Any) -> float:
    return float(len(value) if isinstance(value, list) else len(as_text(value)))


def _pattern(text: Any) -> re.Pattern[str]:
    try:
        return re.compile(as_text(text)[:200])
    except re.error as error:
        raise FormulaError("not a regular expression") from error


def _unique(items: Any) -> list[Any]:
    kept: list[Any] = []
    for item in as_list(items):
        if not any(same(item, other) for other in kept):
            kept.append(item)
    return kept


def _repeat(text: Any, times: Any) -> str:
    count = max(0, int(as_number(times)))
    if len(as_text(text)) * count > _MAX_TEXT:
        raise FormulaError("the text is too long")
    return as_text(text) * count


def _concat(*parts: Any) -> Any:
    if all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return "".join(as_text(part) for part in parts)


def _flat(items: Any) -> list[Any]:
    return [inner for item in as_list(items) for inner in (item if isinstance(item, list) else [item])]


# Numbers


def add(left: Any, right: Any) -> Any:
    """Return the sum of two numbers, or two texts after one another."""
    numeric = (int, float, type(None))
    if isinstance(left, numeric) and isinstance(right, numeric) and not (left is None and right is None):
        return as_number(left) + as_number(right)
    return as_text(left) + as_text(right)


def divide(left: Any, right: Any) -> float | None:
    """Return a quotient; nothing when divided by zero."""
    divisor = as_number(right)
    return as_number(left) / divisor if divisor else None


def modulo(left: Any, right: Any) -> float | None:
    """Return a remainder with the sign of the first number, as JavaScript does."""
    divisor = as_number(right)
    return math.fmod(as_number(left), divisor) if divisor else None


def power(base: Any, exponent: Any) -> float:
    """Return a power."""
    try:
        result = as_number(base) ** as_number(exponent)
    except (OverflowError, ZeroDivisionError) as error:
        raise FormulaError("the number is out of range") from error
    if isinstance(result, complex):
        raise FormulaError("the root of a negative number")
    return float(result)


def _numbers(values: tuple[Any, ...]) -> list[float]:
    return [as_number(item) for item in _flat(list(values)) if item is not None]


def _over(function: Callable[[list[float]], float]) -> Callable[..., float | None]:
    def aggregate(*values: Any) -> float | None:
        numbers = _numbers(values)
        return float(function(numbers)) if numbers else None

    return aggregate


def _math(function: Callable[[float], float]) -> Callable[[Any], float]:
    def compute(value: Any) -> float:
        try:
            return float(function(as_number(value)))
        except (ValueError, OverflowError) as error:
            raise FormulaError("outside the function's domain") from error

    return compute


def _round(value: Any, digits: Any = 0) -> float:
    factor = 10.0 ** max(-300, min(300, int(as_number(digits))))
    return math.floor(as_number(value) * factor + 0.5) / factor


def _to_number(value: Any) -> float | None:
    if isinstance(value, str):
        match = re.match(r"\s*[-+]?\d+(\.\d+)?", value)
        return float(match.group(0)) if match else None
    return None if value is None else as_number(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "empty": is_empty,
    "length": _length,
    "substring": lambda text, start, end=None: as_text(text)[
        max(0, int(as_number(start))) : None if end is None else max(0, int(as_number(end)))
    ],
    "contains": _contains,
    "includes": lambda items, item: any(same(entry, item) for entry in as_list(items)),
    "test": lambda text, pattern: _pattern(pattern).search(as_text(text)[:10_000]) is not None,
    "replace": lambda text, pattern, new: _pattern(pattern).sub(
        lambda _: as_text(new), as_text(text)[:10_000], count=1
    ),
    "replaceAll": lambda text, pattern, new: _pattern(pattern).sub(
        lambda _: as_text(new), as_text(text)[:10_000]
    ),
    "lower": lambda text: as_text(text).lower(),
    "upper": lambda text: as_text(text).upper(),
    "trim": lambda text: as_text(text).strip(),
    "padStart": lambda text, size, fill=" ": as_text(text).rjust(
        min(1000, int(as_number(size))), as_text(fill)[:1] or " "
    ),
    "padEnd": lambda text, size, fill=" ": as_text(text).ljust(
        min(1000, int(as_number(size))), as_text(fill)[:1] or " "
    ),
    "repeat": _repeat,
    "link": lambda text, _url: as_text(text),
    "style": lambda text, *_styles: as_text(text),
    "unstyle": lambda text, *_styles: as_text(text),
    "format": as_text,
    "concat": _concat,
    "join": lambda items, separator: as_text(separator).join(as_text(item) for item in as_list(items)),
    "split": lambda text, separator: (
        as_text(text).split(as_text(separator)) if as_text(separator) else list(as_text(text))
    ),
    "at": _at,
    "first": lambda items: _at(items, 0),
    "last": lambda items: _at(items, -1),
    "slice": lambda items, start, end=None: as_list(items)[
        int(as_number(start)) : None if end is None else int(as_number(end))
    ],
    "sort": lambda items: sorted(as_list(items), key=ordered),
    "reverse": lambda items: as_list(items)[::-1],
    "unique": _unique,
    "flat": _flat,
    "add": add,
    "subtract": lambda left, right: as_number(left) - as_number(right),
    "multiply": lambda left, right: as_number(left) * as_number(right),
    "divide": divide,
    "mod": modulo,
    "pow": power,
    "min": _over(min),
    "max": _over(max),
    "sum": lambda *parts: math.fsum(_numbers(parts)),
    "median": _over(statistics.median),
    "mean": _over(statistics.fmean),
    "abs": lambda value: abs(as_number(value)),
    "round": _round,
    "ceil": _math(math.ceil),
    "floor": _math(math.floor),
    "sqrt": _math(math.sqrt),
    "cbrt": _math(math.cbrt),
    "exp": _math(math.exp),
    "ln": _math(math.log),
    "log10": _math(math.log10),
    "log2": _math(math.log2),
    "sign": lambda value: float((as_number(value) > 0) - (as_number(value) < 0)),
    "pi": lambda: math.pi,
    "e": lambda: math.e,
    "toNumber": _to_number,
    "equal": same,
    "unequal": lambda left, right: not same(left, right),
    "and": lambda *values: all(truth(value) for value in values),
    "or": lambda *values: any(truth(value) for value in values),
    "not": lambda value: not truth(value),
    "name": as_text,
    "email": lambda person: person.get("person", {}).get("email", "") if isinstance(person, dict) else "",
    "minute": _part(lambda when: when.minute),
    "hour": _part(lambda when: when.hour),
    "day": _part(lambda when: when.isoweekday()),
    "date": _part(lambda when: when.day),
    "week": _part(lambda when: when.isocalendar().week),
    "month": _part(lambda when: when.month),
    "year": _part(lambda when: when.year),
    "dateAdd": date_add,
    "dateSubtract": lambda value, amount, unit: date_add(value, amount, unit, -1),
    "dateBetween": date_between,
    "dateRange": lambda start, end: replace(as_date(start), end=as_date(end).start),
    "dateStart": lambda value: replace(as_date(value), end=None),
    "dateEnd": lambda value: replace(
        as_date(value), start=as_date(value).end or as_date(value).start, end=None
    ),
    "timestamp": lambda value: dates.seconds(as_date(value).start) * 1000,
    "fromTimestamp": _from_timestamp,
    "formatDate": format_date,
    "parseDate": _parse_date,
}
