"""The JSON export of the volume index, in one documented shape, written whole or not at all.

    {"format": "segue-volume-index", "version": 1, "generated_at": ISO 8601 in UTC,
     "roots":  [{"path", "mounted", "scanned_at"}],
     "tracks": [{"key", "url", "service", "title", "artists", "album", "isrc", "bpm", "key_name", "camelot",
                 "duration_s", "loudness_lufs", "run_id", "filed_at", "source_sha256",
                 "files": [{"format", "path", "size", "sha256", "duration_s", "codec", "sample_rate", "bits"}]}],
     "files":  [{"path", "root", "size", "mtime", "title", "artist", "album", "isrc", "key", "url", "duration_s",
                 "sha256", "audio_sha256"}]}

An export for other programs: Segue itself reads SQLite only. SQLite also makes the JSON, since a large index is
exported after each filing.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from music_workflow.core.organize import disk_error, flush_folder
from music_workflow.index.volume import VolumeIndex

FORMAT = "segue-volume-index"
VERSION = 1

_ROOTS = """
SELECT json_object('path', path, 'mounted', json(iif(mounted, 'true', 'false')), 'scanned_at', scanned_at)
FROM roots ORDER BY path
"""
_TRACKS = """
SELECT json_object(
    'key', key, 'url', record ->> '$.identity.url', 'service', record ->> '$.identity.service',
    'title', record ->> '$.identity.title', 'artists', json(record -> '$.identity.artists'),
    'album', record ->> '$.identity.album', 'isrc', isrc,
    'bpm', record ->> '$.analysis.bpm', 'key_name', record ->> '$.analysis.key',
    'camelot', record ->> '$.analysis.camelot', 'duration_s', record ->> '$.analysis.duration_s',
    'loudness_lufs', record ->> '$.analysis.loudness_lufs',
    'run_id', run_id, 'filed_at', filed_at, 'source_sha256', source_sha256,
    'files', json(record -> '$.files'))
FROM tracks ORDER BY filed_at, key
"""
_FILES = """
SELECT json_object(
    'path', files.path, 'root', root, 'size', size, 'mtime', mtime,
    'title', title, 'artist', artist, 'album', album, 'isrc', isrc, 'key', key, 'url', url,
    'duration_s', coalesce(audio.duration_s, files.duration_s), 'sha256', sha256, 'audio_sha256', audio_sha256)
FROM files LEFT JOIN audio ON audio.path = files.path ORDER BY files.path
"""


def write_export(index: VolumeIndex, path: str | Path) -> None:
    """Write the export and put it in place of the old one at once; on return it is on the disk.

    Raises:
        NotReady: The place cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            _write(index, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        flush_folder(target.parent)
    except OSError as error:
        raise disk_error(error, target.parent) from error


def exported_track(path: str | Path, key: str) -> dict[str, Any] | None:
    """Read one track out of an export; None when the file or the entry is not there.

    Raises:
        ValueError: The file is no export of this version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise ValueError(f"{path} is no {FORMAT} of version {VERSION}")
    return next((track for track in content["tracks"] if track["key"] == key), None)


def _write(index: VolumeIndex, file: IO[str]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    file.write(f'{{"format": "{FORMAT}", "version": {VERSION}, "generated_at": "{now}"')
    for name, query in (("roots", _ROOTS), ("tracks", _TRACKS), ("files", _FILES)):
        file.write(f',\n"{name}": [')
        separator = "\n"
        for (entry,) in index.connection.execute(query):
            file.write(separator + entry)
            separator = ",\n"
        file.write("]")
    file.write("}\n")
