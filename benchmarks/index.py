"""How fast the volume index is: first scan, rescan, hearing, look-up, filing with export.

Run `python -m benchmarks.index [--files N] [--tracks N]`. Scans are measured in CPU seconds of this process on a
library of real files (short, tagged, with a cover; page cache warm), against mutagen (and tinytag, where it is
installed) reading the same files and against a bare walk with stat; the peers run in the same process, before and
after. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen

from music_workflow.core.library import Library, LibrarySettings
from music_workflow.index import lookup
from music_workflow.index.export import write_export
from music_workflow.index.hearing import hear
from music_workflow.index.scan import scan, walk
from music_workflow.index.volume import open_index
from music_workflow.model import Analysis, AudioFile, FiledTrack, Identity
from music_workflow.synthesizer import render

_ROUNDS = 7
"""Of rescan and bare walk in turn; the fastest of each counts, as the least disturbed."""
KINDS = ("mp3", "m4a", "flac", "wav")


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--tracks", type=int, default=100_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            **measure_scans(Path(folder, "a"), wanted.files),
            **measure_tracks(Path(folder, "b"), wanted.tracks),
            **measure_files(Path(folder, "c"), wanted.tracks),
            **measure_hearing(Path(folder, "d")),
        }
    print(json.dumps(figures, indent=2))


def measure_scans(folder: Path, count: int) -> dict[str, Any]:
    """Scan a new library, scan it again, and let the peers do the same."""
    music = folder / "music"
    make_files(music, count)
    root = str(music)
    mutagen_s, _ = cpu(lambda: [mutagen.File(path) for path in music.rglob("*.*")])
    tinytag_s = read_with_tinytag(music)
    with open_index(folder / "data") as index:
        first_s, report = cpu(lambda: scan(index, root))
        rounds = [
            (cpu(lambda: list(walk(root)))[0], cpu(lambda: scan(index, root))[0]) for _ in range(_ROUNDS)
        ]
    bare_s, again_s = (min(each) for each in zip(*rounds, strict=True))
    return {
        "files": count,
        "first scan, files per CPU second": round(count / first_s),
        "mutagen, files per CPU second": round(count / mutagen_s),
        "tinytag, files per CPU second": round(count / tinytag_s) if tinytag_s else "not installed",
        "first scan / mutagen": round(mutagen_s / first_s, 2),
        "unchanged rescan, CPU s": round(again_s, 4),
        "bare walk and stat, CPU s": round(bare_s, 4),
        "rescan / bare stat": round(again_s / bare_s, 2),
        "entered": report.added,
    }


def read_with_tinytag(music: Path) -> float | None:
    """CPU seconds that tinytag needs for the same files, pictures left out; None where it is not installed."""
    if importlib.util.find_spec("tinytag") is None:
        return None
    reader = importlib.import_module("tinytag").TinyTag
    return cpu(lambda: [reader.get(path) for path in music.rglob("*.*")])[0]


def measure_files(folder: Path, count: int) -> dict[str, Any]:
    """Look files up as a sync does, among so many on the volumes."""
    with open_index(folder) as index:
        with index.connection as db:
            db.execute("INSERT INTO roots VALUES ('/music', 1, '2026-01-01', NULL)")
            db.executemany(
                "INSERT INTO files VALUES (?, '/music', ?, 9000000, 1, 'Tide', 'Ada', NULL, ?, ?, ?, 200.0)",
                (
                    (
                        f"/music/{n}.m4a",
                        n,
                        f"GBABC{n:07d}",
                        f"soundcloud:{n}",
                        f"https://soundcloud.com/a/{n}",
                    )
                    for n in range(count)
                ),
            )
        wanted = range(0, count, max(1, count // 200))
        by_source_s, found = wall(
            lambda: [
                lookup.by_source(index, f"soundcloud:{n}", f"https://soundcloud.com/a/{n}") for n in wanted
            ]
        )
        by_isrc_s, _ = wall(lambda: [lookup.by_isrc(index, f"GBABC{n:07d}", 200.0) for n in wanted])
    return {
        "files looked up among": count,
        "files found": sum(map(len, found)),
        "file by source, ms": round(by_source_s / len(wanted) * 1e3, 4),
        "file by ISRC and length, ms": round(by_isrc_s / len(wanted) * 1e3, 4),
    }


def measure_hearing(folder: Path) -> dict[str, Any]:
    """Hash and fingerprint one song of two minutes in each kind; how many times faster than it plays."""
    folder.mkdir()
    figures = {}
    for kind in KINDS:
        path = str(folder / f"song.{kind}")
        render(
            path, bpm=124.0, key="A minor", seconds=120.0, style="house", seed=1, title="Tide", format=kind
        )
        seconds, _ = cpu(lambda path=path: hear(path))
        figures[f"heard, {kind}, times real time"] = round(120 / seconds)
    return figures


def measure_tracks(folder: Path, count: int) -> dict[str, Any]:
    """Fill an index with tracks, look some up as a sync does, file one more and export."""
    library = Library(
        LibrarySettings(
            out_dir=str(folder / "out"),
            data_dir=str(folder),
            index_export_path=str(folder / "volume_index.json"),
        )
    )
    with open_index(folder) as index:
        fill(index.connection, count)
        wanted = [track_of(number) for number in range(0, count, max(1, count // 200))]
        by_key_s, _ = wall(lambda: [index.by_key(track.identity.key) for track in wanted])
        by_isrc_s, _ = wall(
            lambda: [index.by_isrc(track.identity.isrc or "", 200.0, 3.0) for track in wanted]
        )
        add_s, _ = wall(lambda: index.add(track_of(count)))
        export_s, _ = wall(lambda: write_export(index, folder / "volume_index.json"))
    opened_s, _ = wall(lambda: library.lookup(wanted[0].identity.key))
    return {
        "tracks": count,
        "look-up by key, ms": round(by_key_s / len(wanted) * 1e3, 4),
        "look-up by ISRC and length, ms": round(by_isrc_s / len(wanted) * 1e3, 4),
        "open, look up, close, ms": round(opened_s * 1e3, 2),
        "enter one track, ms": round(add_s * 1e3, 2),
        "export, s": round(export_s, 2),
    }


def make_files(root: Path, count: int) -> None:
    """Copy one short piece of each kind until there are enough."""
    root.mkdir(parents=True)
    for kind in KINDS:
        sample = root / f"sample.{kind}"
        render(
            str(sample), bpm=124.0, key="A minor", seconds=4.0, style="house", seed=1, title="Tide", artists=("Ada",),
            format=kind,
        )  # fmt: skip
        content = sample.read_bytes()
        sample.unlink()
        for number in range(count // len(KINDS)):
            folder = root / f"{number // 50}"
            folder.mkdir(exist_ok=True)
            (folder / f"{number}.{kind}").write_bytes(content)
    os.sync()


def track_of(number: int) -> FiledTrack:
    """Make the nth track's record."""
    files = tuple(
        AudioFile(
            format=kind,
            path=f"/music/Ada Loop - Tide {number} [{number}].{kind.lower()}",
            size=10_000_000 + number,
            sha256=f"{number:064x}",
            duration_s=200.0,
            codec="aac",
            sample_rate=48_000,
            bits=24,
        )
        for kind in ("M4A", "WAV", "AIFF")
    )
    return FiledTrack(
        identity=Identity(
            key=f"soundcloud:{number}",
            url=f"https://soundcloud.com/ada-loop/tide-{number}",
            service="soundcloud",
            title=f"Tide {number}",
            artists=("Ada Loop",),
            isrc=f"GBABC{number:07d}",
        ),
        files=files,
        analysis=_ANALYSIS,
        waveform_path=f"/data/{number}.png",
        source_sha256=f"{number:064x}",
        source_duration_s=200.0,
        run_id=f"run-{number}",
        filed_at="2026-01-01T00:00:00+00:00",
    )


_ANALYSIS = Analysis(
    duration_s=200.0,
    bpm=124.0,
    bpm_confidence=0.9,
    key="A minor",
    camelot="8A",
    key_confidence=0.9,
    loudness_lufs=-9.0,
    true_peak_db=-0.5,
)


def fill(connection: Any, count: int) -> None:
    """Enter tracks without a flush for each."""
    connection.execute("PRAGMA synchronous = OFF")
    with open_index(Path(connection.execute("PRAGMA database_list").fetchone()[2]).parent) as index:
        index.connection.execute("PRAGMA synchronous = OFF")
        for number in range(count):
            index.add(replace(track_of(number)))
    connection.execute("PRAGMA synchronous = FULL")


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Run and measure CPU seconds."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def wall(work: Callable[[], Any]) -> tuple[float, Any]:
    """Run and measure seconds."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


if __name__ == "__main__":
    main()
