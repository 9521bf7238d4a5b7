"""The synthesizer's promise: what it renders has the tempo, key, length and tags that were asked for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import pytest

from music_workflow import synthesizer
from music_workflow.core import process
from music_workflow.metadata import analysis, tags

STYLES = get_args(synthesizer.Style)
FORMATS = get_args(synthesizer.Format)
CASES = [
    ("house", 124.0, "A minor"),
    ("techno", 133.0, "F minor"),
    ("trance", 128.5, "G major"),
    ("dnb", 174.0, "F# minor"),
    ("hiphop", 88.0, "D minor"),
    ("pop", 96.7, "B minor"),
]


@pytest.mark.parametrize(("style", "bpm", "key"), CASES)
def test_analysis_finds_what_was_rendered(
    style: synthesizer.Style, bpm: float, key: str, tmp_path: Path
) -> None:
    """Tempo within 0.1 BPM and the exact key come back from the encoded file."""
    path = str(tmp_path / "piece.opus")
    synthesizer.render(path, bpm=bpm, key=key, seconds=30, style=style, seed=3, format="opus")
    found = analysis.analyze_file(path, loudness=False)

    assert found.bpm == pytest.approx(bpm, abs=0.1)
    assert found.key == key


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_real_and_tagged(form: synthesizer.Format, tmp_path: Path) -> None:
    """Each format decodes to its full length and carries title, artists and a cover."""
    path = str(tmp_path / f"piece.{form}")
    synthesizer.render(
        path, bpm=120, key="A minor", seconds=6, title="Überfahrt", artists=("Nora", "The Tides"), format=form
    )
    read = tags.read(path)

    assert process.decode_check(path) == pytest.approx(6, abs=0.06)
    assert (read.title, read.artists) == ("Überfahrt", ("Nora", "The Tides"))
    assert read.artwork is not None
    assert read.artwork.startswith(b"\xff\xd8\xff")


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    """Two renderings of one piece are the same file, another seed is another piece."""
    first, second, other = (tmp_path / name for name in ("a.wav", "b.wav", "c.wav"))
    for path, seed in ((first, 5), (second, 5), (other, 6)):
        synthesizer.render(
            str(path), bpm=126, key="E minor", seconds=5, style="techno", seed=seed, format="wav"
        )

    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_forty_seconds_take_a_moment(tmp_path: Path) -> None:
    """A piece for the demo costs at most a few seconds of processor time."""
    start = time.process_time()
    synthesizer.render(str(tmp_path / "piece.m4a"), bpm=124, key="A minor", seconds=40)

    assert time.process_time() - start < 4


@pytest.mark.parametrize(
    ("bpm", "key", "seconds"), [(0, "A minor", 5), (120, "H minor", 5), (120, "A minor", 0)]
)
def test_nonsense_is_refused(bpm: float, key: str, seconds: float, tmp_path: Path) -> None:
    """No tempo, no such key and no length are said plainly, and no file is left."""
    path = tmp_path / "piece.wav"
    with pytest.raises(ValueError, match=r"positive|is not a key"):
        synthesizer.render(str(path), bpm=bpm, key=key, seconds=seconds, format="wav")

    assert not path.exists()
