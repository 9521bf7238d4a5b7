"""Soak runs: only with ``--run-chaos`` (``make chaos``), since they take minutes.

Inputs: a house with rows, workers in processes of their own. Observed: rows, pages, files and log rows, as a person
would find them.
"""

from __future__ import annotations

from tests.story.conftest import house, song

__all__ = ["house", "song"]
