"""From a link to an untouched file in the work folder, for plain files on the web."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from music_workflow.core.library import Library
from music_workflow.errors import BadLink, GeoBlocked, MusicError, Removed, Unavailable, Unobtainable
from music_workflow.integrations.files import split_name
from music_workflow.model import silent
from tests.fakes.media_server import Answer, MediaServer, SoundCloud, media_server
from tests.music_workflow.library_world import SECONDS, make_library, piece


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """A web server on loopback."""
    with media_server() as running:
        yield running


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library in a folder of its own."""
    return make_library(tmp_path)


@pytest.mark.parametrize("audio_format", ["m4a", "mp3", "flac", "opus", "wav"])
def test_a_files_own_tags_name_the_track(server: MediaServer, library: Library, audio_format: str) -> None:
    """Title and artist come from the tags, read from the first megabyte, before anything is downloaded."""
    url = server.serve_audio(
        f"/{audio_format}/x.{audio_format}", piece(audio_format), "application/octet-stream"
    )

    identity = library.identify(f"{url}?utm_source=mail")

    assert (identity.title, identity.artists, identity.service) == ("Tide", ("Ada Loop",), "direct")
    assert identity.url == url
    assert identity.key.startswith("url:")


def test_the_file_name_names_the_track_when_there_are_no_tags(server: MediaServer, library: Library) -> None:
    """The path, or Content-Disposition, is taken apart as "Artist - Title.ext"."""
    silence = (
        b"RIFF"
        + (2036).to_bytes(4, "little")
        + b"WAVEfmt \x10\0\0\0\1\0\1\0\x80\xbb\0\0\0\x77\1\0\2\0\x10\0data"
    )
    body = silence + (2000).to_bytes(4, "little") + bytes(2000)
    plain = server.serve_audio("/Ada Loop - Süße Tide.wav", body, "audio/wav")
    named = server.serve_audio(
        "/download",
        body,
        "audio/wav",
        headers={"Content-Disposition": 'attachment; filename="03. Mo - Ebb.wav"'},
    )

    first, second = library.identify(plain.replace(" ", "%20")), library.identify(named)

    assert (first.title, first.artists) == ("Süße Tide", ("Ada Loop",))
    assert (second.title, second.artists) == ("Ebb", ("Mo",))


@pytest.mark.parametrize(
    ("stem", "artists", "title"),
    [
        ("Ada Loop - Tide", ("Ada Loop",), "Tide"),
        ("Ada_Loop_-_Tide_(Remix)", ("Ada Loop",), "Tide (Remix)"),
        ("07 - Tide", (), "Tide"),
        ("07. Ada Loop - Tide - Live", ("Ada Loop",), "Tide - Live"),
        ("Tide", (), "Tide"),
        ("99 Luftballons", (), "Luftballons"),
        ("", (), ""),
    ],
)
def test_file_names_are_read(stem: str, artists: tuple[str, ...], title: str) -> None:
    """The usual shapes of file names."""
    assert split_name(stem) == (artists, title)


def test_the_very_bytes_arrive_measured_with_the_cover(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """The download is untouched; its duration is measured, its embedded cover kept."""
    url = server.serve_audio("/tide.m4a", piece())

    source = library.fetch(library.identify(url), str(tmp_path / "work"), silent)

    assert Path(source.path).read_bytes() == piece()
    assert (source.size, source.codec, source.format_id) == (len(piece()), "aac", "direct")
    assert source.duration_s == pytest.approx(SECONDS, abs=0.05)
    assert source.artwork_path is not None
    assert Path(source.artwork_path).read_bytes()[:3] in {b"\xff\xd8\xff", b"\x89PN"}


def test_a_complete_download_is_recognised(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """Fetching again after a crash asks the server for nothing."""
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))
    first = library.fetch(identity, str(tmp_path / "work"), silent)
    server.seen.clear()

    second = library.fetch(identity, str(tmp_path / "work"), silent)

    assert second == first
    assert server.seen == []


def test_a_damaged_download_is_fetched_again(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """A file that is not as it was noted does not pass for a complete download."""
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))
    first = library.fetch(identity, str(tmp_path / "work"), silent)
    Path(first.path).write_bytes(b"\0" * first.size)

    assert library.fetch(identity, str(tmp_path / "work"), silent) == first
    assert Path(first.path).read_bytes() == piece()


def test_another_track_in_the_same_folder_is_not_taken_for_it(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """A complete download counts for its own track only."""
    ours, other = piece(), piece("mp3", seconds=5.0, seed=2, title="Ebb")
    library.fetch(library.identify(server.serve_audio("/a.m4a", ours)), str(tmp_path / "work"), silent)

    source = library.fetch(
        library.identify(server.serve_audio("/b.mp3", other, "audio/mpeg")), str(tmp_path / "work"), silent
    )

    assert Path(source.path).read_bytes() == other


def test_a_broken_download_is_continued_where_it_stopped(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """What is there is not fetched twice, when the server can tell that it is the same file."""
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))
    server.serve_audio("/tide.m4a", piece(), break_after=30_000)
    with pytest.raises(Unavailable, match="broke off"):
        library.fetch(identity, str(tmp_path / "work"), silent)
    server.serve_audio("/tide.m4a", piece())
    server.seen.clear()

    source = library.fetch(identity, str(tmp_path / "work"), silent)

    assert Path(source.path).read_bytes() == piece()
    (request,) = server.seen
    assert int(request.headers["Range"].removeprefix("bytes=").removesuffix("-")) > 0


def test_a_blip_is_not_seen_outside(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """A connection lost once is tried again at once, from where it stopped."""
    whole = Answer(body=piece(), content_type="audio/mp4")
    answers = [whole, replace(whole, break_after=100_000), replace(whole, break_after=60_000), whole]
    url = server.serve("/tide.m4a", lambda _seen: answers.pop(0))

    source = library.fetch(library.identify(url), str(tmp_path / "work"), silent)

    assert Path(source.path).read_bytes() == piece()
    assert answers == []
    assert int(server.seen[-1].headers["Range"].removeprefix("bytes=").removesuffix("-")) >= 100_000


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """Halves of two versions are never put together."""
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))
    server.serve_audio("/tide.m4a", piece(), break_after=30_000)
    with pytest.raises(Unavailable):
        library.fetch(identity, str(tmp_path / "work"), silent)
    changed = piece(seed=2)
    server.serve_audio("/tide.m4a", changed)

    source = library.fetch(identity, str(tmp_path / "work"), silent)

    assert Path(source.path).read_bytes() == changed


def test_a_server_without_ranges_works(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """Neither Range nor Content-Length is needed."""
    url = server.serve_audio("/tide.m4a", piece(), ranges=False, state_length=False)

    source = library.fetch(library.identify(url), str(tmp_path / "work"), silent)

    assert Path(source.path).read_bytes() == piece()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unobtainable),
        (403, Unobtainable),
        (404, Removed),
        (410, Removed),
        (429, Unavailable),
        (451, GeoBlocked),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_servers_refusal_is_told_apart(
    server: MediaServer, library: Library, status: int, error: type[MusicError]
) -> None:
    """A dead link, a lock, a busy server and a geo block are four things."""
    url = server.serve("/tide.m4a", Answer(status=status, headers={"Retry-After": "7", "X-Request-Id": "r1"}))

    with pytest.raises(error, match=str(status)) as caught:
        library.identify(url)
    assert type(caught.value) is error
    assert caught.value.request_id == "r1"
    assert getattr(caught.value, "retry_after_s", 7.0) == 7.0


def test_a_server_that_stalls_counts_as_down(server: MediaServer, tmp_path: Path) -> None:
    """Silence ends after the set time."""
    url = server.serve_audio("/tide.m4a", piece(), chunk_delay_s=0.6)

    with pytest.raises(Unavailable, match="did not answer in time"):
        make_library(tmp_path, timeout_s=0.2).identify(url)


def test_a_page_in_the_place_of_audio_is_not_filed(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """A login page served with 200 is recognised by its type."""
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))
    server.serve("/tide.m4a", Answer(body=b"<html>please log in</html>", content_type="text/html"))

    with pytest.raises(Unavailable, match="text/html"):
        library.fetch(identity, str(tmp_path / "work"), silent)


def test_bytes_that_are_no_audio_are_refused(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """A file that only calls itself audio does not get past the download."""
    identity = library.identify(server.serve_audio("/noise.m4a", b"not music at all " * 1000))

    with pytest.raises(BadLink):
        library.fetch(identity, str(tmp_path / "work"), silent)
    assert not (tmp_path / "work" / "source.json").exists()


def test_progress_tells_how_much_of_how_much(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """Fractions rise to one, with megabytes in words."""
    heard: list[tuple[float, str]] = []
    identity = library.identify(server.serve_audio("/tide.m4a", piece()))

    library.fetch(identity, str(tmp_path / "work"), lambda fraction, words: heard.append((fraction, words)))

    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert heard[-1][1].endswith("of 0.2 MB")


def test_a_short_link_leads_to_the_tracks_own_identity(server: MediaServer, tmp_path: Path) -> None:
    """on.soundcloud.com is followed, and what counts is where it leads."""
    url = SoundCloud(server).add(7, "ada/tide", title="Tide", artist="Ada", audio=piece(), duration_s=SECONDS)
    server.redirect("/on.soundcloud.com/Ab12", f"{url}?si=1&utm_source=x")

    identity = make_library(tmp_path, service_base=server.base).identify("https://on.soundcloud.com/Ab12")

    assert (identity.key, identity.url) == ("soundcloud:7", url)


def test_nothing_secret_is_kept_beside_a_download(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """The notes in the work folder hold the canonical link and figures, nothing else."""
    library.fetch(library.identify(server.serve_audio("/tide.m4a", piece())), str(tmp_path / "work"), silent)

    noted = json.loads((tmp_path / "work" / "source.json").read_text())
    assert set(noted) == {"identity", "source"}
