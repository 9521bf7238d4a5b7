"""What a gap analysis says, as records: sections and entries, mentions, gaps, and what was passed over and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PRIORITIES = ("Critical", "High", "Medium", "Low", "Routine")
"""The most urgent first."""


class Home(StrEnum):
    """Which database a gap belongs into."""

    TASKS = "Agent-Tasks"
    ISSUES = "Issues+Questions"


class Form(StrEnum):
    """How a document names a gap."""

    BOX = "box"
    STATEMENT = "statement"
    """A **Gap:** line, or a bullet under "Incomplete Work"."""
    SIGNED = "signed"
    """A bullet that begins with a sign of completion; it closes what it names and is never a gap by itself."""
    POINTER = "pointer"
    """An entry of a list that speaks of gaps named elsewhere: success criteria, immediate actions, a summary."""


# A document ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A list item, or a line with a bold label and text behind it."""

    text: str
    box: bool | None = None
    """Ticked or not; None without a box."""
    label: str = ""
    """The bold label it stands under or behind, without the colon, in lower case."""
    is_line: bool = False
    """The text stands behind the label itself; otherwise it is a list item."""
    parent: str = ""
    """The list item it is part of."""
    details: tuple[str, ...] = ()
    """What stands under it without a box of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands under it, up to the next heading."""

    path: tuple[str, ...]
    """Headings from the outermost to this one, as written; the document's title left out."""
    entries: tuple[Entry, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    """Label in lower case -> text, such as ``impact`` or ``source``."""
    outer_fields: Mapping[str, str] = field(default_factory=dict)
    """Those of the sections around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A Markdown document."""

    title: str
    sections: tuple[Section, ...]


# What it says --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """A wording without what does not tell gaps apart: case, markup, articles, the verb of doing, inflection."""

    full: tuple[str, ...]
    head: tuple[str, ...]
    """Up to the first "for", "with", colon or bracket."""
    action: str = ""
    """"make", "mend", "begin" or nothing: creating a backup is not mending it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One place in the document that names a gap."""

    form: Form
    wording: str
    """As the document has it, without markup."""
    section: str
    """Number and title of the section."""
    name: Name
    subject: Name | None = None
    """The section's title, where the whole section is about this one gap."""
    key: str
    """The same wording gives the same key."""
    key_apart: str
    """The key of the same wording in this section, for when the places were not to be merged."""
    done: bool
    done_why: str = ""
    counts_as_done: bool = True
    """False in lists of rows to be created: a tick there says that the row exists."""
    home: Home
    home_is_said: bool
    """The document names the database, here; otherwise it follows from the heading."""
    own_priority: str | None
    """Said of this entry, in brackets behind it."""
    section_priority: str | None
    facts: Mapping[str, str]
    """Impact, effort, dependencies, source and fix, in words."""
    details: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts mentions alike wherever their sections stand in the document."""
        return (_ORDER[self.form], _natural(self.section), self.wording)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One thing that is missing, with every place that names it."""

    mentions: tuple[Mention, ...]
    """Those that make it a gap; the first gives the row its title and key."""
    pointers: tuple[Mention, ...] = ()

    @property
    def key(self) -> str:
        """The key a new row is filed under."""
        return self.mentions[0].key

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key an earlier run may have filed it under."""
        return tuple(dict.fromkeys(mention.key for mention in self.mentions))

    @property
    def is_only_signed(self) -> bool:
        """Whether no open form names it: then it matters only to a row that was filed before."""
        return all(mention.form is Form.SIGNED for mention in self.mentions)

    @property
    def is_merged(self) -> bool:
        """Whether several places became one row."""
        return len(self.mentions) > 1

    @property
    def done(self) -> bool:
        """Some place says so; a person who ticks one of six boxes has done the one thing they all name."""
        return any(place.done and place.counts_as_done for place in (*self.mentions, *self.pointers))

    @property
    def contradictions(self) -> tuple[Mention, ...]:
        """The gap's own places that are still open although another says done."""
        return tuple(place for place in self.mentions if not place.done) if self.done else ()


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An entry that is not filed, and why."""

    section: str
    wording: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything a document says about gaps."""

    title: str
    key: str
    """What the keys of all its rows begin with."""
    gaps: tuple[Gap, ...]
    passed_over: tuple[PassedOver, ...]


_ORDER = {Form.BOX: 0, Form.STATEMENT: 1, Form.SIGNED: 2, Form.POINTER: 3}


def _natural(text: str) -> tuple[object, ...]:
    number = text.split(" ", 1)[0].rstrip(".")
    parts = number.split(".")
    if all(part.isdecimal() for part in parts):
        return (0, tuple(int(part) for part in parts), text)
    return (1, (), text)
