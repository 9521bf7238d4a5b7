"""The properties of a data source: what a request may declare, how it is kept, how an answer shows it.

A `Property` is kept by id, so that renaming it touches no page. Formulas keep the references they were given
resolved to ids. What needs a second data source (relations, rollups) is resolved by `databases`; this module judges
and changes one schema at a time. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from notion_local import ids
from notion_local import validation as check
from notion_local.errors import invalid
from notion_local.richtext import COLORS

PLAIN_TYPES = (
    "title",
    "rich_text",
    "date",
    "people",
    "files",
    "checkbox",
    "url",
    "email",
    "phone_number",
    "created_time",
    "created_by",
    "last_edited_time",
    "last_edited_by",
    "place",
    "button",
    "verification",
    "last_visited_time",
)
OPTION_TYPES = ("select", "multi_select", "status")
TYPES = ("number", *OPTION_TYPES, "formula", "relation", "rollup", "unique_id", *PLAIN_TYPES)
READ_ONLY = (
    "created_time",
    "created_by",
    "last_edited_time",
    "last_edited_by",
    "formula",
    "rollup",
    "unique_id",
    "button",
    "last_visited_time",
)
COMPUTED = ("formula", "rollup")
NUMBER_FORMATS = (
    "number",
    "number_with_commas",
    "percent",
    "dollar",
    "australian_dollar",
    "canadian_dollar",
    "singapore_dollar",
    "euro",
    "pound",
    "yen",
    "ruble",
    "rupee",
    "won",
    "yuan",
    "real",
    "lira",
    "rupiah",
    "franc",
    "hong_kong_dollar",
    "new_zealand_dollar",
    "krona",
    "norwegian_krone",
    "mexican_peso",
    "rand",
    "new_taiwan_dollar",
    "danish_krone",
    "zloty",
    "baht",
    "forint",
    "koruna",
    "shekel",
    "chilean_peso",
    "philippine_peso",
    "dirham",
    "colombian_peso",
    "riyal",
    "ringgit",
    "leu",
    "argentine_peso",
    "uruguayan_peso",
    "peruvian_sol",
)
ROLLUP_FUNCTIONS = (
    "count",
    "count_values",
    "empty",
    "not_empty",
    "unique",
    "show_unique",
    "percent_empty",
    "percent_not_empty",
    "sum",
    "average",
    "median",
    "min",
    "max",
    "range",
    "earliest_date",
    "latest_date",
    "date_range",
    "checked",
    "unchecked",
    "percent_checked",
    "percent_unchecked",
    "count_per_group",
    "percent_per_group",
    "show_original",
)
_MAX_OPTION_NAME = 100
_STATUS_GROUPS = (("To-do", "gray"), ("In progress", "blue"), ("Complete", "green"))
_STATUS_DEFAULTS = (("Not started", "default"), ("In progress", "blue"), ("Done", "green"))


@dataclass(frozen=True)
class Property:
    """One property of a data source."""

    id: str
    """Not URL-encoded; ``title`` for the title."""
    name: str
    type: str
    config: dict[str, Any] = field(default_factory=dict)
    """What stands under the type's key, as stored: options with ids, a formula with its references resolved."""
    description: str | None = None

    def stored(self) -> dict[str, Any]:
        """Return the JSON form kept in the data source."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "config": self.config,
            "description": self.description,
        }

    @property
    def options(self) -> list[dict[str, Any]]:
        """The options of a select, multi-select or status; empty for every other type."""
        options: list[dict[str, Any]] = self.config.get("options", []) if self.type in OPTION_TYPES else []
        return options

    def option_by_name(self, name: str) -> dict[str, Any] | None:
        """Return the option of this name, or None."""
        return next((option for option in self.options if option["name"] == name), None)

    def option_by_id(self, option_id: str) -> dict[str, Any] | None:
        """Return the option of this id, or None."""
        return next((option for option in self.options if option["id"] == option_id), None)


Schema = dict[str, Property]
"""Properties by id, in order of creation."""


TITLE_ONLY: Schema = {"title": Property("title", "title", "title")}
"""The properties of a page that stands under no data source."""


def load(stored: Iterable[Mapping[str, Any]]) -> Schema:
    """Return the schema kept in a data source's data."""
    return {entry["id"]: Property(**entry) for entry in stored}


def dump(schema: Schema) -> list[dict[str, Any]]:
    """Return the JSON form of a schema."""
    return [entry.stored() for entry in schema.values()]


def find(schema: Schema, key: str) -> Property | None:
    """Return the property that a request means by a key: its name, else its id, encoded or not."""
    by_name = next((entry for entry in schema.values() if entry.name == key), None)
    return by_name or schema.get(key) or schema.get(ids.decode_property_id(key))


def title_of(schema: Schema) -> Property:
    """Return the title property, which every schema has."""
    return schema["title"]


def parse_config(kind: str, value: object, path: str, previous: Property | None = None) -> dict[str, Any]:
    """Return the stored configuration of one property, as far as its own schema decides it.

    Args:
        kind: the property's type.
        value: what the request says under the type's key.
        path: where it says it.
        previous: the property as it was, whose options keep their ids and colours.
    """
    given = check.an_object(value, path)
    if kind == "number":
        check.no_other_keys(given, path, ("format",))
        default = previous.config["format"] if previous and previous.type == "number" else "number"
        return {"format": check.one_of(given.get("format", default), f"{path}.format", NUMBER_FORMATS)}
    if kind in OPTION_TYPES:
        return _parse_options(kind, given, path, previous)
    if kind == "formula":
        check.no_other_keys(given, path, ("expression",))
        return {"expression": check.a_string(given.get("expression", ""), f"{path}.expression")}
    if kind == "unique_id":
        return {"prefix": _prefix(given, path, previous)}
    if kind in ("relation", "rollup"):
        return dict(given)
    check.no_other_keys(given, path, ())
    return {}


def _prefix(given: dict[str, Any], path: str, previous: Property | None) -> str | None:
    check.no_other_keys(given, path, ("prefix",))
    before = previous.config["prefix"] if previous is not None and previous.type == "unique_id" else None
    prefix = given.get("prefix", before)
    if prefix is None:
        return None
    return check.a_string(prefix, f"{path}.prefix")


def _parse_options(kind: str, given: dict[str, Any], path: str, previous: Property | None) -> dict[str, Any]:
    check.no_other_keys(given, path, ("options", "groups") if kind == "status" else ("options",))
    before = previous.options if previous is not None and previous.type in OPTION_TYPES else []
    if "options" not in given:
        if kind == "status":
            return previous.config if previous and previous.type == "status" else _default_status()
        return {"options": [dict(option) for option in before]}
    entries = check.an_array(given["options"], f"{path}.options")
    options = [_parse_option(entry, f"{path}.options[{i}]", before) for i, entry in enumerate(entries)]
    names = [option["name"] for option in options]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Invalid {kind} options, duplicate option name: {name}")
    if kind != "status":
        return {"options": options}
    return {"options": options, "groups": _regrouped(options, previous)}


def _parse_option(entry: object, path: str, before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    given = check.an_object(entry, path)
    check.no_other_keys(given, path, ("id", "name", "color", "description"))
    known = None
    if "id" in given:
        known = next((option for option in before if option["id"] == given["id"]), None)
    if known is None and "name" in given:
        known = next((option for option in before if option["name"] == given["name"]), None)
    if known is None or "name" in given:
        name = option_name(given.get("name", check.MISSING), f"{path}.name")
    else:
        name = known["name"]
    color = known["color"] if known else "default"
    if given.get("color") is not None:
        color = check.one_of(given["color"], f"{path}.color", COLORS)
    if known and color != known["color"]:
        raise invalid(f"Cannot update color of select with name: {known['name']}.")
    description = given.get("description", known["description"] if known else None)
    option_id = known["id"] if known else ids.new_random_id()
    return {"id": option_id, "name": name, "color": color, "description": description}


def option_name(value: object, path: str) -> str:
    """Return the name of a select option, or refuse it: not empty, no comma, at most 100 units."""
    name = check.a_string(value, path, most=_MAX_OPTION_NAME)
    if not name:
        raise invalid(f"body failed validation: {path}.length should be ≥ `1`, instead was `0`.")
    if "," in name:
        raise invalid(f"Invalid select option, commas not allowed: {name}")
    return name


def new_option(name: str, color: str = "default") -> dict[str, Any]:
    """Return an option that writing a page brings into being."""
    return {"id": ids.new_random_id(), "name": name, "color": color, "description": None}


def _default_status() -> dict[str, Any]:
    options = [new_option(name, color) for name, color in _STATUS_DEFAULTS]
    groups = [
        {"id": ids.new_random_id(), "name": name, "color": color, "option_ids": [option["id"]]}
        for (name, color), option in zip(_STATUS_GROUPS, options, strict=True)
    ]
    return {"options": options, "groups": groups}


def _regrouped(options: Sequence[Mapping[str, Any]], previous: Property | None) -> list[dict[str, Any]]:
    """Keep each known option in its group; put new ones into "To-do", as Notion does."""
    if previous is not None and previous.type == "status":
        groups = [dict(group) for group in previous.config["groups"]]
    else:
        groups = [
            {"id": ids.new_random_id(), "name": name, "color": color, "option_ids": []}
            for name, color in _STATUS_GROUPS
        ]
    placed = {option_id for group in groups for option_id in group["option_ids"]}
    present = [option["id"] for option in options]
    for group in groups:
        group["option_ids"] = [option_id for option_id in group["option_ids"] if option_id in present]
    groups[0]["option_ids"] += [option_id for option_id in present if option_id not in placed]
    return groups


def show(entry: Property, expression: Callable[[str], str]) -> dict[str, Any]:
    """Return a property as a data source's answer shows it.

    Args:
        entry: the property.
        expression: how a stored formula is shown.
    """
    config: dict[str, Any] = entry.config
    if entry.type == "formula":
        config = {"expression": expression(config["expression"])}
    return {
        "id": ids.encode_property_id(entry.id),
        "name": entry.name,
        "description": entry.description,
        "type": entry.type,
        entry.type: config,
    }


def renamed(schema: Schema, entry: Property, name: str) -> Schema:
    """Return the schema with one property under another name.

    Raises:
        ApiError: when another property has that name.
    """
    if any(other.name == name and other.id != entry.id for other in schema.values()):
        raise invalid(
            f'Cannot create new property "{name}" because it conflicts with an existing property name.'
        )
    return {**schema, entry.id: replace(entry, name=name)}


def free_name(schema: Schema, wanted: str) -> str:
    """Return a name that no property has: the wanted one, else with a number."""
    taken = {entry.name for entry in schema.values()}
    if wanted not in taken:
        return wanted
    number = 1
    while f"{wanted} ({number})" in taken:
        number += 1
    return f"{wanted} ({number})"


def property_ids(keys: Sequence[str], entries: Schema) -> set[str]:
    """Return the ids of the properties that ``filter_properties`` names.

    Raises:
        ApiError: for an unknown one.
    """
    found = set()
    for key in keys:
        entry = entries.get(ids.decode_property_id(key)) or find(entries, key)
        if entry is None:
            raise invalid(f"Could not find property with name or id: {key}")
        found.add(entry.id)
    return found
