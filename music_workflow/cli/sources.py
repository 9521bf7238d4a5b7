"""``music detect``, ``music list`` and ``music spotify-login``: what the services have for us."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from music_workflow.cli.settings import MusicSettings
from music_workflow.core.listing import Entry

if TYPE_CHECKING:
    from music_workflow.core.detect import Detection  # imported where it is used, so that --help stays fast
    from music_workflow.core.library import Library

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def detect(
    url: Annotated[
        str | None, typer.Argument(help="The track that is meant; without it, one is found.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say which track comes next: what plays now, else the newest like that is not in the library.

    The last place of the chain, the Music Tracks rows, is asked by the Detect and sync task only: this command does not
    know Notion. It changes nothing; `music sync` with the link that it prints does the rest.
    """
    from music_workflow.core import detect as chain  # noqa: PLC0415 - keeps --help fast
    from music_workflow.core.library import Library  # noqa: PLC0415 - the same

    library = Library(MusicSettings().library())
    named = _named(library, url) if url else None
    places = [chain.Place("Link", lambda: (named,))] if named else chain.places(library.settings)
    found = chain.detect(places, lambda entries: _in_library(library, entries))
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        _print(found)
    if found.entry is None:
        raise typer.Exit(1 if found.is_certain else 5)


def show_list(
    url: Annotated[str, typer.Argument(help="A playlist, an album, a set or likes.", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a playlist, an album, a set or somebody's likes hold."""
    from music_workflow.core import playlists  # noqa: PLC0415 - keeps --help fast

    found = playlists.read(MusicSettings().library(), url)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    typer.echo(f"{found.title} ({found.service} {found.kind}{f', {found.owner}' if found.owner else ''})")
    table = Table("Track", "Link")
    for entry in found.entries:
        table.add_row(entry.name, entry.link or "named by its number alone")
    Console().print(table)
    for words in found.left_out:
        typer.echo(f"left out: {words}")
    if not found.complete:
        typer.echo("The list goes on; LIST_MOST says how much of it is read.")


def spotify_login(
    port: Annotated[
        int, typer.Option(help="Port on this machine that Spotify sends the browser back to.")
    ] = 8888,
) -> None:
    """Log in at Spotify once, in a browser, and print the refresh token for .env.

    Add http://127.0.0.1:8888/callback (with your port) to the redirect addresses of your app at
    developer.spotify.com first. The token is shown once, here; it is like a password.
    """
    from music_workflow.integrations.spotify_login import log_in  # noqa: PLC0415 - loads httpx

    token = log_in(MusicSettings().library(), port, typer.echo)
    typer.echo(f"Put this into .env, and start the worker anew:\nSPOTIFY_REFRESH_TOKEN={token}")


def _named(library: Library, url: str) -> Entry:
    """The track behind a link; its service is asked, unless all its audio is closed and the link says enough."""
    from music_workflow.core.links import read_link  # noqa: PLC0415 - keeps --help fast

    link = read_link(url)
    if link.protected:
        return Entry(key=link.key, link=link.url, title="")
    found = library.identify(url)
    return Entry(key=found.key, link=found.url, title=found.title, artists=found.artists)


def _in_library(library: Library, entries: Sequence[Entry]) -> Mapping[str, str]:
    whole = library.whole([entry.key for entry in entries])
    return dict.fromkeys(whole, "it is in the library")


def _print(found: Detection) -> None:
    if found.entry is not None:
        typer.echo(f"{found.entry.name}\n{found.entry.link}\nfound by: {found.place}")
    else:
        typer.echo(
            "There is nothing to sync." if found.is_certain else "Nothing found; not all could be asked."
        )
    for said in found.said:
        typer.echo(f"  {said.place}: {said.words}")
