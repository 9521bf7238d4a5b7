"""Declared columns, and how their values cross the edge.

A column is declared once, as ``Annotated[type, Kind("Name in Notion")]`` on a row's dataclass. What the
column turns out to be is Notion's affair: reading follows the type the value carries, writing the type the
live property has. A status may be a select, a relation may have become a rollup, a path may stand in a
title. ``rows`` binds declarations to live properties and calls ``Kind.decode`` and ``Kind.encode``; nothing
here asks Notion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from notion_schema import values
from notion_schema.values import Json, UnknownOption, Unwritable

READABLE = frozenset(values.READERS)


@dataclass(frozen=True)
class Kind:
    """A declared column.

    Attributes:
        name: Its name in Notion, and the name it is created under.
        aliases: Other names that may serve, in order of preference.
        required: Without it the database cannot be worked with.
        provision: Created where it is missing.
        fills: Segue writes it; a column that is only read may be of a type that cannot be written.
    """

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = field(default=False, kw_only=True)
    provision: bool = field(default=True, kw_only=True)
    fills: bool = field(default=True, kw_only=True)

    reads: ClassVar[frozenset[str]] = READABLE
    """Live types whose values make sense for this kind."""
    writes: ClassVar[frozenset[str]] = frozenset()
    """Live types this kind can be written to."""
    create_as: ClassVar[str] = ""
    """Type it is created with; empty when Notion makes it by itself."""

    def decode(self, live: Json) -> Any:
        """The Python value of a live property value."""
        raise NotImplementedError

    def encode(self, value: Any, live: Json, *, new_options: bool = False) -> Json:
        """Notion's form of a value, for a live property.

        Args:
            value: Of the declared type; ``None`` and empty values clear the property.
            live: The live property: its type, and its options where it has any.
            new_options: Let a select or multi-select grow by this value.

        Raises:
            Unwritable: The live type cannot take such a value.
            UnknownOption: The value is not among the live options.
        """
        if live["type"] not in self.writes:
            raise Unwritable(_not_for(live["type"]))
        return values.write(value, live, new_options=new_options)

    def creation(self) -> Json:
        """The property object that creates this column."""
        return {self.create_as: {}}


def _not_for(live_type: str) -> str:
    return f"it is a {live_type.replace('_', ' ')}"


@dataclass(frozen=True)
class Title(Kind):
    """The title; bound by its type, whatever its name."""

    reads = frozenset({"title"})
    writes = frozenset({"title"})
    create_as = "title"

    def decode(self, live: Json) -> str:
        """The whole title."""
        return values.as_text(values.read(live))


@dataclass(frozen=True)
class Text(Kind):
    """Text. Reads as text whatever it has become; empty when there is none.

    Attributes:
        most: Longest text written, in UTF-16 units; the rest is cut with a note.
    """

    most: int = field(default=values.LONGEST, kw_only=True)

    writes = frozenset({"rich_text", "title", "url", "select", "email", "phone_number", "multi_select"})
    create_as = "rich_text"

    def decode(self, live: Json) -> str:
        """The whole text, all runs."""
        return values.as_text(values.read(live))

    def encode(self, value: Any, live: Json, *, new_options: bool = False) -> Json:
        """See ``Kind.encode``; longer texts are cut at ``most``."""
        if live["type"] not in self.writes:
            raise Unwritable(_not_for(live["type"]))
        return values.write(value, live, new_options=new_options, most=self.most)


@dataclass(frozen=True)
class Number(Kind):
    """A number, or ``None``. Its format in Notion is never ``percent``: 40 means 40."""

    reads = frozenset({"number", "rich_text", "title", "formula", "rollup", "select", "unique_id"})
    writes = frozenset({"number", "rich_text"})
    create_as = "number"

    def decode(self, live: Json) -> float | None:
        """The number, also out of a text."""
        return values.as_number(values.read(live))

    def creation(self) -> Json:
        """A plain number."""
        return {"number": {"format": "number"}}


@dataclass(frozen=True)
class Select(Kind):
    """One word out of a list, or ``None``.

    Attributes:
        options: Created with these; missing ones are added by provisioning.
        words: An enum the words are read into; its members are what is written.
        complete: Provisioning adds the declared options that a live column lacks.
    """

    options: tuple[str, ...] = ()
    complete: bool = field(default=True, kw_only=True)
    words: type[Word] | None = field(default=None, kw_only=True)

    reads = frozenset({"select", "status", "rich_text", "title", "multi_select", "formula", "rollup"})
    writes = frozenset({"select", "status", "rich_text", "multi_select"})
    create_as = "select"

    def decode(self, live: Json) -> Any:
        """The word, or the member of ``words`` it means; ``None`` when there is none or it means nothing."""
        text = values.as_text(values.read(live)).strip()
        if self.words is None:
            return text or None
        return self.words.parse(text)

    def encode(self, value: Any, live: Json, *, new_options: bool = False) -> Json:
        """See ``Kind.encode``; a member of ``words`` is written as the spelling the live options have."""
        meant = self.words.parse(value) if self.words is not None and isinstance(value, str) else value
        if isinstance(meant, Word):
            options = values.option_names(live)
            value = next((word for word in meant.spellings if word in options), meant.value)
        return super().encode(value, live, new_options=new_options)

    @property
    def declared(self) -> tuple[str, ...]:
        """The options it is created with."""
        return self.options or tuple(word.value for word in self.words or () if word.value)

    def creation(self) -> Json:
        """A select with its options."""
        return {self.create_as: {"options": [{"name": name} for name in self.declared]}}


@dataclass(frozen=True)
class Status(Select):
    """The status; in some databases a select. Its words belong to the database's vocabulary."""

    create_as = "status"


@dataclass(frozen=True)
class MultiSelect(Kind):
    """Words out of a list."""

    options: tuple[str, ...] = ()

    reads = frozenset({"multi_select", "select", "status", "rich_text", "formula", "rollup"})
    writes = frozenset({"multi_select", "rich_text"})
    create_as = "multi_select"

    def decode(self, live: Json) -> tuple[str, ...]:
        """The words, in their order; a text is divided at its commas."""
        return values.as_words(values.read(live))

    def creation(self) -> Json:
        """A multi-select with its options."""
        return {"multi_select": {"options": [{"name": name} for name in self.options]}}


@dataclass(frozen=True)
class Date(Kind):
    """An instant with its offset, or ``None``. A date without a time means its midnight, local time.

    Attributes:
        round_up: Written as the next full minute. Notion drops seconds, and what must not come early (the end of a
            lease, the time of a retry) would come early.
    """

    round_up: bool = field(default=False, kw_only=True)

    reads = frozenset({"date", "created_time", "last_edited_time", "formula", "rollup", "rich_text"})
    writes = frozenset({"date", "rich_text"})
    create_as = "date"

    def decode(self, live: Json) -> Any:
        """The beginning of the date, as an aware ``datetime``."""
        return values.as_instant(values.read(live))

    def encode(self, value: Any, live: Json, *, new_options: bool = False) -> Json:
        """See ``Kind.encode``; rounded up to the minute when so declared."""
        if self.round_up and isinstance(value, datetime):
            value = values.next_full_minute(value)
        return super().encode(value, live, new_options=new_options)


@dataclass(frozen=True)
class Checkbox(Kind):
    """A box that is ticked or not."""

    reads = frozenset({"checkbox", "formula", "rollup", "select", "rich_text"})
    writes = frozenset({"checkbox"})
    create_as = "checkbox"

    def decode(self, live: Json) -> bool:
        """Whether it is ticked; as a word: yes, true, done, x."""
        return values.as_truth(values.read(live))


@dataclass(frozen=True)
class Url(Kind):
    """An address as text, or ``None``."""

    reads = frozenset({"url", "rich_text", "title", "formula", "rollup", "files"})
    writes = frozenset({"url", "rich_text"})
    create_as = "url"

    def decode(self, live: Json) -> str | None:
        """The address."""
        return values.as_text(values.read(live)).strip() or None


@dataclass(frozen=True)
class Relation(Kind):
    """Ids of rows in another database, in their order.

    Attributes:
        database: Key of the other database; ``self`` for the same one, ``any`` where it does not matter.
        twin: Name of the column on the other side that shows the same links, when there is one.
    """

    database: str = field(default="self", kw_only=True)
    twin: str | None = field(default=None, kw_only=True)

    reads = frozenset({"relation", "rollup", "people", "formula"})
    writes = frozenset({"relation", "people"})
    create_as = "relation"

    def decode(self, live: Json) -> tuple[str, ...]:
        """The ids, also through a rollup that shows a relation, and of people."""
        return values.as_ids(values.read(live))


@dataclass(frozen=True)
class People(Kind):
    """Ids of people, integrations and agents."""

    reads = frozenset({"people", "created_by", "last_edited_by", "rollup", "relation"})
    writes = frozenset({"people"})
    create_as = "people"

    def decode(self, live: Json) -> tuple[str, ...]:
        """The ids."""
        return values.as_ids(values.read(live))


@dataclass(frozen=True)
class Files(Kind):
    """Files: read as their names and addresses, written as ids of finished uploads."""

    reads = frozenset({"files"})
    writes = frozenset({"files"})
    create_as = "files"

    def decode(self, live: Json) -> tuple[values.FileRef, ...]:
        """The files; addresses of files that Notion keeps expire after an hour."""
        return values.as_files(values.read(live))


@dataclass(frozen=True)
class UniqueId(Kind):
    """Notion's running number, with its prefix ("SEG-12"), or ``None``."""

    reads = frozenset({"unique_id", "formula", "rich_text"})
    create_as = "unique_id"

    def decode(self, live: Json) -> str | None:
        """The number with its prefix."""
        return values.as_text(values.read(live)) or None


class Word(StrEnum):
    """Words of a select that mean something to Segue; subclasses add the spellings people use."""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Option names that mean this word, the preferred one first."""
        return (self.value,)

    @classmethod
    def parse(cls, text: str) -> Any:
        """The word a text means, case and outer blanks aside; ``None`` when it means nothing."""
        wanted = text.strip().casefold()
        return next((word for word in cls if wanted in {s.casefold() for s in word.spellings}), None)


__all__ = [
    "Checkbox", "Date", "Files", "Kind", "MultiSelect", "Number", "People", "Relation", "Select", "Status",
    "Text", "Title", "UniqueId", "UnknownOption", "Unwritable", "Url", "Word",
]  # fmt: skip
