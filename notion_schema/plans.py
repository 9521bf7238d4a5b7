"""What a plan of provisioning says: databases, columns, options and relations to add, as plain records.

Made by ``provisioning``, carried out by ``applying``, shown by the command line. Nothing here asks Notion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from notion_schema.calls import Json
from notion_schema.databases import SPECS, DatabaseSpec
from notion_schema.places import Place


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
