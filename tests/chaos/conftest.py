"""Soak runs: only with ``--run-chaos`` (``make chaos``), since they take minutes."""

from __future__ import annotations

from tests.story.conftest import house, song

__all__ = ["house", "song"]
