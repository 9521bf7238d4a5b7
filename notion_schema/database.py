"""One of the owner's databases as a typed collection of rows, read and written by attribute.

When Notion refuses because a column changed while we ran, the database is bound again by the columns' ids and the call
is made once more. It decides nothing about tasks. Opened by ``workspace``, used by the worker and the handlers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Generic, Literal

from notion_schema import filters, values
from notion_schema.calls import Json
from notion_schema.client import OLDEST_FIRST, Notion
from notion_schema.databases import SPECS, DatabaseSpec
from notion_schema.errors import Refused, SchemaDrift
from notion_schema.filters import Comparison, Condition, Filter
from notion_schema.places import Place, locate
from notion_schema.properties import Relation
from notion_schema.rows import Binding, Finding, Level, R, Row, bind
from notion_schema.vocabulary import State, Vocabulary

OnBinding = Callable[[str, Mapping[str, str]], None]
"""Told a data source's id and the property id that serves each attribute."""

_MANY_OTHERS = 20
"""From so many columns that Segue has no use for, they are left out of what a query reads."""

STATUS = "status"
SEGUE_KEY = "segue_key"


class Database(Generic[R]):
    """One of the owner's databases, bound. Safe to share between threads.

    Attributes:
        spec: Its declaration.
        place: Where it is.
        on_doubt: Told of each key that may stand on two rows: database key, ``segue_key``, and the page to
            keep when it is known; see ``doubt``.
    """

    def __init__(
        self,
        notion: Notion,
        spec: DatabaseSpec,
        place: Place,
        binding: Binding[R],
        *,
        vocabulary: Vocabulary | None = None,
        names: Mapping[str, str] | None = None,
        on_finding: Callable[[Finding], None] | None = None,
        on_binding: OnBinding | None = None,
    ) -> None:
        self._notion = notion
        self.spec = spec
        self.place = place
        self._binding = binding
        self._vocabulary = vocabulary or spec.vocabulary
        self._names = dict(names or {})
        self._on_finding = on_finding
        self._on_binding = on_binding
        self.place_of: Callable[[str], str | None] = lambda _key: None
        """Id of the data source that another database of the workspace has; set by the workspace."""
        self.on_doubt: Callable[[str, str, str | None], None] | None = None
        self._told: set[str] = set()
        self._binding_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Database({self.spec.key}, {self.place.data_source_id})"

    @property
    def key(self) -> str:
        """Its name in settings and code."""
        return self.spec.key

    @property
    def id(self) -> str:
        """Id of the data source."""
        return self.place.data_source_id

    @property
    def title(self) -> str:
        """Its title in Notion."""
        return self.place.title

    @property
    def binding(self) -> Binding[R]:
        """How attributes and columns are tied now."""
        return self._binding

    @property
    def vocabulary(self) -> Vocabulary:
        """The meaning of its status words.

        Raises:
            LookupError: This database has no status that the worker steers by.
        """
        if self._vocabulary is None:
            raise LookupError(f"{self.title} has no status words.")
        return self._vocabulary

    # --- what there is ----------------------------------------------------------------------------------

    def has(self, attr: str) -> bool:
        """Whether a column serves this attribute."""
        return attr in self._binding.columns

    def options(self, attr: str) -> tuple[str, ...]:
        """The options the column has now; empty when it has none or is not there."""
        return values.option_names(self._binding.columns[attr].live) if self.has(attr) else ()

    def column_name(self, attr: str) -> str:
        """The column's name in Notion, for sentences; its declared name when it is not there."""
        if self.has(attr):
            return self._binding.columns[attr].name
        return self._binding.unbound[attr].name

    def preflight(self) -> list[Finding]:
        """Everything the owner should know about this database, from what was last read."""
        found = [*self._binding.findings, *self._astray().values()]
        if self._vocabulary is not None and self.has(STATUS):
            found += self._vocabulary.check(
                self.options(STATUS), key=self.key, database=self.title, column=self.column_name(STATUS)
            )
        return found

    def _astray(self) -> dict[str, Finding]:
        """Relations that lead to another database than the declared one, whose rows Notion would refuse there."""
        found: dict[str, Finding] = {}
        for attr, column in self._binding.columns.items():
            kind = column.kind
            if not isinstance(kind, Relation) or column.type != "relation" or kind.database == "any":
                continue
            wanted = self.id if kind.database == "self" else self.place_of(kind.database)
            there = column.live.get("relation", {}).get("data_source_id")
            if wanted and there and there != wanted:
                target = self.title if kind.database == "self" else SPECS[kind.database].title
                found[attr] = Finding(
                    level=Level.WARNING,
                    database=self.title,
                    property_name=column.name,
                    sentence=f"“{column.name}” in {self.title} does not lead to {target}, so Segue leaves it alone.",
                    remedy=f"Rename it, and run “segue provision --apply” for one that leads to {target}.",
                    subject=f"{self.key}/{attr}/astray",
                )
        return found

    def check(self) -> None:
        """Make sure the database can be worked with.

        Raises:
            SchemaDrift: A required column or status word is missing; the message lists all of them.
        """
        stopping = [finding for finding in self.preflight() if finding.level is Level.FAILURE]
        if stopping:
            raise SchemaDrift(
                " ".join(f"{finding.sentence} {finding.remedy}".strip() for finding in stopping),
                signature=stopping[0].signature,
                database=self.title,
                property_name=stopping[0].property_name,
            )

    def refresh(self) -> bool:
        """Read the columns again and bind by their ids.

        Returns:
            Whether anything changed.
        """
        live = self._notion.retrieve_data_source(self.id)
        with self._binding_lock:
            before = self._binding
            self._binding = bind(
                before.row_type,
                live,
                title=self.title,
                key=self.key,
                previous=before.ids,
                names=self._names,
                skip=self.spec.skip,
            )
            if self._on_binding is not None and self._binding.ids != before.ids:
                self._on_binding(self.id, self._binding.ids)
            return self._binding.columns != before.columns

    # --- reading ----------------------------------------------------------------------------------------

    def query(
        self,
        filter: Filter | None = None,  # noqa: A002  Notion's own word
        sorts: Sequence[tuple[str, Literal["ascending", "descending"]]] = (),
        *,
        only: Iterable[str] | None = None,
    ) -> Iterator[R]:
        """All rows that match, oldest first unless sorted otherwise.

        Args:
            filter: Made with ``equals``, ``any_of`` and their like; all rows when ``None``.
            sorts: Attributes (or ``created_time``, ``last_edited_time``) with their direction.
            only: Attributes to read; the others keep their defaults.

        Raises:
            NotionError: The rows could not be read, or not all of them.
        """
        yield from map(self.decode, self.pages(filter, sorts, only=only))

    def pages(
        self,
        filter: Filter | None = None,  # noqa: A002  Notion's own word
        sorts: Sequence[tuple[str, Literal["ascending", "descending"]]] = (),
        *,
        only: Iterable[str] | None = None,
    ) -> Iterator[Json]:
        """Like ``query``, but each row as Notion sent it, for whoever decodes them one by one."""
        attrs = None if only is None else tuple(only)
        try:
            rows = self._pages(filter, sorts, attrs)
            first = next(rows, None)
        except (Refused, SchemaDrift):
            # The columns may have changed since they were bound: ask once more by what is there now.
            if not self.refresh():
                raise
            rows = self._pages(filter, sorts, attrs)
            first = next(rows, None)
        if first is not None:
            yield first
            yield from rows

    def _pages(
        self, wanted: Filter | None, sorts: Sequence[tuple[str, str]], only: tuple[str, ...] | None
    ) -> Iterator[Json]:
        binding = self._binding
        if only is None and binding.width - len(binding.columns) >= _MANY_OTHERS:
            only = tuple(binding.columns)
        columns = [binding.columns[attr].id for attr in only or () if attr in binding.columns]
        return self._notion.query(
            self.id,
            filter=None if wanted is None else filters.compile_filter(wanted, binding),
            sorts=[
                filters.sort_by(attr, binding, descending=direction == "descending")
                for attr, direction in sorts
            ]
            or OLDEST_FIRST,
            properties=columns,
        )

    def get(self, page_id: str) -> R:
        """A row as it is now; reads one's own writes, which a query may not yet show."""
        return self.decode(self._notion.retrieve_page(page_id))

    def find_by_key(self, segue_key: str) -> list[R]:
        """Rows that carry this idempotency key, oldest first."""
        return list(self.query(self.equals(SEGUE_KEY, segue_key)))

    def decode(self, page: Json) -> R:
        """The row a page of this database is; long relations are read to their end."""
        return self._binding.decode(page, self._notion.page_property)

    # --- writing ----------------------------------------------------------------------------------------

    def create(
        self,
        values: Mapping[str, Any],
        children: Sequence[Json] = (),
        *,
        new_options: Iterable[str] = (),
        icon: str | None = None,
        lookup: Callable[[], Sequence[R]] | None = None,
        doubtful: bool = False,
    ) -> R:
        """Create a row.

        Args:
            values: By attribute.
            children: Content of the page, any number of blocks.
            new_options: Attributes whose options may grow by the value.
            icon: Emoji.
            lookup: Finds rows that a lost answer may have made. With ``segue_key`` among the values they
                are looked for by that key.
            doubtful: It may have been made before, although it was not found: it is looked for once more
                later on (``doubt``).

        Returns:
            The row, or the one that ``lookup`` found.

        Raises:
            SchemaDrift: A required column cannot be written, or a word is not among the options.
        """
        key = values.get(SEGUE_KEY)
        look = lookup
        if look is None and key and self.has(SEGUE_KEY):
            look = partial(self.find_by_key, str(key))
        made: list[R] = []

        def there() -> Json | None:
            made.extend(look() if look else ())
            if not made:
                doubts()
            return {"id": made[0].id} if made else None

        def doubts() -> None:
            nonlocal doubtful
            doubtful = True
            if key:
                self.doubt(str(key))

        def send(properties: Json) -> Json:
            return self._notion.create_page(
                data_source_id=self.id,
                properties=properties,
                children=children,
                icon={"type": "emoji", "emoji": icon} if icon else None,
                lookup=there if look else None,
            )

        if doubtful:
            doubts()
        page = self._written(values, new_options, send)
        if made:
            return made[0]
        if doubtful and key:
            self.doubt(str(key), keep=str(page["id"]))
        return self.decode(page)

    def doubt(self, segue_key: str, *, keep: str | None = None) -> None:
        """Say that two rows may carry this key by and by.

        Queries lag behind writes, so that a row which was made is not always found before it is made again.

        Args:
            segue_key: The key.
            keep: Id of the one that others know of, when it is known.
        """
        if self.on_doubt is not None:
            self.on_doubt(self.key, segue_key, keep)

    def update(
        self,
        page_id: str,
        values: Mapping[str, Any],
        *,
        new_options: Iterable[str] = (),
        unless: Callable[[R], bool] | None = None,
        once: bool = False,
    ) -> R:
        """Set values on a row and return it as it is then.

        Args:
            page_id: The row.
            values: By attribute.
            new_options: Attributes whose options may grow by the value.
            unless: When Notion stumbled over the write, it is asked about the row as it is by then, before the
                write is sent again; if it says so, nothing more is sent and that row is returned.
            once: Not worth repeating or waiting for.

        Raises:
            SchemaDrift: A required column cannot be written, or a word is not among the options.
        """

        def moved_on() -> Json | None:
            page = self._notion.retrieve_page(page_id)
            return page if unless is not None and unless(self.decode(page)) else None

        def send(properties: Json) -> Json:
            look = None if unless is None else moved_on
            return self._notion.update_page(page_id, properties=properties, lookup=look, once=once)

        return self.decode(self._written(values, new_options, send))

    def trash(self, page_id: str) -> R:
        """Move a row to the trash."""
        return self.decode(self._notion.update_page(page_id, in_trash=True))

    def _written(
        self, wanted: Mapping[str, Any], new_options: Iterable[str], send: Callable[[Json], Json]
    ) -> Json:
        grows = tuple(new_options)
        try:
            properties = self._encoded(wanted, grows)
            return send(properties)
        except (Refused, SchemaDrift):
            # The columns may have changed since they were bound: try once more with what is there now.
            if not self.refresh():
                raise
        return send(self._encoded(wanted, grows))

    def _encoded(self, wanted: Mapping[str, Any], grows: tuple[str, ...]) -> Json:
        astray = self._astray()
        fitting = {attr: value for attr, value in wanted.items() if attr not in astray}
        properties, left_out = self._binding.encode(fitting, new_options=grows)
        for finding in (*left_out, *(astray[attr] for attr in wanted if attr in astray)):
            self._tell(finding)
        return properties

    def _tell(self, finding: Finding) -> None:
        if finding.signature not in self._told:
            self._told.add(finding.signature)
            if self._on_finding is not None:
                self._on_finding(finding)

    # --- filters ----------------------------------------------------------------------------------------

    def equals(self, attr: str, *accepted: Any) -> Filter:
        """The attribute is one of these; a relation or multi-select contains one of them."""
        found = filters.any_of(*(Condition(attr, Comparison.EQUALS, value) for value in accepted))
        if found is None:
            raise ValueError(f"No value for {attr} was given.")
        return found

    def not_equals(self, attr: str, value: Any) -> Filter:
        """The attribute is something else, or empty."""
        return Condition(attr, Comparison.NOT_EQUALS, value)

    def contains(self, attr: str, value: Any) -> Filter:
        """A relation holds this id, a list this word, a text this part."""
        return Condition(attr, Comparison.CONTAINS, value)

    def is_empty(self, attr: str) -> Filter:
        """Nothing stands there."""
        return Condition(attr, Comparison.IS_EMPTY)

    def is_not_empty(self, attr: str) -> Filter:
        """Something stands there."""
        return Condition(attr, Comparison.IS_NOT_EMPTY)

    def before(self, attr: str, moment: date | datetime) -> Filter:
        """A date before this moment."""
        return Condition(attr, Comparison.BEFORE, moment)

    def on_or_before(self, attr: str, moment: date | datetime) -> Filter:
        """A date not after this moment."""
        return Condition(attr, Comparison.ON_OR_BEFORE, moment)

    def on_or_after(self, attr: str, moment: date | datetime) -> Filter:
        """A date not before this moment."""
        return Condition(attr, Comparison.ON_OR_AFTER, moment)

    def in_state(self, *states: State) -> Filter | None:
        """The status is an existing option that means one of these; ``None`` when no option does."""
        live = self.options(STATUS)
        words = [word for state in states for word in self.vocabulary.words(state) if word in live]
        return filters.any_of(*(Condition(STATUS, Comparison.EQUALS, word) for word in dict.fromkeys(words)))

    any_of = staticmethod(filters.any_of)
    all_of = staticmethod(filters.all_of)


def open_database(
    notion: Notion,
    spec: DatabaseSpec,
    text: str,
    *,
    vocabulary: Vocabulary | None = None,
    names: Mapping[str, str] | None = None,
    on_finding: Callable[[Finding], None] | None = None,
    known: Mapping[str, Mapping[str, str]] | None = None,
    on_binding: OnBinding | None = None,
) -> Database[Any]:
    """Find and bind one database.

    Raises:
        BadId: The text holds no id.
        NotShared: The integration does not see it.
        SchemaDrift: The id names a database with several tables.
    """
    place, live = locate(notion, text, spec.title)
    row_type: type[Row] = spec.row_type
    previous = (known or {}).get(place.data_source_id, {})
    binding = bind(
        row_type,
        live,
        title=place.title,
        key=spec.key,
        # What the owner chose by name is looked for by that name first.
        previous={attr: each for attr, each in previous.items() if attr not in (names or {})},
        names=names,
        skip=spec.skip,
    )
    if on_binding is not None and binding.ids != previous:
        on_binding(place.data_source_id, binding.ids)
    return Database(
        notion,
        spec,
        place,
        binding,
        vocabulary=vocabulary,
        names=names,
        on_finding=on_finding,
        on_binding=on_binding,
    )
