"""``music analyze``: tempo, key, loudness and length of audio files, one after the other or several at once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer

from music_workflow.cli.settings import MusicSettings
from music_workflow.errors import MusicError


def analyze(
    files: Annotated[list[Path], typer.Argument(help="Audio files.", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out loudness, which takes half the time.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Files at once; 0: as many as there are processors.")] = 0,
) -> None:
    """Measure tempo, key, loudness and duration of audio files; one JSON object a line with --json.

    A file that cannot be analysed gets a line of its own (with --json an object with ``error``), and the exit code
    is 1.
    """
    settings = MusicSettings()
    measure = partial(
        _measure,
        loudness=not quick,
        backend=settings.analysis_backend,
        second_opinion_below=settings.second_opinion_below,
    )
    failed = False
    for row in _rows([str(path) for path in files], measure, jobs or os.cpu_count() or 1):
        failed = failed or "error" in row
        if as_json:
            typer.echo(json.dumps(row, ensure_ascii=False))
        elif "error" in row:
            typer.echo(f"music: {row['error']}", err=True)
        else:
            _print(row)
    if failed:
        sys.exit(1)


def _rows(paths: list[str], measure: partial[dict[str, Any]], jobs: int) -> Iterator[dict[str, Any]]:
    """Measure in the order of the files, in processes of their own when there are several."""
    jobs = min(jobs, len(paths))
    if jobs == 1:
        yield from map(measure, paths)
        return
    # One thread each: the processes fill the machine, and idle linear-algebra threads only spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(measure, paths)


def _measure(path: str, *, loudness: bool, backend: Any, second_opinion_below: float) -> dict[str, Any]:
    from music_workflow.metadata.analysis import analyze_file  # noqa: PLC0415 - loads scipy and FFmpeg's libraries

    try:
        found = analyze_file(
            path, loudness=loudness, backend=backend, second_opinion_below=second_opinion_below
        )
    except (MusicError, OSError) as error:
        return {"path": path, "error": str(error)}
    return {
        "path": path,
        **asdict(found),
        "confidence": min(found.bpm_confidence, found.key_confidence),
    }


def _print(row: dict[str, Any]) -> None:
    width = max(map(len, row))
    for name, value in row.items():
        typer.echo(f"  {name:<{width}}  {'unknown' if value is None else value}")
