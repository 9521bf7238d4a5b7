"""What a command is refused with: one sentence for who typed it. Light, so that every command may import it."""

from __future__ import annotations


class RefusedError(Exception):
    """What was asked for cannot be done; the sentence says why."""
