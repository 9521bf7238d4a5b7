"""Rebuild index and Find duplicates where a person has to answer, on real files, each step called directly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from handlers import approval, find_duplicates, rebuild_index
from handlers.base import Done, NeedsHuman, Tools
from music_workflow.core.collection import Collection
from music_workflow.core.library import Library
from music_workflow.model import Progress, silent
from tests.music_workflow.library_world import make_library, piece


@dataclass(frozen=True)
class Direct:
    """A job whose steps are done at once; the engine has its own tests."""

    request: Any
    page_id: str = "page"
    run_id: str = "run"
    work_dir: str = ""
    progress: Progress = silent

    def step(self, name: str, work: Callable[..., Any], *args: Any) -> Any:
        """Do it."""
        del name
        return work(*args)

    heavy_step = step


def run(module: Any, name: str, library: Library, answer: str = "") -> Done:
    """What the handler says to an answer."""

    @dataclass(frozen=True)
    class Only:
        library: Library

    handler = getattr(module, name)
    return cast("Done", handler.run(Direct(approval.Request(answer)), cast("Tools", Only(library))))


def test_a_great_loss_is_forgotten_only_when_a_person_says_so(tmp_path: Path) -> None:
    """The approval is for this loss: a later, larger one asks again."""
    music = tmp_path / "out"
    (music / "disk").mkdir(parents=True)
    for number in range(30):
        (music / "disk" / f"{number}.mp3").write_bytes(bytes([number]) * 2000)
    (music / "stays.mp3").write_bytes(piece("mp3"))
    library = make_library(tmp_path)
    assert "31 files are in the index: 31 added" in run(rebuild_index, "rebuild_index", library).summary
    for number in range(25):
        (music / "disk" / f"{number}.mp3").unlink()

    with pytest.raises(NeedsHuman, match=r"25 of 31 files in .* are missing") as asked:
        run(rebuild_index, "rebuild_index", library)

    (choice,) = asked.value.choices
    assert asked.value.evidence
    shutil.rmtree(music / "disk")
    with pytest.raises(NeedsHuman, match="The plan has changed") as again:
        run(rebuild_index, "rebuild_index", library, choice)
    done = run(rebuild_index, "rebuild_index", library, again.value.choices[0])
    assert "30 gone" in done.summary
    assert Collection(library).status().coverage.files == 1


def test_an_approved_plan_that_was_cut_short_is_carried_on(tmp_path: Path) -> None:
    """Though some of its files are gone from the index by now, its approval holds for the rest."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a", "b", "c"):
        (out / f"{name}.flac").write_bytes(piece("flac"))
    library = make_library(tmp_path)
    collection = Collection(library)
    collection.scan()
    collection.hear()
    with pytest.raises(NeedsHuman) as asked:
        run(find_duplicates, "find_duplicates", library)
    (choice,) = asked.value.choices
    assert len(asked.value.pictures) == 1
    collection.set_aside(collection.plan_duplicates().hash, 1)
    assert len(list(out.glob("*.flac"))) == 2

    done = run(find_duplicates, "find_duplicates", library, choice)

    assert "1 duplicate set aside" in done.summary
    assert len(list(out.glob("*.flac"))) == 1


def test_too_few_fingerprints_are_a_refusal_in_words(tmp_path: Path) -> None:
    """The row is done with what can be proven, and says what to do for the rest."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a", "b"):
        (out / f"{name}.flac").write_bytes(piece("flac"))

    done = run(find_duplicates, "find_duplicates", make_library(tmp_path))

    assert "Only 0% of 2 files are fingerprinted, and 80% are needed" in done.summary
    assert ("Fingerprints cover", "fail") in [(line.name, line.verdict) for line in done.evidence]
