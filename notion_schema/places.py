"""Finding a database in Notion by what a person pasted for it.

A database is a container of data sources, and the rows belong to one of these; people paste the id of either. Used by
``workspace`` and ``provisioning``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        by_source: The owner named the data source and not the database, which may hold several.
    """

    database_id: str
    data_source_id: str
    title: str
    by_source: bool = field(default=False, compare=False)

    @property
    def id(self) -> str:
        """The id that stands for it in the settings."""
        return self.data_source_id if self.by_source or not self.database_id else self.database_id


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
        return _located_alone(notion, container, wanted)
    title = blocks.plain_text(database.get("title", [])) or wanted
    if database.get("in_trash"):
        raise NotShared(f"“{title}” is in Notion's trash. Restore it there.", operation="open a database")
    sources = database.get("data_sources", [])
    if len(sources) == 1:
        return _located(notion, str(sources[0]["id"]), container)
    raise drift(_which(title, wanted, sources))


def by_title(notion: Notion, page_id: str, titles: Mapping[str, str]) -> dict[str, str]:
    """Ids of the databases directly on a page that have a wanted title.

    Args:
        notion: The client.
        page_id: The page.
        titles: The titles wanted, by key.

    Returns:
        The id of the first of each title, by key; without those that are not there.
    """
    there: dict[str, str] = {}
    for block in notion.list_children(page_id):
        if block.get("type") == "child_database":
            there.setdefault(block["child_database"]["title"], str(block["id"]))
    return {key: there[title] for key, title in titles.items() if title in there}


def _located_alone(notion: Notion, data_source_id: str, wanted: str) -> tuple[Place, Json]:
    try:
        return _located(notion, data_source_id, None)
    except NotShared as nothing:
        if nothing.status == HTTPStatus.NOT_FOUND and (named := _page(notion, data_source_id)):
            raise NotShared(
                f"What stands in the settings for {wanted} is the page {named}, not a database. Open the database "
                "itself in Notion and copy its link (Share, Copy link).",
                operation="open a database",
                status=nothing.status,
                code=nothing.code,
                request_id=nothing.request_id,
            ) from None
        raise


def _page(notion: Notion, page_id: str) -> str | None:
    """The quoted title of the page with this id; ``None`` when there is no such page either."""
    try:
        page = notion.retrieve_page(page_id)
    except (NotShared, Refused):
        return None
    titles = (live["title"] for live in page.get("properties", {}).values() if live.get("type") == "title")
    return f"“{blocks.plain_text(next(titles, [])) or 'Untitled'}”"


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
    return Place(
        database_id or str(parent or ""), str(live["id"]), title, by_source=database_id is None
    ), live
