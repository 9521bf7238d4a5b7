"""What the tests of the library share: a small synthesized piece, and a library in a temporary folder."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av

from music_workflow.core.library import Library, LibrarySettings
from music_workflow.model import FiledTrack, Identity, Processed, SourceFile, silent
from music_workflow.synthesizer import render

BPM, KEY, SECONDS = 124.0, "A minor", 8.0


@functools.cache
def piece(
    audio_format: Any = "m4a", *, seconds: float = SECONDS, seed: int = 1, title: str = "Tide"
) -> bytes:
    """Real encoded music of known tempo, key and length, tagged, with a cover."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"piece.{audio_format}")
        render(
            str(path),
            bpm=BPM,
            key=KEY,
            seconds=seconds,
            style="house",
            seed=seed,
            title=title,
            artists=("Ada Loop",),
            format=audio_format,
        )
        return path.read_bytes()


@functools.cache
def piece_in_segments() -> Mapping[str, bytes]:
    """The same piece as an HLS stream of AAC in MP4 fragments; ``a.m3u8`` lists them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "piece.m4a")
        path.write_bytes(piece())
        options = {
            "hls_time": "2",
            "hls_segment_type": "fmp4",
            "hls_playlist_type": "vod",
            "hls_fmp4_init_filename": "init.mp4",
            "hls_segment_filename": str(Path(folder, "s%03d.m4s")),
        }
        playlist = str(Path(folder, "a.m3u8"))
        with av.open(str(path)) as source, av.open(playlist, "w", format="hls", options=options) as target:
            stream = target.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(source.streams.audio[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        path.unlink()
        return {each.name: each.read_bytes() for each in Path(folder).iterdir()}


def make_library(folder: Path, **more: Any) -> Library:
    """Make a library below `folder`; private addresses are allowed unless said otherwise."""
    values: dict[str, Any] = {
        "out_dir": str(folder / "out"),
        "data_dir": str(folder / "data"),
        "index_export_path": str(folder / "data" / "volume_index.json"),
        "allow_private_addresses": True,
        "min_free_bytes": 1_000_000,
        "timeout_s": 5.0,
        "pause_s": 0.01,
    }
    return Library(LibrarySettings(**{**values, **more}))


def prepare(library: Library, url: str, work: Path, run_id: str) -> tuple[Identity, SourceFile, Processed]:
    """Do everything up to filing."""
    identity = library.identify(url)
    source = library.fetch(identity, str(work), silent)
    processed = library.convert(source, identity, str(work), silent)
    return identity, source, library.tag(processed, identity, source, run_id)


def sync(library: Library, url: str, work: Path, run_id: str = "run-1") -> FiledTrack:
    """Bring a link into the library, as a handler does."""
    identity, source, processed = prepare(library, url, work, run_id)
    return library.file(processed, identity, source, run_id)
