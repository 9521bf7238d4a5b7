"""yt-dlp's real extractors, run against services that stand on loopback."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest

from music_workflow.core.library import Library
from music_workflow.errors import (
    BadLink,
    GeoBlocked,
    MusicError,
    NoMatch,
    Protected,
    Removed,
    Unavailable,
    Unobtainable,
)
from music_workflow.integrations import ytdlp
from music_workflow.integrations.browser import BrowserSession
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.ytdlp import YtDlp
from music_workflow.model import silent
from tests.fakes.media_server import Answer, Bandcamp, MediaServer, SoundCloud, Trouble, YouTube, media_server
from tests.music_workflow.library_world import SECONDS, make_library, piece, piece_in_segments


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """The services' machine."""
    with media_server() as running:
        yield running


@pytest.fixture
def library(server: MediaServer, tmp_path: Path) -> Library:
    """A library whose whole outside world is that machine; private addresses are refused."""
    return make_library(tmp_path, service_base=server.base, allow_private_addresses=False)


def publish(server: MediaServer, trouble: Trouble = "none", **more: Any) -> str:
    """Put a track on SoundCloud."""
    values = {"title": "Tide", "artist": "Ada Loop", "audio": piece(), "duration_s": SECONDS, **more}
    return SoundCloud(server).add(7, "ada-loop/tide", trouble=trouble, **values)


def test_a_soundcloud_track_is_identified_and_fetched(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """The page's id, title, artist and duration are the identity, and the very bytes arrive."""
    cover = "https://i1.sndcdn.com/artworks-x-large.png"
    server.serve("/i1.sndcdn.com/artworks-x-original.png", Answer(body=PNG, content_type="image/png"))
    url = publish(server, artwork_url=cover)

    identity = library.identify(url + "?si=abc&utm_source=clipboard")
    source = library.fetch(identity, str(tmp_path / "work"), silent)

    assert identity.key == "soundcloud:7"
    assert (identity.title, identity.artists, identity.duration_s) == ("Tide", ("Ada Loop",), SECONDS)
    assert identity.url == url
    assert Path(source.path).read_bytes() == piece()
    assert source.format_id == "http_aac_160k"
    assert source.artwork_path is not None
    assert Path(source.artwork_path).read_bytes() == PNG


def test_a_stream_in_segments_is_put_together(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """HLS, as SoundCloud mostly serves it, becomes one whole file without any other program."""
    segments = piece_in_segments()

    source = library.fetch(
        library.identify(publish(server, segments=segments)), str(tmp_path / "work"), silent
    )

    assert source.duration_s == pytest.approx(SECONDS, abs=0.1)
    assert source.codec == "aac"
    assert source.format_id == "hls_aac_160k"
    assert len([seen for seen in server.seen if seen.path.endswith(".m4s")]) == len(segments) - 2


def test_soundclouds_recording_code_is_kept(server: MediaServer, library: Library) -> None:
    """yt-dlp drops the ISRC of the publisher's data; it is what tells one recording from another."""
    assert library.identify(publish(server, isrc="gb-abc-24-00001")).isrc == "GBABC2400001"


def test_an_artist_is_not_named_twice(server: MediaServer, library: Library) -> None:
    """Uploaders repeat the artist in the title; the identity has it once."""
    identity = library.identify(publish(server, title="ADA LOOP - Tide (Zen Remix)"))

    assert (identity.title, identity.artists) == ("Tide (Zen Remix)", ("Ada Loop",))


def test_a_malformed_recording_code_is_no_identity(server: MediaServer, library: Library) -> None:
    """Publishers write all sorts of things there."""
    assert library.identify(publish(server, isrc="n/a")).isrc is None


def test_a_youtube_video_is_identified_and_fetched(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """A short link with junk leads to the canonical one, and "Artist - Title" is taken apart."""
    YouTube(server).add(
        "abcdefghij0", title="Ada Loop - Tide", channel="Ada Loop", audio=piece(), duration_s=SECONDS
    )

    identity = library.identify("https://youtu.be/abcdefghij0?si=zzz")
    source = library.fetch(identity, str(tmp_path / "work"), silent)

    assert identity.key == "youtube:abcdefghij0"
    assert identity.url == "https://www.youtube.com/watch?v=abcdefghij0"
    assert (identity.title, identity.artists) == ("Tide", ("Ada Loop",))
    assert Path(source.path).read_bytes() == piece()


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        ("Ada Loop - Tide (Official Audio)", "Tide"),
        ("Ada Loop - Tide (Rio Vega Remix) [Official Music Video] (4K)", "Tide (Rio Vega Remix)"),
        ("Ada Loop - Tide (Lyric Video)", "Tide"),
        ("Ada Loop - Tide (Official Remix)", "Tide (Official Remix)"),
        ("Ada Loop - Tide (Live Video)", "Tide (Live Video)"),
        ("Ada Loop - Tide (Dirty)", "Tide (Dirty)"),
        ("Ada Loop - Video (Music)", "Video (Music)"),
        ("Ada Loop - (Official Video)", "(Official Video)"),
    ],
)
def test_what_is_said_of_the_video_is_no_part_of_the_title(
    server: MediaServer, library: Library, shown: str, title: str
) -> None:
    """Brackets that speak of picture and quality go; those that tell a version stay, and so does a bare title."""
    link = YouTube(server).add("abcdefghij0", title=shown, channel="Ada Loop", audio=b"", duration_s=SECONDS)

    assert library.identify(link).title == title


@pytest.mark.parametrize("challenge", [False, True])
def test_a_bandcamp_track_is_fetched_also_past_a_wall_for_programs(
    server: MediaServer, library: Library, tmp_path: Path, *, challenge: bool
) -> None:
    """Where a site serves browsers only, a browser's handshake is tried, under the same guard."""
    url = Bandcamp(server).add(
        "Ada Loop", "tide", title="Tide", audio=piece("mp3"), duration_s=SECONDS, challenge=challenge
    )

    identity = library.identify(url)
    source = library.fetch(identity, str(tmp_path / "work"), silent)

    assert (identity.key, identity.title, identity.artists) == ("bandcamp:77", "Tide", ("Ada Loop",))
    assert Path(source.path).read_bytes() == piece("mp3")


def test_the_browsers_redirects_are_guarded_too(server: MediaServer) -> None:
    """Each hop of the browser-like session is checked, followed by the rules of HTTP, and circles end."""
    guard = Guard(gateway=server.base)
    server.redirect("/a.example/x", "https://b.example/y?z=1", status=303)
    server.serve("/b.example/y", Answer(body=b"there", content_type="text/plain"))
    server.redirect("/a.example/in", "http://10.0.0.1/admin")
    server.redirect("/a.example/round", "/round")

    with BrowserSession(guard, 1_000_000, impersonate="chrome") as session:
        found = session.request("POST", "https://a.example/x", data=b"words")
        assert (found.content, found.url) == (b"there", "https://b.example/y?z=1")
        assert [(seen.method, seen.body) for seen in server.seen] == [("POST", "words"), ("GET", "")]
        with pytest.raises(BadLink, match=r"10\.0\.0\.1"):
            session.request("GET", "https://a.example/in")
        with pytest.raises(BadLink, match="circle"):
            session.request("GET", "https://a.example/round")


def test_audio_embedded_in_any_page_is_found(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """A page of a site nobody knows is searched for audio."""
    page = b'<html><head><title>Tide</title></head><body><audio src="https://files.blog.example/t.mp3"></audio></body></html>'
    server.serve("/blog.example/post", Answer(body=page, content_type="text/html"))
    server.serve_audio("/files.blog.example/t.mp3", piece("mp3"), "audio/mpeg")

    identity = library.identify("https://blog.example/post")
    source = library.fetch(identity, str(tmp_path / "work"), silent)

    assert identity.title == "Tide"
    assert Path(source.path).read_bytes() == piece("mp3")


@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        ("drm", Protected, "DRM"),
        ("preview", Protected, "preview"),
        ("geo", GeoBlocked, "this country"),
        ("gone", Removed, "404"),
        ("busy", Unavailable, "429"),
    ],
)
def test_what_soundcloud_refuses_is_said_in_our_words(
    server: MediaServer, library: Library, trouble: Trouble, error: type[MusicError], words: str
) -> None:
    """DRM, previews, geo blocks, dead links and rate limits are told apart before anything is downloaded."""
    url = publish(server, trouble)

    with pytest.raises(error, match=words) as caught:
        library.identify(url)
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_s == 90.0
    assert not [seen for seen in server.seen if seen.path.startswith("/cf-media")]


@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        ("drm", Protected, "DRM"),
        ("geo", GeoBlocked, "this country"),
        ("gone", Removed, "unavailable"),
        ("login", Unobtainable, "wants a login"),
    ],
)
def test_what_youtube_refuses_is_said_in_our_words(
    server: MediaServer, library: Library, trouble: Trouble, error: type[MusicError], words: str
) -> None:
    """A login wall is no dead link and no geo block; and yt-dlp's advice about cookies is not passed on."""
    url = YouTube(server).add(
        "abcdefghij1", title="x", channel="c", audio=piece(), duration_s=SECONDS, trouble=trouble
    )

    with pytest.raises(error, match=words) as caught:
        library.identify(url)
    assert "--cookies" not in str(caught.value)
    assert type(caught.value) is error


def test_a_shops_preview_is_not_taken_for_the_track(server: MediaServer, library: Library) -> None:
    """Beatport's page plays two minutes under plain format names and states no length: it is not even opened."""
    preview = {"mp4": {"url": "https://geo-samples.beatport.com/7.mp4"}}
    tide = {"id": 7, "slug": "tide", "name": "Tide", "mix": "Original Mix", "artists": [{"name": "Ada Loop"}]}
    playables = {"tracks": [{**tide, "preview": preview, "images": {}}]}
    page = f"<html><script>window.Playables = {json.dumps(playables)};</script></html>"
    server.serve(
        "/www.beatport.com/track/tide/7", Answer(body=page.encode(), content_type="text/html; charset=utf-8")
    )
    server.serve_audio("/geo-samples.beatport.com/7.mp4", piece())

    with pytest.raises(Protected, match="preview"):
        library.identify("https://www.beatport.com/track/tide/7")
    assert server.seen == []


def test_a_cut_stream_passed_off_as_the_track_is_told_by_its_length(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """Eight seconds where the page promises three minutes are a preview, whatever the format is called."""
    identity = library.identify(publish(server, duration_s=180.0))

    with pytest.raises(Protected, match="Only 8 of 180 seconds"):
        library.fetch(identity, str(tmp_path / "work"), silent)


def test_progress_is_reported_and_can_end_the_download(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """What the progress callback raises ends the download and arrives unchanged."""
    identity = library.identify(publish(server))
    heard: list[tuple[float, str]] = []

    class CancelledError(Exception):
        """The row was cancelled."""

    def stop(fraction: float, words: str) -> None:
        heard.append((fraction, words))
        raise CancelledError

    with pytest.raises(CancelledError):
        library.fetch(identity, str(tmp_path / "work"), stop)
    assert heard
    assert "MB" in heard[0][1]


def test_the_size_limit_holds_for_services_too(server: MediaServer, tmp_path: Path) -> None:
    """A stream larger than permitted is broken off."""
    library = make_library(tmp_path, service_base=server.base, max_bytes=100_000)
    identity = library.identify(publish(server))

    with pytest.raises(BadLink, match="larger than the permitted"):
        library.fetch(identity, str(tmp_path / "work"), silent)


def test_the_length_limit_holds_before_the_download(server: MediaServer, tmp_path: Path) -> None:
    """What the page says is too long is not even begun."""
    library = make_library(tmp_path, service_base=server.base, max_duration_s=60.0)

    with pytest.raises(BadLink, match="at most 1 are permitted"):
        library.identify(publish(server, duration_s=3600.0))


def test_a_stream_on_a_private_address_is_refused(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """What an extractor finds is held to the same guard as the link: no service can point into the local network."""
    url = publish(server)
    server.serve(
        "/api-v2.soundcloud.com/media/7/stream/progressive",
        Answer(body=b'{"url": "http://192.168.0.10/x.m4a"}', content_type="application/json"),
    )
    identity = library.identify(url)

    with pytest.raises(BadLink, match=r"192\.168\.0\.10"):
        library.fetch(identity, str(tmp_path / "work"), silent)


def test_a_redirect_inside_yt_dlp_is_guarded(server: MediaServer, library: Library) -> None:
    """Redirects that the extractor follows are checked hop by hop."""
    SoundCloud(server)
    server.redirect("/api-v2.soundcloud.com/resolve", "http://127.0.0.1:1/steal")

    with pytest.raises(BadLink, match=r"127\.0\.0\.1"):
        library.identify("https://soundcloud.com/ada-loop/tide")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_compressed_pages_are_read(server: MediaServer, library: Library, encoding: str) -> None:
    """Servers may answer compressed."""
    page = (
        b'<html><title>Tide</title><body><audio src="https://files.blog.example/t.mp3"></audio></body></html>'
    )
    server.serve("/blog.example/post", compressed(page, encoding))

    assert library.identify("https://blog.example/post").title == "Tide"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_page_that_swells_is_refused(
    server: MediaServer, library: Library, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes that unpack to gigabytes do not fill the memory."""
    monkeypatch.setattr(ytdlp, "PAGE_LIMIT", 1_000_000)
    server.serve("/blog.example/post", compressed(bytes(20_000_000), encoding))

    with pytest.raises(BadLink, match="larger than the permitted"):
        library.identify("https://blog.example/post")


def test_an_endless_page_is_refused(server: MediaServer, tmp_path: Path) -> None:
    """A page without a stated length is cut off at the limit."""
    library = make_library(tmp_path, service_base=server.base, max_bytes=1_000_000)
    SoundCloud(server)
    server.serve(
        "/api-v2.soundcloud.com/resolve", Answer(body=bytes(5_000_000), state_length=False, ranges=False)
    )

    with pytest.raises(BadLink, match="larger than the permitted"):
        library.identify("https://soundcloud.com/ada-loop/tide")


def compressed(page: bytes, encoding: str) -> Answer:
    """Serve a page in one of the three compressions."""
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[encoding]
    return Answer(
        body=pack(page), content_type="text/html", headers={"Content-Encoding": encoding}, ranges=False
    )


def test_a_page_that_serves_another_track_by_now_is_refused(
    server: MediaServer, library: Library, tmp_path: Path
) -> None:
    """What was identified is what is fetched, or nothing."""
    url = publish(server)
    identity = library.identify(url)
    SoundCloud(server).add(8, "ada-loop/tide", title="Ebb", artist="Mo", audio=piece(), duration_s=SECONDS)

    with pytest.raises(NoMatch, match="serves soundcloud:8"):
        library.fetch(identity, str(tmp_path / "work"), silent)
    assert not list((tmp_path / "work").glob("download*"))


def test_redirects_between_hosts_work(server: MediaServer, library: Library, tmp_path: Path) -> None:
    """An honest redirect to another public host is followed."""
    url = publish(server)
    server.redirect("/cf-media.sndcdn.com/7.m4a", "https://cdn2.sndcdn.com/7.m4a")
    server.serve_audio("/cdn2.sndcdn.com/7.m4a", piece())

    source = library.fetch(library.identify(url), str(tmp_path / "work"), silent)

    assert Path(source.path).read_bytes() == piece()


def test_known_drm_and_piracy_sites_are_refused_without_a_request(
    server: MediaServer, library: Library
) -> None:
    """yt-dlp's own lists are asked before the network."""
    with pytest.raises(Protected):
        library.identify("https://www.crunchyroll.com/watch/GY2P1Q98Y/x")
    with pytest.raises(BadLink, match="stolen"):
        library.identify("https://viewsb.com/dxfvlu4qanjx")
    assert server.seen == []


def test_a_page_without_audio_is_a_bad_link(server: MediaServer, library: Library) -> None:
    """Words, and no crash, where there is nothing to hear."""
    server.serve(
        "/blog.example/words", Answer(body=b"<html><title>Words</title></html>", content_type="text/html")
    )

    with pytest.raises(BadLink, match="no audio"):
        library.identify("https://blog.example/words")


def test_a_broken_service_is_a_matter_of_time(server: MediaServer, library: Library) -> None:
    """5xx answers are later, not never."""
    SoundCloud(server)
    server.serve("/api-v2.soundcloud.com/resolve", Answer(status=503))

    with pytest.raises(Unavailable, match="503"):
        library.identify("https://soundcloud.com/ada-loop/tide")


def test_a_dead_gateway_is_a_matter_of_time(tmp_path: Path) -> None:
    """A connection that is refused says so, and nothing hangs."""
    library = make_library(tmp_path, service_base="http://127.0.0.1:1", timeout_s=1.0)

    with pytest.raises(Unavailable, match="cannot be reached"):
        library.identify("https://soundcloud.com/ada-loop/tide")


def test_the_source_stays_picklable_and_small(tmp_path: Path) -> None:
    """It holds settings only, so that a child process can be handed one."""
    source = YtDlp(make_library(tmp_path).settings, Guard())

    assert source == YtDlp(make_library(tmp_path).settings, Guard())


def _png() -> bytes:
    import io  # noqa: PLC0415 - only to make the picture

    from PIL import Image  # noqa: PLC0415

    file = io.BytesIO()
    Image.new("RGB", (64, 64), (20, 90, 200)).save(file, "PNG")
    return file.getvalue()


PNG = _png()
