"""A small trained network that ranks candidates by their features. Called by the tempo and key stages.

Each candidate gets a score from its own features alone: a linear part and a handful of hidden units, the same
for all candidates; the softmax of the scores is the probability. The weights are files beside this one, made
by ``benchmarks/train_analysis.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The weights of one ranking."""

    mean: Floats
    """Shape (features,): subtracted from the features."""
    scale: Floats
    """Shape (features,): then multiplied."""
    linear: Floats
    """Shape (features,)."""
    hidden: Floats
    """Shape (features, units)."""
    bias: Floats
    """Shape (units,)."""
    output: Floats
    """Shape (units,)."""

    def probabilities(self, features: Floats) -> Floats:
        """How likely each candidate is the right one.

        Args:
            features: shape (candidates, features).

        Returns:
            Shape (candidates,), summing to one.
        """
        standard = (features - self.mean) * self.scale
        score = standard @ self.linear + np.tanh(standard @ self.hidden + self.bias) @ self.output
        share = np.exp(score - score.max())
        return np.asarray(share / share.sum())


def load(name: str) -> Ranking:
    """Read the weights of the ranking of that name, ``tempo`` or ``key``."""
    with resources.files("music_workflow.metadata").joinpath(f"{name}.npz").open("rb") as file:
        held = np.load(file)
        return Ranking(**{field: held[field].astype(np.float64) for field in Ranking.__slots__})
