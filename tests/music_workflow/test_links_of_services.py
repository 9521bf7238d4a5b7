"""Links of every kind that people have: tracks, lists, likes, short ones, and those to encrypted audio."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow.core.links import Link, parse_link, read_link
from music_workflow.errors import BadLink, MusicError, Protected

ID = "3uUuGVFu1V7jTQL60S1r8z"
WORDS = st.text(alphabet=string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12)


@pytest.mark.parametrize(
    "text",
    [
        f"spotify:{{kind}}:{ID}",
        f"https://open.spotify.com/{{kind}}/{ID}",
        f"http://open.spotify.com/intl-de/{{kind}}/{ID}?si=1234&utm_source=copy-link",
        f"https://open.spotify.com/intl-pt-BR/{{kind}}/{ID}#t",
        f"https://open.spotify.com/embed/{{kind}}/{ID}",
        f"<https://open.spotify.com/{{kind}}/{ID}/>",
    ],
)
@pytest.mark.parametrize("kind", ["track", "album", "playlist"])
def test_spotify_links_have_one_name(text: str, kind: str) -> None:
    """A track, an album or a playlist has one canonical link and one key, however it was shared."""
    link = read_link(text.format(kind=kind))

    assert (link.url, link.kind) == (f"https://open.spotify.com/{kind}/{ID}", kind)
    assert link.key == (f"spotify:{ID}" if kind == "track" else f"spotify:{kind}:{ID}")
    assert link.protected == "Spotify"


@pytest.mark.parametrize(
    ("text", "url", "kind"),
    [
        (f"spotify:user:someone:playlist:{ID}", f"https://open.spotify.com/playlist/{ID}", "playlist"),
        (
            f"https://open.spotify.com/user/x/playlist/{ID}",
            f"https://open.spotify.com/playlist/{ID}",
            "playlist",
        ),
        ("https://open.spotify.com/collection/tracks", "https://open.spotify.com/collection/tracks", "likes"),
        ("spotify:collection", "https://open.spotify.com/collection/tracks", "likes"),
        (
            "https://www.youtube.com/playlist?list=PL12&si=a",
            "https://www.youtube.com/playlist?list=PL12",
            "playlist",
        ),
        (
            "https://music.youtube.com/playlist?list=OLAK5uy_abc",
            "https://www.youtube.com/playlist?list=OLAK5uy_abc",
            "album",
        ),
        (
            "https://www.youtube.com/embed/videoseries?list=PL12",
            "https://www.youtube.com/playlist?list=PL12",
            "playlist",
        ),
        (
            "https://m.soundcloud.com/ada/sets/summer?si=1",
            "https://soundcloud.com/ada/sets/summer",
            "playlist",
        ),
        ("https://soundcloud.com/ada/sets/x/s-Ab1", "https://soundcloud.com/ada/sets/x/s-Ab1", "playlist"),
        ("http://soundcloud.com/ada/likes", "https://soundcloud.com/ada/likes", "likes"),
        ("https://ada.bandcamp.com/album/tides?from=x", "https://ada.bandcamp.com/album/tides", "album"),
        ("https://soundcloud.com/ada/track/s-Secret", "https://soundcloud.com/ada/track/s-Secret", "track"),
    ],
)
def test_lists_are_told_by_their_links(text: str, url: str, kind: str) -> None:
    """What names many tracks is told from what names one, before anything is asked."""
    link = read_link(text)

    assert (link.url, link.kind) == (url, kind)


@pytest.mark.parametrize(
    "text",
    [
        f"https://open.spotify.com/album/{ID}",
        "https://soundcloud.com/ada/likes",
        "https://soundcloud.com/ada/sets/summer",
        "https://www.youtube.com/playlist?list=PL1234",
        "https://ada.bandcamp.com/album/tides",
    ],
)
def test_a_list_given_as_a_track_is_sent_to_the_other_task(text: str) -> None:
    """The refusal names the task type that takes lists."""
    with pytest.raises(BadLink, match="Sync playlist"):
        parse_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://spotify.link/Ab1",
        "https://deezer.page.link/x",
        "https://tidal.link/x",
        "https://on.soundcloud.com/x",
    ],
)
def test_short_links_are_known_as_such(text: str) -> None:
    """Only their redirect tells what they lead to."""
    assert read_link(text).short


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"https://open.spotify.com/episode/{ID}", "a Spotify episode"),
        (f"https://open.spotify.com/artist/{ID}", "a Spotify artist"),
        ("https://open.spotify.com/playlist/short", "not a Spotify id"),
        ("https://open.spotify.com/", "names no track"),
        ("spotify:playlist:short", "not a Spotify URI"),
        (f"spotify:likes:{ID}", "names no track"),
        ("https://www.youtube.com/playlist?list=WL", "its owner alone"),
        ("https://www.youtube.com/playlist?list=RDMMx", "no end"),
        ("https://www.youtube.com/playlist?list=%20", "not the id of a YouTube playlist"),
        ("https://soundcloud.com/you/likes", "your-name/likes"),
        ("https://soundcloud.com/ada/sets", "a SoundCloud list"),
    ],
)
def test_what_names_no_track_and_no_list_is_refused_in_words(text: str, words: str) -> None:
    """Also as a playlist such a link is of no use, and the sentence says which one would be."""
    with pytest.raises(BadLink, match=re.escape(words)):
        read_link(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_reading_is_stable(text: str) -> None:
    """No text crashes the reader; a canonical link reads as itself; only what is free is a track to be fetched."""
    for start in ("", "https://open.spotify.com/", "spotify:", "https://youtube.com/", "https://deezer.com/"):
        try:
            link = read_link(start + text)
        except MusicError:
            continue
        assert read_link(link.url) == link
        try:
            fetched = parse_link(start + text)
        except (BadLink, Protected):
            assert link.kind != "track" or link.protected
        else:
            assert fetched == link


@given(
    track=st.from_regex(r"[0-9A-Za-z_-]{11}", fullmatch=True),
    shape=st.sampled_from(
        [
            "https://youtu.be/{}",
            "https://www.youtube.com/watch?v={}",
            "https://m.youtube.com/watch?app=desktop&v={}",
            "https://music.youtube.com/watch?v={}",
            "https://www.youtube.com/shorts/{}",
            "https://www.youtube.com/embed/{}",
            "https://www.youtube-nocookie.com/embed/{}",
        ]
    ),
    junk=st.lists(st.tuples(st.sampled_from(["si", "utm_source", "feature", "t"]), WORDS), max_size=3),
)
def test_every_address_of_a_video_is_the_same_track(
    track: str, shape: str, junk: list[tuple[str, str]]
) -> None:
    """Whatever clings to it."""
    text = shape.format(track)
    for name, value in junk:
        text += f"{'&' if '?' in text else '?'}{name}={value}"

    assert read_link(text) == Link(f"https://www.youtube.com/watch?v={track}", "youtube", track)


@given(artist=WORDS, name=WORDS, junk=WORDS)
def test_soundcloud_tracks_lose_only_junk(artist: str, name: str, junk: str) -> None:
    """The mobile address, parameters and fragments name nothing."""
    plain = f"https://soundcloud.com/{artist}/{name}"
    try:
        wanted = read_link(plain)
    except BadLink:
        return
    assert read_link(f"http://m.soundcloud.com/{artist}/{name}?in={junk}&si={junk}#t=1") == wanted
