"""What is missing in the owner's databases, and adding it: never more.

``plan`` reads and describes, ``apply`` does what the plan says. Databases, columns, options and relations
are added; nothing is renamed, retyped, reordered or removed, and a column that serves under another name is
left to serve. What changed between plan and apply stops the step it concerns. A plan made after its
application is empty. Called by the command line and the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notion_schema import values
from notion_schema.calls import Json
from notion_schema.client import Notion
from notion_schema.databases import SPECS, DatabaseSpec
from notion_schema.errors import Incomplete, Refused, SchemaDrift
from notion_schema.ids import parse_id
from notion_schema.places import Place, locate
from notion_schema.properties import Kind, MultiSelect, Relation, Select, Status, Title
from notion_schema.rows import Binding, Column, Row, bind, kinds_of
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
class NewDatabase:
    """A database to create, with every column but its relations."""

    spec: DatabaseSpec
    properties: Json = field(repr=False)


@dataclass(frozen=True)
class NewColumns:
    """Columns to add to a database that exists."""

    key: str
    properties: Json


@dataclass(frozen=True)
class NewOptions:
    """Options to add to a column, and those it had when the plan was made."""

    key: str
    property_id: str
    column: str
    type: str
    add: tuple[str, ...]
    had: tuple[str, ...]


@dataclass(frozen=True)
class NewRelation:
    """A relation to add; with a twin, the column on the other side as well."""

    key: str
    name: str
    to: str
    twin: str | None


@dataclass(frozen=True)
class Plan:
    """What would be added, and where.

    Attributes:
        parent_page_id: New databases go under this page.
        places: The databases that exist, by key.
        databases: To create.
        columns: To add.
        options: To add.
        relations: To add, once every database is there.
        notes: What cannot be added, and why.
    """

    parent_page_id: str | None
    places: Mapping[str, Place]
    databases: tuple[NewDatabase, ...] = ()
    columns: tuple[NewColumns, ...] = ()
    options: tuple[NewOptions, ...] = ()
    relations: tuple[NewRelation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing would be added."""
        return not (self.databases or self.columns or self.options or self.relations)

    @property
    def lines(self) -> tuple[str, ...]:
        """The plan as a person reads it; notes begin with an exclamation mark."""
        return tuple(self._spoken())

    def _spoken(self) -> Iterator[str]:
        for database in self.databases:
            yield f"+ database {database.spec.title} with {len(database.properties)} columns"
        for columns in self.columns:
            for name, created in columns.properties.items():
                yield f"+ {SPECS[columns.key].title}: column “{name}” ({next(iter(created)).replace('_', ' ')})"
        for options in self.options:
            listed = ", ".join(f"“{name}”" for name in options.add)
            yield f"+ {SPECS[options.key].title}: “{options.column}” gets the options {listed}"
        for relation in self.relations:
            both = f", shown there as “{relation.twin}”" if relation.twin else ""
            yield f"+ {SPECS[relation.key].title}: relation “{relation.name}” to {SPECS[relation.to].title}{both}"
        for note in self.notes:
            yield f"! {note}"


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
        found = {**_by_title(notion, parent, wanted.values()), **found}
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


def apply(notion: Notion, wanted: Plan) -> dict[str, Place]:
    """Do what a plan says.

    Returns:
        Where each database is now, by key.

    Raises:
        SchemaDrift: A column's options changed since the plan was made; nothing was written to that column.
        Incomplete: A database is at Notion's limit for its columns; everything else was done.
        NotionError: Notion refused or could not be reached; what was added before stays, and a new plan
            goes on.
    """
    places = dict(wanted.places)
    left: dict[str, list[str]] = {}
    for database in wanted.databases:
        places[database.spec.key] = _create(notion, database, str(wanted.parent_page_id))
    for columns in wanted.columns:
        left.setdefault(columns.key, []).extend(_add(notion, places[columns.key], columns))
    for options in wanted.options:
        _grow(notion, places[options.key], options)
    for relation in wanted.relations:
        try:
            _relate(notion, places, relation)
        except Refused as refusal:
            if not _is_full(refusal):
                raise
            left.setdefault(relation.key, []).append(relation.name)
    if any(left.values()):
        raise _incomplete(places, left)
    return places


# --- planning -------------------------------------------------------------------------------------------


def _by_title(notion: Notion, page_id: str, specs: Iterable[DatabaseSpec]) -> dict[str, str]:
    """Ids of the databases directly on a page that have a wanted title."""
    titles: dict[str, str] = {}
    for block in notion.list_children(page_id):
        if block.get("type") == "child_database":
            titles.setdefault(block["child_database"]["title"], str(block["id"]))
    return {spec.key: titles[spec.title] for spec in specs if spec.title in titles}


def _known(notion: Notion, spec: DatabaseSpec, text: str, columns: Mapping[str, Mapping[str, str]]) -> _Known:
    place, live = locate(notion, text, spec.title)
    row_type: type[Row] = spec.row_type
    served = columns.get(place.data_source_id)
    binding = bind(row_type, live, title=place.title, key=spec.key, previous=served, skip=spec.skip)
    return _Known(spec, place, binding, live)


def _missing(known: _Known) -> Iterator[tuple[str, Kind]]:
    """Attributes to create a column for: those without one whose name is free."""
    taken = {" ".join(name.split()).casefold() for name in known.live.get("properties", {})}
    for attr, kind in known.binding.unbound.items():
        if kind.provision and " ".join(kind.name.split()).casefold() not in taken:
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


# --- applying -------------------------------------------------------------------------------------------


def _create(notion: Notion, wanted: NewDatabase, page_id: str) -> Place:
    spec = wanted.spec

    def there() -> Json | None:
        database_id = _by_title(notion, page_id, [spec]).get(spec.key)
        return notion.retrieve_database(database_id) if database_id else None

    database = notion.create_database(
        page_id=page_id,
        title=spec.title,
        properties=wanted.properties,
        icon={"type": "emoji", "emoji": spec.icon},
        description=spec.description,
        lookup=there,
    )
    return Place(str(database["id"]), str(database["data_sources"][0]["id"]), spec.title)


def _add(notion: Notion, place: Place, wanted: NewColumns) -> list[str]:
    """Add columns, all at once; where Notion finds that too much, one by one, the required ones first.

    Returns:
        Names of those that the database has no room for.
    """
    try:
        _add_all(notion, place, wanted.properties)
    except Refused as refusal:
        if not _is_full(refusal):
            raise
    else:
        return []
    row_type = SPECS[wanted.key].row_type
    required = {kind.name for kind in kinds_of(row_type).values() if kind.required}
    waiting = sorted(wanted.properties, key=lambda name: name not in required)
    while waiting:
        try:
            _add_all(notion, place, {waiting[0]: wanted.properties[waiting[0]]})
        except Refused as refusal:
            if not _is_full(refusal):
                raise
            return waiting
        del waiting[0]
    return []


def _add_all(notion: Notion, place: Place, properties: Json) -> None:
    answer = notion.update_data_source(place.data_source_id, properties=properties)
    # An answer of success has been seen from Notion without the change.
    if lost := [name for name in properties if name not in answer.get("properties", {})]:
        raise SchemaDrift(
            f"Notion said yes and did not add {', '.join(f'“{name}”' for name in lost)} to {place.title}."
            " Run this again.",
            signature=f"{place.title}/provision",
            operation="add columns",
            database=place.title,
        )


def _is_full(refusal: Refused) -> bool:
    """Whether Notion means that the database has too many columns and options already."""
    said = refusal.message.casefold()
    return "schema" in said and "maximum" in said and "size" in said


def _incomplete(places: Mapping[str, Place], left: Mapping[str, Sequence[str]]) -> Incomplete:
    sentences = [
        f"{places[key].title} is at the size Notion allows its columns and options to have, so that there is no room "
        f"for {', '.join(f'“{name}”' for name in names)}."
        for key, names in left.items()
        if names
    ]
    remedy = "Remove columns or options nobody uses any more, and run “segue provision --apply” again."
    return Incomplete(
        " ".join((*sentences, remedy)),
        signature="provision/room",
        ids={key: place.id for key, place in places.items()},
    )


def _grow(notion: Notion, place: Place, wanted: NewOptions) -> None:
    """Add options: read, merge by id, write, read back. The list that is written replaces the one that is there."""
    before = _option_list(notion, place, wanted)
    names = tuple(str(option["name"]) for option in before)
    if set(names) != set(wanted.had):
        raise _changed(
            place, wanted, "The options changed since the plan was made, and nothing was written to them."
        )
    kept = [{"id": option["id"], "name": option["name"]} for option in before]
    added = [{"name": name} for name in wanted.add]
    notion.update_data_source(
        place.data_source_id,
        properties={wanted.property_id: {wanted.type: {"options": [*kept, *added]}}},
    )
    after = {str(option["name"]) for option in _option_list(notion, place, wanted)}
    lost = [name for name in (*names, *wanted.add) if name not in after]
    if lost:
        listed = ", ".join(f"“{name}”" for name in lost)
        raise _changed(place, wanted, f"After the change these options are not there: {listed}.")


def _option_list(notion: Notion, place: Place, wanted: NewOptions) -> list[Json]:
    live = notion.retrieve_data_source(place.data_source_id)
    column = next((p for p in live["properties"].values() if p["id"] == wanted.property_id), None)
    if column is None or column["type"] != wanted.type:
        raise _changed(place, wanted, "The column was removed or got another type since the plan was made.")
    return list(column[wanted.type]["options"])


def _changed(place: Place, wanted: NewOptions, sentence: str) -> SchemaDrift:
    return SchemaDrift(
        f"“{wanted.column}” in {place.title}: {sentence} Look at the column and make a new plan.",
        signature=f"{place.title}/{wanted.column}/provision",
        operation="add options",
        database=place.title,
        property_name=wanted.column,
    )


def _relate(notion: Notion, places: Mapping[str, Place], wanted: NewRelation) -> None:
    kind = "dual_property" if wanted.twin else "single_property"
    here, there = places[wanted.key].data_source_id, places[wanted.to].data_source_id
    answer = notion.update_data_source(
        here,
        properties={wanted.name: {"relation": {"data_source_id": there, "type": kind, kind: {}}}},
    )
    if wanted.twin is None:
        return
    # Notion names the column on the other side itself ("Related to …"); it is ours and a moment old.
    made = answer["properties"][wanted.name]["relation"].get("dual_property", {}).get("synced_property_id")
    if made:
        notion.update_data_source(there, properties={str(made): {"name": wanted.twin}})


__all__ = ["Plan", "apply", "plan"]
