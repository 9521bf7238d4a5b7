"""Filters in the words of a row's attributes, turned into Notion's by the live types.

A filter names attributes, not columns, and stays valid when a column is renamed or becomes a select instead
of a status: it is compiled against the binding each time it is used. A word that is not among the live
options is refused, because Notion answers such a filter with an empty list, and that hides work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from notion_schema import values
from notion_schema.errors import SchemaDrift
from notion_schema.properties import Word
from notion_schema.rows import Binding, Column, unknown_option

Json = dict[str, Any]

_OPTIONS = frozenset({"select", "status", "multi_select"})
_LISTS = frozenset({"multi_select", "relation", "people"})


class Comparison(StrEnum):
    """What is asked of one column."""

    EQUALS = "equals"
    NOT_EQUALS = "does_not_equal"
    CONTAINS = "contains"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"
    BEFORE = "before"
    ON_OR_BEFORE = "on_or_before"
    AFTER = "after"
    ON_OR_AFTER = "on_or_after"


@dataclass(frozen=True)
class Condition:
    """One question about one attribute."""

    attr: str
    comparison: Comparison
    value: Any = True


@dataclass(frozen=True)
class Group:
    """Several filters, of which all or any must hold. Notion nests them two deep."""

    joint: str
    members: tuple[Filter, ...]


Filter = Condition | Group


def all_of(*members: Filter | None) -> Filter | None:
    """Every one must hold; ``None`` members say nothing."""
    return _joined("and", members)


def any_of(*members: Filter | None) -> Filter | None:
    """One must hold. Without members there is no filter."""
    return _joined("or", members)


def _joined(joint: str, members: tuple[Filter | None, ...]) -> Filter | None:
    given = tuple(member for member in members if member is not None)
    flat: list[Filter] = []
    for member in given:
        flat += member.members if isinstance(member, Group) and member.joint == joint else [member]
    if not flat:
        return None
    return flat[0] if len(flat) == 1 else Group(joint, tuple(flat))


def compile_filter(wanted: Filter, binding: Binding[Any]) -> Json:
    """Notion's form of a filter.

    Raises:
        SchemaDrift: A column is missing, of a type that cannot be asked this, or lacks the option.
    """
    if isinstance(wanted, Group):
        return {wanted.joint: [compile_filter(member, binding) for member in wanted.members]}
    column = binding.column(wanted.attr)
    return {"property": column.id, **_question(wanted, column, binding)}


def _question(wanted: Condition, column: Column, binding: Binding[Any]) -> Json:
    kind = column.type
    if kind in {"formula", "rollup"}:
        return {kind: _inside(wanted, kind, binding, column)}
    if wanted.comparison in {Comparison.IS_EMPTY, Comparison.IS_NOT_EMPTY}:
        if kind == "checkbox":
            return {kind: {"equals": wanted.comparison is Comparison.IS_NOT_EMPTY}}
        return {kind: {wanted.comparison.value: True}}
    value = _spelt(wanted.value, column)
    if kind in _OPTIONS and str(value) not in values.option_names(column.live):
        raise unknown_option(binding.database, column, str(value), binding.key)
    return {kind: {_asked(wanted.comparison, kind): _operand(value, kind)}}


def _inside(wanted: Condition, kind: str, binding: Binding[Any], column: Column) -> Json:
    value = wanted.value
    if kind == "rollup":
        if wanted.comparison in {Comparison.EQUALS, Comparison.CONTAINS}:
            return {"any": {"relation": {"contains": value}}}
    elif isinstance(value, bool) and wanted.comparison is Comparison.EQUALS:
        return {"checkbox": {"equals": value}}
    elif isinstance(value, datetime | date):
        return {"date": {wanted.comparison.value: values.written_text(value)}}
    elif isinstance(value, str | Word):
        return {"string": {wanted.comparison.value: str(value)}}
    raise SchemaDrift(
        f"“{column.name}” in {binding.database} is a {kind}, and Segue cannot look for rows by it.",
        signature=f"{binding.database}/{column.name}/filter/{kind}",
        operation="read the rows of a database",
        database=binding.database,
        property_name=column.name,
    )


def _asked(comparison: Comparison, kind: str) -> str:
    if kind in _LISTS:
        return {Comparison.EQUALS: "contains", Comparison.NOT_EQUALS: "does_not_contain"}.get(
            comparison, comparison.value
        )
    return comparison.value


def _operand(value: Any, kind: str) -> Any:
    if kind in {"number", "checkbox"}:
        return value
    return values.written_text(value)


def _spelt(value: Any, column: Column) -> Any:
    """A word in the spelling the live options have."""
    if isinstance(value, Word):
        options = values.option_names(column.live)
        return next((word for word in value.spellings if word in options), value.value)
    return value


def sort_by(attr: str, binding: Binding[Any], *, descending: bool = False) -> Json:
    """Notion's sort object for an attribute, or for ``created_time`` and ``last_edited_time``."""
    direction = "descending" if descending else "ascending"
    if attr in {"created_time", "last_edited_time"}:
        return {"timestamp": attr, "direction": direction}
    return {"property": binding.column(attr).id, "direction": direction}
