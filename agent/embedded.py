"""The embedded workspace as a service of its own: what ``segue workspace`` calls."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from notion_local import server, shapes
from notion_local.faults import Faults


def serve(
    data: Path, *, port: int, token: str, root_page: str, faults: Sequence[str], record: Path | None
) -> None:
    """Serves the workspace kept in ``data`` until Ctrl-C.

    Raises:
        ValueError: a fault switch is not one, or its value is out of range.
    """
    switches: dict[str, Any] = dict(_switch(text) for text in faults)
    options: dict[str, Any] = {"port": port, "record": record}
    if token:
        options["token"] = token
    if root_page:
        options["root_page_id"] = root_page
    server.serve(data, faults=Faults(**switches), **options)


def load(file: Path, data: Path, *, rows: int, seed: int) -> dict[str, str]:
    """Builds the databases of a shape file in the workspace kept in ``data``; returns their data source ids.

    Raises:
        ValueError: the file is no shape file.
    """
    with contextlib.closing(server.open_workspace(data)) as workspace:
        return shapes.load(workspace, file, rows=rows, seed=seed)


def _switch(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"A fault is given as name=value, not “{text}”.")
    return name, value
