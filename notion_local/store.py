"""Where the workspace is kept: one SQLite file (or memory), its objects, the index of their values, its changes.

A `Store` knows rows and transactions, nothing of what they mean. Objects are kept whole as JSON; every value that a
query can ask for stands a second time in `cell`, indexed, so that a data source of 100,000 rows is filtered without
reading its pages. All access goes through one connection and one lock: a request is one transaction, committed (and
flushed to disk) before its answer leaves. Called by the modules that implement the API; never by its routes.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS object (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    parent TEXT NOT NULL,
    parent_kind TEXT NOT NULL,
    position REAL NOT NULL,
    created INTEGER NOT NULL,
    edited INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    edited_by TEXT NOT NULL,
    in_trash INTEGER NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_facts ON object (id, parent, kind, in_trash, created, edited);
CREATE INDEX IF NOT EXISTS object_of_parent ON object (parent, position, id);
CREATE INDEX IF NOT EXISTS object_by_creation ON object (parent, kind, in_trash, created, id);
CREATE INDEX IF NOT EXISTS object_by_edit ON object (parent, kind, in_trash, edited, id);
CREATE INDEX IF NOT EXISTS object_of_kind ON object (kind, in_trash, edited, id);
CREATE TABLE IF NOT EXISTS cell (
    source TEXT NOT NULL,
    property TEXT NOT NULL,
    page TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    text TEXT,
    number REAL,
    sort TEXT,
    PRIMARY KEY (page, property, ordinal)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cell_by_text ON cell (source, property, text, page);
CREATE INDEX IF NOT EXISTS cell_by_number ON cell (source, property, number, page);
CREATE TABLE IF NOT EXISTS lagging (
    page TEXT PRIMARY KEY,
    due INTEGER NOT NULL,
    before TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    parent TEXT NOT NULL,
    parent_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    updated TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
    id TEXT NOT NULL,
    part INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (id, part)
);
"""
_COLUMNS = "id, kind, parent, parent_kind, position, created, edited, created_by, edited_by, in_trash, data"
_MAX_VARIABLES = 500
_VERSION = 1


@dataclass(frozen=True)
class Record:
    """One stored object: a page, block, database, data source, comment, upload, view or user."""

    id: str
    kind: str
    parent: str
    parent_kind: str
    """``workspace``, ``page``, ``block``, ``database`` or ``data_source``."""
    position: float
    """Order among its siblings."""
    created: int
    """Milliseconds since 1970, as all times here."""
    edited: int
    created_by: str
    edited_by: str
    in_trash: bool
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Cell:
    """One indexed value of one property of one row: a text, a number, or both."""

    property: str
    text: str | None = None
    number: float | None = None
    sort: str | None = None
    """What texts are put in order by; `text` when None."""


@dataclass(frozen=True)
class Change:
    """One thing that happened, in the words of Notion's webhook events."""

    seq: int
    """Grows with every change and is never used twice."""
    kind: str
    """Such as ``page.properties_updated``."""
    object_id: str
    parent_id: str
    parent_kind: str
    actor: str
    """The id of the user on whose behalf it was done."""
    at: int
    updated: tuple[str, ...] = ()
    """Ids of the properties or blocks concerned."""


class Store:
    """The workspace's SQLite database.

    Args:
        path: the file, created when absent; None keeps everything in memory.

    Raises:
        ValueError: when the file was made by another version of this program.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._pending: list[Change] = []
        self._listeners: list[Callable[[Sequence[Change]], None]] = []
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA cache_size = -65536")
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._prepare(path)

    def _prepare(self, path: Path | None) -> None:
        """Create the tables; refuse a file whose tables another version of this program made."""
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        empty = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if version != _VERSION and not empty:
            self._connection.close()
            raise ValueError(
                f"{path} was made by another version of this program (tables {version}, not {_VERSION})"
            )
        self._connection.executescript(_TABLES)
        self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        """Close the database; the store is of no use afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block as one transaction: committed at its end, undone if it raises; blocks may nest.

        Listeners hear of the changes once they are committed, in the committing thread.
        """
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
                self._pending = []
            self._depth += 1
            done = False
            try:
                yield
                done = True
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._end(commit=done)
            if self._depth:
                return
            committed, self._pending = self._pending, []
            listeners = list(self._listeners)
        if committed:
            for listener in listeners:
                listener(committed)

    def _end(self, *, commit: bool) -> None:
        """Commit or undo the running transaction; one whose commit failed, as on a full disk, is undone."""
        try:
            if commit:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    # Objects

    def get(self, object_id: str) -> Record | None:
        """Return an object, or None."""
        row = self._execute(f"SELECT {_COLUMNS} FROM object WHERE id = ?", (object_id,)).fetchone()  # noqa: S608 constant columns
        return _record(row) if row else None

    def get_many(self, object_ids: Sequence[str]) -> list[Record]:
        """Return the objects that exist, in the order of their ids."""
        found: dict[str, Record] = {}
        for start in range(0, len(object_ids), _MAX_VARIABLES):
            chunk = object_ids[start : start + _MAX_VARIABLES]
            marks = ",".join("?" * len(chunk))
            rows = self._execute(f"SELECT {_COLUMNS} FROM object WHERE id IN ({marks})", chunk)  # noqa: S608 question marks only
            found.update((row[0], _record(row)) for row in rows)
        return [found[object_id] for object_id in object_ids if object_id in found]

    def put(self, record: Record) -> None:
        """Insert or replace an object."""
        self._execute(
            f"INSERT OR REPLACE INTO object ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 constant columns
            (
                record.id,
                record.kind,
                record.parent,
                record.parent_kind,
                record.position,
                record.created,
                record.edited,
                record.created_by,
                record.edited_by,
                int(record.in_trash),
                json.dumps(record.data, ensure_ascii=False, separators=(",", ":")),
            ),
        )

    def delete(self, object_id: str) -> None:
        """Remove an object for good."""
        self._execute("DELETE FROM object WHERE id = ?", (object_id,))

    def children(
        self, parent: str, kinds: Sequence[str], *, after: float | None = None, limit: int = -1
    ) -> list[Record]:
        """Return the objects of some kinds under a parent that are not in the trash, in their order."""
        marks = ",".join("?" * len(kinds))
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM object WHERE parent = ? AND in_trash = 0 AND kind IN ({marks})"  # noqa: S608 question marks only
            " AND position > ? ORDER BY position, id LIMIT ?",
            (parent, *kinds, float("-inf") if after is None else after, limit),
        )
        return [_record(row) for row in rows]

    def has_children(self, parent: str, kinds: Sequence[str]) -> bool:
        """Tell whether anything of these kinds stands under a parent."""
        marks = ",".join("?" * len(kinds))
        return (
            self._execute(
                f"SELECT 1 FROM object WHERE parent = ? AND in_trash = 0 AND kind IN ({marks}) LIMIT 1",  # noqa: S608 question marks only
                (parent, *kinds),
            ).fetchone()
            is not None
        )

    def positions(self, parent: str) -> tuple[float, float]:
        """Return the smallest and largest position among all children of a parent, trashed ones included."""
        low, high = self._execute(
            "SELECT (SELECT min(position) FROM object WHERE parent = ?1),"
            " (SELECT max(position) FROM object WHERE parent = ?1)",
            (parent,),
        ).fetchone()
        return (low if low is not None else 1.0, high if high is not None else 0.0)

    def of_kind(self, kind: str, *, limit: int = -1, offset: int = 0) -> list[Record]:
        """Return the objects of a kind that are not in the trash, last edited first."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM object WHERE kind = ? AND in_trash = 0 ORDER BY edited DESC, id LIMIT ? OFFSET ?",  # noqa: S608 constant columns
            (kind, limit, offset),
        )
        return [_record(row) for row in rows]

    def titled(self, kinds: Sequence[str], words: Sequence[str], *, oldest_first: bool) -> list[str]:
        """Return the ids of objects of some kinds whose indexed title holds every word, by their last edit."""
        marks = ",".join("?" * len(kinds))
        direction = "ASC" if oldest_first else "DESC"
        titles = "SELECT page FROM cell WHERE property = 'title' AND instr(text, ?) > 0"
        where = "".join(f" AND id IN ({titles})" for _ in words)
        return self.ids(
            f"SELECT id FROM object WHERE kind IN ({marks}) AND in_trash = 0{where}"  # noqa: S608 constants and marks
            f" ORDER BY edited {direction}, id {direction}",
            (*kinds, *words),
        )

    def rows_of(self, source: str) -> list[Record]:
        """Return all pages of a data source that are not in the trash, oldest first."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM object WHERE parent = ? AND kind = 'page' AND in_trash = 0 ORDER BY created, id",  # noqa: S608 constant columns
            (source,),
        )
        return [_record(row) for row in rows]

    def ids(self, sql: str, parameters: Sequence[Any]) -> list[str]:
        """Return the first column of a query that `filters` built."""
        return [row[0] for row in self._execute(sql, parameters)]

    # The index of values

    def index(self, source: str, page: str, cells: Iterable[Cell]) -> None:
        """Replace what the index knows of a page."""
        self._execute("DELETE FROM cell WHERE page = ?", (page,))
        counts: dict[str, int] = {}
        rows = []
        for cell in cells:
            ordinal = counts.get(cell.property, 0)
            counts[cell.property] = ordinal + 1
            rows.append((source, cell.property, page, ordinal, cell.text, cell.number, cell.sort))
        with self._lock:
            self._connection.executemany(
                "INSERT INTO cell (source, property, page, ordinal, text, number, sort) VALUES (?,?,?,?,?,?,?)",
                rows,
            )

    def compute(self, cells: Iterable[tuple[str, Cell]]) -> None:
        """Fill the table of values that are computed for one query: pairs of page id and cell."""
        with self._lock:
            self._connection.execute(
                "CREATE TEMP TABLE IF NOT EXISTS computed (page TEXT, property TEXT, text TEXT, number REAL)"
            )
            self._connection.execute("DELETE FROM temp.computed")
            self._connection.executemany(
                "INSERT INTO temp.computed VALUES (?,?,?,?)",
                ((page, cell.property, cell.text, cell.number) for page, cell in cells),
            )

    # Lag: what an eventually consistent index has not seen yet

    def lag(self, page: str, due: int, before: Record | None) -> bool:
        """Note that queries shall not see a page's write before `due`; False when they lag behind already."""
        if self._execute("SELECT 1 FROM lagging WHERE page = ?", (page,)).fetchone():
            return False
        text = None if before is None else json.dumps(_plain(before), ensure_ascii=False)
        self._execute("INSERT INTO lagging (page, due, before) VALUES (?,?,?)", (page, due, text))
        return True

    def lagging(self) -> dict[str, Record | None]:
        """Return the pages that queries lag behind on, with what queries still see of them."""
        rows = self._execute("SELECT page, before FROM lagging", ())
        return {page: _record(json.loads(before)) if before else None for page, before in rows}

    def caught_up(self, now: int) -> list[str]:
        """Return and forget the pages whose lag has ended."""
        due = self.ids("SELECT page FROM lagging WHERE due <= ?", (now,))
        if due:
            self._execute("DELETE FROM lagging WHERE due <= ?", (now,))
        return due

    # Changes

    def listen(self, listener: Callable[[Sequence[Change]], None]) -> Callable[[], None]:
        """Call a listener after each commit with what changed; the returned function ends that.

        The listener runs in whatever thread committed; it must be quick and must not raise.
        """
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def changed(self, kind: str, record: Record, actor: str, at: int, updated: Sequence[str] = ()) -> None:
        """Note a change inside the running transaction."""
        cursor = self._execute(
            "INSERT INTO change (at, kind, object, parent, parent_kind, actor, updated) VALUES (?,?,?,?,?,?,?)",
            (at, kind, record.id, record.parent, record.parent_kind, actor, json.dumps(list(updated))),
        )
        seq = cursor.lastrowid or 0
        self._pending.append(
            Change(seq, kind, record.id, record.parent, record.parent_kind, actor, at, tuple(updated))
        )

    def changes_since(self, seq: int, limit: int = 1000) -> list[Change]:
        """Return the committed changes after a sequence number, oldest first."""
        rows = self._execute(
            "SELECT seq, kind, object, parent, parent_kind, actor, at, updated FROM change"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )
        return [_change(row) for row in rows]

    def last_seq(self) -> int:
        """Return the sequence number of the last change, 0 when there is none."""
        return int(self._execute("SELECT coalesce(max(seq), 0) FROM change", ()).fetchone()[0])

    # Settings and files

    def setting(self, name: str) -> str | None:
        """Return a setting of this workspace, or None."""
        row = self._execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a setting of this workspace."""
        self._execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?,?)", (name, value))

    def put_file(self, upload: str, part: int, content: bytes) -> None:
        """Keep one part of an uploaded file."""
        self._execute(
            "INSERT OR REPLACE INTO file (id, part, content) VALUES (?,?,?)", (upload, part, content)
        )

    def file(self, upload: str) -> bytes | None:
        """Return the bytes of an uploaded file, or None."""
        parts = self._execute("SELECT content FROM file WHERE id = ? ORDER BY part", (upload,)).fetchall()
        return b"".join(part[0] for part in parts) if parts else None

    def file_parts(self, upload: str) -> list[int]:
        """Return the numbers of the parts received of an uploaded file."""
        return [
            row[0] for row in self._execute("SELECT part FROM file WHERE id = ? ORDER BY part", (upload,))
        ]

    def _execute(self, sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        with self._lock:
            return self._connection.execute(sql, tuple(parameters))


def _change(row: Sequence[Any]) -> Change:
    seq, kind, object_id, parent_id, parent_kind, actor, at, updated = row
    return Change(seq, kind, object_id, parent_id, parent_kind, actor, at, tuple(json.loads(updated)))


def _record(row: Sequence[Any]) -> Record:
    record_id, kind, parent, parent_kind, position, created, edited, created_by, edited_by, in_trash, data = (
        row
    )
    return Record(
        record_id,
        kind,
        parent,
        parent_kind,
        position,
        created,
        edited,
        created_by,
        edited_by,
        in_trash=bool(in_trash),
        data=json.loads(data),
    )


def _plain(record: Record) -> list[Any]:
    return [
        record.id,
        record.kind,
        record.parent,
        record.parent_kind,
        record.position,
        record.created,
        record.edited,
        record.created_by,
        record.edited_by,
        int(record.in_trash),
        json.dumps(record.data, ensure_ascii=False),
    ]
