"""Loudness and true peak against the figures that ITU-R BS.1770-4 and EBU Tech 3341 state for test signals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from music_workflow.metadata.loudness import RATE, LoudnessMeter

Sound = NDArray[np.float32]


def sine(hertz: float, seconds: float, dbfs: float, phase: float = 0.0) -> NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * t + phase))


def stereo(mono: NDArray[np.float64]) -> Sound:
    return np.stack([mono, mono], axis=1).astype(np.float32)


def measured(samples: Sound, block: int = 7777) -> LoudnessMeter:
    meter = LoudnessMeter(samples.shape[1])
    for start in range(0, len(samples), block):
        meter.feed(samples[start : start + block])
    return meter


def test_full_scale_sine_in_one_channel_reads_minus_three() -> None:
    """A 997 Hz sine at 0 dBFS in one of two channels is -3.01 LKFS, the standard's own calibration."""
    mono = sine(997, 5, 0).astype(np.float32)
    one_sided = np.stack([mono, np.zeros_like(mono)], axis=1)

    assert measured(one_sided).integrated_lufs() == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_stereo_sine_reads_its_level(level: float) -> None:
    """A 1 kHz stereo sine at -23 or -33 dBFS reads -23 or -33 LUFS within the 0.1 LU that EBU allows."""
    assert measured(stereo(sine(1000, 5, level))).integrated_lufs() == pytest.approx(level, abs=0.1)


def test_quiet_passages_are_gated() -> None:
    """Silence and soft passages around the programme do not lower its loudness (EBU test 4)."""
    levels = [(-72, 5), (-36, 5), (-23, 25), (-36, 5), (-72, 5)]
    programme = np.concatenate([sine(1000, seconds, level) for level, seconds in levels])

    assert measured(stereo(programme)).integrated_lufs() == pytest.approx(-23.0, abs=0.1)


def test_silence_has_no_loudness() -> None:
    """Digital silence gives None for both figures instead of an invented floor."""
    meter = measured(np.zeros((RATE * 2, 2), np.float32))

    assert meter.integrated_lufs() is None
    assert meter.true_peak_db() is None


def test_less_than_one_block_has_no_loudness() -> None:
    """Three tenths of a second are shorter than a gating block."""
    assert measured(stereo(sine(1000, 0.3, -6))).integrated_lufs() is None


@pytest.mark.parametrize(("divisor", "phase"), [(4, 45), (6, 60), (8, 67.5)])
def test_true_peak_lies_between_samples(divisor: int, phase: float) -> None:
    """A sine whose samples all miss its crest still reads its true peak of -6 dBTP (EBU tests 15-17)."""
    tone = 0.5 * np.sin(2 * np.pi * np.arange(RATE) / divisor + np.radians(phase))
    tone *= np.minimum(1, np.arange(RATE) / 4800)  # faded in: an abrupt start is a peak of its own
    meter = measured(tone[:, None].astype(np.float32))
    peak = meter.true_peak_db()

    assert peak is not None
    assert -6.4 <= peak <= -5.8
    assert 20 * np.log10(np.abs(tone).max()) < -6.3


def test_block_size_does_not_matter() -> None:
    """The same sound gives the same figures however it is cut into blocks."""
    noise = np.random.default_rng(3).normal(0, 0.1, (RATE * 3, 2)).astype(np.float32)
    whole, pieces = measured(noise, len(noise)), measured(noise, 997)

    assert whole.integrated_lufs() == pytest.approx(pieces.integrated_lufs(), abs=1e-4)
    assert whole.true_peak_db() == pytest.approx(pieces.true_peak_db(), abs=1e-3)
