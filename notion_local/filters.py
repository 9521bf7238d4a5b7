"""Filters and sorts of a query: from what a request says to SQL over the index of values.

A condition becomes ``row IN (pages whose cells match)`` or its negation, so that the index answers it. Computed
properties are compared the same way, in a table filled for one query. Dates compare by day when the filter names a
day, by minute when it names a moment. Pure: it builds text and parameters and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from notion_local import dates, schema, values
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.schema import COMPUTED, Property, Schema

MAX_NESTING = 2
_TIMESTAMPS = {"created_time": "created", "last_edited_time": "edited"}
_USERS = {"created_by": "created_by", "last_edited_by": "edited_by"}
_TEXT_TYPES = ("title", "rich_text", "url", "email", "phone_number")
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Condition:
    """A piece of SQL over ``object o`` and its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()
    selective: bool = False
    """Whether it begins at the index of values, so that the rows need not be walked."""


@dataclass
class Context:
    """What a filter is read against."""

    source_id: str
    entries: Schema
    now: datetime
    me: str
    """The id of the user that ``me`` means."""
    computed: set[str] = field(default_factory=set)
    """Collects the ids of the computed properties that the query compares."""


# Filters


def condition(given: object, context: Context, path: str = "body.filter", depth: int = 0) -> Condition:
    """Return the SQL of a filter.

    Raises:
        ApiError: with Notion's sentence, for a wrong shape, an unknown property or a filter of another type.
    """
    body = check.an_object(given, path)
    for word, joiner in (("and", " AND "), ("or", " OR ")):
        if word in body:
            return _compound(body, word, joiner, context, path, depth)
    if "timestamp" in body:
        return _timestamp(body, path, context)
    key = check.a_string(check.member(body, "property"), f"{path}.property")
    entry = schema.find(context.entries, key)
    if entry is None:
        raise invalid(f"Could not find property with name or id: {key}")
    return _property(body, entry, path, context)


def _compound(
    body: Mapping[str, Any], word: str, joiner: str, context: Context, path: str, depth: int
) -> Condition:
    check.no_other_keys(body, path, (word,))
    if depth >= MAX_NESTING:
        check.refuse(f"{path}.{word}", "not present", body[word])
    given = check.an_array(body[word], f"{path}.{word}")
    parts = [condition(part, context, f"{path}.{word}[{i}]", depth + 1) for i, part in enumerate(given)]
    if not parts:
        return Condition("1")
    sql = joiner.join(f"({part.sql})" for part in parts)
    parameters = tuple(value for part in parts for value in part.parameters)
    selective = (
        any(part.selective for part in parts) if word == "and" else all(part.selective for part in parts)
    )
    return Condition(sql, parameters, selective)


def _timestamp(body: Mapping[str, Any], path: str, context: Context) -> Condition:
    name = check.one_of(body["timestamp"], f"{path}.timestamp", _TIMESTAMPS)
    check.no_other_keys(body, path, ("timestamp", "type", name))
    given = check.an_object(check.member(body, name), f"{path}.{name}")
    return _on_column(_TIMESTAMPS[name], given, f"{path}.{name}", context)


def _on_column(column: str, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    word, value = _only(given, path, _DATE_CONDITIONS)
    if word in ("is_empty", "is_not_empty"):
        check.a_boolean(value, f"{path}.{word}")
        return Condition("0" if word == "is_empty" else "1")
    low, high, negated = _range(word, value, f"{path}.{word}", context.now)
    seconds = f"(o.{column} - o.{column} % 60000) / 1000.0"
    sql, parameters = _between(seconds, low, high)
    return Condition(f"NOT ({sql})" if negated else sql, parameters)


def _property(body: Mapping[str, Any], entry: Property, path: str, context: Context) -> Condition:
    kinds = [key for key in body if key not in ("property", "type")]
    if len(kinds) != 1 or kinds[0] not in _FILTERS:
        check.no_other_keys(body, path, ("property", "type", *_FILTERS))
        check.refuse_all([(f"{path}.{kind}", "defined", check.MISSING) for kind in _FILTERS])
    kind = kinds[0]
    given = check.an_object(body[kind], f"{path}.{kind}")
    texts = kind in _TEXT_TYPES and entry.type in _TEXT_TYPES
    if kind != entry.type and not texts:
        raise invalid(
            "The property type in the database does not match the property type of the filter provided: database"
            f" property {entry.type} does not match filter {kind}"
        )
    return _FILTERS[kind](entry, given, f"{path}.{kind}", context)


def _only(given: Mapping[str, Any], path: str, known: Sequence[str]) -> tuple[str, Any]:
    """Return the one condition of a filter and its value."""
    check.no_other_keys(given, path, known)
    if len(given) != 1:
        check.refuse_all([(f"{path}.{word}", "defined", check.MISSING) for word in known])
    return next(iter(given.items()))


def _cells(entry: Property, context: Context, sql: str = "1", parameters: tuple[Any, ...] = ()) -> Condition:
    """Return the condition that a row has a cell of this property that matches."""
    if entry.type in COMPUTED:
        context.computed.add(entry.id)
        inner = f"SELECT page FROM temp.computed WHERE property = ? AND {sql}"  # noqa: S608 text of this module only
        return Condition(f"o.id IN ({inner})", (entry.id, *parameters), selective=True)
    inner = f"SELECT page FROM cell WHERE source = ? AND property = ? AND {sql}"  # noqa: S608 text of this module only
    return Condition(f"o.id IN ({inner})", (context.source_id, entry.id, *parameters), selective=True)


def _not(inner: Condition) -> Condition:
    return Condition(f"NOT ({inner.sql})", inner.parameters)


def _emptiness(word: str, value: Any, path: str, entry: Property, context: Context) -> Condition:
    if value is not True:
        check.refuse(f"{path}.{word}", "`true`", value)
    filled = _cells(entry, context)
    return filled if word == "is_not_empty" else _not(filled)


_EMPTINESS = ("is_empty", "is_not_empty")


def _text(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    words = (
        "equals",
        "does_not_equal",
        "contains",
        "does_not_contain",
        "starts_with",
        "ends_with",
        *_EMPTINESS,
    )
    word, value = _only(given, path, words)
    if word in _EMPTINESS:
        return _emptiness(word, value, path, entry, context)
    wanted = values.indexed(check.a_string(value, f"{path}.{word}"))
    if word in ("equals", "does_not_equal"):
        inner = _cells(entry, context, "text = ?", (wanted,)) if wanted else _not(_cells(entry, context))
    elif word in ("contains", "does_not_contain"):
        inner = _cells(entry, context, "instr(text, ?) > 0", (wanted,)) if wanted else Condition("1")
    elif word == "starts_with":
        inner = _cells(entry, context, "substr(text, 1, ?) = ?", (len(wanted), wanted))
    else:
        inner = (
            _cells(entry, context, "substr(text, -?) = ?", (len(wanted), wanted))
            if wanted
            else Condition("1")
        )
    return _not(inner) if word.startswith("does_not") else inner


_COMPARISONS = {
    "equals": "=",
    "does_not_equal": "=",
    "greater_than": ">",
    "less_than": "<",
    "greater_than_or_equal_to": ">=",
    "less_than_or_equal_to": "<=",
}


def _number(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    word, value = _only(given, path, (*_COMPARISONS, *_EMPTINESS))
    if word in _EMPTINESS:
        return _emptiness(word, value, path, entry, context)
    number = float(check.a_number(value, f"{path}.{word}"))
    if entry.type == "unique_id":
        inner = Condition(f"json_extract(o.data, '$.number') {_COMPARISONS[word]} ?", (number,))
    else:
        inner = _cells(entry, context, f"number {_COMPARISONS[word]} ?", (number,))
    return _not(inner) if word == "does_not_equal" else inner


def _unique_id(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    word, _ = _only(given, path, tuple(_COMPARISONS))
    return _number(entry, {word: given[word]}, path, context)


def _checkbox(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    word, value = _only(given, path, ("equals", "does_not_equal"))
    ticked = check.a_boolean(value, f"{path}.{word}") == (word == "equals")
    inner = _cells(entry, context, "number = 1")
    return inner if ticked else _not(inner)


def _option_ids(entry: Property, value: Any, path: str) -> list[str]:
    names = check.an_array(value, path) if isinstance(value, list) else [value]
    found = []
    for name in names:
        text = check.a_string(name, path)
        option = entry.option_by_name(text) or entry.option_by_id(text)
        if option is None:
            raise invalid(f'{entry.type} option "{text}" not found for property "{entry.name}".')
        found.append(option["id"])
    return found


def _options(words: tuple[str, str]) -> Any:
    def options(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
        word, value = _only(given, path, (*words, *_EMPTINESS))
        if word in _EMPTINESS:
            return _emptiness(word, value, path, entry, context)
        wanted = _option_ids(entry, value, f"{path}.{word}")
        marks = ",".join("?" * len(wanted))
        inner = _cells(entry, context, f"text IN ({marks})", tuple(wanted))
        return inner if word == words[0] else _not(inner)

    return options


def _references(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    word, value = _only(given, path, ("contains", "does_not_contain", *_EMPTINESS))
    people = entry.type != "relation"
    if entry.type in _USERS:
        return _user_column(entry, word, value, path, context)
    if word in _EMPTINESS:
        return _emptiness(word, value, path, entry, context)
    target = context.me if people and value == "me" else check.a_uuid(value, f"{path}.{word}")
    inner = _cells(entry, context, "text = ?", (target,))
    return inner if word == "contains" else _not(inner)


def _user_column(entry: Property, word: str, value: Any, path: str, context: Context) -> Condition:
    if word in _EMPTINESS:
        return Condition("0" if word == "is_empty" else "1")
    target = context.me if value == "me" else check.a_uuid(value, f"{path}.{word}")
    operator = "=" if word == "contains" else "<>"
    return Condition(f"o.{_USERS[entry.type]} {operator} ?", (target,))


def _files(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    word, value = _only(given, path, _EMPTINESS)
    return _emptiness(word, value, path, entry, context)


def _verification(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    _, value = _only(given, path, ("status",))
    state = check.one_of(value, f"{path}.status", ("verified", "expired", "none"))
    if state == "none":
        return _not(_cells(entry, context, "text = 'verified'"))
    return _cells(entry, context, "text = ?", (state,))


# Dates

_PERIODS: dict[str, tuple[int, int]] = {
    "past_week": (-7, 0),
    "past_month": (-1, 0),
    "past_year": (-12, 0),
    "next_week": (0, 7),
    "next_month": (0, 1),
    "next_year": (0, 12),
}
_DATE_CONDITIONS = (
    "equals",
    "does_not_equal",
    "before",
    "after",
    "on_or_before",
    "on_or_after",
    *_PERIODS,
    "this_week",
    *_EMPTINESS,
)
_RELATIVE_DAYS = {
    "today": 0,
    "tomorrow": 1,
    "yesterday": -1,
    "one_week_ago": -7,
    "one_week_from_now": 7,
}
_RELATIVE_MONTHS = {
    "one_month_ago": -1,
    "one_month_from_now": 1,
    "one_year_ago": -12,
    "one_year_from_now": 12,
}


def _date(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    if entry.type in _TIMESTAMPS:
        return _on_column(_TIMESTAMPS[entry.type], given, path, context)
    word, value = _only(given, path, _DATE_CONDITIONS)
    if word in _EMPTINESS:
        return _emptiness(word, value, path, entry, context)
    low, high, negated = _range(word, value, f"{path}.{word}", context.now)
    sql, parameters = _between("number", low, high)
    inner = _cells(entry, context, sql, parameters)
    return _not(inner) if negated else inner


def _between(column: str, low: float | None, high: float | None) -> tuple[str, tuple[float, ...]]:
    parts = [] if low is None else [(f"{column} >= ?", low)]
    parts += [] if high is None else [(f"{column} < ?", high)]
    return " AND ".join(part for part, _ in parts) or "1", tuple(bound for _, bound in parts)


def _range(word: str, value: Any, path: str, now: datetime) -> tuple[float | None, float | None, bool]:
    """Return the seconds from which and before which a date must lie, and whether that is negated."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "this_week":
        check.an_object(value, path)
        monday = today - timedelta(days=today.weekday())
        return dates.seconds(monday), dates.seconds(monday + 7 * _DAY), False
    if word in _PERIODS:
        check.an_object(value, path)
        low, high = (_shifted(today, word, amount) for amount in _PERIODS[word])
        return dates.seconds(low), dates.seconds(high + _DAY), False
    start, width = _moment(check.a_string(value, path), path, today)
    after = start + width
    bounds: dict[str, tuple[datetime | None, datetime | None]] = {
        "equals": (start, after),
        "does_not_equal": (start, after),
        "before": (None, start),
        "after": (after, None),
        "on_or_before": (None, after),
        "on_or_after": (start, None),
    }
    first, last = bounds[word]
    return (
        None if first is None else dates.seconds(first),
        None if last is None else dates.seconds(last),
        word == "does_not_equal",
    )


def _shifted(day: datetime, word: str, amount: int) -> datetime:
    return day + timedelta(days=amount) if word.endswith("week") else plus_months(day, amount)


def plus_months(day: datetime, months: int) -> datetime:
    """Return the same day so many months on, or that month's last day."""
    index = day.year * 12 + day.month - 1 + months
    first = day.replace(year=index // 12, month=index % 12 + 1, day=1)
    last = (first + timedelta(days=32)).replace(day=1) - _DAY
    return first.replace(day=min(day.day, last.day))


def _moment(text: str, path: str, today: datetime) -> tuple[datetime, timedelta]:
    if text in _RELATIVE_DAYS:
        return today + timedelta(days=_RELATIVE_DAYS[text]), _DAY
    if text in _RELATIVE_MONTHS:
        return plus_months(today, _RELATIVE_MONTHS[text]), _DAY
    try:
        when = dates.moment(text).astimezone(UTC)
        when + _DAY
    except (ValueError, OverflowError):
        check.refuse(path, "a valid ISO 8601 date string", text)
    return (when, _DAY) if dates.is_day(text) else (when.replace(second=0, microsecond=0), _MINUTE)


# Computed properties


def _formula(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    kinds: dict[str, Any] = {"string": _text, "checkbox": _checkbox, "number": _number, "date": _date}
    kind, inner = _only(given, path, tuple(kinds))
    found: Condition = kinds[kind](entry, check.an_object(inner, f"{path}.{kind}"), f"{path}.{kind}", context)
    return found


def _rollup(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    kinds: dict[str, Any] = {"number": _number, "date": _date}
    kind, inner = _only(given, path, ("any", "every", "none", *kinds))
    body = check.an_object(inner, f"{path}.{kind}")
    if kind in kinds:
        found: Condition = kinds[kind](entry, body, f"{path}.{kind}", context)
        return found
    inner_kinds: dict[str, Any] = {
        "rich_text": _text,
        "number": _number,
        "checkbox": _checkbox,
        "date": _date,
        "select": _text_options,
        "multi_select": _text_options,
        "status": _text_options,
        "people": _references,
        "relation": _references,
        "files": _files,
    }
    inner_kind, inner_body = _only(body, f"{path}.{kind}", tuple(inner_kinds))
    where = f"{path}.{kind}.{inner_kind}"
    matched: Condition = inner_kinds[inner_kind](entry, check.an_object(inner_body, where), where, context)
    if kind == "every":
        unmatched = _cells(entry, context)
        return Condition(f"({matched.sql}) AND {unmatched.sql}", (*matched.parameters, *unmatched.parameters))
    return matched if kind == "any" else _not(matched)


def _text_options(entry: Property, given: Mapping[str, Any], path: str, context: Context) -> Condition:
    """Compare rolled-up options, which the table of computed values keeps by name."""
    words = ("equals", "does_not_equal", "contains", "does_not_contain", *_EMPTINESS)
    word, value = _only(given, path, words)
    if word in _EMPTINESS:
        return _emptiness(word, value, path, entry, context)
    inner = _cells(entry, context, "text = ?", (values.indexed(check.a_string(value, f"{path}.{word}")),))
    return _not(inner) if word.startswith("does_not") else inner


_FILTERS: dict[str, Callable[[Property, Mapping[str, Any], str, Context], Condition]] = {
    "title": _text,
    "rich_text": _text,
    "url": _text,
    "email": _text,
    "phone_number": _text,
    "number": _number,
    "unique_id": _unique_id,
    "checkbox": _checkbox,
    "select": _options(("equals", "does_not_equal")),
    "status": _options(("equals", "does_not_equal")),
    "multi_select": _options(("contains", "does_not_contain")),
    "date": _date,
    "created_time": _date,
    "last_edited_time": _date,
    "people": _references,
    "created_by": _references,
    "last_edited_by": _references,
    "relation": _references,
    "files": _files,
    "formula": _formula,
    "rollup": _rollup,
    "verification": _verification,
}

# Sorts


def order(given: object, context: Context) -> Condition:
    """Return the ``ORDER BY`` terms of a query's sorts, ending in the default order, which breaks ties.

    Raises:
        ApiError: with Notion's sentence, for a wrong shape or an unknown property.
    """
    terms: list[str] = []
    parameters: list[Any] = []
    for i, entry in enumerate(check.an_array(given, "body.sorts")):
        path = f"body.sorts[{i}]"
        body = check.an_object(entry, path)
        check.no_other_keys(body, path, ("property", "timestamp", "direction"))
        direction = check.one_of(
            body.get("direction", "ascending"), f"{path}.direction", ("ascending", "descending")
        )
        word = "DESC" if direction == "descending" else "ASC"
        key = _sort_key(body, path, context)
        terms.append(f"{key.sql} {word} NULLS LAST")
        parameters.extend(key.parameters)
    return Condition(", ".join([*terms, "o.created DESC", "o.id DESC"]), tuple(parameters))


def _sort_key(body: Mapping[str, Any], path: str, context: Context) -> Condition:
    if "timestamp" in body:
        column = _TIMESTAMPS[check.one_of(body["timestamp"], f"{path}.timestamp", _TIMESTAMPS)]
        return Condition(f"(o.{column} - o.{column} % 60000)")
    key = check.a_string(check.member(body, "property"), f"{path}.property")
    entry = schema.find(context.entries, key)
    if entry is None:
        raise invalid(f"Could not find sort property with name or id: {key}")
    if entry.type in _TIMESTAMPS:
        return Condition(f"o.{_TIMESTAMPS[entry.type]}")
    if entry.type in _USERS:
        return Condition(f"o.{_USERS[entry.type]}")
    if entry.type == "unique_id":
        return Condition("json_extract(o.data, '$.number')")
    return _sort_cell(entry, context)


def _sort_cell(entry: Property, context: Context) -> Condition:
    if entry.type in COMPUTED:
        context.computed.add(entry.id)
        where = "FROM temp.computed k WHERE k.page = o.id AND k.property = ? LIMIT 1"
        return Condition(f"(SELECT coalesce(k.number, k.text) {where})", (entry.id,))
    where = "FROM cell k WHERE k.page = o.id AND k.property = ? AND k.ordinal = 0"
    if entry.type in schema.OPTION_TYPES and entry.options:
        cases = " ".join(f"WHEN ? THEN {i}" for i, _ in enumerate(entry.options))
        option_ids = tuple(option["id"] for option in entry.options)
        return Condition(f"(SELECT CASE k.text {cases} END {where})", (*option_ids, entry.id))
    column = "k.number" if entry.type in ("number", "date", "checkbox") else "coalesce(k.sort, k.text)"
    return Condition(f"(SELECT {column} {where})", (entry.id,))
