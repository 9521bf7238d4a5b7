"""Fingerprints: the code round-trips, copies are recognised, different music is not, and Chromaprint agrees."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow import synthesizer
from music_workflow.core import decoding
from music_workflow.deduplication import fingerprint
from music_workflow.deduplication.fingerprint import Words


def words_of(path: str) -> Words:
    meter = fingerprint.FingerprintMeter()
    with decoding.opened(path) as source:
        tap = decoding.Tap(fingerprint.RATE, "mono")
        for frame in source.frames():
            for block in tap.push(frame):
                meter.feed(block[:, 0])
        for block in tap.flush():
            meter.feed(block[:, 0])
    return meter.words()


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Words]:
    """The same piece as WAV and as Opus, and another piece."""
    folder = tmp_path_factory.mktemp("fingerprints")
    wanted: dict[str, tuple[int, synthesizer.Format]] = {
        "wav": (1, "wav"),
        "opus": (1, "opus"),
        "other": (2, "wav"),
    }
    found = {}
    for name, (seed, form) in wanted.items():
        path = str(folder / f"{name}.{form}")
        synthesizer.render(path, bpm=122, key="D minor", seconds=20, style="pop", seed=seed, format=form)
        found[name] = words_of(path)
    return found


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_compressed_text_round_trips(values: list[int]) -> None:
    """Any words survive Chromaprint's compressed text."""
    words = np.array(values, np.uint32)

    assert fingerprint.decode(fingerprint.encode(words)).tolist() == values


@given(st.text(max_size=30))
def test_other_text_is_refused_or_read(text: str) -> None:
    """Text that is no fingerprint raises ValueError and nothing else."""
    try:
        words = fingerprint.decode(text)
    except ValueError:
        return
    assert words.dtype == np.uint32


def test_reencoded_copy_is_recognised(pieces: dict[str, Words]) -> None:
    """An Opus copy stays within the 0.05 bit error that marks the same master."""
    likeness = fingerprint.compare(pieces["wav"], pieces["opus"])

    assert likeness is not None
    assert likeness.bit_error < 0.05
    assert abs(likeness.offset_s) < 0.2


def test_trimmed_copy_is_found_at_its_offset(pieces: dict[str, Words]) -> None:
    """A copy that lacks its first two and a half seconds is still recognised, shifted by as much."""
    likeness = fingerprint.compare(pieces["wav"], pieces["wav"][20:])

    assert likeness is not None
    assert likeness.bit_error == 0
    assert likeness.offset_s == pytest.approx(20 * fingerprint.HOP / fingerprint.RATE)


def test_other_music_is_told_apart(pieces: dict[str, Words]) -> None:
    """Another melody over the same drums and tempo is not taken for the same recording."""
    likeness = fingerprint.compare(pieces["wav"], pieces["other"])

    assert likeness is not None
    assert likeness.bit_error > 0.2


def test_too_short_for_a_fingerprint() -> None:
    """Two seconds give no words, and nothing can be compared with them."""
    meter = fingerprint.FingerprintMeter()
    meter.feed(np.ones(2 * fingerprint.RATE, np.float32))

    assert len(meter.words()) == 0
    assert fingerprint.compare(meter.words(), np.zeros(200, np.uint32)) is None


@pytest.mark.skipif(
    shutil.which("fpcalc") is None, reason="needs fpcalc of the Debian package libchromaprint-tools"
)
def test_agrees_with_chromaprint(tmp_path: Path) -> None:
    """Chromaprint's own tool gives the same words but for one bit in two hundred."""
    path = str(tmp_path / "piece.wav")
    synthesizer.render(path, bpm=100, key="G major", seconds=20, style="hiphop", format="wav")
    answer = subprocess.run(["fpcalc", "-raw", "-json", path], capture_output=True, text=True, check=False)
    theirs = np.array(json.loads(answer.stdout)["fingerprint"], np.uint32)
    ours = words_of(path)

    assert len(ours) == len(theirs)
    assert np.bitwise_count(ours ^ theirs).mean() / 32 < 0.005
