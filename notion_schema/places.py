"""Finding a database in Notion by what a person pasted for it.

A database is a container of data sources, and the rows belong to one of these; people paste the id of either. Used by
``workspace`` and ``provisioning``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from notion_schema import blocks
from notion_schema.calls import Json
from notion_schema.client import Notion
from notion_schema.errors import NotShared, Refused
from notion_schema.ids import parse_id
from notion_schema.rows import Finding, Level, drift


@dataclass(frozen=True)
class Place:
    """Where a database is.

    Attributes:
        database_id: The container a person sees.
        data_source_id: The table in it, which rows belong to.
        title: As it stands in Notion.
    """

    database_id: str
    data_source_id: str
    title: str


def locate(notion: Notion, text: str, wanted: str) -> tuple[Place, Json]:
    """The data source behind a link or id, with its properties.

    Args:
        notion: The client.
        text: Link or id of a database, or of a data source.
        wanted: Which database is looked for, for sentences.

    Raises:
        BadId: The text holds no id.
        NotShared: There is nothing under that id for this integration, or it is in the trash.
        SchemaDrift: The database has several data sources.
    """
    container = parse_id(text, peek=False)
    try:
        database = notion.retrieve_database(container)
    except (NotShared, Refused) as not_a_database:
        if isinstance(not_a_database, NotShared) and not_a_database.status != HTTPStatus.NOT_FOUND:
            raise
        # People also paste the id of a data source, which is no database's.
        return _located(notion, container, None)
    title = blocks.plain_text(database.get("title", [])) or wanted
    if database.get("in_trash"):
        raise NotShared(f"“{title}” is in Notion's trash. Restore it there.", operation="open a database")
    sources = database.get("data_sources", [])
    if len(sources) == 1:
        return _located(notion, str(sources[0]["id"]), container)
    raise drift(_which(title, wanted, sources))


def _which(title: str, wanted: str, sources: Sequence[Json]) -> Finding:
    listed = "; ".join(f"“{source.get('name') or 'untitled'}”: {source['id']}" for source in sources)
    return Finding(
        level=Level.FAILURE,
        database=title,
        property_name=None,
        sentence=f"“{title}” holds {len(sources)} data sources, and Segue cannot tell which one is {wanted}.",
        remedy=f"Put the id of the right one into the settings: {listed}."
        if sources
        else "Open it in Notion.",
    )


def _located(notion: Notion, data_source_id: str, database_id: str | None) -> tuple[Place, Json]:
    live = notion.retrieve_data_source(data_source_id)
    title = blocks.plain_text(live.get("title", [])) or "Untitled"
    parent = live.get("parent", {}).get("database_id")
    return Place(database_id or str(parent or ""), str(live["id"]), title), live
