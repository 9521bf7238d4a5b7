"""The rows that handlers work on through their ports: tracks, artists, playlists, gaps, the earlier system."""
