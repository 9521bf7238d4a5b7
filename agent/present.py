"""A row that may be gone: deleted, in the trash, or out of the integration's sight."""

from __future__ import annotations

from http import HTTPStatus

from notion_schema.errors import NotShared
from notion_schema.rows import R
from notion_schema.workspace import Database


def row_of(database: Database[R], page_id: str) -> R | None:
    """The row as it is now; None when it is in the trash or not there.

    Raises:
        NotionError: it could not be read for another reason, a withdrawn token for instance: that tells nothing.
    """
    try:
        row = database.get(page_id)
    except NotShared as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None
    return None if row.in_trash else row
