"""Carrying out a plan and taking it back, on real files: nothing is lost, whatever happens in between."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from music_workflow.core.acquire import file_digest
from music_workflow.core.collection import Collection
from music_workflow.deduplication.plans import Plan
from music_workflow.errors import BadLink
from music_workflow.index.volume import open_index
from music_workflow.model import AudioFile, FiledTrack
from tests.conftest import REPOSITORY
from tests.music_workflow.library_world import make_library, piece
from tests.music_workflow.test_index import track


def collection(folder: Path, **more: Any) -> Collection:
    """A library in ``out`` and a second folder of music, ``downloads``."""
    for name in ("out", "downloads"):
        (folder / name).mkdir(exist_ok=True)
    return Collection(make_library(folder, music_folders=(str(folder / "downloads"),), **more))


def furnish(folder: Path, copies: int = 2) -> list[Path]:
    """A song in the library, and copies of the same sound elsewhere."""
    (folder / "out" / "Ada Loop - Tide.flac").write_bytes(piece("flac"))
    paths = [folder / "downloads" / f"d{number}" / "tide.flac" for number in range(copies)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        path.write_bytes(piece("flac"))
        os.utime(path, ns=(1_700_000_000_000_000_000, 1_800_000_000_123_456_789 + number))
    return paths


def planned(music: Collection) -> Plan:
    """The plan after a look at everything."""
    music.scan()
    music.hear()
    return music.plan_duplicates()


def state(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Every file of the two folders with hash, time and mode, but for what Segue itself keeps there."""
    return {
        str(path.relative_to(folder)): (file_digest(path), path.stat().st_mtime_ns, path.stat().st_mode)
        for name in ("out", "downloads")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.name != ".segue-volume.json"
    }


def test_what_is_set_aside_comes_back_exactly(tmp_path: Path) -> None:
    """Path, content, time and mode; the quarantine goes when it is empty; and it can be done again."""
    music = collection(tmp_path)
    paths = furnish(tmp_path)
    before = state(tmp_path)
    plan = planned(music)

    for _ in range(2):
        done = music.set_aside(plan.hash)

        assert sorted(done.moved) == sorted(map(str, paths))
        assert (done.remaining, done.skipped) == (0, ())
        assert not any(path.exists() for path in paths)
        held = [path for path in state(tmp_path) if ".segue-quarantine" in path]
        assert len(held) == 2

        undone = music.undo(plan.hash[:12])

        assert sorted(undone.restored) == sorted(map(str, paths))
        assert undone.blocked == ()
        assert state(tmp_path) == before
        assert not (tmp_path / "downloads" / ".segue-quarantine").exists()


def test_batches_are_capped_and_resumed(tmp_path: Path) -> None:
    """Each batch has its own manifest; what was done is not done again; one undo takes all back."""
    music = collection(tmp_path)
    paths = furnish(tmp_path, copies=5)
    plan = planned(music)

    done = [music.set_aside(plan.hash, 2) for _ in range(3)]

    assert [(len(each.moved), each.remaining) for each in done] == [(2, 3), (2, 1), (1, 0)]
    assert len({each.manifest for each in done}) == 3
    again = music.set_aside(plan.hash, 2)
    assert (again.moved, again.remaining, again.manifest) == ((), 0, None)
    assert len(music.undo(plan.hash).restored) == 5
    assert all(path.exists() for path in paths)


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        ("changed", "size or time has changed"),
        ("rewritten", "content has changed"),
        ("gone", "not there any more"),
        ("kept changed", "gone or changed"),
        ("kept gone", "gone or changed"),
        ("linked", "second name"),
        ("a link", "it is a link"),
    ],
)
def test_a_file_is_checked_again_before_it_moves(tmp_path: Path, happens: str, says: str) -> None:
    """Whatever changed since the plan was approved keeps it where it is, with the reason."""
    music = collection(tmp_path)
    (path,) = furnish(tmp_path, copies=1)
    kept = tmp_path / "out" / "Ada Loop - Tide.flac"
    plan = planned(music)
    found = path.stat()
    if happens == "changed":
        os.utime(path)
    elif happens == "rewritten":
        path.write_bytes(path.read_bytes()[::-1])
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    elif happens == "gone":
        path.unlink()
    elif happens == "kept changed":
        kept.write_bytes(b"x" * 5000)
    elif happens == "kept gone":
        kept.unlink()
    elif happens == "linked":
        kept.unlink()
        kept.hardlink_to(path)
    else:
        path.rename(tmp_path / "elsewhere.flac")
        path.symlink_to(tmp_path / "elsewhere.flac")
    before = state(tmp_path)

    done = music.set_aside(plan.hash)

    assert done.moved == ()
    (skipped,) = done.skipped
    assert says in skipped.why
    assert state(tmp_path) == before


def test_only_the_plan_that_was_made_can_be_carried_out(tmp_path: Path) -> None:
    """Too few digits, an unknown hash and a plan edited by hand are refused, and nothing moves."""
    music = collection(tmp_path)
    paths = furnish(tmp_path)
    plan = planned(music)
    stored = next(Path(music.library.settings.data_dir, "duplicates").rglob("plan.json"))
    stored.write_text(stored.read_text().replace("d0/tide.flac", "d1/other.flac"))

    for approved, says in (
        (plan.hash[:8], "at least 12"),
        ("0" * 12, "no plan"),
        (plan.hash, "was changed since"),
    ):
        with pytest.raises(BadLink, match=says):
            music.set_aside(approved)
    assert all(path.exists() for path in paths)


def test_the_same_files_give_the_same_plan_and_another_file_another(tmp_path: Path) -> None:
    """An approval survives a new look, and no change of what would be done."""
    music = collection(tmp_path)
    furnish(tmp_path)
    first = planned(music)

    assert planned(music).hash == first.hash
    (tmp_path / "downloads" / "third.flac").write_bytes(piece("flac"))
    assert planned(music).hash != first.hash


_KILLED = """
import os, signal, sys
from music_workflow.core.collection import Collection
from music_workflow.core.library import Library, LibrarySettings
from music_workflow.deduplication import setting_aside

folder, plan, moves, when = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
rename = setting_aside._rename
done = 0

def dying(source, target, sha256):
    global done
    if done == moves and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target, sha256)
    done += 1
    if done == moves and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)

setting_aside._rename = dying
settings = LibrarySettings(
    out_dir=f"{folder}/out",
    data_dir=f"{folder}/data",
    index_export_path=f"{folder}/data/index.json",
    music_folders=(f"{folder}/downloads",),
)
Collection(Library(settings)).set_aside(plan)
"""


@pytest.mark.parametrize(
    ("moves", "when", "then"), [(0, "before", "undo"), (1, "after", "resume"), (2, "before", "undo")]
)
def test_a_kill_at_any_instant_can_be_undone_or_resumed(
    tmp_path: Path, moves: int, when: str, then: str
) -> None:
    """SIGKILL with a file noted but not moved, and with one moved and nothing after it."""
    music = collection(tmp_path)
    paths = furnish(tmp_path, copies=3)
    before = state(tmp_path)
    plan = planned(music)

    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), plan.hash, str(moves), when],
        cwd=REPOSITORY,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    assert sum(not path.exists() for path in paths) == moves
    assert len([path for path in state(tmp_path) if path.endswith("tide.flac")]) == 3
    if then == "resume":
        done = music.set_aside(plan.hash)
        assert (len(done.moved), done.remaining, done.skipped) == (3 - moves, 0, ())
    undone = music.undo(plan.hash)
    assert undone.blocked == ()
    assert state(tmp_path) == before


def test_undo_says_what_stands_in_the_way(tmp_path: Path) -> None:
    """Another file in the old place is not overwritten; a file gone from quarantine is named."""
    music = collection(tmp_path)
    first, second = furnish(tmp_path)
    plan = planned(music)
    music.set_aside(plan.hash)
    first.write_bytes(b"somebody else's file")
    held = next(path for path in (tmp_path / "downloads").rglob("tide.flac") if path.parent.name == "d1")
    held.unlink()

    undone = music.undo(plan.hash)

    assert undone.restored == ()
    assert {each.path: each.why.split(":")[0] for each in undone.blocked} == {
        str(first): "another file stands in its place",
        str(second): "it is not in quarantine any more",
    }
    assert first.read_bytes() == b"somebody else's file"


def test_a_purge_deletes_only_where_the_kept_file_stands(tmp_path: Path) -> None:
    """The last copy of a sound is never deleted."""
    music = collection(tmp_path)
    furnish(tmp_path)
    plan = planned(music)
    music.set_aside(plan.hash)
    kept = tmp_path / "out" / "Ada Loop - Tide.flac"
    away = kept.rename(tmp_path / "kept.flac")

    refused = music.purge(plan.hash)
    away.rename(kept)
    purged = music.purge(plan.hash)

    assert (len(refused.deleted), len(refused.kept)) == (0, 2)
    assert (len(purged.deleted), purged.kept) == (2, ())
    assert purged.freed == 2 * len(piece("flac"))
    assert list(state(tmp_path)) == ["out/Ada Loop - Tide.flac"]


@pytest.mark.parametrize("how", ["protected", "playlist", "eagle"])
def test_what_others_refer_to_stays(tmp_path: Path, how: str) -> None:
    """It is kept, or where two are referred to, both stay, and the plan says who refers to it."""
    listed = tmp_path / "set.m3u8"
    listed.write_text("#EXTM3U\ndownloads/d0/tide.flac\n", encoding="utf-8")
    more: dict[str, Any] = {
        "protected": {"protected_folders": (str(tmp_path / "downloads"),)},
        "playlist": {"dj_libraries": (str(listed),)},
        "eagle": {},
    }[how]
    music = collection(tmp_path, **more)
    (path,) = furnish(tmp_path, copies=1)
    if how == "eagle":
        inside = tmp_path / "downloads" / "My.library" / "images" / "A.info"
        inside.mkdir(parents=True)
        path = path.rename(inside / "tide.flac")

    plan = planned(music)

    (group,) = plan.groups
    assert [kept.path for kept in group.kept] == [str(path)]
    assert [move.path for move in plan.moves] == [str(tmp_path / "out" / "Ada Loop - Tide.flac")]
    assert {"protected": "protected", "playlist": "set.m3u8 refers to it", "eagle": "part of My.library"}[
        how
    ] in (plan.moves[0].why)


def test_a_reference_made_after_the_plan_counts(tmp_path: Path) -> None:
    """The libraries are read again when files move."""
    listed = tmp_path / "set.m3u8"
    listed.write_text("#EXTM3U\n", encoding="utf-8")
    music = collection(tmp_path, dj_libraries=(str(listed),))
    (path,) = furnish(tmp_path, copies=1)
    plan = planned(music)
    listed.write_text(f"#EXTM3U\n{path}\n", encoding="utf-8")

    done = music.set_aside(plan.hash)

    assert done.moved == ()
    assert "refers to it" in done.skipped[0].why


def filed(music: Collection, key: str, name: str, kinds: tuple[str, ...] = ("m4a", "wav")) -> FiledTrack:
    """A track of Segue's own, with its files in the library and its entry in the index."""
    files = []
    for kind in kinds:
        path = Path(music.library.settings.out_dir, f"{name}.{kind}")
        path.write_bytes(piece(kind))
        files.append(
            AudioFile(
                format="M4A" if kind == "m4a" else "WAV",
                path=str(path),
                size=path.stat().st_size,
                sha256=file_digest(path),
                duration_s=8.0,
                codec=kind,
                sample_rate=48_000,
                bits=None,
            )
        )
    made = track(key)
    made = replace(made, files=tuple(files), source_duration_s=8.0)
    with open_index(music.library.settings.data_dir) as index:
        index.add(made)
    return made


def test_a_filed_track_that_is_set_aside_leads_to_the_kept_one(tmp_path: Path) -> None:
    """A later sync of its link finds the kept track; undo gives it its own entry and other sources back."""
    music = collection(tmp_path)
    kept = filed(music, "soundcloud:1", "Ada Loop - Tide [1]")
    other = filed(music, "youtube:2", "Ada Loop - Tide [2]")
    with open_index(music.library.settings.data_dir) as index:
        index.add_alias("bandcamp:3", "youtube:2")
    before = state(tmp_path)
    plan = planned(music)

    done = music.set_aside(plan.hash, 1)

    assert done.merged == ("youtube:2",)
    assert len(done.moved) == 2, "the files of one track are not torn apart by a batch"
    for key in ("youtube:2", "bandcamp:3"):
        assert music.library.lookup(key) == kept
    music.undo(plan.hash)
    assert state(tmp_path) == before
    assert music.library.lookup("youtube:2") == other
    assert music.library.lookup("bandcamp:3") == other


def test_a_filed_track_is_not_set_aside_in_part(tmp_path: Path) -> None:
    """Where one of its files is not proven, all of them stay."""
    music = collection(tmp_path)
    filed(music, "soundcloud:1", "Ada Loop - Tide [1]")
    other = filed(music, "youtube:2", "Ada Loop - Tide [2]")
    Path(other.files[1].path).write_bytes(piece("wav", seed=5))

    plan = planned(music)

    assert plan.moves == ()
    (left,) = plan.groups[0].left
    assert "not proven" in left.why


def test_songs_that_are_only_much_alike_stay(tmp_path: Path) -> None:
    """Same name, length, key and tempo, and near by their fingerprints: the waveforms tell them apart."""
    music = collection(tmp_path)
    (tmp_path / "out" / "one.mp3").write_bytes(piece("mp3", seconds=20.0))
    (tmp_path / "downloads" / "take two.mp3").write_bytes(piece("mp3", seconds=20.0, seed=9))

    plan = planned(music)

    assert plan.moves == ()
    (left,) = [left for group in plan.groups for left in group.left]
    assert "not certainly the same recording" in left.why


def test_a_louder_master_is_the_same_recording(tmp_path: Path) -> None:
    """A limiter changes every sample, and still leaves the waveform alike."""
    music = collection(tmp_path)
    (tmp_path / "out" / "one.mp3").write_bytes(piece("mp3", seconds=20.0))
    (tmp_path / "downloads" / "louder.wav").write_bytes(louder(piece("wav", seconds=20.0)))

    (move,) = planned(music).moves

    assert move.path == str(tmp_path / "out" / "one.mp3")
    assert move.rung == "fingerprint"


def louder(wav: bytes) -> bytes:
    """The same sound, driven hard into a limiter."""
    with wave.open(io.BytesIO(wav)) as file:
        shape, content = file.getparams(), file.readframes(file.getnframes())
    samples = np.frombuffer(content, np.int16).astype(np.float64) / 32_768
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams(shape)
        file.writeframes((np.tanh(samples * 4) * 32_000).astype(np.int16).tobytes())
    return target.getvalue()


def test_the_manifest_is_one_documented_shape(tmp_path: Path) -> None:
    """Whoever has lost this program can put the files back by hand."""
    music = collection(tmp_path)
    (path,) = furnish(tmp_path, copies=1)
    plan = planned(music)

    manifest = json.loads(Path(music.set_aside(plan.hash).manifest or "").read_text())

    assert (manifest["format"], manifest["version"], manifest["plan"]) == (
        "segue-duplicates-undo",
        1,
        plan.hash,
    )
    (entry,) = manifest["entries"]
    assert entry["path"] == str(path)
    assert file_digest(entry["quarantine"]) == entry["sha256"] == file_digest(entry["against"])
