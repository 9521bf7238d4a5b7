"""Which of the databases shared with the integration are the ones Segue works with.

Search returns every data source the integration sees; each is compared with each declared database by its title, its
columns and its status words. Only a comparison: a proposal that is not clearly the best is for a person to decide.
Reads, never writes; called by ``segue init`` and by doctor.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from notion_schema import blocks, values
from notion_schema.calls import Json
from notion_schema.client import Notion
from notion_schema.databases import SPECS, DatabaseSpec
from notion_schema.rows import Binding, Row, bind
from notion_schema.workspace import STATUS

TITLE_WEIGHT: Final = 0.5
COLUMNS_WEIGHT: Final = 0.3
WORDS_WEIGHT: Final = 0.2
WORTH_SHOWING: Final = 0.4
"""Below this a data source is not offered for a database at all."""
CLEAR_LEAD: Final = 0.15
"""The best one is taken for the one when it leads the next by this much."""


@dataclass(frozen=True)
class Candidate:
    """A data source that may be the database looked for.

    Attributes:
        id: What to put into the settings: the database's id, or the data source's where the database holds several.
        data_source_id: The data source.
        database_id: The database it stands in.
        title: As it stands in Notion.
        url: Where a person opens it.
        score: 0 to 1.
        why: What it is judged by, as a clause.
    """

    id: str
    data_source_id: str
    database_id: str
    title: str
    url: str
    score: float
    why: str


@dataclass(frozen=True)
class Proposal:
    """What may be one declared database, the likeliest first."""

    spec: DatabaseSpec
    candidates: tuple[Candidate, ...]

    @property
    def certain(self) -> Candidate | None:
        """The one that leads clearly; ``None`` when there is none, or a person has to choose."""
        if not self.candidates:
            return None
        best, *others = self.candidates
        return best if not others or best.score - others[0].score >= CLEAR_LEAD else None


def propose(
    notion: Notion, specs: Iterable[DatabaseSpec] = tuple(SPECS.values()), *, taken: Iterable[str] = ()
) -> dict[str, Proposal]:
    """Look for databases among all that is shared with the integration.

    Args:
        notion: The client.
        specs: The databases looked for.
        taken: Ids of data sources that are known to be something else.

    Returns:
        A proposal for each, by key; without candidates where nothing is like it.

    Raises:
        NotionError: The search could not be read to its end.
    """
    elsewhere = frozenset(taken)
    shared = [
        source
        for source in notion.search_data_sources()
        if not source.get("in_trash") and source["id"] not in elsewhere
    ]
    return judge(shared, specs)


def judge(sources: Sequence[Json], specs: Iterable[DatabaseSpec]) -> dict[str, Proposal]:
    """Compare data sources, as Notion returns them, with declared databases.

    A data source is offered for the database it is most like, and for another one only where it is nearly as like.
    """
    wanted = {spec.key: spec for spec in specs}
    containers = Counter(_container(source) for source in sources)
    scored = {
        key: [_candidate(source, spec, alone=containers[_container(source)] == 1) for source in sources]
        for key, spec in wanted.items()
    }
    best: dict[str, float] = {}
    for found in scored.values():
        for one in found:
            best[one.data_source_id] = max(best.get(one.data_source_id, 0.0), one.score)
    return {
        key: Proposal(
            wanted[key],
            tuple(
                sorted(
                    (
                        one
                        for one in found
                        if one.score >= WORTH_SHOWING
                        and one.score > best[one.data_source_id] - CLEAR_LEAD / 2
                    ),
                    key=lambda one: (-one.score, one.title, one.data_source_id),
                )
            ),
        )
        for key, found in scored.items()
    }


def _candidate(source: Json, spec: DatabaseSpec, *, alone: bool) -> Candidate:
    title = blocks.plain_text(source.get("title", []))
    likeness = title_likeness(title, spec.title)
    row_type: type[Row] = spec.row_type
    binding = bind(row_type, source, title=spec.title, key=spec.key, skip=spec.skip)
    found, wanted = _columns(binding)
    words, known = _words(binding, spec)
    weights = {TITLE_WEIGHT: likeness, COLUMNS_WEIGHT: found / wanted}
    if known:
        weights[WORDS_WEIGHT] = words / known
    reasons = [
        "the same title" if likeness == 1 else "a similar title" if likeness >= 0.5 else "another title",  # noqa: PLR2004  half alike
        f"{found} of {wanted} columns",
        *([f"{words} of {known} status words"] if known else []),
    ]
    return Candidate(
        id=_container(source) if alone else str(source["id"]),
        data_source_id=str(source["id"]),
        database_id=_container(source),
        title=title or "Untitled",
        url=str(source.get("url") or ""),
        score=round(sum(weight * part for weight, part in weights.items()) / sum(weights), 4),
        why=", ".join(reasons),
    )


def _container(source: Json) -> str:
    return str(source.get("parent", {}).get("database_id") or source["id"])


def title_likeness(title: str, wanted: str) -> float:
    """How alike two titles are, 0 to 1; case, blanks, emoji and punctuation aside."""
    mine, theirs = _bare(title), _bare(wanted)
    if not mine or not theirs:
        return 0.0
    if mine == theirs:
        return 1.0
    return 0.8 * SequenceMatcher(None, mine, theirs, autojunk=False).ratio()


def _bare(title: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", title).casefold() if sign.isalnum())


def _columns(binding: Binding[Any]) -> tuple[int, int]:
    """How many declared columns it has, and how many there are; the title, which everything has, is not counted."""
    wanted = len(binding.columns) + len(binding.unbound) - 1
    found = sum(column.type != "title" for column in binding.columns.values())
    return found, wanted


def _words(binding: Binding[Any], spec: DatabaseSpec) -> tuple[int, int]:
    """How many of the usual status words it has, and how many there are; 0 and 0 where no words are known."""
    if spec.vocabulary is None:
        return 0, 0
    usual = spec.vocabulary.all_words()
    status = binding.columns.get(STATUS)
    live = values.option_names(status.live) if status is not None else ()
    return sum(word in live for word in usual), len(usual)


__all__ = ["Candidate", "Proposal", "judge", "propose", "title_likeness"]
