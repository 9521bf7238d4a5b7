"""Links as people paste them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow.core.links import drm_service, host_allowed, parse_link
from music_workflow.errors import BadLink, MusicError, Protected

SPOTIFY_ID = "3uUuGVFu1V7jTQL60S1r8z"


@pytest.mark.parametrize(
    ("text", "url", "service", "media_id"),
    [
        (
            "https://youtu.be/dQw4w9WgXcQ?si=abc",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "youtube",
            "dQw4w9WgXcQ",
        ),
        (
            "https://music.youtube.com/watch?v=dQw4w9WgXcQ&list=RDAMVM&feature=share",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "youtube",
            "dQw4w9WgXcQ",
        ),
        (
            "https://m.youtube.com/shorts/dQw4w9WgXcQ",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "youtube",
            "dQw4w9WgXcQ",
        ),
        (
            "  <http://m.soundcloud.com/Artist/track-1?utm_source=clipboard&si=9&in=x/sets/y#t=0:10> ",
            "https://soundcloud.com/Artist/track-1",
            "soundcloud",
            None,
        ),
        (
            "https://artist.bandcamp.com/track/tide?from=x",
            "https://artist.bandcamp.com/track/tide",
            "bandcamp",
            None,
        ),
        (
            "HTTPS://Files.Example.ORG:443/a%2Fb/Tide (mix).m4a".replace(" ", "%20") + "?utm_medium=x&v=2#x",
            "https://files.example.org/a%2Fb/Tide%20(mix).m4a?v=2",
            None,
            None,
        ),
        ("https://müller.example/ä.mp3", "https://xn--mller-kva.example/%C3%A4.mp3", None, None),
    ],
)
def test_junk_is_stripped_and_services_are_told(
    text: str, url: str, service: str | None, media_id: str | None
) -> None:
    """A pasted link becomes one canonical link, whatever clings to it."""
    link = parse_link(text)

    assert (link.url, link.service, link.id) == (url, service, media_id)


def test_a_short_link_is_marked_as_such() -> None:
    """Where on.soundcloud.com leads is known by its redirect only."""
    link = parse_link("https://on.soundcloud.com/Ab12?si=zz")

    assert link.short
    assert link.url == "https://on.soundcloud.com/Ab12"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no link"),
        ("soundcloud.com/artist/track", "https://"),
        ("ftp://example.org/a.mp3", "Only http and https"),
        ("file:///etc/passwd", "Only http and https"),
        ("https://user:pass@example.org/a.mp3", "without it"),
        ("https://example.org/a.mp3?access_token=abc", "credential"),
        ("https://example.org/a.mp3?X-Amz-Signature=abc", "credential"),
        ("https://exa mple.org/a.mp3", "no blanks"),
        ("https://a.example/x.mp3\nhttps://b.example/y.mp3", "exactly one link"),
        ("https://example.org:99999/a.mp3", "well-formed"),
        ("https://", "names no host"),
        ("https://-bad-/x", "not a host name"),
        ("https://www.youtube.com/watch", "watch?v="),
        ("https://www.youtube.com/watch?v=short", "not a YouTube id"),
        ("https://www.youtube.com/playlist?list=PL123", "one track"),
        ("https://www.youtube.com/@someone", "channel"),
        ("https://soundcloud.com/artist/sets/album", "playlist"),
        ("https://soundcloud.com/artist/likes", "one track"),
        ("https://soundcloud.com/artist", "profile"),
        ("https://soundcloud.com/discover", "names no track"),
        ("https://api.soundcloud.com/tracks/123", "names no artist"),
        ("https://artist.bandcamp.com/album/tides", "album"),
        ("https://artist.bandcamp.com/", "bandcamp.com/track"),
        (f"https://open.spotify.com/playlist/{SPOTIFY_ID}", "playlist"),
        (f"https://open.spotify.com/track/spotify:track:{SPOTIFY_ID}", "not a Spotify id"),
        ("spotify:track:tooshort", "not a Spotify URI"),
    ],
)
def test_what_is_wrong_with_a_link_is_named(text: str, words: str) -> None:
    """A link that cannot be worked with is refused with a sentence that says why or how a right one looks."""
    with pytest.raises(BadLink, match=re.escape(words)):
        parse_link(text)


@pytest.mark.parametrize(
    "text",
    [
        f"https://open.spotify.com/track/{SPOTIFY_ID}?si=1",
        f"https://open.spotify.com/intl-de/track/{SPOTIFY_ID}",
        f"spotify:track:{SPOTIFY_ID}",
        "https://spotify.link/abc",
        "https://music.apple.com/de/album/x/1?i=2",
        "https://tidal.com/browse/track/1",
        "https://listen.tidal.com/track/1",
        "https://www.deezer.com/track/1",
        "https://open.qobuz.com/track/1",
        "https://music.amazon.co.uk/albums/B0",
        "https://music.amazon.de/albums/B0",
    ],
)
def test_encrypted_services_are_told_by_the_link_alone(text: str) -> None:
    """DRM services are recognised before anything is asked of the network."""
    with pytest.raises(Protected, match="never decrypted"):
        parse_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.beatport.com/track/tide-original-mix/5379371",
        "https://beatport.com/de/track/tide/5379371",
        "https://www.beatsource.com/track/tide/1",
        "https://www.junodownload.com/products/tide/1-02/",
        "https://www.traxsource.com/track/1/tide",
    ],
)
def test_shops_that_play_previews_are_told_by_the_link_alone(text: str) -> None:
    """What such a page plays is two minutes of the track, with nothing in the file to say so."""
    with pytest.raises(Protected, match="plays only a preview"):
        parse_link(text)


def test_hosts_that_only_look_like_an_encrypted_service_are_not_taken_for_it() -> None:
    """Only the service's own domain and what is below it counts."""
    assert drm_service("notspotify.com") is None
    assert drm_service("spotify.com.evil.example") is None
    assert drm_service("OPEN.Spotify.com.") == "Spotify"


def test_the_list_of_hosts_covers_subdomains_only() -> None:
    """A permitted host permits what is below it, and an empty list permits all."""
    assert host_allowed("cdn.files.example", ("files.example",))
    assert not host_allowed("evilfiles.example", ("files.example",))
    assert host_allowed("anything.example", ())


@given(st.text(max_size=60))
def test_any_text_is_either_a_link_or_refused_in_words(text: str) -> None:
    """No text crashes the parser, and what it accepts it accepts again unchanged."""
    for candidate in (
        text,
        f"https://{text}",
        f"https://example.org/{text}",
        f"https://soundcloud.com/{text}",
    ):
        try:
            link = parse_link(candidate)
        except MusicError:
            continue
        assert parse_link(link.url) == link


@given(
    st.lists(
        st.tuples(st.sampled_from(["utm_source", "si", "v", "id", "ref"]), st.integers(0, 99)), max_size=6
    )
)
def test_parameters_that_name_something_survive_in_order(pairs: list[tuple[str, int]]) -> None:
    """Only the junk goes."""
    query = "&".join(f"{name}={value}" for name, value in pairs)
    kept = "&".join(f"{name}={value}" for name, value in pairs if name in {"v", "id"})

    assert parse_link(f"https://example.org/a.mp3?{query}").url == "https://example.org/a.mp3" + (
        f"?{kept}" if kept else ""
    )
