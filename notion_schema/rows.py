"""Rows as frozen dataclasses, bound to whatever the live database has become.

A ``Binding`` ties each declared attribute to one live property, by id, so that a rename in Notion changes
nothing. What is missing, ambiguous or of an unusable type is a ``Finding`` with its remedy; only a missing
required column stops a database. Pure: it is given the data source's JSON and never asks Notion. Used by
``workspace`` and ``provisioning``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from notion_schema import values
from notion_schema.errors import SchemaDrift
from notion_schema.properties import Kind, Title
from notion_schema.values import Json, UnknownOption, Unwritable


@dataclass(frozen=True, kw_only=True)
class Row:
    """What every row has.

    Attributes:
        id: Page id, dashed.
        url: Where a person opens it.
        created_time: Floored to the minute by Notion.
        last_edited_time: Floored to the minute by Notion.
        created_by: Id of the person or integration, or ``None``.
        last_edited_by: The same for the last edit.
        in_trash: It was deleted.
        database_key: Key of the database it was read from; empty when the page is not one of that
            database's rows.
    """

    id: str
    url: str = ""
    created_time: datetime | None = None
    last_edited_time: datetime | None = None
    created_by: str | None = None
    last_edited_by: str | None = None
    in_trash: bool = False
    database_key: str = ""


R = TypeVar("R", bound=Row)


class Level(StrEnum):
    """How bad a finding is."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about a database that its owner should know.

    Attributes:
        level: ``failure`` stops the database.
        database: Its title.
        property_name: The column, or ``None`` when it is about the whole.
        sentence: What is the case.
        remedy: What the owner can do; empty when nothing is needed.
        subject: What it is about, in terms that stay when columns are renamed and options change: the database's
            key, the attribute, the fact.
    """

    level: Level
    database: str
    property_name: str | None
    sentence: str
    remedy: str = ""
    subject: str = ""

    @property
    def signature(self) -> str:
        """The same for the same fact, so that it is reported once."""
        return self.subject or f"{self.database}/{self.property_name or ''}/{self.sentence}"


@dataclass(frozen=True)
class Column:
    """A declared attribute and the live property that serves it.

    Attributes:
        attr: Attribute of the row's dataclass.
        kind: Its declaration.
        live: The live property: id, name, type, configuration.
    """

    attr: str
    kind: Kind
    live: Json

    @property
    def id(self) -> str:
        """The property's id, which survives a rename."""
        return str(self.live["id"])

    @property
    def name(self) -> str:
        """The property's name in Notion now."""
        return str(self.live["name"])

    @property
    def type(self) -> str:
        """The property's type now."""
        return str(self.live["type"])

    @property
    def writable(self) -> bool:
        """Whether this kind of value can be written to that type."""
        return self.type in self.kind.writes


def kinds_of(row_type: type[Row]) -> Mapping[str, Kind]:
    """The declared columns of a row type, by attribute."""
    hints = get_type_hints(row_type, include_extras=True)
    found: dict[str, Kind] = {}
    for declared in fields(row_type):
        hint = hints[declared.name]
        if get_origin(hint) is Annotated:
            kind = next((extra for extra in get_args(hint) if isinstance(extra, Kind)), None)
            if kind is not None:
                found[declared.name] = kind
    return found


@dataclass(frozen=True)
class Binding(Generic[R]):
    """A row type tied to a live data source.

    Attributes:
        row_type: The dataclass.
        database: Title, for sentences.
        key: Name of the database in settings and code.
        data_source_id: The data source it is bound to.
        columns: The live property of each bound attribute.
        unbound: Declared attributes without a live property.
        findings: What the owner should know.
        width: How many properties the data source has, bound or not.
    """

    row_type: type[R]
    database: str
    key: str
    data_source_id: str
    columns: Mapping[str, Column]
    unbound: Mapping[str, Kind]
    findings: tuple[Finding, ...] = ()
    width: int = 0

    @property
    def ids(self) -> dict[str, str]:
        """The property id that serves each bound attribute."""
        return {attr: column.id for attr, column in self.columns.items()}

    def column(self, attr: str) -> Column:
        """The live property of an attribute.

        Raises:
            SchemaDrift: There is none.
            AttributeError: The row type declares no such column: a slip in our own code.
        """
        if attr in self.columns:
            return self.columns[attr]
        if attr not in self.unbound:
            raise AttributeError(f"{self.row_type.__name__} declares no column {attr!r}")
        raise drift(_absent(self.database, self.unbound[attr], f"{self.key}/{attr}"))

    def decode(self, page: Json, more: Callable[[str, str], Iterable[Json]] | None = None) -> R:
        """The row a page is.

        Args:
            page: As Notion returns it, with all properties or with some.
            more: Reads all items of one property (page id, property id); asked when the page shows only a
                part.

        Returns:
            The row. A column the page does not carry keeps its default.
        """
        by_id = {str(live.get("id")): live for live in page.get("properties", {}).values()}
        decoded: dict[str, Any] = {}
        for attr, column in self.columns.items():
            live = by_id.get(column.id)
            if live is None:
                continue
            if live.get("has_more") and more is not None:
                live = _completed(live, more(str(page["id"]), column.id))
            decoded[attr] = column.kind.decode(live)
        belongs = page.get("parent", {}).get("data_source_id") == self.data_source_id
        return self.row_type(**_common(page), database_key=self.key if belongs else "", **decoded)

    def encode(
        self, values_by_attr: Mapping[str, Any], *, new_options: Iterable[str] = ()
    ) -> tuple[Json, tuple[Finding, ...]]:
        """Values as properties Notion accepts, and what had to be left out.

        Args:
            values_by_attr: By attribute.
            new_options: Attributes whose list of options may grow by the value.

        Returns:
            Properties by id, and a finding for each optional column that could not be written.

        Raises:
            SchemaDrift: A required column cannot be written, or a value is not among its options.
        """
        grows = frozenset(new_options)
        written: Json = {}
        left_out: list[Finding] = []
        for attr, value in values_by_attr.items():
            if attr in self.unbound and not self.unbound[attr].required:
                left_out.append(_absent(self.database, self.unbound[attr], f"{self.key}/{attr}"))
                continue
            column = self.column(attr)
            try:
                written[column.id] = column.kind.encode(value, column.live, new_options=attr in grows)
            except UnknownOption as option:
                if column.kind.required:
                    raise unknown_option(self.database, column, str(option), self.key) from None
                left_out.append(_no_option(self.database, column, str(option), self.key))
            except Unwritable as why:
                finding = _unwritable(self.database, column, str(why), self.key)
                if column.kind.required:
                    raise drift(finding, "write a row") from None
                left_out.append(finding)
        return written, tuple(left_out)


def bind(
    row_type: type[R],
    data_source: Json,
    *,
    title: str,
    key: str = "",
    previous: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    skip: Iterable[str] = (),
) -> Binding[R]:
    """Tie a row type to a data source.

    A column is looked for by the id it had before, then by its configured or declared name, then by its
    aliases in their order, then by any of these names with case and outer blanks aside. The title is found
    by its type.

    Args:
        row_type: The dataclass.
        data_source: As Notion returns it.
        title: The database's title, for sentences.
        key: Name of the database in settings and code.
        previous: The property ids that served so far, by attribute; they are kept.
        names: The owner's own choice of column, by attribute.
        skip: Attributes this database does not have.
    """
    live = tuple(data_source.get("properties", {}).values())
    kinds = {attr: kind for attr, kind in kinds_of(row_type).items() if attr not in frozenset(skip)}
    kept = _kept(kinds, live, previous)
    # A column that was renamed to another one's name still serves what it served.
    free = tuple(prop for prop in live if prop["id"] not in {one["id"] for one in kept.values()})
    columns: dict[str, Column] = {}
    unbound: dict[str, Kind] = {}
    findings: list[Finding] = []
    for attr, kind in kinds.items():
        match = _Match(kept[attr]) if attr in kept else _find(kind, free, (names or {}).get(attr))
        findings += _findings(title, kind, match, f"{key}/{attr}")
        if match.live is None:
            unbound[attr] = kind
        else:
            columns[attr] = Column(attr, kind, match.live)
    return Binding(
        row_type, title, key, str(data_source["id"]), columns, unbound, tuple(findings), width=len(live)
    )


@dataclass(frozen=True)
class _Match:
    live: Json | None
    twins: tuple[Json, ...] = ()
    wrong: Json | None = None


def _kept(
    kinds: Mapping[str, Kind], live: Iterable[Json], previous: Mapping[str, str] | None
) -> dict[str, Json]:
    """The columns that served before and still can."""
    by_id = {str(prop["id"]): prop for prop in live}
    before = previous or {}
    return {
        attr: by_id[before[attr]]
        for attr, kind in kinds.items()
        if attr in before and by_id.get(before[attr], {}).get("type") in kind.reads
    }


def _find(kind: Kind, live: tuple[Json, ...], chosen: str | None) -> _Match:
    usable = [prop for prop in live if prop["type"] in kind.reads]
    if isinstance(kind, Title):
        return _Match(next(iter(usable), None))
    wanted = (chosen,) if chosen else (kind.name, *kind.aliases)
    wrong = next((prop for prop in live if prop["name"] in wanted and prop not in usable), None)
    for name in wanted:
        exact = next((prop for prop in usable if prop["name"] == name), None)
        if exact is not None:
            twins = tuple(prop for prop in _alike(usable, name) if prop is not exact)
            return _Match(exact, twins)
    for name in wanted:
        alike = tuple(_alike(usable, name))
        if len(alike) == 1:
            return _Match(alike[0])
        if alike:
            return _Match(None, alike, wrong)
    return _Match(None, (), wrong)


def _alike(live: Iterable[Json], name: str) -> Iterator[Json]:
    wanted = folded(name)
    return (prop for prop in live if folded(prop["name"]) == wanted)


def folded(name: str) -> str:
    """A column's name or an option as people compare them: case and blanks aside."""
    return " ".join(name.split()).casefold()


def _findings(title: str, kind: Kind, match: _Match, about: str) -> Iterator[Finding]:
    live, twins, wrong = match.live, match.twins, match.wrong
    stops = Level.FAILURE if kind.required else Level.WARNING
    if live is None and twins:
        listed = ", ".join(f"“{prop['name']}”" for prop in twins)
        yield Finding(
            level=stops,
            database=title,
            property_name=kind.name,
            sentence=f"{title} has several columns that could be “{kind.name}”: {listed}.",
            remedy=f"Rename the one Segue shall use to exactly “{kind.name}”.",
            subject=f"{about}/several",
        )
    elif live is None and wrong is not None:
        yield Finding(
            level=stops,
            database=title,
            property_name=kind.name,
            sentence=f"“{wrong['name']}” in {title} is a {_spoken(wrong['type'])}, which Segue cannot use.",
            remedy=f"Change its type to {_spoken(kind.create_as)}, or rename it and run “segue provision”.",
            subject=f"{about}/type",
        )
    elif live is None:
        yield _absent(title, kind, about)
    elif twins:
        listed = ", ".join(f"“{prop['name']}”" for prop in twins)
        yield Finding(
            level=Level.INFO,
            database=title,
            property_name=kind.name,
            sentence=f"{title} has “{live['name']}” and {listed}; Segue uses “{live['name']}”.",
            subject=f"{about}/twins",
        )
    if live is not None and kind.fills and kind.writes and live["type"] not in kind.writes:
        yield Finding(
            level=stops,
            database=title,
            property_name=live["name"],
            sentence=f"“{live['name']}” in {title} is a {_spoken(live['type'])}: Segue reads it and cannot write it.",
            remedy=f"If Segue shall fill it, change its type to {_spoken(kind.create_as)}.",
            subject=f"{about}/read only",
        )


def _spoken(live_type: str) -> str:
    return live_type.replace("_", " ")


def _absent(title: str, kind: Kind, about: str) -> Finding:
    remedy = (
        f"Add a {_spoken(kind.create_as)} column “{kind.name}”, or run “segue provision --apply”."
        if kind.provision
        else f"Add a {_spoken(kind.create_as)} column “{kind.name}” if you want it."
    )
    level = Level.FAILURE if kind.required else Level.WARNING if kind.provision else Level.INFO
    return Finding(
        level=level,
        database=title,
        property_name=kind.name,
        sentence=f"{title} has no column “{kind.name}”.",
        remedy=remedy,
        subject=f"{about}/absent",
    )


def _unwritable(title: str, column: Column, why: str, key: str) -> Finding:
    return Finding(
        level=Level.FAILURE if column.kind.required else Level.WARNING,
        database=title,
        property_name=column.name,
        sentence=f"Segue cannot write “{column.name}” in {title}: {why}.",
        remedy="" if column.writable else f"Change its type to {_spoken(column.kind.create_as)}.",
        subject=f"{key}/{column.attr}/{'value' if column.writable else 'read only'}",
    )


def drift(finding: Finding, operation: str = "bind the database") -> SchemaDrift:
    """The error a finding becomes where it stops the work."""
    return SchemaDrift(
        f"{finding.sentence} {finding.remedy}".strip(),
        signature=finding.signature,
        operation=operation,
        database=finding.database,
        property_name=finding.property_name,
    )


def unknown_option(database: str, column: Column, option: str, key: str) -> SchemaDrift:
    """The error for a word that is not among a column's options."""
    return drift(_no_option(database, column, option, key), "use an option")


def _no_option(database: str, column: Column, option: str, key: str) -> Finding:
    known = ", ".join(f"“{name}”" for name in values.option_names(column.live)) or "none"
    return Finding(
        level=Level.FAILURE if column.kind.required else Level.WARNING,
        database=database,
        property_name=column.name,
        sentence=f"“{column.name}” in {database} has no option “{option}”; it has {known}.",
        remedy="Add the option in Notion, run “segue provision --apply”, or change the word in the settings.",
        subject=f"{key}/{column.attr}/{option}/absent",
    )


def _completed(live: Json, items: Iterable[Json]) -> Json:
    """A property value with all its items instead of the first 25."""
    kind = str(live["type"])
    return {**live, kind: [item[kind] for item in items if item.get("type") == kind], "has_more": False}


def _common(page: Json) -> Json:
    created_by = page.get("created_by") or {}
    edited_by = page.get("last_edited_by") or {}
    return {
        "created_by": created_by.get("id"),
        "id": str(page["id"]),
        "url": str(page.get("url") or ""),
        "created_time": values.instant(str(page.get("created_time", ""))),
        "last_edited_time": values.instant(str(page.get("last_edited_time", ""))),
        "last_edited_by": edited_by.get("id"),
        "in_trash": bool(page.get("in_trash")),
    }
