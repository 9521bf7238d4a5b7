"""Carrying a plan of provisioning out: adding what it says, and never more.

What changed since the plan was made stops the step it concerns. Where Notion has no room for more columns, the required
ones come first and the rest is named. Called through ``provisioning``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from notion_schema.calls import Json
from notion_schema.client import Notion
from notion_schema.databases import SPECS
from notion_schema.errors import Incomplete, Refused, SchemaDrift
from notion_schema.places import Place, by_title
from notion_schema.plans import NewColumns, NewDatabase, NewOptions, NewRelation, Plan
from notion_schema.rows import kinds_of


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


def _create(notion: Notion, wanted: NewDatabase, page_id: str) -> Place:
    spec = wanted.spec

    def there() -> Json | None:
        database_id = by_title(notion, page_id, {spec.key: spec.title}).get(spec.key)
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
