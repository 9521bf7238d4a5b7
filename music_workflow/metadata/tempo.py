"""Tempo and beat grid from onset strength.

Three steps. The autocorrelation of the onsets over 12 s windows says at which distances the music repeats.
Each tempo between 55 and 215 BPM is described by how strongly the music repeats at its beat and at simple
multiples and fractions of it, in three registers; a small network, trained by
``benchmarks/train_analysis.py``, ranks them: that decides the octave. A zoomed Fourier transform of the whole
onset curve around the winner then gives the figure to a hundredth. Called by
`music_workflow.metadata.analysis`. It never answers when nothing repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from music_workflow.metadata import ranking
from music_workflow.metadata.onsets import FIRST_FRAME_S, FRAMES_PER_S, Onsets
from music_workflow.metadata.ranking import Ranking

Features = NDArray[np.float64]
"""Shape (candidates, features)."""

SLOWEST_BPM = 55.0
FASTEST_BPM = 215.0
CANDIDATES = 300
MULTIPLES = (1.0, 2.0, 4.0, 1 / 2, 1 / 4, 3.0, 1 / 3, 3 / 2, 2 / 3)
"""Distances, in beats, at which the autocorrelation is read."""
READING_WIDTH = (0.985, 0.9925, 1.0, 1.0075, 1.015)
PRIOR_CENTRES = 12
PRIOR_WIDTH_OCTAVES = 0.12
WINDOW_S = 12.0
ACTIVE_SHARE = 0.05
"""A window whose onset energy is below this share of the strongest window's says nothing about tempo."""
SHORTEST_S = 5.0
"""Less sound than this holds too few beats to tell."""
NEIGHBOURHOOD = 0.04
HARMONICS = ((1, 1.0), (2, 1.0), (4, 0.7))
"""Multiples of the beat frequency looked at for the exact tempo, with weights."""
WEAKEST_PULSE = 0.05
"""Largest autocorrelation at any candidate's beat below which nothing repeats."""
FAINTEST_ONSETS = 0.03
"""Standard deviation of the onset strength below which nothing begins; a held tone has 0.000, slow strings 0.13."""
LEAST_PROMINENCE = 1.25
"""Deviation of the onset strength over its mean; noise, where everything begins all the time, has 1.1 to 1.17,
music 1.34 and more."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """A tempo that was found."""

    bpm: float
    confidence: float
    """0..1: the share of the ranking's probability within 4 % of the answer."""
    first_beat_s: float
    """Time of the first beat of the grid, less than one beat after the start."""


def estimate(onsets: Onsets) -> Tempo | None:
    """The tempo of a piece; None when it is too short or nothing in it repeats."""
    if onsets.seconds < SHORTEST_S or not _has_events(onsets.strength):
        return None
    correlation = autocorrelation(onsets.strength)
    grid = candidates()
    readings = read_multiples(correlation)
    probability = _ranking().probabilities(ranking_features(readings))
    best = int(np.argmax(probability))
    if readings[:, : len(correlation)].max() < WEAKEST_PULSE:
        return None
    near = np.abs(grid / grid[best] - 1) <= NEIGHBOURHOOD
    bpm = refine(onsets.strength, float(grid[best]))
    return Tempo(round(bpm, 2), float(probability[near].sum()), _first_beat(onsets.strength, bpm))


def at(onsets: Onsets, bpm: float, confidence: float) -> Tempo:
    """The exact tempo and the beat grid near a rough one that somebody else heard."""
    exact = refine(onsets.strength, bpm)
    return Tempo(round(exact, 2), confidence, _first_beat(onsets.strength, exact))


def _has_events(strength: NDArray[np.float32]) -> bool:
    """Whether things begin one by one, as opposed to never or all the time."""
    curve = strength.sum(axis=0)
    deviation = float(curve.std())
    return deviation >= FAINTEST_ONSETS and deviation >= LEAST_PROMINENCE * float(curve.mean())


@cache
def candidates() -> NDArray[np.float64]:
    """The tempos that are compared, in BPM, evenly spaced by ratio."""
    return np.geomspace(SLOWEST_BPM, FASTEST_BPM, CANDIDATES)


def autocorrelation(strength: NDArray[np.float32]) -> NDArray[np.float64]:
    """How alike the onsets are to themselves some frames later.

    Args:
        strength: onset strength, shape (registers, frames).

    Returns:
        Shape (registers + 1, lags): each register and their sum, 1.0 at lag 0, the mean over half-overlapped
        windows.
    """
    lags = int(FRAMES_PER_S * 60 / SLOWEST_BPM * max(MULTIPLES)) + 4
    curves = np.concatenate([strength, strength.sum(axis=0, keepdims=True)])
    size = round(WINDOW_S * FRAMES_PER_S)
    if curves.shape[1] < size:
        curves = np.pad(curves, ((0, 0), (0, size - curves.shape[1])))
    windows = np.lib.stride_tricks.sliding_window_view(curves, size, axis=1)[:, :: size // 2]
    length = fft.next_fast_len(size + lags, real=True)
    energies, shapes = [], []
    for i in range(windows.shape[1]):  # one at a time: an eight-hour mix has thousands
        window = windows[:, i] - windows[:, i].mean(axis=1, keepdims=True)
        spectrum = fft.rfft(window, length, axis=1)
        raw = fft.irfft(spectrum.real**2 + spectrum.imag**2, length, axis=1)[:, :lags]
        raw = raw / (size - np.arange(lags))
        energies.append(raw[:, 0])
        shapes.append(raw / (raw[:, :1] + 1e-9))
    energy = np.array(energies)
    active = (energy > ACTIVE_SHARE * energy.max(axis=0)).astype(np.float64)
    mean: NDArray[np.float64] = np.einsum("wr,wrl->rl", active, np.array(shapes))
    return np.asarray(mean / np.maximum(active.sum(axis=0), 1)[:, None])


def read_multiples(correlation: NDArray[np.float64]) -> Features:
    """The autocorrelation of each register at the multiples of each candidate's beat.

    Returns:
        Shape (candidates, multiples x registers), multiple by multiple; the largest value within 1.5 % of
        each place.
    """
    lags = np.arange(correlation.shape[1])
    beat = FRAMES_PER_S * 60 / candidates()
    columns = []
    for multiple in MULTIPLES:
        for register in correlation:
            places = np.outer(READING_WIDTH, beat * multiple)
            columns.append(np.interp(places, lags, register).max(axis=0))
    return np.array(columns).T


def ranking_features(readings: Features) -> Features:
    """What the ranking sees of each candidate: readings, their standing among the others', and the octave."""
    compared = (readings - readings.mean(axis=0)) / (readings.std(axis=0) + 1e-6)
    centres = np.geomspace(60, 205, PRIOR_CENTRES)
    octaves = np.log2(candidates()[:, None] / centres) / PRIOR_WIDTH_OCTAVES
    return np.hstack([3 * readings, 0.5 * compared, np.exp(-0.5 * octaves**2)])


def refine(strength: NDArray[np.float32], bpm: float) -> float:
    """The exact tempo near a rough one: where the onsets' spectrum peaks together at the beat and its harmonics."""
    curve = strength.sum(axis=0, dtype=np.float64)
    curve -= curve.mean()
    best = bpm
    for width, points in ((0.03 * bpm, 81), (0.0015 * bpm, 41)):
        tempos = np.linspace(best - width, best + width, points)
        peak = np.zeros(points)
        for harmonic, weight in HARMONICS:
            low, high = tempos[0] * harmonic / 60, tempos[-1] * harmonic / 60
            peak += weight * np.abs(zoomed_spectrum(curve, low, high, points))
        best = float(tempos[int(np.argmax(peak))])
    return best


def zoomed_spectrum(
    curve: NDArray[np.float64], low_hz: float, high_hz: float, points: int
) -> NDArray[np.complex128]:
    """The Fourier transform of an onset curve at evenly spaced frequencies of a narrow band (Bluestein's chirp-z)."""
    count = len(curve)
    turn = 2 * np.pi / FRAMES_PER_S
    step = turn * (high_hz - low_hz) / (points - 1)
    index = np.arange(max(count, points), dtype=np.float64)
    chirp = np.exp(-0.5j * step * index**2)
    size = fft.next_fast_len(count + points - 1)
    turned = curve * np.exp(-1j * turn * low_hz * index[:count]) * chirp[:count]
    kernel = np.zeros(size, np.complex128)
    kernel[:points] = chirp[:points].conj()
    kernel[size - count + 1 :] = chirp[1:count][::-1].conj()
    product = fft.ifft(fft.fft(turned, size) * fft.fft(kernel))
    return np.asarray(product[:points] * chirp[:points])


def _first_beat(strength: NDArray[np.float32], bpm: float) -> float:
    """Where in the beat the onsets fall, low ones counting double: the phase of the grid, as its first beat's time."""
    beat_s = 60 / bpm
    steps = 64
    times = FIRST_FRAME_S + np.arange(strength.shape[1]) / FRAMES_PER_S
    place = np.floor(times / beat_s % 1 * steps).astype(int) % steps
    weight = 2 * strength[0].astype(np.float64) + strength[1] + strength[2]
    folded = np.bincount(place, weight, steps)
    smooth = folded + np.roll(folded, 1) + np.roll(folded, -1)
    return float((int(np.argmax(smooth)) + 0.5) / steps * beat_s)


@cache
def _ranking() -> Ranking:
    return ranking.load("tempo")
