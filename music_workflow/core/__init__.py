"""The story of a track: acquire, process, organize, verify; ``library`` offers each step as one call."""
