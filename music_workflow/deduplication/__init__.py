"""Is this the same track? Pure matching, fingerprints, duplicate plans."""
