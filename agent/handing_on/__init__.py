"""Handing work on and hearing of its end: follow-ups, returns, trigger files of other agents."""
