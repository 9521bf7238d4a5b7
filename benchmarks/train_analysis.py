"""Trains the rankings of tempo and key and writes music_workflow/metadata/{tempo,key}.npz.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.train_analysis SET... [--judge SET...] [--write]

Each SET is a folder with a manifest (see ``train_features``) or ``synthesizer:COUNT``. Accuracy is printed for each
group of the training music from five-fold cross-validation (``--folds``), and for the music to judge on, which is never
trained on.
The weights in the repository come from: 176 songs of the shared generator (seeds 1000-1175), 250 pieces of
``train_corpus`` (0-249), and ``synthesizer:90``; those of the key also from 132 songs more (seeds 1200-1331).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.train_features import Labelled, fit, folds, read_sets
from music_workflow.metadata import keys, tempo
from music_workflow.metadata.ranking import Floats, Ranking

FOLDER = Path(__file__).parents[1] / "music_workflow" / "metadata"
UNITS = {"tempo": 8, "key": 1}
PENALTY = {"tempo": 1e-3, "key": 1e-2}
"""The key has few examples for its many columns: what fits them all exactly judges other music worse."""
RIGHT = 0.03
"""A tempo candidate counts as right within three percent of the truth."""


def tempo_examples(pieces: list[Labelled]) -> tuple[list[Labelled], Floats, Floats]:
    """Features of every candidate and which are right, for pieces whose tempo is known and within the grid."""
    grid = tempo.candidates()
    known = [p for p in pieces if p.bpm is not None and grid[0] <= p.bpm <= grid[-1]]
    right = np.stack([np.abs(grid / (p.bpm or 1) - 1) <= RIGHT for p in known]).astype(np.float64)
    return known, np.stack([p.tempo_features for p in known]), right


def key_examples(pieces: list[Labelled]) -> tuple[list[Labelled], Floats, Floats]:
    """Features of the 24 keys and which is right, for pieces whose key is known."""
    known = [p for p in pieces if p.key is not None and p.key_features is not None]
    right = np.zeros((len(known), 24))
    for row, piece in enumerate(known):
        key = keys.parse(piece.key or "")
        right[row, key.tonic + (12 if key.mode == "minor" else 0)] = 1
    return known, np.stack([p.key_features for p in known if p.key_features is not None]), right


def tempo_scores(pieces: list[Labelled], features: Floats, ranking: Ranking) -> list[tuple[str, list[float]]]:
    """Group and (Acc1, Acc2) of each piece."""
    grid = tempo.candidates()
    rows = []
    for piece, each in zip(pieces, features, strict=True):
        ratio = grid[int(np.argmax(ranking.probabilities(each)))] / (piece.bpm or 1)
        octaves = (1, 2, 3, 1 / 2, 1 / 3)
        rows.append(
            (
                piece.group,
                [float(abs(ratio - 1) <= 0.04), float(any(abs(ratio - f) <= 0.04 * f for f in octaves))],
            )
        )
    return rows


def key_scores(pieces: list[Labelled], features: Floats, ranking: Ranking) -> list[tuple[str, list[float]]]:
    """Group and (weighted, exact) of each piece, weighted as MIREX does."""
    rows = []
    for piece, each in zip(pieces, features, strict=True):
        best = int(np.argmax(ranking.probabilities(each)))
        found = keys.Key(best % 12, "major" if best < 12 else "minor")
        score = mirex_score(found, keys.parse(piece.key or ""))
        rows.append((piece.group, [score, float(score == 1)]))
    return rows


def mirex_score(found: keys.Key, truth: keys.Key) -> float:
    """1 for the key, 0.5 for a fifth above, 0.3 for its relative, 0.2 for its parallel."""
    if found == truth:
        return 1.0
    if found.mode == truth.mode:
        return 0.5 if (found.tonic - truth.tonic) % 12 == 7 else 0.0
    if found.tonic == truth.tonic:
        return 0.2
    return 0.3 if (found.tonic - truth.tonic) % 12 == (9 if truth.mode == "major" else 3) else 0.0


def table(title: str, rows: list[tuple[str, list[float]]]) -> None:
    """Print the mean of each group and of all."""
    groups: dict[str, list[list[float]]] = defaultdict(list)
    for group, values in rows:
        groups[group].append(values)
        groups["all"].append(values)
    line = "  ".join(
        f"{g} {'/'.join(f'{m:.3f}' for m in np.mean(v, axis=0))} ({len(v)})" for g, v in groups.items()
    )
    print(f"{title}: {line}", flush=True)


def main() -> None:
    """Train, judge, and with --write keep the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--judge", nargs="*", default=[])
    parser.add_argument("--folds", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", choices=("tempo", "key"))
    arguments = parser.parse_args()
    pieces, judges = read_sets(arguments.sets), read_sets(arguments.judge)
    for name, examples, scores in (
        ("tempo", tempo_examples, tempo_scores),
        ("key", key_examples, key_scores),
    ):
        if arguments.only not in {None, name}:
            continue
        known, features, right = examples(pieces)
        if arguments.folds:
            part = folds(len(known))
            rows = []
            for fold in range(part.max() + 1):
                out = part == fold
                ranking = fit(features[~out], right[~out], units=UNITS[name], penalty=PENALTY[name])
                rows += scores([p for p, o in zip(known, out, strict=True) if o], features[out], ranking)
            table(f"{name}, cross-validated", rows)
        ranking = fit(features, right, units=UNITS[name], penalty=PENALTY[name])
        if judges:
            known, features, _ = examples(judges)
            table(f"{name}, music not trained on", scores(known, features, ranking))
        if arguments.write:
            held = {field: getattr(ranking, field).astype(np.float32) for field in Ranking.__slots__}
            np.savez(FOLDER / f"{name}.npz", **held)


if __name__ == "__main__":
    main()
