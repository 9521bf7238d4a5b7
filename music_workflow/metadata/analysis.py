"""The analysis of a piece: tempo, key, loudness, and what the picture needs. Measured, never assumed.

`Analyzer` is fed while `music_workflow.core.process` decodes, so that a conversion pays no second decode;
`analyze_file` decodes a file for the analysis alone (``music analyze``, the benchmarks). Memory grows by some
kilobytes a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from music_workflow.core import decoding
from music_workflow.core.ports import AnalysisBackend
from music_workflow.metadata import onsets, reference, tempo, tonality
from music_workflow.metadata.loudness import RATE as LOUDNESS_RATE
from music_workflow.metadata.loudness import LoudnessMeter
from music_workflow.model import Analysis

MONO_RATE = onsets.RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything the mono stream tells."""

    onsets: onsets.Onsets
    tempo: tempo.Tempo | None
    tonality: tonality.Tonality | None
    opinion: reference.Opinion | None = None
    """What librosa says, where it was asked."""

    @property
    def registers(self) -> NDArray[np.float32]:
        """Shape (3, frames): power of the low, middle and high register over time."""
        return self.onsets.energy


class Analyzer:
    """Listens to a mono stream at 11.025 kHz."""

    def __init__(self) -> None:
        self._onsets = onsets.OnsetMeter()
        self._pitches = tonality.PitchMeter()

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take a block of shape (n,)."""
        self._onsets.feed(samples)
        self._pitches.feed(samples)

    def finish(self) -> Figures:
        """The figures of everything heard."""
        heard = self._onsets.finish()
        return Figures(
            onsets=heard,
            tempo=tempo.estimate(heard),
            tonality=tonality.estimate(self._pitches.chroma()),
        )


def analyze_file(
    path: str,
    *,
    loudness: bool = True,
    backend: AnalysisBackend = "native",
    second_opinion_below: float = 0.0,
) -> Analysis:
    """Decode a file and analyse it.

    Args:
        path: an audio file.
        loudness: whether to measure loudness and true peak too, which cost more than tempo and key together.
        backend: who has the say about tempo and key.
        second_opinion_below: see `consult`.

    Returns:
        The figures; what cannot be measured is None.

    Raises:
        BadLink: the file is no audio, damaged or truncated.
        NotReady: the backend is librosa, and it is not installed.
    """
    analyzer = Analyzer()
    meter: LoudnessMeter | None = None
    with decoding.opened(path) as source:
        mono = decoding.Tap(MONO_RATE, "mono", taps=16)
        layout = "mono" if source.header.channels == 1 else "stereo"
        full = decoding.Tap(LOUDNESS_RATE, layout)
        if loudness:
            meter = LoudnessMeter(1 if layout == "mono" else 2)
        for frame in source.frames():
            for block in mono.push(frame):
                analyzer.feed(block[:, 0])
            if meter is not None:
                for block in full.push(frame):
                    meter.feed(block)
        for block in mono.flush():
            analyzer.feed(block[:, 0])
        if meter is not None:
            for block in full.flush():
                meter.feed(block)
        duration = source.finish()
    figures = consult(analyzer.finish(), path, backend=backend, below=second_opinion_below)
    return summarize(figures, meter, duration)


def consult(figures: Figures, path: str, *, backend: AnalysisBackend, below: float) -> Figures:
    """Ask librosa where it has the say, or where it is installed and the native analysis is in doubt.

    A doubtful figure gives way to librosa's: where the native confidence is low, it is right more often (measured on
    170 generated pieces; ``docs/audio.md``). Its tempo, which comes in coarse steps, is made exact on our onsets. The
    confidence in a figure of librosa's is what is left of the native one's.

    Args:
        figures: the native ones.
        path: the file they were heard in.
        backend: ``librosa`` gives it the say about everything.
        below: native confidence below which it is asked.

    Raises:
        NotReady: the backend is librosa, and it is not installed.
    """
    native = backend == "native"
    unsure = [each for each in (figures.tempo, figures.tonality) if each and each.confidence < below]
    if native and not (unsure and reference.installed()):
        return figures
    opinion = reference.listen(path)
    found, key = figures.tempo, figures.tonality
    if found and opinion.bpm and (not native or found in unsure) and not _same_tempo(found.bpm, opinion.bpm):
        found = tempo.at(figures.onsets, opinion.bpm, 1 - found.confidence)
    if key and opinion.key and (not native or key in unsure) and key.key != opinion.key:
        key = tonality.Tonality(opinion.key, 1 - key.confidence)
    return replace(figures, tempo=found, tonality=key, opinion=opinion)


def _same_tempo(one: float, other: float) -> bool:
    return abs(one / other - 1) <= tempo.NEIGHBOURHOOD


def summarize(figures: Figures, meter: LoudnessMeter | None, duration_s: float) -> Analysis:
    """Put the figures into the record that is filed."""
    found, key = figures.tempo, figures.tonality
    second = figures.opinion
    lufs = meter.integrated_lufs() if meter else None
    peak = meter.true_peak_db() if meter else None
    return Analysis(
        duration_s=round(duration_s, 3),
        bpm=found.bpm if found else None,
        bpm_confidence=round(found.confidence, 3) if found else 0.0,
        key=key.key.name if key else None,
        camelot=key.key.camelot if key else None,
        key_confidence=round(key.confidence, 3) if key else 0.0,
        loudness_lufs=None if lufs is None else round(lufs, 2),
        true_peak_db=None if peak is None else round(peak, 2),
        second_bpm=second.bpm if second else None,
        second_key=second.key.name if second and second.key else None,
        first_beat_s=round(found.first_beat_s, 3) if found else None,
    )
