"""The second opinion: librosa is asked where the native analysis doubts, and only where it is installed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from music_workflow import synthesizer
from music_workflow.errors import BadLink, NotReady
from music_workflow.metadata import analysis, keys, reference
from music_workflow.metadata.reference import Opinion

needs_librosa = pytest.mark.skipif(
    not reference.installed(), reason="librosa, an optional extra, is not installed"
)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plain piece: 124 BPM, A minor."""
    path = str(tmp_path_factory.mktemp("song") / "song.wav")
    synthesizer.render(path, bpm=124, key="A minor", seconds=20, seed=3, format="wav")
    return path


@pytest.fixture(scope="module")
def heard(song: str) -> analysis.Figures:
    """What the native analysis hears in it."""
    analyzer = analysis.Analyzer()
    with analysis.decoding.opened(song) as source:
        tap = analysis.decoding.Tap(analysis.MONO_RATE, "mono", taps=16)
        for frame in source.frames():
            for block in tap.push(frame):
                analyzer.feed(block[:, 0])
        for block in tap.flush():
            analyzer.feed(block[:, 0])
    return analyzer.finish()


@pytest.fixture
def librosa_says(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A librosa that hears half the tempo, roughly, and C major; what it was asked about."""
    asked: list[str] = []

    def listen(path: str) -> Opinion:
        asked.append(path)
        return Opinion(61.5, keys.parse("C major"))

    monkeypatch.setattr(reference, "installed", lambda: True)
    monkeypatch.setattr(reference, "listen", listen)
    return asked


def doubting(figures: analysis.Figures, tempo: float, key: float) -> analysis.Figures:
    """The same figures, held with other confidence."""
    assert figures.tempo
    assert figures.tonality
    return replace(
        figures,
        tempo=replace(figures.tempo, confidence=tempo),
        tonality=replace(figures.tonality, confidence=key),
    )


def test_a_sure_analysis_asks_nobody(heard: analysis.Figures, librosa_says: list[str]) -> None:
    """Above the limit librosa is not even imported."""
    sure = doubting(heard, 0.9, 0.9)

    assert analysis.consult(sure, "song", backend="native", below=0.5) is sure
    assert librosa_says == []


def test_only_the_doubtful_figure_gives_way(heard: analysis.Figures, librosa_says: list[str]) -> None:
    """The key in doubt becomes librosa's, the sure tempo stays, and both opinions are on record."""
    settled = analysis.consult(doubting(heard, 0.9, 0.3), "song", backend="native", below=0.5)
    record = analysis.summarize(settled, None, 20.0)

    assert (record.bpm, record.key, record.camelot) == (pytest.approx(124, abs=0.1), "C major", "8B")
    assert record.key_confidence == pytest.approx(0.7)
    assert (record.second_bpm, record.second_key) == (61.5, "C major")


def test_a_rough_tempo_is_made_exact(heard: analysis.Figures, librosa_says: list[str]) -> None:
    """Librosa's tempo comes in coarse steps; what is filed is exact, with the grid that belongs to it."""
    settled = analysis.consult(doubting(heard, 0.2, 0.9), "song", backend="native", below=0.5)

    assert settled.tempo
    assert settled.tempo.bpm == pytest.approx(62.0, abs=0.05)
    assert 0 <= settled.tempo.first_beat_s < 60 / 62


def test_the_reference_backend_has_the_say(heard: analysis.Figures, librosa_says: list[str]) -> None:
    """However sure the native analysis is."""
    settled = analysis.consult(doubting(heard, 0.99, 0.99), "song", backend="librosa", below=0.0)

    assert settled.tempo
    assert settled.tonality
    assert (round(settled.tempo.bpm), settled.tonality.key.name) == (62, "C major")


def test_without_librosa_doubt_stands(heard: analysis.Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not installed: the native figures stay as they are; asked for as the backend, it is said how to install it."""
    monkeypatch.setattr(reference, "installed", lambda: False)
    unsure = doubting(heard, 0.1, 0.1)

    assert analysis.consult(unsure, "song", backend="native", below=0.5) is unsure
    with pytest.raises(NotReady, match="pip install"):
        analysis.consult(unsure, "song", backend="librosa", below=0.5)


@needs_librosa
def test_librosa_itself_hears_the_piece(song: str, tmp_path: Path) -> None:
    """The real one: tempo to its own coarseness, perhaps an octave off, and the key; a missing file is said so."""
    found = reference.listen(song)

    assert found.bpm is not None
    octave = math.log2(found.bpm / 124)
    assert abs(octave - round(octave)) < 0.06
    assert found.key is not None
    assert found.key.name in {"A minor", "C major", "E minor"}
    with pytest.raises(BadLink):
        reference.listen(str(tmp_path / "missing.wav"))
