"""Formulas as values: evaluating a formula's tree for one row, and telling beforehand what kind of value it has.

What it does not know raises `FormulaError`, which is shown as an empty value rather than as a wrong one. Pure, given
the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from notion_local import dates
from notion_local.formula import Binary, Call, Choice, Items, Literal, Name, Node, Reference, Unary
from notion_local.formula_functions import (
    FUNCTIONS,
    DateValue,
    FormulaError,
    add,
    as_list,
    as_number,
    as_text,
    divide,
    modulo,
    ordered,
    power,
    same,
    truth,
)

Value = Any
"""None, a number, text, truth value, `DateValue`, a list, or an answer's object."""
Lookup = Callable[[str], Value]
Scope = Mapping[str, Value]

_NUMBER_FUNCTIONS = frozenset(
    [
        "length",
        "subtract",
        "multiply",
        "divide",
        "mod",
        "pow",
        "min",
        "max",
        "sum",
        "median",
        "mean",
        "abs",
        "round",
        "ceil",
        "floor",
        "sqrt",
        "cbrt",
        "exp",
        "ln",
        "log10",
        "log2",
        "sign",
        "pi",
        "e",
        "toNumber",
        "minute",
        "hour",
        "day",
        "date",
        "week",
        "month",
        "year",
        "dateBetween",
        "timestamp",
        "findIndex",
    ]
)
_BOOLEAN_FUNCTIONS = frozenset(
    ["empty", "contains", "includes", "test", "equal", "unequal", "and", "or", "not", "some", "every"]
)
_DATE_FUNCTIONS = frozenset(
    [
        "now",
        "today",
        "dateAdd",
        "dateSubtract",
        "dateRange",
        "dateStart",
        "dateEnd",
        "fromTimestamp",
        "parseDate",
    ]
)


def evaluate(node: Node, lookup: Lookup, now: float, scope: Scope | None = None) -> Value:
    """Return the value of a formula for one row.

    Args:
        node: the formula's tree, its properties by id.
        lookup: returns the row's value of a property id.
        now: seconds since 1970.
        scope: the variables in force.

    Raises:
        FormulaError: when it cannot be computed.
    """
    return _Evaluator(lookup, now).value(node, scope or {})


class _Evaluator:
    def __init__(self, lookup: Lookup, now: float) -> None:
        self._lookup = lookup
        self._now = datetime.fromtimestamp(now, tz=UTC)

    def value(self, node: Node, scope: Scope) -> Value:  # noqa: C901, PLR0911 one case per kind of node
        match node:
            case Literal(value):
                return value
            case Reference(key):
                return self._lookup(key)
            case Name(name):
                if name not in scope:
                    raise FormulaError(f"{name} is not defined")
                return scope[name]
            case Items(items):
                return [self.value(item, scope) for item in items]
            case Choice(condition, then, otherwise):
                return self.value(then if truth(self.value(condition, scope)) else otherwise, scope)
            case Unary(operator, operand):
                inner = self.value(operand, scope)
                if operator == "not":
                    return not truth(inner)
                return -as_number(inner) if operator == "-" else as_number(inner)
            case Binary():
                return self._binary(node, scope)
            case Call():
                return self._call(node, scope)

    def _binary(self, node: Binary, scope: Scope) -> Value:
        left = self.value(node.left, scope)
        if node.operator == "and":
            return truth(left) and truth(self.value(node.right, scope))
        if node.operator == "or":
            return truth(left) or truth(self.value(node.right, scope))
        right = self.value(node.right, scope)
        return _OPERATORS[node.operator](left, right)

    def _call(self, node: Call, scope: Scope) -> Value:
        arguments = node.arguments if node.subject is None else (node.subject, *node.arguments)
        if node.name in ("if", "ifs"):
            return self._if(arguments, scope)
        if node.name == "now":
            return DateValue(self._now.replace(second=0, microsecond=0))
        if node.name == "today":
            return DateValue(self._now.replace(hour=0, minute=0, second=0, microsecond=0), is_day=True)
        if node.name in ("let", "lets"):
            return self._let(arguments, scope)
        if node.name in _OVER_ITEMS:
            return self._over_items(node.name, arguments, scope)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise FormulaError(f"{node.name} is not a function")
        try:
            return function(*(self.value(argument, scope) for argument in arguments))
        except TypeError as error:
            raise FormulaError(f"{node.name} was given the wrong arguments") from error

    def _if(self, arguments: tuple[Node, ...], scope: Scope) -> Value:
        for i in range(0, len(arguments) - 1, 2):
            if truth(self.value(arguments[i], scope)):
                return self.value(arguments[i + 1], scope)
        return self.value(arguments[-1], scope) if len(arguments) % 2 else None

    def _let(self, arguments: tuple[Node, ...], scope: Scope) -> Value:
        inner = dict(scope)
        for i in range(0, len(arguments) - 1, 2):
            name = arguments[i]
            if not isinstance(name, Name):
                raise FormulaError("let needs a name")
            inner[name.name] = self.value(arguments[i + 1], inner)
        if not arguments:
            raise FormulaError("let needs a value")
        return self.value(arguments[-1], inner)

    def _over_items(self, name: str, arguments: tuple[Node, ...], scope: Scope) -> Value:
        if len(arguments) != 2:  # noqa: PLR2004 the list and what is done with each item
            raise FormulaError(f"{name} needs a list and an expression")
        items = as_list(self.value(arguments[0], scope))
        results = [
            self.value(arguments[1], {**scope, "current": item, "index": float(i)})
            for i, item in enumerate(items)
        ]
        return _OVER_ITEMS[name](items, results)


def _first_true(results: list[Value]) -> int:
    return next((i for i, result in enumerate(results) if truth(result)), -1)


_OVER_ITEMS: dict[str, Callable[[list[Value], list[Value]], Value]] = {
    "map": lambda _items, results: results,
    "filter": lambda items, results: [
        item for item, result in zip(items, results, strict=True) if truth(result)
    ],
    "find": lambda items, results: items[i] if (i := _first_true(results)) >= 0 else None,
    "findIndex": lambda _items, results: float(_first_true(results)),
    "some": lambda _items, results: any(truth(result) for result in results),
    "every": lambda _items, results: all(truth(result) for result in results),
}

_OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    ">": lambda left, right: ordered(left) > ordered(right),
    ">=": lambda left, right: ordered(left) >= ordered(right),
    "<": lambda left, right: ordered(left) < ordered(right),
    "<=": lambda left, right: ordered(left) <= ordered(right),
    "+": add,
    "-": lambda left, right: as_number(left) - as_number(right),
    "*": lambda left, right: as_number(left) * as_number(right),
    "/": divide,
    "%": modulo,
    "^": power,
}


def kind_of(node: Node, kinds: Mapping[str, str]) -> str:  # noqa: PLR0911 one case per kind of node
    """Return ``number``, ``boolean``, ``date`` or ``string``: what a formula yields, whatever the row.

    Args:
        node: the formula's tree.
        kinds: the kind of each property id; a missing one is a string.
    """
    match node:
        case Literal(value):
            return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        case Reference(key):
            return kinds.get(key, "string")
        case Choice(_, then, otherwise):
            return _common(kind_of(then, kinds), kind_of(otherwise, kinds))
        case Unary(operator):
            return "boolean" if operator == "not" else "number"
        case Binary(operator, left, right):
            return _binary_kind(operator, kind_of(left, kinds), kind_of(right, kinds))
        case Call():
            return _call_kind(node, kinds)
    return "string"


def _common(left: str, right: str) -> str:
    return left if left == right else "string"


def _binary_kind(operator: str, left: str, right: str) -> str:
    if operator in ("and", "or", "==", "!=", ">", ">=", "<", "<="):
        return "boolean"
    if operator == "+" and (left == "string" or right == "string"):
        return "string"
    return "number"


def _call_kind(node: Call, kinds: Mapping[str, str]) -> str:
    arguments = node.arguments if node.subject is None else (node.subject, *node.arguments)
    if node.name in _NUMBER_FUNCTIONS:
        return "number"
    if node.name in _BOOLEAN_FUNCTIONS:
        return "boolean"
    if node.name in _DATE_FUNCTIONS:
        return "date"
    if node.name in ("if", "ifs") and len(arguments) > 1:
        return _common(kind_of(arguments[1], kinds), kind_of(arguments[-1], kinds))
    if node.name in ("let", "lets") and arguments:
        return kind_of(arguments[-1], kinds)
    return (
        "number"
        if node.name == "add" and "string" not in {kind_of(part, kinds) for part in arguments}
        else "string"
    )


# From and to answers


def from_answer(kind: str, value: Any) -> Value:  # noqa: PLR0911 one case per type
    """Return a property's value, given in its answer's form, as formulas see it."""
    if kind in ("title", "rich_text"):
        return "".join(run["plain_text"] for run in value)
    if kind in ("select", "status"):
        return value["name"] if value else ""
    if kind == "multi_select":
        return [option["name"] for option in value]
    if kind == "date":
        return from_date(value)
    if kind in ("created_time", "last_edited_time"):
        return DateValue(dates.moment(value))
    if kind == "unique_id":
        prefix = f"{value['prefix']}-" if value["prefix"] else ""
        return f"{prefix}{value['number']}"
    if kind == "files":
        return [item.get("name", "") for item in value]
    if kind in ("url", "email", "phone_number"):
        return value or ""
    return value


def from_date(value: Mapping[str, Any] | None) -> DateValue | None:
    """Return an answer's date as formulas see it."""
    if not value:
        return None
    end = dates.moment(value["end"]) if value.get("end") else None
    return DateValue(dates.moment(value["start"]), end, dates.is_day(value["start"]))


def shown(value: Value, kind: str) -> dict[str, Any]:
    """Return a formula's value as answers show it; `kind` decides when there is no value."""
    if isinstance(value, bool):
        return {"type": "boolean", "boolean": value}
    if isinstance(value, int | float):
        whole = value == int(value) if abs(value) < 1e15 else False  # noqa: PLR2004 exactly kept by a double
        return {"type": "number", "number": int(value) if whole else value}
    if isinstance(value, DateValue):
        return {"type": "date", "date": _shown_date(value)}
    if value in (None, "") and kind != "string":
        return {"type": kind, kind: False if kind == "boolean" else None}
    return {"type": "string", "string": as_text(value) or None}


def _shown_date(value: DateValue) -> dict[str, Any]:
    def text(when: datetime) -> str:
        return when.date().isoformat() if value.is_day else dates.floored_moment(when)

    return {"start": text(value.start), "end": text(value.end) if value.end else None, "time_zone": None}
