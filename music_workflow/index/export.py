"""The JSON export of the volume index, in one documented shape, written whole or not at all.

    {"format": "segue-volume-index", "version": 1, "generated_at": ISO 8601 in UTC,
     "roots":  [{"path", "mounted", "scanned_at"}],
     "tracks": [{"key", "url", "service", "title", "artists", "album", "isrc", "bpm", "key_name", "camelot",
                 "duration_s", "loudness_lufs", "run_id", "filed_at", "source_sha256",
                 "files": [{"format", "path", "size", "sha256"}]}],
     "files":  [{"path", "root", "size", "mtime", "title", "artist", "album", "isrc"}]}

An export for other programs: Segue itself reads SQLite only.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from music_workflow.core.organize import disk_error, flush_folder
from music_workflow.index.volume import VolumeIndex
from music_workflow.model import FiledTrack

FORMAT = "segue-volume-index"
VERSION = 1


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
    file.write(f'{{"format": "{FORMAT}", "version": {VERSION}, "generated_at": "{now}",\n"roots": ')
    rows = index.connection.execute("SELECT path, mounted, scanned_at FROM roots ORDER BY path")
    json.dump([{"path": row[0], "mounted": bool(row[1]), "scanned_at": row[2]} for row in rows], file)
    file.write(',\n"tracks": [')
    for number, track in enumerate(index.tracks()):
        file.write(",\n" if number else "\n")
        json.dump(_entry(track), file, ensure_ascii=False)
    file.write('],\n"files": [')
    columns = ("path", "root", "size", "mtime", "title", "artist", "album", "isrc")
    query = f"SELECT {', '.join(columns)} FROM files ORDER BY path"  # noqa: S608 - fixed names
    for number, row in enumerate(index.connection.execute(query)):
        file.write(",\n" if number else "\n")
        json.dump(dict(zip(columns, row, strict=True)), file, ensure_ascii=False)
    file.write("]}\n")


def _entry(track: FiledTrack) -> dict[str, Any]:
    identity, analysis = track.identity, track.analysis
    return {
        "key": identity.key,
        "url": identity.url,
        "service": identity.service,
        "title": identity.title,
        "artists": identity.artists,
        "album": identity.album,
        "isrc": identity.isrc,
        "bpm": analysis.bpm,
        "key_name": analysis.key,
        "camelot": analysis.camelot,
        "duration_s": analysis.duration_s,
        "loudness_lufs": analysis.loudness_lufs,
        "run_id": track.run_id,
        "filed_at": track.filed_at,
        "source_sha256": track.source_sha256,
        "files": [
            {"format": file.format, "path": file.path, "size": file.size, "sha256": file.sha256}
            for file in track.files
        ],
    }
