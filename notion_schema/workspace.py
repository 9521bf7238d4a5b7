"""The owner's databases together: what the worker and the handlers speak to.

``Workspace.open`` turns what stands in the settings into bound databases and says what is wrong with each; one that
cannot be used does not stop the others. What one database can do is said in ``database``.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import Any, Literal, overload

from notion_schema.client import Notion
from notion_schema.database import STATUS, Database, OnBinding, open_database
from notion_schema.databases import SPECS, ExecutionLogRow, IssueRow, TaskRow, TrackRow
from notion_schema.errors import NotionError, NotShared, Refused, SchemaDrift
from notion_schema.rows import Finding, Level
from notion_schema.vocabulary import Vocabulary


class Workspace:
    """The databases named in the settings.

    Attributes:
        notion: The client.
        databases: Those that could be opened, by key.
        problems: Why a database could not be opened, or not be read again, by key.
    """

    def __init__(self, notion: Notion, openings: Mapping[str, Callable[[], Database[Any]]]) -> None:
        self.notion = notion
        self.databases: dict[str, Database[Any]] = {}
        self.problems: dict[str, NotionError | ValueError] = {}
        self._openings = openings

    @classmethod
    def open(
        cls,
        notion: Notion,
        ids: Mapping[str, str],
        *,
        vocabularies: Mapping[str, Vocabulary] | None = None,
        names: Mapping[str, Mapping[str, str]] | None = None,
        on_finding: Callable[[Finding], None] | None = None,
        known: Mapping[str, Mapping[str, str]] | None = None,
        on_binding: OnBinding | None = None,
    ) -> Workspace:
        """Open databases by what a person pasted for each.

        Args:
            notion: The client.
            ids: Link or id of a database or data source, by key.
            vocabularies: The owner's own status words, by key.
            names: The owner's own choice of columns: attribute to column name, by key.
            on_finding: Told once of each column that could not be written.
            known: The property ids that served at an earlier time, by attribute, by data source id.
            on_binding: Told when other columns serve than are known.

        Returns:
            The workspace. What cannot be opened stands in ``problems``; that a database can be worked with
            is only said by ``Database.check``.

        Raises:
            Unavailable: Notion cannot be reached at all.
        """
        openings = {
            key: partial(
                open_database,
                notion,
                SPECS[key],
                text,
                vocabulary=(vocabularies or {}).get(key),
                names=(names or {}).get(key),
                on_finding=on_finding,
                known=known,
                on_binding=on_binding,
            )
            for key, text in ids.items()
        }
        workspace = cls(notion, openings)
        workspace._open_missing()
        return workspace

    def _place_of(self, key: str) -> str | None:
        return self.databases[key].id if key in self.databases else None

    @property
    def ailing(self) -> frozenset[str]:
        """Keys of the databases that cannot be worked with as they were last seen: worth another look soon."""
        stopped = {
            key
            for key, database in self.databases.items()
            if any(finding.level is Level.FAILURE for finding in database.preflight())
        }
        return frozenset(stopped | self.problems.keys())

    def trouble(self, key: str, error: NotionError) -> None:
        """Take note of why a database could not be read, where that is a matter of the database and not of the hour."""
        if isinstance(error, NotShared):
            self.problems[key] = error

    def refresh(self, only: Container[str] | None = None) -> tuple[str, ...]:
        """Read the columns of databases again, and try once more to open those that could not be.

        Args:
            only: Keys; all databases when ``None``.

        Returns:
            Keys of the databases that changed or were opened now.

        Raises:
            Unavailable: Notion cannot be reached.
        """
        changed = []
        for key, database in self.databases.items():
            if only is not None and key not in only:
                continue
            try:
                if database.refresh():
                    changed.append(key)
            except (NotShared, Refused) as problem:
                self.problems[key] = problem
            else:
                self.problems.pop(key, None)
        return (*changed, *self._open_missing(only))

    def _open_missing(self, only: Container[str] | None = None) -> tuple[str, ...]:
        opened = []
        for key, opening in self._openings.items():
            if key in self.databases or (only is not None and key not in only):
                continue
            try:
                database = opening()
            except (NotShared, Refused, SchemaDrift, ValueError) as problem:
                self.problems[key] = problem
            else:
                database.place_of = self._place_of
                self.databases[key] = database
                self.problems.pop(key, None)
                opened.append(key)
        return tuple(opened)

    @overload
    def database(self, key: Literal["agent_tasks"]) -> Database[TaskRow]: ...
    @overload
    def database(self, key: Literal["issues_questions"]) -> Database[IssueRow]: ...
    @overload
    def database(self, key: Literal["music_tracks"]) -> Database[TrackRow]: ...
    @overload
    def database(self, key: Literal["execution_logs"]) -> Database[ExecutionLogRow]: ...
    @overload
    def database(self, key: str) -> Database[Any]: ...
    def database(self, key: str) -> Database[Any]:
        """A database by key.

        Raises:
            NotionError: It could not be opened.
            ValueError: What the settings name holds no id.
            LookupError: The settings do not name it.
        """
        if key in self.databases:
            return self.databases[key]
        if key in self.problems:
            raise self.problems[key]
        raise LookupError(f"The settings name no {SPECS[key].title} database.")

    def __contains__(self, key: str) -> bool:
        return key in self.databases

    def preflight(self) -> list[Finding]:
        """What the owner should know about all databases."""
        found = [
            Finding(
                level=Level.FAILURE,
                database=SPECS[key].title,
                property_name=None,
                sentence=f"{SPECS[key].title} cannot be opened: {problem}",
                subject=f"{key}/open",
            )
            for key, problem in self.problems.items()
        ]
        for database in self.databases.values():
            found += database.preflight()
        return found


__all__ = ["STATUS", "Database", "Workspace"]
