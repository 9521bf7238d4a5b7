"""Both kinds of engine database, so that one test states a fact about each.

Inputs: a file, or a fresh database on the session's PostgreSQL. Observed: what a worker on it did.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

BOTH = ("sqlite", "postgres")


@pytest.fixture(scope="module", params=BOTH)
def module_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty engine database that the tests of one file share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('engine') / 'engine.sqlite'}"
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url
