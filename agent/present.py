"""A row that may be gone: deleted, in the trash, or out of the integration's sight."""

from __future__ import annotations

from http import HTTPStatus

from notion_schema.errors import NotShared
from notion_schema.rows import R
from notion_schema.workspace import Database


def seen(database: Database[R], page_id: str) -> R | None:
    """The row as it is now, in the trash or not; None when it is not there.

    Raises:
        NotionError: it could not be read for another reason, a withdrawn token for instance: that tells nothing.
    """
    try:
        return database.get(page_id)
    except NotShared as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def row_of(database: Database[R], page_id: str) -> R | None:
    """The row as it is now; None when it is in the trash or not there.

    Raises:
        NotionError: see `seen`.
    """
    row = seen(database, page_id)
    return None if row is None or row.in_trash else row
