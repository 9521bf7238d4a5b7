"""``segue demo``: the main job from an empty folder to a finished library, on the embedded workspace.

Starts the workspace, provisions the databases, serves music on loopback, creates task rows as a person would, runs the
worker and checks that every row ended as it should. Neither ``.env`` nor the environment is read, and nothing outside
loopback is asked.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from agent import log, setup, wiring
from agent.commands import tasks
from agent.settings import Settings
from agent.worker import Worker
from music_workflow import synthesizer
from notion_local.server import RunningServer
from notion_schema.databases import AGENT_TASKS, EXECUTION_LOGS, ISSUES, TRACKS, TaskRow
from notion_schema.vocabulary import State
from notion_schema.workspace import Workspace

_AUDIO_SUFFIXES = {".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}
_BPM_TOLERANCE = 0.1
_POLL_S = 0.4


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of music to be made, and what must be found in it."""

    artist: str
    title: str
    style: synthesizer.Style
    bpm: float
    key: str
    seconds: float
    format: synthesizer.Format

    @property
    def file_name(self) -> str:
        """As a person would name it."""
        return f"{self.artist} - {self.title}.{self.format}"


PIECES = (
    Piece("Segue Ensemble", "Night Bus North", "house", 124.0, "A minor", 48.0, "m4a"),
    Piece("Segue Ensemble", "Harbour Lights", "dnb", 172.0, "F major", 40.0, "opus"),
)


@dataclass(frozen=True, slots=True)
class Story:
    """A row that the demo creates, and how it must end."""

    row_id: str
    says: str
    ends: State
    piece: Piece | None = None


def run_demo(*, once: bool, audio: Path | None, port: int, data: Path | None) -> int:
    """Runs the demo; returns the exit code: 0 only when every row reached the state it should."""
    console = Console()
    if audio is not None and not _audio_files(audio):
        console.print(f"There is no audio file in {audio}.", style="red")
        return 1
    with ExitStack() as stack:
        home = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-demo-")))
        home.mkdir(parents=True, exist_ok=True)
        log.configure(
            as_json=False, to=stack.enter_context((home / "worker.log").open("a", encoding="utf-8"))
        )
        server = stack.enter_context(RunningServer(data=home / "workspace", port=port))
        console.print(
            f"The board: [bold]{server.board_url}[/bold]   (everything is kept in {home})", highlight=False
        )
        settings = _settings(home, server)
        music = stack.enter_context(
            serve(audio.absolute() if audio else _make_music(home / "music", console))
        )
        with wiring.notion(settings) as notion:
            ids = setup.apply(notion, setup.plan(notion, settings, server.root_page_id))
            settings = setup.with_databases(settings, ids)
            workspace = wiring.workspace(notion, settings)
            stories = _create_rows(workspace, music, audio)
            with wiring.worker(settings) as worker:
                began = time.monotonic()
                worker.start()
                try:
                    complete = worker.run_until_idle()
                    right = _show(console, workspace, stories, time.monotonic() - began)
                    if not once:
                        _keep_serving(console, worker, server.board_url)
                except KeyboardInterrupt:
                    return 130
                finally:
                    worker.stop()
    return 0 if complete and right else 1


def _settings(home: Path, server: RunningServer) -> Settings:
    (home / "library").mkdir(exist_ok=True)
    return Settings.isolated(
        notion_token=SecretStr(server.token),
        notion_base_url=server.base_url,
        notion_rate_per_s=200.0,
        data_dir=home / "data",
        out_dir=home / "library",
        volume_index_path=home / "music_volume_index.json",
        allow_private_addresses=True,
        poll_seconds=_POLL_S,
        worker_name="demo",
    )


def _make_music(folder: Path, console: Console) -> Path:
    folder.mkdir(exist_ok=True)
    for number, piece in enumerate(PIECES):
        path = folder / piece.file_name
        if not path.exists():
            console.print(
                f"Composing “{piece.title}”: {piece.bpm:g} BPM, {piece.key}, {piece.seconds:g} s", style="dim"
            )
            synthesizer.render(
                str(path),
                bpm=piece.bpm,
                key=piece.key,
                seconds=piece.seconds,
                style=piece.style,
                seed=number + 1,
                title=piece.title,
                artists=(piece.artist,),
                format=piece.format,
            )
    return folder


@contextmanager
def serve(folder: Path) -> Iterator[Music]:
    """Serves a folder of music on loopback."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Music(folder, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is no error; everything else is said as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # the library's own types


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@dataclass(frozen=True, slots=True)
class Music:
    """A folder of music and where it is served."""

    folder: Path
    base_url: str

    def link(self, name: str) -> str:
        """The address of a file."""
        return f"{self.base_url}/{urllib.parse.quote(name)}"


def _create_rows(workspace: Workspace, music: Music, audio: Path | None) -> list[Story]:
    if audio is not None:
        return [
            Story(
                tasks.add(workspace, "Sync track", url=music.link(file.name), title=file.stem).id,
                file.stem,
                State.DONE,
            )
            for file in _audio_files(audio)
        ]
    stories = []
    for piece in PIECES:
        row = tasks.add(
            workspace, "Sync track", url=music.link(piece.file_name), title=f"Sync “{piece.title}”"
        )
        stories.append(Story(row.id, f"a new track, {piece.bpm:g} BPM in {piece.key}", State.DONE, piece))
    again = tasks.add(
        workspace,
        "Sync track",
        url=music.link(PIECES[0].file_name),
        title=f"Sync “{PIECES[0].title}” once more",
        after=(stories[0].row_id,),
    )
    stories.append(Story(again.id, "the same link twice", State.DONE))
    for title, link, says, ends in (
        (
            "Sync a Spotify track",
            "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC",
            "DRM",
            State.BLOCKED,
        ),
        ("Sync a dead link", music.link("Nobody - Gone.m4a"), "a dead link", State.FAILED),
        ("Sync a typing error", "https://www.youtube.com/watch", "a malformed link", State.BLOCKED),
    ):
        stories.append(Story(tasks.add(workspace, "Sync track", url=link, title=title).id, says, ends))
    return stories


def _audio_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _AUDIO_SUFFIXES)


def _show(console: Console, workspace: Workspace, stories: list[Story], seconds: float) -> bool:
    """Prints the rows, and says whether each is as it should be."""
    database = workspace.database(AGENT_TASKS)
    expected = {story.row_id: story for story in stories}
    order = list(expected)
    seconds_by_run = {one.run_id: one.duration_s for one in workspace.database(EXECUTION_LOGS).query()}
    table = Table("Row", "Status", "Took", "Evidence", box=None, header_style="bold", pad_edge=False)
    right = True
    rows = [
        row for row in database.query() if row.id in expected or expected.keys() & set(row.handed_off_from)
    ]
    rows = sorted(rows, key=lambda row: order.index(row.id) if row.id in expected else len(order))
    for row in rows:
        story = expected.get(row.id)
        state = database.vocabulary.state(row.status, row.run_state)
        wrong = _what_is_wrong(workspace, row, state, story)
        right = right and not wrong
        table.add_row(
            row.title,
            f"[{_color(state)}]{row.status}[/]" if not wrong else f"[red]{row.status}, {wrong}[/]",
            _seconds(seconds_by_run.get(row.run_id)),
            row.result,
        )
    console.print(table)
    counts = {
        title: sum(1 for _ in workspace.database(key).query())
        for key, title in ((TRACKS, "tracks"), (EXECUTION_LOGS, "execution logs"), (ISSUES, "issues"))
    }
    listed = ", ".join(f"{count} {title}" for title, count in counts.items())
    console.print(f"{listed}; {seconds:.1f} s.", style="dim")
    console.print(
        "Every row is as it should be." if right else "Not every row is as it should be.", style="bold"
    )
    return right


def _color(state: State | None) -> str:
    colors = {State.DONE: "green", State.BLOCKED: "yellow", State.FAILED: "red", State.READY: "blue"}
    return colors.get(state, "white") if state else "white"


def _what_is_wrong(workspace: Workspace, row: TaskRow, state: State | None, story: Story | None) -> str:
    """Empty when a row is as it should be."""
    if story is None:
        return "" if _filed_row_is_fine(row, state) else "not as it should be"
    if state is not story.ends:
        return f"expected {story.ends}"
    if story.piece is None:
        return ""
    if not row.tracks:
        return "no Music Tracks row"
    track = workspace.database(TRACKS).get(row.tracks[0])
    if track.tempo is None or abs(track.tempo - story.piece.bpm) > _BPM_TOLERANCE:
        return f"tempo {track.tempo}, made at {story.piece.bpm:g}"
    return "" if track.key == story.piece.key else f"key {track.key}, made in {story.piece.key}"


def _filed_row_is_fine(row: TaskRow, state: State | None) -> bool:
    """A Verify run that Segue filed is done; a DRM fix asks, since the demo has no credentials for Spotify."""
    if row.task_type == "Verify run":
        return state is State.DONE
    return state is State.BLOCKED and "SPOTIFY_CLIENT_ID" in row.question


def _seconds(took: float | None) -> str:
    return f"{took:.1f} s" if took is not None else ""


def _keep_serving(console: Console, worker: Worker, board_url: str) -> None:
    console.print(
        f"\nOpen [bold]{board_url}[/bold], create a row (Task Type “Sync track” and a link) and watch it move."
        " Ctrl-C ends it.",
        highlight=False,
    )
    with contextlib.suppress(KeyboardInterrupt):
        worker.run_forever()
