"""The library as handlers use it: real files over real HTTP, from link to shelf."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from music_workflow.core import library as library_module
from music_workflow.core.acquire import file_digest
from music_workflow.core.library import Library
from music_workflow.errors import NotReady, Protected, Unavailable
from music_workflow.index.volume import open_index
from music_workflow.metadata import tags
from music_workflow.model import Analysis, AudioFile, FiledTrack, Identity, Processed, SourceFile, silent
from tests.fakes.media_server import MediaServer, SoundCloud, media_server
from tests.music_workflow.library_world import KEY, SECONDS, make_library, piece, sync


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """A web server, and every service behind it."""
    with media_server() as running:
        yield running


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library in a folder of its own."""
    return make_library(tmp_path)


def files_below(folder: Path) -> set[str]:
    """Name every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_link_becomes_three_tagged_files_and_an_index_entry(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """The whole story: three formats, length and key as composed, tags that read back, and nothing left over."""
    track = sync(library, server.serve_audio("/tide.m4a", piece()), tmp_path / "work")

    assert track.newly_filed
    assert [file.format for file in track.files] == ["M4A", "WAV", "AIFF"]
    for file in track.files:
        assert Path(file.path).stat().st_size == file.size
        assert file_digest(file.path) == file.sha256
        read = tags.read(file.path)
        assert (read.title, read.artists, read.run_id) == ("Tide", ("Ada Loop",), "run-1")
        assert read.identity_key == track.identity.key
        assert read.artwork
    assert track.analysis.duration_s == pytest.approx(SECONDS, abs=0.1)
    assert track.analysis.key == KEY
    name = f"Ada Loop - Tide [{track.identity.key[4:14]}]"
    assert files_below(tmp_path / "out") == {f"{name}.m4a", f"{name}.wav", f"{name}.aiff"}
    assert Path(track.waveform_path).is_file()
    assert library.lookup("run-1") == library.lookup(track.identity.key)
    exported = json.loads((tmp_path / "data" / "volume_index.json").read_text())["tracks"]
    assert [entry["key"] for entry in exported] == [track.identity.key]


def test_the_library_goes_through_a_child_process(server: MediaServer, library: Library) -> None:
    """Bound methods and their errors survive pickling, as steps in child processes need."""
    url = server.serve_audio("/tide.m4a", piece())

    again = pickle.loads(pickle.dumps(library.identify))  # noqa: S301 - our own

    assert again(url) == library.identify(url)


def test_the_same_link_is_recognised_before_anything_is_downloaded(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """The second time there is a twin, and junk in the link does not hide it."""
    url = server.serve_audio("/tide.m4a", piece())
    work = tmp_path / "work"
    track = library.file(tiny_processed(work), library.identify(url), tiny_source(work), "run-1")

    twin = library.find_twin(library.identify(f"{url}?utm_campaign=x"))

    assert twin is not None
    assert not twin.newly_filed
    assert twin.files == track.files


def test_the_same_audio_behind_another_link_is_recognised_after_the_download(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """Equal bytes are one track; filing it again keeps the first and remembers the other link."""
    urls = server.serve_audio("/tide.m4a", piece()), server.serve_audio("/copy.m4a", piece())
    first, identity = library.identify(urls[0]), library.identify(urls[1])
    one, two = tmp_path / "one", tmp_path / "two"
    track = library.file(tiny_processed(one), first, library.fetch(first, str(one), silent), "run-1")
    before = files_below(tmp_path / "out")
    source, processed = library.fetch(identity, str(two), silent), tiny_processed(two, b"other bytes")

    found = library.find_twin_by_audio(source.sha256, identity)
    known_at_once = library.find_twin(identity)
    filed = library.file(processed, identity, source, "run-2")

    assert found is not None
    assert known_at_once == found
    assert not filed.newly_filed
    assert filed.files == found.files == track.files
    assert files_below(tmp_path / "out") == before
    known = library.find_twin(identity)
    assert known is not None
    assert known.run_id == "run-1"


def test_one_recording_from_two_services_is_known_by_isrc_and_length(
    library: Library, tmp_path: Path
) -> None:
    """Equal ISRC and nearly equal length are one recording; an edit of another length is not."""
    first, source = tiny_identity(isrc="GBABC2400001", duration_s=200.0), tiny_source(tmp_path / "one")
    track = library.file(tiny_processed(tmp_path / "one"), first, source, "run-1")

    same = replace(first, key="youtube:abcdefghij0", duration_s=202.5)
    edit = replace(first, key="youtube:abcdefghij1", duration_s=160.0)

    twin = library.find_twin(same)
    assert twin is not None
    assert twin.files == track.files
    assert library.find_twin(edit) is None


def test_a_track_whose_files_are_gone_is_no_twin(library: Library, tmp_path: Path) -> None:
    """Missing or altered files do not count as having it; filing puts them back under their names."""
    identity = tiny_identity()
    track = library.file(tiny_processed(tmp_path / "one"), identity, tiny_source(tmp_path / "one"), "run-1")
    Path(track.files[1].path).unlink()

    assert library.find_twin(identity) is None

    again = library.file(
        tiny_processed(tmp_path / "two", b"new"), identity, tiny_source(tmp_path / "two"), "run-2"
    )
    assert again.newly_filed
    assert [file.path for file in again.files] == [file.path for file in track.files]
    assert len(files_below(tmp_path / "out")) == 3


def test_two_tracks_of_one_name_stand_side_by_side(library: Library, tmp_path: Path) -> None:
    """Equal titles by equal artists are kept apart by their ids."""
    for number in (1, 2):
        work = tmp_path / str(number)
        identity = tiny_identity(key=f"soundcloud:{number}")
        library.file(
            tiny_processed(work, bytes([number])),
            identity,
            tiny_source(work, bytes([number])),
            f"run-{number}",
        )

    assert len(files_below(tmp_path / "out")) == 6


def test_filing_survives_a_kill_at_every_instant(tmp_path: Path) -> None:
    """Killed before any operation on files or database, filing again gives the same three files and one entry."""
    kills = 0
    for instant in range(1, 500):
        world = tmp_path / str(instant)
        library = make_library(world)
        library.check_ready()
        processed, source = tiny_processed(world / "work"), tiny_source(world / "work")
        if not _file_killed_at(instant, library, processed, source):
            break
        kills += 1

        track = library.file(processed, tiny_identity(), source, "run-1")

        assert track.newly_filed
        assert files_below(world / "out") == {
            f"Ada Loop - Tide [7].{each}" for each in ("m4a", "wav", "aiff")
        }
        for file in track.files:
            assert file_digest(file.path) == file.sha256
        with open_index(world / "data") as index:
            assert len(index) == 1
            assert index.plan("soundcloud:7") is None
        exported = json.loads((world / "data" / "volume_index.json").read_text())
        assert len(exported["tracks"]) == 1
        assert library.file(processed, tiny_identity(), source, "run-1").files == track.files
        shutil.rmtree(world)
    assert kills > 15


def _file_killed_at(instant: int, library: Library, processed: Processed, source: SourceFile) -> bool:
    """File in a process that is killed just before its nth operation; False when it got through."""
    child = os.fork()
    if child == 0:
        left = [instant]

        def count(event: str, _args: Any) -> None:
            if event in {
                "open",
                "os.rename",
                "os.remove",
                "os.mkdir",
                "sqlite3.connect",
                "os.listdir",
                "os.scandir",
            }:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        library.file(processed, tiny_identity(), source, "run-1")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_two_processes_filing_the_same_track_leave_one(tmp_path: Path) -> None:
    """The library's lock makes the second one find the first one's files."""
    library = make_library(tmp_path)
    context = multiprocessing.get_context("spawn")
    work = [tmp_path / "a", tmp_path / "b"]
    for folder in work:
        tiny_processed(folder)
    with context.Pool(2) as pool:
        tracks: list[FiledTrack] = pool.starmap(_file_tiny, [(library, folder) for folder in work])

    assert sorted(track.newly_filed for track in tracks) == [False, True]
    assert len(files_below(tmp_path / "out")) == 3


def _file_tiny(library: Library, work: Path) -> FiledTrack:
    processed = tiny_processed(work, work.name.encode())
    return library.file(processed, tiny_identity(), tiny_source(work), f"run-{work.name}")


def test_a_later_attempt_that_finds_its_own_files_filed_has_filed_them(
    library: Library, tmp_path: Path
) -> None:
    """An attempt killed right after filing is continued by one with another run id; its very files are there."""
    processed, source = tiny_processed(tmp_path / "w"), tiny_source(tmp_path / "w")
    library.file(processed, tiny_identity(), source, "run-1")

    again = library.file(processed, tiny_identity(), source, "run-1, attempt 2")

    assert again.newly_filed
    assert again.run_id == "run-1"


def test_a_library_that_stays_locked_is_a_matter_of_time(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits too long says so."""
    monkeypatch.setattr(library_module, "_LOCK_WAIT_S", 0.1)
    library.check_ready()
    waiting: list[BaseException] = []

    def wait() -> None:
        try:
            with library.lock():
                pass
        except Unavailable as error:
            waiting.append(error)

    with FileLock(tmp_path / "data" / "library.lock"):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()

    assert "Another process" in str(waiting[0])


def test_nothing_is_downloaded_when_there_is_no_place_for_it(server: MediaServer, tmp_path: Path) -> None:
    """Readiness is checked before work."""
    library = make_library(tmp_path, min_free_bytes=10**18)
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))
    server.seen.clear()

    with pytest.raises(NotReady, match="free space"):
        library.fetch(identity, str(tmp_path / "work"), silent)
    assert server.seen == []


def test_an_unmounted_library_is_not_begun_anew(library: Library, tmp_path: Path) -> None:
    """With tracks in the index and their folder gone, it waits for the volume."""
    library.file(tiny_processed(tmp_path / "w"), tiny_identity(), tiny_source(tmp_path / "w"), "run-1")
    shutil.move(tmp_path / "out", tmp_path / "unplugged")

    with pytest.raises(NotReady, match="Mount its volume"):
        library.check_ready()
    shutil.move(tmp_path / "unplugged", tmp_path / "out")
    library.check_ready()


def test_a_library_emptied_on_purpose_can_begin_anew(library: Library, tmp_path: Path) -> None:
    """The remedy that the error names works: what is missing is forgotten, and what stands is not."""
    library.file(tiny_processed(tmp_path / "w"), tiny_identity(), tiny_source(tmp_path / "w"), "run-1")
    assert library.missing() == []
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(NotReady, match="music index forget"):
        library.check_ready()

    library.forget([track.identity.key for track in library.missing()])

    library.check_ready()
    assert library.lookup("soundcloud:7") is None
    assert json.loads((tmp_path / "data" / "volume_index.json").read_text())["tracks"] == []


def test_a_service_track_goes_all_the_way(server: MediaServer, tmp_path: Path) -> None:
    """SoundCloud's real extractor, AAC packets kept, and the service's id in the name."""
    library = make_library(tmp_path, service_base=server.base, allow_private_addresses=False)
    url = SoundCloud(server).add(7, "ada/tide", title="גאות", artist="עדה", audio=piece(), duration_s=SECONDS)

    track = sync(library, url, tmp_path / "work")

    assert track.identity.key == "soundcloud:7"
    assert "עדה - גאות [7].m4a" in files_below(tmp_path / "out")
    assert track.files[0].codec == "aac"
    with pytest.raises(Protected):
        library.identify("https://open.spotify.com/track/3uUuGVFu1V7jTQL60S1r8z")


def tiny_identity(**more: Any) -> Identity:
    """Identify a track whose files are not looked into."""
    values = {"key": "soundcloud:7", "url": "https://x.example/", "service": "soundcloud", "title": "Tide"}
    return Identity(**{**values, "artists": ("Ada Loop",), **more})


def tiny_source(work: Path, content: bytes = b"source") -> SourceFile:
    """Stand for a download; filing looks at its hash only."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "source").write_bytes(content)
    return SourceFile(
        path=str(work / "source"),
        size=len(content),
        sha256=file_digest(work / "source"),
        duration_s=200.0,
        codec="aac",
        format_id="direct",
    )


def tiny_processed(work: Path, content: bytes = b"audio") -> Processed:
    """Stand for converted files; filing moves bytes and does not listen to them."""
    work.mkdir(parents=True, exist_ok=True)
    files = []
    for kind, suffix in (("M4A", ".m4a"), ("WAV", ".wav"), ("AIFF", ".aiff")):
        path = work / f"7{suffix}"
        path.write_bytes(content + suffix.encode())
        files.append(
            AudioFile(
                format=kind,  # type: ignore[arg-type]  # one of the three, as written above
                path=str(path),
                size=path.stat().st_size,
                sha256=file_digest(path),
                duration_s=200.0,
                codec="x",
                sample_rate=48_000,
                bits=24,
            )
        )
    (work / "7.png").write_bytes(b"picture")
    analysis = Analysis(
        duration_s=200.0,
        bpm=124.0,
        bpm_confidence=0.9,
        key="A minor",
        camelot="8A",
        key_confidence=0.9,
        loudness_lufs=-10.0,
        true_peak_db=-1.0,
    )
    return Processed(files=tuple(files), analysis=analysis, waveform_path=str(work / "7.png"))
