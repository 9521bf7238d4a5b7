"""What is missing in the owner's databases: never more.

``plan`` reads and describes, ``apply`` (of ``applying``) does what the plan says. Databases, columns, options and
relations are added; nothing is renamed, retyped, reordered or removed, and a column that serves under another name is
left to serve. A plan made after its application is empty. Called by the command line and the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notion_schema import values
from notion_schema.applying import apply
from notion_schema.calls import Json
from notion_schema.client import Notion
from notion_schema.databases import SPECS, DatabaseSpec
from notion_schema.ids import parse_id
from notion_schema.places import Place, by_title, locate
from notion_schema.plans import NewColumns, NewDatabase, NewOptions, NewRelation, Plan
from notion_schema.properties import Kind, MultiSelect, Relation, Select, Status, Title
from notion_schema.rows import Binding, Column, Row, bind, folded, kinds_of
from notion_schema.vocabulary import State

STATUS = "status"
TASK_TYPE = "task_type"
MOST_OPTIONS = 100
_COLORS: Mapping[State, str] = {
    State.READY: "blue",
    State.RUNNING: "yellow",
    State.BLOCKED: "orange",
    State.REVIEW: "purple",
    State.DONE: "green",
    State.FAILED: "red",
    State.CANCELLED: "gray",
    State.ARCHIVED: "gray",
}


@dataclass(frozen=True)
class _Known:
    """A database that exists: where it is and how it is bound."""

    spec: DatabaseSpec
    place: Place
    binding: Binding[Any]
    live: Json


def plan(
    notion: Notion,
    *,
    parent_page_id: str | None = None,
    specs: Iterable[DatabaseSpec] = tuple(SPECS.values()),
    existing: Mapping[str, str] | None = None,
    task_types: Sequence[str] = (),
    known_columns: Mapping[str, Mapping[str, str]] | None = None,
) -> Plan:
    """Find out what is missing. Changes nothing.

    Args:
        notion: The client.
        parent_page_id: Page under which missing databases shall be created; without it they are only noted. A
            database under it that has a wanted title is taken to be the one.
        specs: The databases wanted.
        existing: Link or id of each database that is there, by key.
        task_types: Task types of the handlers, as options of *Task Type*.
        known_columns: The property ids that serve, by attribute, by data source id: a column that was renamed
            serves on, and is not added anew.

    Raises:
        NotionError: A database could not be read.
    """
    wanted = {spec.key: spec for spec in specs}
    parent = parse_id(parent_page_id) if parent_page_id else None
    found = dict(existing or {})
    if parent:
        found = {**by_title(notion, parent, {key: spec.title for key, spec in wanted.items()}), **found}
    known = {
        key: _known(notion, spec, found[key], known_columns or {})
        for key, spec in wanted.items()
        if key in found
    }
    absent = [spec for key, spec in wanted.items() if key not in known]
    notes = [note for one in known.values() for note in (*_obstacles(one), *_too_many(one, task_types))]
    if not parent:
        notes += [f"{spec.title} is not set up, and no page was named to create it under." for spec in absent]
        absent = []
    relations, lonely = _relations(known, absent)
    return Plan(
        parent_page_id=parent,
        places={key: one.place for key, one in known.items()},
        databases=tuple(NewDatabase(spec, _new_properties(spec, task_types)) for spec in absent),
        columns=tuple(columns for one in known.values() if (columns := _columns(one, task_types))),
        options=tuple(options for one in known.values() for options in _options(one, task_types)),
        relations=tuple(relations),
        notes=(*notes, *lonely),
    )


def _known(notion: Notion, spec: DatabaseSpec, text: str, columns: Mapping[str, Mapping[str, str]]) -> _Known:
    place, live = locate(notion, text, spec.title)
    row_type: type[Row] = spec.row_type
    served = columns.get(place.data_source_id)
    binding = bind(row_type, live, title=place.title, key=spec.key, previous=served, skip=spec.skip)
    return _Known(spec, place, binding, live)


def _missing(known: _Known) -> Iterator[tuple[str, Kind]]:
    """Attributes to create a column for: those without one whose name is free."""
    taken = {folded(name) for name in known.live.get("properties", {})}
    for attr, kind in known.binding.unbound.items():
        if kind.provision and folded(kind.name) not in taken:
            yield attr, kind


def _obstacles(known: _Known) -> Iterator[str]:
    """Columns that cannot be created because their name stands for something else."""
    free = {attr for attr, _ in _missing(known)}
    for attr, kind in known.binding.unbound.items():
        if not kind.provision or attr in free:
            continue
        for finding in known.binding.findings:
            if finding.property_name == kind.name:
                yield f"{finding.sentence} {finding.remedy}"


def _columns(known: _Known, task_types: Sequence[str]) -> NewColumns | None:
    properties = {
        kind.name: _creation(known.spec, attr, kind, task_types)
        for attr, kind in _missing(known)
        if not isinstance(kind, Relation)
    }
    return NewColumns(known.spec.key, properties) if properties else None


def _new_properties(spec: DatabaseSpec, task_types: Sequence[str]) -> Json:
    properties: Json = {}
    for attr, kind in kinds_of(spec.row_type).items():
        if attr in spec.skip or isinstance(kind, Relation) or not (kind.provision or kind.required):
            continue
        name = spec.title_name if isinstance(kind, Title) and spec.title_name else kind.name
        properties[name] = _creation(spec, attr, kind, task_types)
    return properties


def _creation(spec: DatabaseSpec, attr: str, kind: Kind, task_types: Sequence[str]) -> Json:
    if attr == STATUS and isinstance(kind, Status) and spec.vocabulary is not None:
        vocabulary = spec.vocabulary
        shown = {
            vocabulary.write[state]: _COLORS[state] for state in reversed(State) if state in vocabulary.write
        }
        return {
            kind.create_as: {
                "options": [{"name": w, "color": shown.get(w, "default")} for w in vocabulary.all_words()]
            }
        }
    if attr == TASK_TYPE:
        return {kind.create_as: {"options": [{"name": name} for name in task_types]}}
    return kind.creation()


def _wanted_options(spec: DatabaseSpec, column: Column, task_types: Sequence[str]) -> tuple[str, ...]:
    kind = column.kind
    if column.attr == TASK_TYPE:
        return tuple(task_types)
    if column.attr == STATUS and spec.vocabulary is not None:
        return tuple(spec.vocabulary.write.values())
    if isinstance(kind, Select):
        return kind.declared if kind.complete else ()
    return kind.options if isinstance(kind, MultiSelect) else ()


def _too_many(known: _Known, task_types: Sequence[str]) -> Iterator[str]:
    """Lists that the API cannot extend: it takes them whole, and not more than a hundred options."""
    for options in _options(known, task_types, most=None):
        if len(options.had) + len(options.add) > MOST_OPTIONS:
            listed = ", ".join(f"“{name}”" for name in options.add)
            yield (
                f"“{options.column}” in {known.place.title} has {len(options.had)} options, and Notion's API writes "
                f"lists of at most {MOST_OPTIONS}. Add these by hand: {listed}."
            )


def _options(
    known: _Known, task_types: Sequence[str], most: int | None = MOST_OPTIONS
) -> Iterator[NewOptions]:
    for column in known.binding.columns.values():
        if column.type not in {"select", "status", "multi_select"}:
            continue
        had = values.option_names(column.live)
        wanted = _wanted_options(known.spec, column, task_types)
        add = tuple(dict.fromkeys(name for name in wanted if name not in had))
        if add and (most is None or len(had) + len(add) <= most):
            yield NewOptions(known.spec.key, column.id, column.name, column.type, add, had)


def _relations(
    known: Mapping[str, _Known], absent: Sequence[DatabaseSpec]
) -> tuple[list[NewRelation], list[str]]:
    missing: dict[str, list[Relation]] = {
        key: [kind for _, kind in _missing(one) if isinstance(kind, Relation)] for key, one in known.items()
    }
    for spec in absent:
        missing[spec.key] = [
            kind
            for attr, kind in kinds_of(spec.row_type).items()
            if isinstance(kind, Relation) and kind.provision and attr not in spec.skip
        ]
    made: list[NewRelation] = []
    notes: list[str] = []
    for key, kinds in missing.items():
        for kind in kinds:
            to = key if kind.database == "self" else kind.database
            if to not in missing:
                notes.append(
                    f"{SPECS[key].title}: “{kind.name}” is left out, because {SPECS[to].title} is not set up."
                )
            elif not _shown_already(made, key, kind, to):
                twin = next((other.name for other in missing[to] if other.name == kind.twin), None)
                made.append(NewRelation(key, kind.name, to, twin if to != key else None))
    return made, notes


def _shown_already(made: Iterable[NewRelation], key: str, kind: Relation, to: str) -> bool:
    """A relation from the other side brings this column with it."""
    return any(one.key == to and one.to == key and one.twin == kind.name for one in made)


__all__ = ["Plan", "apply", "plan"]
