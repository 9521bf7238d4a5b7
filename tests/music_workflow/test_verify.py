"""Verification: every way a filed track can stop being what was recorded is seen, and nothing else is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from music_workflow.core import origins, playlists
from music_workflow.core.library import Library
from music_workflow.core.listing import Entry, Listing
from music_workflow.index.volume import open_index
from music_workflow.metadata import tags
from music_workflow.model import Check, EagleItem, FiledTrack, PageClaims
from tests.fakes.media_server import media_server
from tests.music_workflow.library_world import make_library, piece, sync


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FiledTrack]:
    """One track, filed once for all tests of this file."""
    folder = tmp_path_factory.mktemp("filed")
    with media_server() as server:
        track = sync(
            make_library(folder), server.serve_audio("/tide.m4a", piece(seconds=12.0)), folder / "work"
        )
    return folder, track


@pytest.fixture
def shelf(filed: tuple[Path, FiledTrack], tmp_path: Path) -> tuple[Library, FiledTrack]:
    """A copy of that library to be damaged: the same records, the files in a folder of this test's own."""
    folder, track = filed
    shutil.copytree(folder, tmp_path / "copy")
    library = make_library(tmp_path / "copy")
    moved = tuple(
        replace(file, path=file.path.replace(str(folder), str(tmp_path / "copy"))) for file in track.files
    )
    track = replace(track, files=moved)
    with open_index(library.settings.data_dir) as index:
        index.add(track)
    library.scan(())
    return library, track


def claims_of(track: FiledTrack) -> PageClaims:
    """What an honest row says."""
    return PageClaims(
        paths=tuple((file.format, file.path) for file in track.files),
        bpm=track.analysis.bpm,
        key=track.analysis.key,
        duration_s=round(track.analysis.duration_s),
        downloaded=True,
    )


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    """Order checks by name."""
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


def failures(checks: tuple[Check, ...]) -> set[str]:
    """Name the checks that failed."""
    return {check.name for check in checks if check.verdict == "fail"}


def test_an_untouched_track_passes_every_check(shelf: tuple[Library, FiledTrack]) -> None:
    """Eight checks a file, two of the source, two of the index, seven of the row, each with its values."""
    library, track = shelf

    checks = library.verify(track, claims_of(track))

    unsaid = {"Source length": "the service does not say how long it is"}
    assert {check.name: check.found for check in checks if check.verdict != "pass"} == unsaid
    assert len(checks) == 8 * 3 + 2 + 2 + 7
    assert all(check.found for check in checks)


def test_without_a_row_its_checks_are_skipped_not_passed(shelf: tuple[Library, FiledTrack]) -> None:
    """What was not looked at does not count as found good."""
    library, track = shelf

    row = by_name(library.verify(track, None))["Row"]

    assert row.verdict == "skip"


def test_a_row_without_a_duration_is_silent_not_wrong(shelf: tuple[Library, FiledTrack]) -> None:
    """Not every database has that column."""
    library, track = shelf

    assert (
        by_name(library.verify(track, replace(claims_of(track), duration_s=None)))["Row duration"].verdict
        == "skip"
    )


def test_the_sound_itself_is_held_against_the_record(shelf: tuple[Library, FiledTrack]) -> None:
    """24 bit at 48 kHz is seen in the file, not believed."""
    library, track = shelf

    checks = by_name(library.verify(track, None))

    assert checks["WAV format"].found == "pcm_s24le 48 kHz 24 bit"
    assert checks["AIFF format"].found == "pcm_s24be 48 kHz 24 bit"
    coarse = replace(track.files[1], bits=16)
    checks = by_name(library.verify(replace(track, files=(track.files[0], coarse, track.files[2])), None))
    assert checks["WAV format"].verdict == "fail"


def _delete(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _retag(path: Path) -> None:
    tags.write(str(path), "WAV", replace(tags.read(str(path)), title="Ebb"))


def _replace(path: Path) -> None:
    path.write_bytes(piece("wav", seconds=13.0, seed=2))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_delete, {"WAV file"}),
        (_truncate, {"WAV size", "WAV SHA-256"}),
        (_flip, {"WAV SHA-256"}),
        (_retag, {"WAV SHA-256", "WAV tags"}),
        (_replace, {"WAV size", "WAV SHA-256", "WAV duration", "WAV sound", "WAV tags"}),
    ],
)
def test_damage_to_one_file_is_seen_there(
    shelf: tuple[Library, FiledTrack], damage: Callable[[Path], None], expected: set[str]
) -> None:
    """Deleted, cut, altered, re-tagged or replaced: the checks of that file fail, and of no other."""
    library, track = shelf
    damage(Path(track.files[1].path))

    failed = failures(library.verify(track, claims_of(track)))

    assert expected <= failed
    assert all(name.startswith("WAV") for name in failed)


def test_a_missing_file_skips_what_cannot_be_looked_at(shelf: tuple[Library, FiledTrack]) -> None:
    """One failure, and the rest says why it was skipped."""
    library, track = shelf
    Path(track.files[0].path).unlink()

    checks = by_name(library.verify(track, None))

    assert checks["M4A file"].verdict == "fail"
    assert checks["M4A decodes"].verdict == "skip"
    assert "no file" in checks["M4A decodes"].found


def test_files_like_it_elsewhere_do_not_help(shelf: tuple[Library, FiledTrack]) -> None:
    """A copy next to where the file should be is not the file."""
    library, track = shelf
    path = Path(track.files[2].path)
    path.rename(path.with_name("copy of it.aiff"))

    assert failures(library.verify(track, None)) == {"AIFF file"}


def test_a_missing_index_entry_is_seen(shelf: tuple[Library, FiledTrack]) -> None:
    """SQLite and export are two checks."""
    library, track = shelf
    with open_index(library.settings.data_dir) as index, index.connection as db:
        db.execute("DELETE FROM tracks")

    assert failures(library.verify(track, None)) == {"Index entry"}


@pytest.mark.parametrize("how", ["gone", "stale", "foreign"])
def test_an_export_that_does_not_hold_the_track_is_seen(shelf: tuple[Library, FiledTrack], how: str) -> None:
    """A missing, outdated or foreign export fails with words."""
    library, track = shelf
    export = Path(library.settings.index_export_path)
    if how == "gone":
        export.unlink()
    elif how == "stale":
        content = json.loads(export.read_text())
        export.write_text(json.dumps({**content, "tracks": []}))
    else:
        export.write_text('{"tracks": [], "version": "1.0"}')

    assert failures(library.verify(track, None)) == {"Index export"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"paths": ()}, {"Row M4A path", "Row WAV path", "Row AIFF path"}),
        ({"downloaded": False}, {"Row Downloaded"}),
        ({"bpm": None}, {"Row BPM"}),
        ({"key": None}, {"Row key"}),
        ({"duration_s": 300.0}, {"Row duration"}),
    ],
)
def test_a_row_that_says_otherwise_is_seen(
    shelf: tuple[Library, FiledTrack], change: dict[str, object], expected: set[str]
) -> None:
    """Empty and differing columns fail by name."""
    library, track = shelf

    checks = library.verify(track, replace(claims_of(track), **change))  # type: ignore[arg-type]  # fields by name

    assert failures(checks) == expected


def test_a_persons_own_tempo_and_key_stand(shelf: tuple[Library, FiledTrack]) -> None:
    """A value that differs from the measured one is a person's, passes, and is said to be so."""
    library, track = shelf
    theirs = replace(claims_of(track), bpm=91.5, key="C major")

    checks = by_name(library.verify(track, theirs))

    for name in ("Row BPM", "Row key"):
        assert checks[name].verdict == "pass"
        assert "a person's own value" in checks[name].found


def test_the_camelot_name_of_the_key_is_the_key(shelf: tuple[Library, FiledTrack]) -> None:
    """A row that keeps keys as 8A agrees with A minor."""
    library, track = shelf

    check = by_name(library.verify(track, replace(claims_of(track), key=track.analysis.camelot)))["Row key"]

    assert (check.verdict, check.found) == ("pass", track.analysis.camelot)


def test_a_source_that_was_cut_short_is_seen(shelf: tuple[Library, FiledTrack]) -> None:
    """Shorter than its service said, or a preview by name or by length: fail, with both figures."""
    library, track = shelf

    def source_checks(stated: float, format_id: str) -> dict[str, str]:
        asked = replace(track.identity, duration_s=stated)
        changed = replace(track, identity=asked, source_format_id=format_id)
        checks = by_name(library.verify(changed, None))
        return {name: checks[name].verdict for name in ("Source length", "Source is no preview")}

    assert set(source_checks(12.4, "hls_aac").values()) == {"pass"}
    assert set(source_checks(200.0, "hls_aac").values()) == {"fail"}
    assert source_checks(12.4, "http_mp3_preview")["Source is no preview"] == "fail"


def test_other_music_with_the_right_name_is_heard(shelf: tuple[Library, FiledTrack]) -> None:
    """Size and hash aside, the fingerprint tells that it is not what was downloaded; without one it is a skip."""
    library, track = shelf
    _replace(Path(track.files[1].path))

    assert by_name(library.verify(track, None))["WAV sound"].verdict == "fail"
    forgotten = by_name(library.verify(replace(track, fingerprint=None), None))
    assert forgotten["WAV sound"].verdict == "skip"


def test_a_playlists_file_is_looked_at(shelf: tuple[Library, FiledTrack], tmp_path: Path) -> None:
    """There: pass; replaced or gone: fail."""
    library, track = shelf
    copy = tmp_path / "Sunday" / "Tide.wav"
    copy.parent.mkdir()
    shutil.copyfile(track.files[1].path, copy)
    listed = replace(track, playlist_paths=(str(copy),))

    def verdict() -> tuple[str, str]:
        check = by_name(library.verify(listed, None))["Playlist file in Sunday"]
        return check.verdict, check.found

    assert verdict() == ("pass", str(copy))
    copy.write_bytes(b"another")
    assert verdict() == ("fail", "another file: 7 bytes")
    copy.unlink()
    assert verdict() == ("fail", "no such file")


def test_the_row_names_the_item_in_eagle(shelf: tuple[Library, FiledTrack]) -> None:
    """A row that lost it, or names another, is found out."""
    library, track = shelf
    track = replace(track, eagle=(EagleItem(format="AIFF", id="ABC", size=1),))

    for said, verdict in (("ABC", "pass"), ("XYZ", "fail"), (None, "fail")):
        claims = replace(claims_of(track), eagle_id=said)
        assert by_name(library.verify(track, claims))["Row Eagle File ID"].verdict == verdict


def test_the_playlists_that_hold_it_are_on_its_row(shelf: tuple[Library, FiledTrack]) -> None:
    """Linked to all: pass. To some only: fail. To none: a skip that says why. In no playlist: no check."""
    library, track = shelf
    assert "Row playlists" not in by_name(library.verify(track, claims_of(track)))
    entry = Entry(key=track.identity.key, link=track.identity.url, title="Tide", artists=("Ada Loop",))
    for name, page in (("Sunday", "page-1"), ("Late", "page-2")):
        listing = Listing(
            key=f"spotify:playlist:{name}",
            url="https://example.org",
            service="spotify",
            kind="playlist",
            title=name,
            entries=(entry,),
        )
        playlists.keep(library.settings, listing, page)

    for linked, verdict in ((("page-1", "page-2", "x"), "pass"), (("page-1",), "fail"), ((), "skip")):
        claims = replace(claims_of(track), playlists=linked)
        assert by_name(library.verify(track, claims))["Row playlists"].verdict == verdict


def test_playlists_count_that_name_it_by_the_link_it_was_asked_for_by(
    shelf: tuple[Library, FiledTrack],
) -> None:
    """Spotify's list holds Spotify's link, though the sound came from elsewhere."""
    library, track = shelf
    asked = "https://open.spotify.com/track/3uUuGVFu1V7jTQL60S1r8z"
    origins.remember(library.settings, asked, track.identity.url)
    entry = Entry(key="spotify:3uUuGVFu1V7jTQL60S1r8z", link=asked, title="Tide")
    listing = Listing(
        key="spotify:playlist:Sunday",
        url="https://example.org",
        service="spotify",
        kind="playlist",
        title="Sunday",
        entries=(entry,),
    )
    playlists.keep(library.settings, listing, "page-1")

    claims = replace(claims_of(track), playlists=("another",))
    assert by_name(library.verify(track, claims))["Row playlists"].verdict == "fail"
