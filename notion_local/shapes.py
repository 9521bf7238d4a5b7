"""Databases built from a shape file: the properties of somebody's real workspace, filled with generated rows.

A shape file is JSON: ``{"databases": [{"key", "title", "properties": {name: {"type", "options"?, "became"?}}}]}``.
Everything goes through the operations of the API, on behalf of the person, so that what is built is what a person
could have built. Called by `segue workspace load`, the benchmarks and the tests.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notion_local import databases, pages, schema
from notion_local.schema import Schema
from notion_local.workspace import Workspace

_ROWS_AT_ONCE = 500
_LATER = ("relation", "rollup", "formula")
_WORDS = ("northern", "signal", "velvet", "static", "harbour", "midnight", "copper", "drift", "paper", "echo")


def load(workspace: Workspace, path: Path, *, rows: int = 0, seed: int = 0) -> dict[str, str]:
    """Build the databases of a shape file under the root page.

    Args:
        workspace: where they are built.
        path: the shape file.
        rows: how many rows each database gets.
        seed: equal seeds give equal rows.

    Returns:
        The id of each database's data source, by the database's key.

    Raises:
        ValueError: when the file is no shape file.
    """
    try:
        shapes = json.loads(path.read_text(encoding="utf-8"))["databases"]
        declared = {shape["key"]: (shape["title"], shape["properties"]) for shape in shapes}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a shape file: {error}") from error
    sources = {}
    with workspace.transaction():
        for key, (title, properties) in declared.items():
            sources[key] = _create(workspace, title, properties)
        titles = {title.casefold(): sources[key] for key, (title, _) in declared.items()}
        for key, (_, properties) in declared.items():
            _connect(workspace, sources[key], properties, titles)
    for source_id in sources.values():
        fill(workspace, source_id, rows, seed=seed)
    return sources


def _create(workspace: Workspace, title: str, properties: Mapping[str, Mapping[str, Any]]) -> str:
    plain = {
        name: {shape["type"]: _config(shape)}
        for name, shape in properties.items()
        if _kind(shape) not in _LATER and shape["type"] not in _LATER
    }
    body = {
        "parent": {"type": "page_id", "page_id": workspace.root_page_id},
        "title": [{"text": {"content": title}}],
        "initial_data_source": {"properties": plain},
    }
    database = databases.create(workspace, workspace.person, body)
    return workspace.store.children(database.id, ("data_source",))[0].id


def _kind(shape: Mapping[str, Any]) -> str:
    """Return a property's type today: the one it became, when it changed in use."""
    return str(shape.get("became", shape["type"]))


def _config(shape: Mapping[str, Any]) -> dict[str, Any]:
    if shape["type"] in schema.OPTION_TYPES and shape.get("options"):
        return {"options": [{"name": name} for name in shape["options"] if "," not in name]}
    return {}


def _connect(
    workspace: Workspace,
    source_id: str,
    properties: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
) -> None:
    """Add the properties that refer to others: relations to the database they are named after, else to their own."""
    relations = {
        name: {
            "relation": {"data_source_id": _named_after(name, titles) or source_id, "single_property": {}},
        }
        for name, shape in properties.items()
        if _kind(shape) == "relation"
    }
    _extend(workspace, source_id, relations)
    anchor = next(iter(relations), None)
    computed: dict[str, Any] = {}
    title = schema.title_of(_entries(workspace, source_id)).name
    for name, shape in properties.items():
        if _kind(shape) == "formula":
            computed[name] = {"formula": {"expression": f"prop({json.dumps(title)})"}}
        elif _kind(shape) == "rollup" and anchor is not None:
            target = relations[anchor]["relation"]["data_source_id"]
            target_title = schema.title_of(_entries(workspace, str(target))).name
            computed[name] = {
                "rollup": {
                    "relation_property_name": anchor,
                    "rollup_property_name": target_title,
                    "function": "show_original",
                }
            }
    _extend(workspace, source_id, computed)


def _named_after(name: str, titles: Mapping[str, str]) -> str | None:
    """Return the data source a relation is named after: of that title, or of the only one that holds its name."""
    wanted = name.casefold()
    holding = [source_id for title, source_id in titles.items() if wanted in title]
    return titles.get(wanted) or (holding[0] if len(holding) == 1 else None)


def _entries(workspace: Workspace, source_id: str) -> Schema:
    source = workspace.find(workspace.person, "data_source", source_id)
    return schema.load(source.data["properties"])


def _extend(workspace: Workspace, source_id: str, properties: Mapping[str, Any]) -> None:
    source = workspace.find(workspace.person, "data_source", source_id)
    databases.update_source(workspace, workspace.person, source, {"properties": dict(properties)})


def fill(workspace: Workspace, source_id: str, rows: int, *, seed: int = 0) -> None:
    """Create rows with generated values in a data source, a few hundred to a transaction."""
    chosen = random.Random(seed)  # noqa: S311 repeatable rows, not secrets
    entries = _entries(workspace, source_id)
    bodies = (
        {
            "parent": {"type": "data_source_id", "data_source_id": source_id},
            "properties": dict(_values(entries, number, chosen)),
        }
        for number in range(1, rows + 1)
    )
    done = 0
    while done < rows:
        with workspace.transaction():
            for _ in range(min(_ROWS_AT_ONCE, rows - done)):
                pages.create(workspace, workspace.person, next(bodies))
                done += 1


def _values(entries: Schema, number: int, chosen: random.Random) -> Iterator[tuple[str, Any]]:
    day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chosen.randrange(300))
    for entry in entries.values():
        if entry.type == "title":
            yield "title", {"title": [{"text": {"content": f"{chosen.choice(_WORDS)} {number}"}}]}
        elif entry.type == "number":
            yield entry.id, {"number": chosen.randrange(1000)}
        elif entry.type == "checkbox":
            yield entry.id, {"checkbox": chosen.random() < 0.3}  # noqa: PLR2004 some are ticked
        elif entry.type == "date":
            yield entry.id, {"date": {"start": day.date().isoformat()}}
        elif entry.type in ("select", "status") and entry.options:
            yield entry.id, {entry.type: {"id": chosen.choice(entry.options)["id"]}}
        elif entry.type == "multi_select" and entry.options:
            yield entry.id, {"multi_select": [{"id": chosen.choice(entry.options)["id"]}]}
