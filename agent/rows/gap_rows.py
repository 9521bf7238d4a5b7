"""The rows of gap analyses in Notion: what was filed, and how a plan's steps are written.

What was last written to a row is remembered beside the engine, as for tracks, so that a person's change is told from an
edit of the document. A row that a person deleted is remembered too and not filed again. Rows never carry a Task Type,
so that Segue does not take them for its own work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from agent.rows import first_words, page_markdown
from agent.rows.music_rows import LastWritten
from gap_analysis.model import Home
from gap_analysis.planning import DONE, OPEN, FiledRow, Step
from handlers.base import PageText, TryLater
from notion_schema.blocks import plain_text
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.errors import NotShared
from notion_schema.vocabulary import Priority, State
from notion_schema.workspace import Database, Workspace

_DATABASES: Final[Mapping[Home, str]] = {Home.TASKS: AGENT_TASKS, Home.ISSUES: ISSUES}
_KEY_PREFIX: Final = "gap:"
_PAGE: Final = "page_id"
_PATIENCE_S: Final = 120.0


class NotionGapRows:
    """`handlers.base.GapRows` on the task databases.

    Args:
        workspace: The databases.
        written: What was last written.
        lock: File that is locked while rows are filed.
    """

    def __init__(self, workspace: Workspace, written: LastWritten, lock: Path) -> None:
        self._workspace = workspace
        self._written = written
        self._lock = lock

    def page(self, page_id: str) -> PageText:
        """The content of a page as Markdown, with its title."""
        notion = self._workspace.notion
        properties = notion.retrieve_page(page_id)["properties"].values()
        title = next((plain_text(one["title"]) for one in properties if one["type"] == "title"), "")
        return PageText(title, page_markdown.render(notion.list_children(page_id), notion.list_children))

    def document_key(self, source: str) -> str:
        """The key a document at this place was filed under; empty when it never was."""
        return str(self._written.of(f"{_KEY_PREFIX}{source}").get("key", ""))

    def remember_document(self, source: str, key: str) -> None:
        """Keeps the key of the document at this place."""
        self._written.remember(f"{_KEY_PREFIX}{source}", {"key": key})

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The lock that the worker and the command line share.

        Raises:
            TryLater: Another run holds it for long.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            raise TryLater("Another run is filing gaps on this machine.", _PATIENCE_S) from None
        try:
            yield
        finally:
            lock.release()

    def filed(self, document_key: str, keys: tuple[str, ...]) -> tuple[FiledRow, ...]:
        """The document's rows as they are now, and those a query does not show: deleted ones, and the very newest."""
        shown = [
            self._filed(database, home, row)
            for home, database in self._databases()
            for row in database.query(
                database.contains("segue_key", f"{_KEY_PREFIX}{document_key}:"), only=_READ
            )
            # "Contains" would also find a document whose name only ends like this one's.
            if row.segue_key.startswith(f"{_KEY_PREFIX}{document_key}:")
        ]
        there = {row.key for row in shown}
        return (*shown, *(row for key in keys if key not in there for row in self._remembered(key)))

    def create(self, step: Step) -> str:
        """Files a row and remembers it."""
        database = self._database(step.home)
        values = self._encoded(database, step.values)
        if step.home is Home.ISSUES and database.has("kinds"):
            values["kinds"] = ("Internal Issue",)
        row: TaskRow = database.create(values, new_options=("kinds",))
        self._remember(row.id, step)
        return row.url

    def update(self, step: Step) -> None:
        """Writes what the step says; what the row already says is remembered only."""
        if step.row is None:
            raise ValueError(f"{step.title!r} has no row to update.")
        if step.values:
            database = self._database(step.home)
            database.update(step.row.page_id, self._encoded(database, step.values))
        self._remember(step.row.page_id, step)

    def _databases(self) -> Iterator[tuple[Home, Database[Any]]]:
        for home in Home:
            yield home, self._database(home)

    def _database(self, home: Home) -> Database[Any]:
        return self._workspace.database(_DATABASES[home])

    def _filed(self, database: Database[Any], home: Home, row: TaskRow, *, deleted: bool = False) -> FiledRow:
        now = {"title": row.title, "status": _meaning(database, row.status)}
        if database.has("description"):
            now["description"] = row.description
        if database.has("priority"):
            now["priority"] = str(row.priority or "")
        written = {name: str(text) for name, text in self._written.of(row.id).items() if name in _WRITTEN}
        return FiledRow(
            key=row.segue_key.removeprefix(_KEY_PREFIX),
            home=home,
            page_id=row.id,
            url=row.url,
            now=now,
            written=written,
            deleted=deleted,
        )

    def _remembered(self, key: str) -> Iterator[FiledRow]:
        """A row that was filed under this key and is not among the query's results."""
        known = self._written.of(f"{_KEY_PREFIX}{key}")
        if not known:
            return
        home = Home(known["home"])
        database = self._database(home)
        try:
            row = database.get(known[_PAGE])
        except NotShared:
            yield FiledRow(key=key, home=home, page_id=known[_PAGE], now={}, written={}, deleted=True)
            return
        if row.in_trash or row.segue_key == f"{_KEY_PREFIX}{key}":
            yield self._filed(database, home, row, deleted=row.in_trash)

    def _encoded(self, database: Database[Any], texts: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, text in texts.items():
            if name == "key":
                values["segue_key"] = f"{_KEY_PREFIX}{text}"
            elif name == "status":
                is_done = text == DONE
                values[name] = (
                    database.vocabulary.word(State.DONE) if is_done else first_words.not_begun(database)
                )
            elif name == "priority":
                values |= first_words.priority(database, Priority(text))
            elif database.has(name):
                values[name] = text
        return values

    def _remember(self, page_id: str, step: Step) -> None:
        written = {**step.adopted, **step.values}
        self._written.remember(page_id, {name: text for name, text in written.items() if name in _WRITTEN})
        known_as = {step.row.key} if step.row else set()
        for key in (known_as | {step.values["key"]}) if "key" in step.values else known_as:
            self._written.remember(f"{_KEY_PREFIX}{key}", {_PAGE: page_id, "home": step.home.value})


_WRITTEN: Final = frozenset(("title", "priority", "description", "status"))
_READ: Final = ("title", "status", "priority", "description", "segue_key")


def _meaning(database: Database[Any], status: str | None) -> str:
    if status == first_words.not_begun(database):
        return OPEN
    return DONE if status == database.vocabulary.word(State.DONE) else status or ""
