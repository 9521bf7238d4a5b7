"""The chain that finds the next track, and the commands that ask it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from music_workflow.core import detect
from music_workflow.core.detect import Place
from music_workflow.core.listing import Entry
from music_workflow.core.ports import LibrarySettings, SpotifyCredentials
from music_workflow.errors import NotReady, Unavailable
from music_workflow.integrations.spotify_login import SCOPES, log_in
from tests.fakes.media_server import Answer, MediaServer, Seen, media_server
from tests.music_workflow.library_world import make_library

TIDE = Entry(key="spotify:1", link="https://open.spotify.com/track/1", title="Tide", artists=("Ada",))
WAVE = Entry(key="spotify:2", link="https://open.spotify.com/track/2", title="Wave", artists=("Ada",))


def nothing_synced(_entries: Any) -> dict[str, str]:
    """Everything is still to be done."""
    return {}


def failing(error: Exception, calls: list[str]) -> Any:
    """A place that cannot be asked."""

    def ask() -> tuple[Entry, ...]:
        calls.append("asked")
        raise error

    return ask


def test_the_first_track_that_is_not_synced_wins() -> None:
    """Places behind the answering one are not asked; each says why it had none."""
    asked: list[str] = []

    def last() -> tuple[Entry, ...]:
        asked.append("last")
        return (WAVE,)

    chain = [
        Place("Player", lambda: "nothing is playing"),
        Place("Empty", lambda: ()),
        Place("Likes", lambda: (TIDE, WAVE)),
        Place("Rows", last),
    ]

    found = detect.detect(
        chain, lambda entries: {TIDE.key: "it is in the library"} if TIDE in entries else {}
    )

    assert (found.entry, found.place) == (WAVE, "Likes")
    assert [each.words for each in found.said] == [
        "nothing is playing",
        "it has none",
        "Ada - Wave is not synced yet",
    ]
    assert asked == []


def test_a_blip_is_tried_once_more_and_a_wait_is_not() -> None:
    """Two attempts at a place that is down; one that asked to wait is left alone, and its time is kept."""
    down, busy = (Unavailable("it is down", service="x", operation="y") for _ in range(2))
    busy.retry_after_s = 90.0
    calls: list[str] = []
    busy_calls: list[str] = []

    found = detect.detect(
        [
            Place("Down", failing(down, calls)),
            Place("Busy", failing(busy, busy_calls)),
            Place("Rows", lambda: (TIDE,)),
        ],
        nothing_synced,
    )

    assert found.entry == TIDE
    assert (len(calls), len(busy_calls)) == (2, 1)
    assert [each.failed for each in found.said] == [True, True, False]
    assert not found.is_certain
    nobody = detect.detect([Place("Busy", failing(busy, busy_calls))], nothing_synced)
    assert (nobody.entry, nobody.retry_after_s) == (None, 90.0)


def test_a_place_that_does_not_answer_is_left_behind() -> None:
    """After its time the next one is asked."""
    never = threading.Event()

    def hang() -> str:
        never.wait(10)
        return "too late"

    found = detect.detect([Place("Slow", hang, cap_s=0.1), Place("Rows", lambda: (TIDE,))], nothing_synced)
    never.set()

    assert found.entry == TIDE
    assert "did not answer" in found.said[0].words


def test_a_bug_is_not_taken_for_a_place_without_tracks() -> None:
    """What is no error of a service is not swallowed."""
    with pytest.raises(ZeroDivisionError):
        detect.detect([Place("Broken", failing(ZeroDivisionError(), []))], nothing_synced)


@pytest.fixture
def server() -> Iterator[MediaServer]:
    """Spotify's machine."""
    with media_server() as running:
        yield running


def spotify_settings(server: MediaServer, folder: Path) -> LibrarySettings:
    """A library with an app at Spotify, and no login yet."""
    app = SpotifyCredentials(client_id="an-app", client_secret="hush")
    return make_library(folder, service_base=server.base, spotify=app).settings


def test_a_login_in_the_browser_gives_the_refresh_token(server: MediaServer, tmp_path: Path) -> None:
    """Only the login that was begun here is believed; the code is exchanged with the app's own credentials."""
    forms: list[dict[str, list[str]]] = []

    def token(seen: Seen) -> Answer:
        forms.append(parse_qs(seen.body))
        return Answer(body=b'{"access_token": "a", "refresh_token": "kept"}', content_type="application/json")

    server.serve("/accounts.spotify.com/api/token", token)
    answers: list[httpx.Response] = []

    def browser(words: str) -> None:
        address = urlsplit(words.splitlines()[-1])
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert address.hostname == "accounts.spotify.com"
        assert asked["scope"].split() == list(SCOPES)

        def come_back() -> None:
            with httpx.Client(trust_env=False) as client:
                answers.extend(
                    client.get(asked["redirect_uri"], params={"code": "c0de", "state": state})
                    for state in ("forged", asked["state"])
                )

        threading.Thread(target=come_back).start()

    found = log_in(spotify_settings(server, tmp_path), 18_888, browser)

    assert found == "kept"
    assert forms[0]["code"] == ["c0de"]
    assert [answer.status_code for answer in answers[:1]] == [404]


def test_a_login_needs_an_app_first(tmp_path: Path) -> None:
    """The sentence names the settings."""
    with pytest.raises(NotReady, match="SPOTIFY_CLIENT_ID"):
        log_in(make_library(tmp_path).settings, 18_889, print)
