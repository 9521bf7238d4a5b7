"""Handlers are found by being files, and what is ambiguous or undocumented is refused at start."""

from __future__ import annotations

from types import ModuleType

import pytest

from handlers import registry, sync_track, verify_run
from handlers.registry import RegistryError, collect


def _module(name: str, doc: str | None, **content: object) -> ModuleType:
    module = ModuleType(name, doc)
    vars(module).update(content)
    return module


def test_every_file_is_found_with_its_runbook() -> None:
    """By name, by alias, in any case and with stray blanks, as people write options."""
    known = registry.load()
    assert {"Sync track", "Verify run"} <= set(known.handlers)
    for written in ("Sync track", "sync TRACK ", "Music Track Sync"):
        found = known.find(written)
        assert found
        assert found.task_type == "Sync track"
    assert known.find("Sing") is None
    assert known.find(None) is None
    assert "If it stays Blocked" in known.runbook("Sync track")


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        ([_module("empty", "Doc.")], "holds 0"),
        ([_module("two", "Doc.", a=sync_track.sync_track, b=verify_run.verify_run)], "holds 2"),
        ([_module("silent", None, a=sync_track.sync_track)], "no docstring"),
        (
            [
                _module("one", "Doc.", a=sync_track.sync_track),
                _module("other", "Doc.", a=sync_track.sync_track),
            ],
            "already served by one",
        ),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(modules: list[ModuleType], says: str) -> None:
    """The sentence names the file and the reason."""
    with pytest.raises(RegistryError, match=says):
        collect(modules)
