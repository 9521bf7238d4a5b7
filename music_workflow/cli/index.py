"""``music index``: what stands on the volumes, and what is known of it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from music_workflow.cli.progress import progress
from music_workflow.cli.settings import collection as opened
from music_workflow.errors import BadLink
from music_workflow.index.report import FoundFile, ScanReport

if TYPE_CHECKING:
    from music_workflow.core.collection import Collection  # keeps --help fast

app = typer.Typer(no_args_is_help=True, help="The volume index: what stands on the volumes.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def scan(
    roots: Annotated[
        list[Path] | None, typer.Argument(help="Folders; default: OUT_DIR and MUSIC_DIRECTORY_PATHS.")
    ] = None,
    *,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Then hash and fingerprint what was not yet; may be stopped anywhere."),
    ] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Forget missing files even where they are more than half.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look through the volumes and bring the index and its export up to date."""
    collection = opened()
    reports = (
        collection.library.scan(tuple(map(str, roots)), accept_loss=accept_loss)
        if roots
        else collection.scan(accept_loss=accept_loss)
    )
    if as_json:
        for report in reports:
            typer.echo(json.dumps(asdict(report), ensure_ascii=False))
    else:
        _print_reports(reports)
    if deep:
        _hear(collection, math.inf)


@app.command()
def hear(
    *,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so long; the next time goes on from there.")
    ] = None,
) -> None:
    """Hash and fingerprint what scans found; what was heard is kept file by file, so it may be stopped anywhere."""
    _hear(opened(), math.inf if minutes is None else minutes * 60)


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Say what the index knows, without looking at any volume."""
    found = opened().status()
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    table = Table("Folder", "Files", "Hashed", "Last scan", "Mounted")
    for root in found.roots:
        mounted = "yes" if root.mounted else "no; entries kept"
        table.add_row(root.path, f"{root.files:,}", f"{root.heard:,}", root.scanned_at, mounted)
    Console().print(table)
    coverage = found.coverage
    typer.echo(
        f"{found.tracks:,} tracks filed; {coverage.fingerprinted:,} of {coverage.files:,} files fingerprinted"
    )


@app.command()
def lookup(
    text: Annotated[str, typer.Argument(help="A source's key or link, an ISRC, or a part of a path.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Find files on the volumes, mounted or not."""
    found = opened().find(text)
    if not found:
        raise BadLink(f"The index knows no file by “{text}”.", service="library", operation="look up")
    if as_json:
        for file in found:
            typer.echo(json.dumps(asdict(file), ensure_ascii=False))
        return
    for file in found:
        typer.echo(_described(file))


@app.command()
def export() -> None:
    """Write the JSON export (VOLUME_INDEX_PATH) anew."""
    typer.echo(opened().export())


@app.command()
def show(
    key: Annotated[str | None, typer.Argument(help="A track's key or run; default: all tracks.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show the tracks that the library knows."""
    library = opened().library
    tracks = library.tracks() if key is None else [track] if (track := library.lookup(key)) else []
    if key is not None and not tracks:
        raise BadLink(f"The library knows nothing under “{key}”.", service="library", operation="look up")
    if as_json:
        for track in tracks:
            typer.echo(json.dumps(asdict(track), ensure_ascii=False))
        return
    table = Table("Key", "Artists", "Title", "BPM", "Musical key", "Filed")
    for track in tracks:
        bpm = f"{track.analysis.bpm:.2f}" if track.analysis.bpm else "-"
        identity = track.identity
        artists = ", ".join(identity.artists)
        table.add_row(identity.key, artists, identity.title, bpm, track.analysis.key or "-", track.filed_at)
    Console().print(table)


@app.command()
def forget(
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it, only say what would be done.")
    ] = False,
) -> None:
    """Take tracks out of the index of which no file stands any more; no file is touched."""
    library = opened().library
    missing = library.missing()
    for track in missing:
        typer.echo(f"{track.identity.key}  {track.files[0].path}")
    if yes:
        library.forget([track.identity.key for track in missing])
        typer.echo(f"{len(missing)} forgotten.")
    else:
        typer.echo(f"{len(missing)} would be forgotten; if no volume is merely unmounted, add --yes.")


def _hear(collection: Collection, seconds: float) -> None:
    with progress() as tell:
        report = collection.hear(seconds, tell)
    coverage = report.coverage
    typer.echo(
        f"{report.heard:,} files heard, {report.troubled:,} of them without sound that can be decoded;"
        f" {coverage.fingerprinted:,} of {coverage.files:,} are fingerprinted ({coverage.share:.0%})."
    )


_SAID = {
    "missing": "not mounted; {0.total:,} entries kept",
    "unreadable": "cannot be read; {0.total:,} entries kept",
    "empty": "holds no music",
}


def _print_reports(reports: list[ScanReport]) -> None:
    table = Table("Folder", "Files", "Added", "Changed", "Moved", "Gone", "No tags")
    notes = []
    for report in reports:
        if said := _SAID.get(report.state):
            table.add_row(report.root, said.format(report))
        else:
            figures = (
                report.total,
                report.added,
                report.changed,
                report.moved,
                report.gone,
                report.unreadable,
            )
            table.add_row(report.root, *(f"{figure:,}" for figure in figures))
        notes += _notes(report)
    Console().print(table)
    for note in notes:
        typer.echo(note)


def _notes(report: ScanReport) -> list[str]:
    notes = [f"cannot be read: {folder}" for folder in report.closed]
    if report.renamed_from:
        notes.append(f"{report.root} is what stood at {report.renamed_from}; correct your settings")
    if report.state == "shrunk":
        notes.append(
            f"{report.root}: {report.gone:,} of {report.before:,} files are missing, and were not forgotten."
            " If that is right, scan again with --accept-loss"
        )
    return notes


def _described(file: FoundFile) -> str:
    length = f"{file.duration_s:.1f} s" if file.duration_s else "length unknown"
    named = " - ".join(part for part in (file.artist, file.title) if part)
    details = [
        named,
        length,
        file.isrc or "",
        "" if file.mounted else "volume not mounted",
        f"found by {file.by}",
    ]
    return f"{file.path}  ({', '.join(part for part in details if part)})"
