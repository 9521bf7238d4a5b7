"""Eagle gets each file once, whatever its build, its mood, and whatever is lost on the way."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from music_workflow.core.eagle import key_tag
from music_workflow.core.library import Library
from music_workflow.core.ports import EagleSettings
from music_workflow.errors import NotReady, Unavailable
from music_workflow.index.volume import open_index
from music_workflow.model import Analysis, AudioFile, AudioFormat, Check, FiledTrack, Identity
from tests.fakes.eagle import Eagle, running_eagle
from tests.music_workflow.library_world import make_library

LIBRARY = "/Users/dj/Music.library"
TOKEN = "4e1a-secret-of-the-app"


def settings(app: Eagle, **more: Any) -> EagleSettings:
    """Hasty ones."""
    hasty: dict[str, Any] = {"timeout_s": 5.0, "appears_s": 1.0, "pause_s": 0.01}
    return EagleSettings(base_url=app.base, **{**hasty, **more})


def filed(
    folder: Path, *, formats: tuple[AudioFormat, ...] = ("M4A", "WAV", "AIFF"), **more: Any
) -> FiledTrack:
    """A track with files of a few bytes; Eagle does not listen to them."""
    files = []
    for kind in formats:
        path = folder / f"Nora - Überfahrt [x1].{kind.lower()}"
        path.write_bytes(kind.encode() * 100)
        files.append(
            AudioFile(
                format=kind,
                path=str(path),
                size=path.stat().st_size,
                sha256="0" * 64,
                duration_s=200.0,
                codec="aac",
                sample_rate=48_000,
                bits=None,
            )
        )
    return FiledTrack(
        identity=Identity(
            key="soundcloud:7", url="https://soundcloud.com/nora/x", service="soundcloud", title="Überfahrt",
            artists=("Nora", "Ben"),
        ),
        files=tuple(files),
        analysis=Analysis(
            duration_s=200.0, bpm=123.96, bpm_confidence=0.9, key="A minor", camelot="8A", key_confidence=0.9,
            loudness_lufs=-9.0, true_peak_db=-1.0,
        ),
        waveform_path="",
        source_sha256="1" * 64,
        source_duration_s=200.0,
        run_id="run-1",
        filed_at="2026-01-01T00:00:00+00:00",
        **more,
    )  # fmt: skip


def prepared(
    folder: Path, app: Eagle, track: FiledTrack | None = None, **more: Any
) -> tuple[Library, FiledTrack]:
    """A library that knows the track and this Eagle."""
    library = make_library(folder, eagle=settings(app, **more))
    track = track or filed(folder)
    with open_index(library.settings.data_dir) as index:
        index.add(track)
    return library, track


@pytest.mark.parametrize(
    "build", [{"has_v2": False}, {"has_v2_add": False}, {}], ids=["V1 only", "V2 without add", "V2"]
)
def test_a_track_arrives_with_all_that_is_known_of_it(build: dict[str, bool], tmp_path: Path) -> None:
    """On every build: name, folder, source, tags and annotation; the ids stand in the index."""
    with running_eagle(**build) as app:
        library, track = prepared(tmp_path, app, formats=("WAV", "AIFF"))

        brought = library.bring_to_eagle(track)

        wav, aiff = app.items
        assert [(item.format, item.id) for item in brought.eagle] == [
            ("WAV", wav["id"]),
            ("AIFF", aiff["id"]),
        ]
        assert (wav["name"], wav["ext"], wav["url"]) == ("Nora, Ben - Überfahrt", "wav", track.identity.url)
        assert {"Nora", "Ben", "BPM124", "A minor", "8A", "WAV"} <= set(wav["tags"])
        assert "123.96 BPM · A minor (8A) · 3:20" in wav["annotation"]
        (playlists,) = app.folders
        (uncategorized,) = playlists["children"]
        assert (playlists["name"], uncategorized["name"]) == ("Playlists", "Uncategorized")
        assert wav["folders"] == aiff["folders"] == [uncategorized["id"]]
        found = library.lookup("soundcloud:7")
        assert found is not None
        assert found.eagle == brought.eagle


def test_a_second_time_nothing_is_imported(tmp_path: Path) -> None:
    """Known by its id, and by its tag when the record of the id is lost."""
    with running_eagle() as app:
        library, track = prepared(tmp_path, app)

        once = library.bring_to_eagle(track)
        again, forgetful = library.bring_to_eagle(once), library.bring_to_eagle(track)

        assert once.eagle == again.eagle == forgetful.eagle
        assert app.imports() == len(app.items) == 1


def test_what_the_library_learnt_meanwhile_stays(tmp_path: Path) -> None:
    """A step that waited for Eagle carries an old record; a correction and a playlist made since are kept."""
    with running_eagle() as app:
        library, old = prepared(tmp_path, app)
        corrected = dataclasses.replace(old, by_hand=(("title", "Crossing"),), playlists=("Sunday",))
        with open_index(library.settings.data_dir) as index:
            index.add(corrected)

        brought = library.bring_to_eagle(old)
        added = library.add_to_playlist(old, "Friday")

        assert len(brought.eagle) == 1
        assert brought == dataclasses.replace(corrected, eagle=brought.eagle)
        assert added == dataclasses.replace(brought, playlists=("Sunday", "Friday"))
        assert library.lookup("soundcloud:7") == added


def test_folders_are_reused_whatever_their_case(tmp_path: Path) -> None:
    """Eagle would make a second one of the same name."""
    with running_eagle() as app:
        app.folders = [
            {"id": "P", "name": "playlists", "children": [{"id": "S", "name": "Sunday ", "children": []}]}
        ]
        library, track = prepared(tmp_path, app, filed(tmp_path, playlists=("Sunday",)))

        library.bring_to_eagle(track)

        assert app.items[0]["folders"] == ["S"]
        assert "Sunday" in app.items[0]["tags"]


def test_a_lost_answer_is_looked_up_not_asked_again(tmp_path: Path) -> None:
    """The connection breaks after Eagle took the file: it is found and used."""
    with running_eagle(lose_answers=1, shows_after_s=0.1) as app:
        library, track = prepared(tmp_path, app)

        brought = library.bring_to_eagle(track)

        assert app.imports() == len(app.items) == 1
        assert brought.eagle[0].id == app.items[0]["id"]


def test_what_does_not_show_up_is_waited_for_and_never_given_twice(tmp_path: Path) -> None:
    """The first attempt ends as “later”; the next finds what had been taken meanwhile."""
    with running_eagle(shows_after_s=0.6) as app:
        library, track = prepared(tmp_path, app, appears_s=0.05)

        with pytest.raises(Unavailable, match="not given it twice") as told:
            library.bring_to_eagle(track)
        assert told.value.retry_after_s is not None
        with pytest.raises(Unavailable):
            library.bring_to_eagle(track)
        app.shows_after_s = 0.0
        app.items[0]["_shows_at"] = 0.0
        brought = library.bring_to_eagle(track)

        assert app.imports() == len(app.items) == 1
        assert brought.eagle[0].id == app.items[0]["id"]


def test_an_import_that_never_happened_is_asked_for_again_when_its_time_is_over(tmp_path: Path) -> None:
    """A worker killed between its note and its request leaves a note that does not stand in the way for ever."""
    with running_eagle() as app:
        library, track = prepared(tmp_path, app, again_s=0.0)
        notes = Path(library.settings.data_dir) / "eagle_imports.json"
        notes.write_text(json.dumps({key_tag("soundcloud:7", "AIFF"): 1_000.0}))

        library.bring_to_eagle(track)

        assert len(app.items) == 1
        assert json.loads(notes.read_text()) == {}


def test_two_workers_at_once_import_one_item(tmp_path: Path) -> None:
    """The lock makes the second wait, and it then finds the first one's."""
    with running_eagle(shows_after_s=0.2) as app:
        library, track = prepared(tmp_path, app)
        threads = [threading.Thread(target=library.bring_to_eagle, args=(track,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(app.items) == 1


def test_another_library_is_left_alone(tmp_path: Path) -> None:
    """With the wrong library open nothing is imported, and the sentence names both."""
    with running_eagle(library="/Users/dj/Photos.library") as app:
        library, track = prepared(tmp_path, app, library_path=LIBRARY)

        with pytest.raises(NotReady, match=r"Photos\.library open\. Open .*Music\.library"):
            library.bring_to_eagle(track)
        assert app.items == []


@pytest.mark.parametrize("written", [LIBRARY + "/", "/users/DJ/music.library"])
def test_the_library_is_recognised_however_it_is_written(written: str, tmp_path: Path) -> None:
    """A last slash and letter case do not matter on a Mac."""
    with running_eagle(library=LIBRARY) as app:
        library, track = prepared(tmp_path, app, library_path=written)

        assert library.bring_to_eagle(track).eagle


def test_an_app_that_does_not_run_is_said_in_words(tmp_path: Path) -> None:
    """Not ready: a person starts it. A track whose items are on record needs no running app."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        app = Eagle(base=f"http://127.0.0.1:{unused.getsockname()[1]}")
        library, track = prepared(tmp_path, app)

        with pytest.raises(NotReady, match=r"Eagle does not answer .* Start Eagle"):
            library.bring_to_eagle(track)
    with running_eagle() as running:
        there = prepared(tmp_path, running)[0].bring_to_eagle(track)
    assert library.bring_to_eagle(there).eagle == there.eagle


def test_a_refusal_in_a_friendly_status_is_seen(tmp_path: Path) -> None:
    """HTTP 200 with an error inside: nothing counts as imported, and it may be asked for again at once."""
    with running_eagle(refuse="disk is full") as app:
        library, track = prepared(tmp_path, app)

        with pytest.raises(NotReady, match="Eagle refuses to import: disk is full"):
            library.bring_to_eagle(track)
        app.refuse = ""
        library.bring_to_eagle(track)

        assert len(app.items) == 1


def test_something_else_on_the_port_is_not_taken_for_eagle(tmp_path: Path) -> None:
    """Another program that answers JSON is named as what it is."""
    with running_eagle() as app:
        app.answer = lambda *_: (200, {"hello": 1})  # type: ignore[method-assign]  # another program
        library, track = prepared(tmp_path, app)

        with pytest.raises(NotReady, match="is not Eagle"):
            library.bring_to_eagle(track)


def test_the_token_is_sent_and_never_told(tmp_path: Path) -> None:
    """In the query, taken also from the address as Eagle shows it; absent from errors, settings and notes."""
    with running_eagle(token=TOKEN) as app:
        library, track = prepared(tmp_path, app, token=TOKEN)
        assert library.bring_to_eagle(track).eagle
        pasted = dataclasses.replace(settings(app), base_url=f"{app.base}/?token={TOKEN}")
        other = make_library(tmp_path / "other", eagle=pasted)
        with open_index(other.settings.data_dir) as index:
            index.add(track)
        assert other.bring_to_eagle(track).eagle
        wrong, _ = prepared(tmp_path, app, token="wrong-" + TOKEN)
        with pytest.raises(NotReady) as refused:
            wrong.bring_to_eagle(track)

    told = f"{refused.value} {library.settings!r} {library!r}"
    assert "EAGLE_TOKEN" in told
    assert TOKEN not in told


def test_what_a_person_threw_away_is_brought_again(tmp_path: Path) -> None:
    """An item in the trash does not count."""
    with running_eagle() as app:
        library, track = prepared(tmp_path, app)
        first = library.bring_to_eagle(track)
        app.trash(first.eagle[0].id)

        second = library.bring_to_eagle(first)

        assert second.eagle[0].id != first.eagle[0].id


def test_without_eagle_nothing_happens(tmp_path: Path) -> None:
    """It is an option."""
    library = make_library(tmp_path)
    track = filed(tmp_path)

    assert library.bring_to_eagle(track) is track


def eagle_check(library: Library, track: FiledTrack) -> Check:
    """The check of the item."""
    (check,) = [check for check in library.verify(track, None) if check.name.startswith("Eagle")]
    return check


def test_verification_looks_at_the_item_itself(tmp_path: Path) -> None:
    """There: pass. Cut short, its tag taken off, in the trash, gone: fail, each in words. App closed: skip."""
    with running_eagle() as app:
        library, track = prepared(tmp_path, app)
        track = library.bring_to_eagle(track)
        (item,) = app.items
        assert eagle_check(library, track).verdict == "pass"
        size, tags = item["size"], item["tags"]
        item["size"] = 3
        assert eagle_check(library, track).found == "3 bytes"
        item["size"], item["tags"] = size, []
        assert "its tag" in eagle_check(library, track).found
        item["tags"], item["isDeleted"] = tags, True
        assert "trash" in eagle_check(library, track).found
        app.items.clear()
        assert eagle_check(library, track) == dataclasses.replace(
            eagle_check(library, track), verdict="fail", found="no such item"
        )
    closed = eagle_check(library, track)
    assert closed.verdict == "skip"
    assert "Start Eagle" in closed.found
