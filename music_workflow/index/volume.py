"""The volume index: which tracks the library has, where their files stand, and what else is on the volumes.

SQLite (write-ahead log) is the truth, opened per use; the JSON file is an export of it. It knows no service,
no audio and no database of the user's. Files seen by scans are in `index.files`. Called by `core.library`,
`core.collection` and the command line.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from music_workflow.model import Analysis, AudioFile, AudioFormat, EagleItem, FiledTrack, Identity

_LOCK_WAIT_S = 30.0
_ASK_AGAIN_S = 0.01
_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE tracks (
    key           TEXT PRIMARY KEY,
    isrc          TEXT,
    source_sha256 TEXT NOT NULL,
    duration_s    REAL NOT NULL,
    run_id        TEXT NOT NULL,
    filed_at      TEXT NOT NULL,
    record        TEXT NOT NULL      -- the FiledTrack as JSON
) STRICT;
CREATE INDEX tracks_isrc ON tracks (isrc) WHERE isrc IS NOT NULL;
CREATE INDEX tracks_source ON tracks (source_sha256);
CREATE INDEX tracks_run ON tracks (run_id);
CREATE TABLE track_files (
    path TEXT PRIMARY KEY,
    key  TEXT NOT NULL REFERENCES tracks (key) ON DELETE CASCADE
) STRICT;
CREATE INDEX track_files_key ON track_files (key);
CREATE TABLE aliases (               -- another source of a track that the library already has
    key   TEXT PRIMARY KEY,
    track TEXT NOT NULL REFERENCES tracks (key) ON DELETE CASCADE
) STRICT;
CREATE TABLE plans (                 -- a filing under way: where its files will stand
    key   TEXT PRIMARY KEY,
    paths TEXT NOT NULL
) STRICT;
CREATE TABLE roots (
    path       TEXT PRIMARY KEY,
    mounted    INTEGER NOT NULL,
    scanned_at TEXT NOT NULL,
    volume     TEXT                  -- what the folder's own identity file says; follows it when it is renamed
) STRICT;
CREATE TABLE files (                 -- every audio file seen by a scan
    path   TEXT PRIMARY KEY,
    root   TEXT NOT NULL REFERENCES roots (path) ON DELETE CASCADE,
    inode  INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    mtime  INTEGER NOT NULL,         -- nanoseconds
    title  TEXT,
    artist TEXT,
    album  TEXT,
    isrc   TEXT,
    key    TEXT,                     -- the source's key, as Segue's own tags have it
    url    TEXT,                     -- the link in the comment
    duration_s REAL
) STRICT, WITHOUT ROWID;
-- All that a rescan asks for:
CREATE INDEX files_root ON files (root, inode, size, mtime);
CREATE INDEX files_isrc ON files (isrc) WHERE isrc IS NOT NULL;
"""
_SCHEMA_2 = """
CREATE INDEX files_key ON files (key) WHERE key IS NOT NULL;
CREATE INDEX files_url ON files (url) WHERE url IS NOT NULL;
CREATE TABLE audio (                 -- what hearing a file told; follows its file and goes with it
    path         TEXT PRIMARY KEY REFERENCES files (path) ON DELETE CASCADE ON UPDATE CASCADE,
    sha256       TEXT NOT NULL,      -- of the file
    audio_sha256 TEXT,               -- of the sound as encoded, without tags
    fingerprint  BLOB,               -- 32-bit words, little-endian; NULL: no sound, or too short
    duration_s   REAL,
    codec        TEXT,
    sample_rate  INTEGER,
    bits         INTEGER,
    bit_rate     INTEGER,            -- bits per second
    trouble      TEXT                -- why it could not be heard
) STRICT;
CREATE INDEX audio_sha256 ON audio (sha256);
"""
_FROM_1 = """
ALTER TABLE roots ADD COLUMN volume TEXT;
ALTER TABLE files ADD COLUMN key TEXT;
ALTER TABLE files ADD COLUMN url TEXT;
ALTER TABLE files ADD COLUMN duration_s REAL;
-- So that the next scan reads what the first version did not:
UPDATE files SET mtime = 0;
"""


class VolumeIndex:
    """One open index. Use `open_index`, which closes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def add(self, track: FiledTrack) -> None:
        """Enter a track with its files, and end its plan, in one transaction."""
        key = track.identity.key
        record = json.dumps(asdict(replace(track, newly_filed=True)), ensure_ascii=False)
        with self.connection as db:
            db.execute(
                "INSERT INTO tracks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO UPDATE SET isrc = ?2, "
                "source_sha256 = ?3, duration_s = ?4, run_id = ?5, filed_at = ?6, record = ?7",
                (
                    key,
                    track.identity.isrc,
                    track.source_sha256,
                    track.source_duration_s,
                    track.run_id,
                    track.filed_at,
                    record,
                ),
            )
            db.execute("DELETE FROM track_files WHERE key = ?", (key,))
            db.executemany(
                "INSERT OR REPLACE INTO track_files VALUES (?, ?)", [(file.path, key) for file in track.files]
            )
            db.execute("DELETE FROM plans WHERE key = ?", (key,))

    def forget(self, key: str) -> None:
        """Take a track out of the index; its files are not touched."""
        with self.connection as db:
            db.execute("DELETE FROM plans WHERE key = ?", (key,))
            db.execute("DELETE FROM tracks WHERE key = ?", (key,))

    def add_alias(self, key: str, track: str) -> None:
        """Remember that `key` is another source of the track known as `track`."""
        with self.connection as db:
            db.execute("INSERT OR IGNORE INTO aliases VALUES (?, ?)", (key, track))

    def merge(self, key: str, into: str) -> None:
        """Let one track's key and its other sources' keys lead to another track from now on; no file is touched."""
        with self.connection as db:
            db.execute("UPDATE aliases SET track = ? WHERE track = ?", (into, key))
            db.execute("DELETE FROM tracks WHERE key = ?", (key,))
            db.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?)", (key, into))

    def part(self, track: FiledTrack, aliases: Sequence[str]) -> None:
        """Take a `merge` back: the track stands for itself again, and so do the other sources it had."""
        key = track.identity.key
        with self.connection as db:
            db.execute("DELETE FROM aliases WHERE key = ?", (key,))
        self.add(track)
        with self.connection as db:
            db.executemany("INSERT OR REPLACE INTO aliases VALUES (?, ?)", [(each, key) for each in aliases])

    def aliases(self, key: str) -> tuple[str, ...]:
        """The keys of a track's other sources."""
        rows = self.connection.execute("SELECT key FROM aliases WHERE track = ? ORDER BY key", (key,))
        return tuple(alias for (alias,) in rows)

    def owner(self, path: str) -> FiledTrack | None:
        """Find the track that a file belongs to."""
        return self._one("SELECT record FROM tracks JOIN track_files USING (key) WHERE path = ?", path)

    def relocate(self, moved: Mapping[str, str]) -> int:
        """Let tracks know where their files stand now.

        Args:
            moved: Old path -> new path.

        Returns:
            How many tracks had files among them.
        """
        owners = {track.identity.key: track for path in moved if (track := self.owner(path))}
        for track in owners.values():
            files = tuple(replace(file, path=moved.get(file.path, file.path)) for file in track.files)
            self.add(replace(track, files=files))
        return len(owners)

    def drop_alias(self, key: str, track: str) -> None:
        """Forget that `key` was another source of the track known as `track`: it was not."""
        with self.connection as db:
            db.execute("DELETE FROM aliases WHERE key = ? AND track = ?", (key, track))

    def by_key(self, key: str) -> FiledTrack | None:
        """Find a track by the key of one of its sources."""
        return self._one(
            "SELECT record FROM tracks WHERE key = ?1 OR key = (SELECT track FROM aliases WHERE key = ?1)",
            key,
        )

    def by_run(self, run_id: str) -> FiledTrack | None:
        """Find the track that a run filed."""
        return self._one("SELECT record FROM tracks WHERE run_id = ? ORDER BY filed_at DESC", run_id)

    def by_isrc(self, isrc: str, duration_s: float, tolerance_s: float) -> FiledTrack | None:
        """Find a track by ISRC and nearly equal length; one ISRC may carry edits of other lengths."""
        return self._one(
            "SELECT record FROM tracks WHERE isrc = ?1 AND abs(duration_s - ?2) <= ?3 "
            "ORDER BY abs(duration_s - ?2)",
            isrc,
            duration_s,
            tolerance_s,
        )

    def by_source(self, sha256: str) -> FiledTrack | None:
        """Find a track that was made from exactly these bytes."""
        return self._one("SELECT record FROM tracks WHERE source_sha256 = ?", sha256)

    def tracks(self) -> Iterator[FiledTrack]:
        """All tracks, oldest first."""
        for (record,) in self.connection.execute("SELECT record FROM tracks ORDER BY filed_at, key"):
            yield decode_track(json.loads(record))

    def plan(self, key: str) -> dict[AudioFormat, str] | None:
        """The paths of a filing that was begun and not finished, by format."""
        row = self.connection.execute("SELECT paths FROM plans WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        paths: dict[AudioFormat, str] = json.loads(row[0])
        return paths

    def begin(self, key: str, paths: Mapping[AudioFormat, str]) -> None:
        """Remember where the files of `key` will stand, before the first is moved."""
        with self.connection as db:
            db.execute(
                "INSERT OR REPLACE INTO plans VALUES (?, ?)",
                (key, json.dumps(dict(paths), ensure_ascii=False)),
            )

    def taken(self, key: str) -> set[str]:
        """All paths that belong to other tracks than `key`, finished or under way."""
        paths = {
            path for (path,) in self.connection.execute("SELECT path FROM track_files WHERE key <> ?", (key,))
        }
        for (record,) in self.connection.execute("SELECT paths FROM plans WHERE key <> ?", (key,)):
            paths.update(json.loads(record).values())
        return paths

    def some_paths(self, folder: str, limit: int = 20) -> list[str]:
        """The files below `folder` that were filed last; empty when the index knows none there."""
        prefix = str(Path(folder).absolute()).rstrip("/") + "/"
        query = (
            "SELECT path FROM track_files JOIN tracks USING (key) WHERE substr(path, 1, ?) = ? "
            "ORDER BY filed_at DESC LIMIT ?"
        )
        return [path for (path,) in self.connection.execute(query, (len(prefix), prefix, limit))]

    def __len__(self) -> int:
        (count,) = self.connection.execute("SELECT count(*) FROM tracks").fetchone()
        return int(count)

    def _one(self, query: str, *values: Any) -> FiledTrack | None:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else decode_track(json.loads(row[0]))


@contextmanager
def open_index(data_dir: str | Path) -> Iterator[VolumeIndex]:
    """Open the index in `data_dir`, made when absent; several processes may have it open."""
    folder = Path(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "index.sqlite", timeout=_LOCK_WAIT_S)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection)
        yield VolumeIndex(connection)
    finally:
        connection.close()


def decode_track(record: Mapping[str, Any]) -> FiledTrack:
    """Make a FiledTrack of its JSON; the exact inverse of `dataclasses.asdict`."""
    identity = {**record["identity"], "artists": tuple(record["identity"]["artists"])}
    return FiledTrack(
        **{
            **record,
            "identity": Identity(**identity),
            "files": tuple(AudioFile(**each) for each in record["files"]),
            "analysis": Analysis(**record["analysis"]),
            "eagle": tuple(EagleItem(**each) for each in record.get("eagle", ())),
            "playlists": tuple(record.get("playlists", ())),
            "playlist_paths": tuple(record.get("playlist_paths", ())),
            "by_hand": tuple((name, value) for name, value in record.get("by_hand", ())),
        }
    )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file over; SQLite refuses at once, timeout or not, while another connection does the same."""
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_ASK_AGAIN_S)
        else:
            return


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == _SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < _SCHEMA_VERSION:
        for script in (_SCHEMA if version == 0 else _FROM_1, _SCHEMA_2):
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    connection.commit()
    if version > _SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"index.sqlite is of version {version}, written by a newer Segue")
