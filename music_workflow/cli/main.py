"""The ``music`` command: the library without Notion.

Parses, calls, prints; every error of the library is one sentence and an exit code: 1 failed, 2 wrong use, 3
protected (another source is needed), 4 not ready (something of yours first), 5 later (the service is busy).
"""

from __future__ import annotations

import json
import sys
import tempfile
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from music_workflow.cli import dedupe, index
from music_workflow.cli.analyze import analyze
from music_workflow.cli.match import match
from music_workflow.cli.progress import progress as shown_progress
from music_workflow.cli.settings import MusicSettings
from music_workflow.cli.sources import detect, show_list, spotify_login
from music_workflow.cli.verify import verify
from music_workflow.errors import BadLink, MusicError, NotReady, Protected, Unavailable
from music_workflow.model import FiledTrack, Progress

if TYPE_CHECKING:
    from music_workflow.core.library import Library  # imported where it is used, so that --help stays fast

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The music library without Notion.")
app.add_typer(index.app, name="index")
app.add_typer(dedupe.app, name="dedupe")
app.command()(match)
app.command()(analyze)
app.command()(verify)
app.command()(detect)
app.command("list")(show_list)
app.command("spotify-login")(spotify_login)

_EXIT_CODES: tuple[tuple[type[MusicError], int], ...] = (
    (BadLink, 2),
    (Protected, 3),
    (NotReady, 4),
    (Unavailable, 5),
)
Link = Annotated[str, typer.Argument(help="A link to one track.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; a `MusicError` becomes a sentence and an exit code."""
    try:
        app()
    except MusicError as error:
        typer.echo(f"music: {error}", err=True)
        sys.exit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1))


@app.command()
def identify(url: Link, *, as_json: AsJson = False) -> None:
    """Say which track a link asks for."""
    from music_workflow.core.library import Library  # noqa: PLC0415 - keeps --help fast

    found = asdict(Library(MusicSettings().library()).identify(url))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print_pairs({name: value for name, value in found.items() if value})


@app.command()
def sync(
    url: Link,
    *,
    as_json: AsJson = False,
    playlist: Annotated[
        str | None, typer.Option(help="The playlist it belongs to: decides folders.", show_default=False)
    ] = None,
    mix: Annotated[bool, typer.Option("--mix", help="Sync it even if it is a mix or live set.")] = False,
) -> None:
    """Bring a track into the library: download, convert, analyse, tag, file."""
    from music_workflow.core.library import Library  # noqa: PLC0415 - keeps --help fast

    library = Library(MusicSettings().library())
    library.check_ready()
    with tempfile.TemporaryDirectory(prefix="music-") as work_dir, shown_progress() as progress:
        track = _sync(library, url, work_dir, progress, playlist=playlist, mix=mix)
    if as_json:
        typer.echo(json.dumps(asdict(track), ensure_ascii=False))
    else:
        _print_track(track)


def _sync(
    library: Library, url: str, work_dir: str, progress: Progress, *, playlist: str | None, mix: bool
) -> FiledTrack:
    identity = library.identify(url)
    if twin := library.find_twin(identity):
        return library.bring_to_eagle(library.add_to_playlist(twin, playlist))
    _refuse_mix(library, identity.title, identity.duration_s, wanted=mix)
    source = library.fetch(identity, work_dir, progress)
    _refuse_mix(library, identity.title, source.duration_s, wanted=mix)
    if twin := library.find_twin_by_audio(source.sha256, identity):
        return library.bring_to_eagle(library.add_to_playlist(twin, playlist))
    run_id = f"music-{uuid.uuid4().hex[:12]}"
    processed = library.convert(source, identity, work_dir, progress)
    tagged = library.tag(processed, identity, source, run_id)
    filed = library.file(tagged, identity, source, run_id, playlist)
    return library.bring_to_eagle(library.add_to_playlist(filed, playlist))


def _refuse_mix(library: Library, title: str, duration_s: float | None, *, wanted: bool) -> None:
    verdict = library.judge_length(title, duration_s)
    if verdict.policy != "sync" and not wanted:
        raise BadLink(
            f"This looks like a mix or live set: {verdict.why}. Add --mix to sync it all the same.",
            service="library",
            operation="judge length",
        )


def _print_track(track: FiledTrack) -> None:
    who = ", ".join(track.identity.artists)
    typer.echo(f"{who} - {track.identity.title}" if who else track.identity.title)
    typer.echo("filed" if track.newly_filed else f"was in the library already (run {track.run_id})")
    analysis = track.analysis
    _print_pairs(
        {
            "key": track.identity.key,
            "BPM": analysis.bpm,
            "musical key": analysis.key,
            "Camelot": analysis.camelot,
        }
    )
    for file in track.files:
        typer.echo(f"  {file.path}")


def _print_pairs(pairs: dict[str, object]) -> None:
    width = max(map(len, pairs))
    for name, value in pairs.items():
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        typer.echo(f"  {name:<{width}}  {'unknown' if shown is None else shown}")
