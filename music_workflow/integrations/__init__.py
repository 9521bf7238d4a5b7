"""One file per outside service; nothing else in the package talks to the network."""
