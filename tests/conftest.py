"""What holds for every test: no connection leaves loopback, no setting of the machine is read, no folder is shared.

Inputs: files and servers that the test itself makes, and ``../shared`` beside the repository where it is present.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

from agent.settings import Settings
from tests.fakes.postgres import Postgres, serving

# The machine is shared and slow at times; how long an example takes says nothing about the code.
hypothesis.settings.register_profile("segue", deadline=None)
hypothesis.settings.load_profile("segue")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"


_LONGEST_FIRST = {"story": 0, "agent": 1, "browser": 2}
"""Folder -> its place in a run."""


def traffic_file() -> Path | None:
    """Where exchanges with the embedded workspace are written, for a check against the client's types; or nowhere."""
    name = os.environ.get("NOTION_LOCAL_TRAFFIC")
    return Path(name) if name else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """``make chaos`` passes this."""
    parser.addoption("--run-chaos", action="store_true", help="run the soak tests in tests/chaos")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the soak tests out of an ordinary run, and begins with what takes longest, so that no process idles."""
    if not config.getoption("--run-chaos"):
        soak = [
            item
            for item in items
            if Path(item.path).parent.name == "chaos" or item.get_closest_marker("soak")
        ]
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]
    items.sort(key=lambda item: _LONGEST_FIRST.get(Path(item.path).parent.name, len(_LONGEST_FIRST)))


def pytest_runtest_setup() -> None:
    """Loopback only; a test that asks for another address fails at once."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable that Segue knows is set, and the working folder holds no ``.env``."""
    known = {
        name.casefold()
        for field in Settings.model_fields.values()
        for name in getattr(field.validation_alias, "choices", ())
    }
    for name in list(os.environ):
        if name.casefold() in known:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for this session; tests that need it are skipped where none can be run."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings and shapes; tests that need it are skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared with the real recordings is not beside this checkout")
    return SHARED
