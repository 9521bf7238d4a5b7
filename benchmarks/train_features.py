"""Reads labelled music into what the rankings of tempo and key are trained on. Called by the other training scripts.

A data set is a folder with ``manifest_*.json``: a list of objects with ``file``, ``bpm`` and ``key`` (either may be
null), and optionally ``group``. ``synthesizer:COUNT`` stands for so many pieces of the project's own synthesizer.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from music_workflow import synthesizer
from music_workflow.core import decoding
from music_workflow.metadata import analysis, keys, onsets, tempo, tonality
from music_workflow.metadata.ranking import Floats, Ranking


@dataclass(frozen=True, slots=True)
class Labelled:
    """A piece with its truth and what the analysis sees of it."""

    name: str
    group: str
    bpm: float | None
    key: str | None
    tempo_features: NDArray[np.float64]
    """Shape (candidates, features)."""
    key_features: NDArray[np.float64] | None
    """Shape (24, features); None where no pitch was heard."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece to be read, or made and read."""

    name: str
    group: str
    bpm: float | None
    key: str | None
    path: str | None
    number: int = 0


def read_sets(names: list[str], jobs: int = 2) -> list[Labelled]:
    """Every piece of the named data sets."""
    listed = [job for name in names for job in _jobs(name)]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(_read, listed, chunksize=4))


def fit(features: Floats, right: Floats, *, units: int, penalty: float, rounds: int = 250) -> Ranking:
    """Train a ranking by maximum likelihood with a quadratic penalty on the weights.

    Args:
        features: shape (pieces, candidates, features).
        right: shape (pieces, candidates), 1.0 for each candidate that counts as right.
        units: hidden units.
        penalty: weight of the squared weights' sum.
        rounds: at most so many steps of the optimizer.

    Returns:
        The weights.
    """
    pieces, candidates, width = features.shape
    mean = features.mean(axis=(0, 1))
    scale = 1 / (features.std(axis=(0, 1)) + 1e-3)
    flat = ((features - mean) * scale).reshape(-1, width).astype(np.float32)
    ends = np.cumsum([width, width * units, units, units])[:-1]

    def parts(weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        linear, hidden, bias, output = np.split(weights, ends)
        return linear, hidden.reshape(width, units), bias, output

    def loss(weights: Floats) -> tuple[float, Floats]:
        linear, hidden, bias, output = parts(weights.astype(np.float32))
        active = np.tanh(flat @ hidden + bias)
        score = (flat @ linear + active @ output).reshape(pieces, candidates).astype(np.float64)
        share = np.exp(score - score.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        hit = (share * right).sum(axis=1) + 1e-12
        slope = ((share - share * right / hit[:, None]) / pieces).astype(np.float32).reshape(-1)
        back = np.outer(slope, output) * (1 - active * active)
        gradient = np.concatenate(
            [flat.T @ slope, (flat.T @ back).ravel(), back.sum(axis=0), active.T @ slope]
        )
        return float(-np.log(hit).mean() + penalty * weights @ weights), gradient + 2 * penalty * weights

    rng = np.random.default_rng(0)
    start = np.concatenate(
        [
            np.zeros(width),
            rng.normal(0, 0.3 / np.sqrt(width), width * units),
            np.zeros(units),
            rng.normal(0, 0.1, units),
        ]
    )
    weights = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": rounds}).x
    return Ranking(mean, scale, *parts(weights))


def folds(count: int, parts: int = 5) -> NDArray[np.int64]:
    """A fixed random part for each of so many pieces."""
    return np.random.default_rng(1).permutation(count) % parts


def _jobs(name: str) -> list[Job]:
    kind, _, count = name.partition(":")
    if kind == "synthesizer":
        return [_synthetic(number) for number in range(int(count))]
    jobs = []
    for manifest in sorted(Path(name).glob("manifest_*.json")):
        for item in json.loads(manifest.read_text(encoding="utf-8")):
            path = str(manifest.parent / item["file"])
            jobs.append(Job(item["id"], item.get("group", Path(name).name), item["bpm"], item["key"], path))
    return jobs


def _synthetic(number: int) -> Job:
    rng = np.random.default_rng(50_000 + number)
    style = list(synthesizer.PATTERNS)[number % len(synthesizer.PATTERNS)]
    low, high = {"dnb": (160, 180), "hiphop": (76, 100)}.get(style, (100, 148))
    bpm = round(float(rng.uniform(low, high)), 1)
    key = keys.Key(int(rng.integers(12)), "minor" if rng.random() < 0.6 else "major")
    return Job(f"own{number}_{style}", "synthesizer", bpm, key.name, None, number)


def _read(job: Job) -> Labelled:
    if job.path is not None:
        return _features(job, job.path)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "piece.wav")
        style = list(synthesizer.PATTERNS)[job.number % len(synthesizer.PATTERNS)]
        synthesizer.render(
            path,
            bpm=job.bpm or 0,
            key=job.key or "",
            seconds=40,
            style=style,
            seed=7000 + job.number,
            format="wav",
        )
        return _features(job, path)


def _features(job: Job, path: str) -> Labelled:
    strength, pitches = onsets.OnsetMeter(), tonality.PitchMeter()
    with decoding.opened(path) as source:
        tap = decoding.Tap(analysis.MONO_RATE, "mono", taps=16)
        for frame in source.frames():
            for block in tap.push(frame):
                strength.feed(block[:, 0])
                pitches.feed(block[:, 0])
        for block in tap.flush():
            strength.feed(block[:, 0])
            pitches.feed(block[:, 0])
    readings = tempo.read_multiples(tempo.autocorrelation(strength.finish().strength))
    chroma = pitches.chroma()
    return Labelled(
        job.name,
        job.group,
        job.bpm,
        job.key,
        tempo.ranking_features(readings),
        None if chroma is None else tonality.key_features(chroma),
    )
