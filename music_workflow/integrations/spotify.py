"""Spotify's official Web API through spotipy: what its links mean, its lists, a person's likes, and what plays.

Metadata only; no audio is ever asked for, and nothing without the user's own credentials. Looking up tracks needs the
app alone; what is the user's own needs the refresh token, and never a browser. spotipy's own retries and sleeps are not
used: a wait of seconds is sat out, a Retry-After of a day becomes an error that carries it and is remembered, so that
the app does not knock again before. Wired behind `core.ports.Catalogue` and the ports of `core.listing`.

The session is our own: its requests go to Spotify's hosts alone (also when an answer names the next page), and the
meaning of each status is read where the answer arrives, since spotipy would lose the Retry-After of some of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
import spotipy  # type: ignore[import-untyped]  # it has no stubs
from requests.adapters import HTTPAdapter
from spotipy.cache_handler import CacheHandler  # type: ignore[import-untyped]  # the same
from spotipy.exceptions import SpotifyBaseException  # type: ignore[import-untyped]  # the same

from music_workflow.core.link_text import Link
from music_workflow.core.links import parse_isrc, read_link
from music_workflow.core.listing import Entry, Listing, once_each
from music_workflow.core.ports import LibrarySettings, SpotifyCredentials
from music_workflow.deduplication.matching import Wanted
from music_workflow.errors import BadLink, MusicError, NotReady, Removed, Unavailable
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.service_state import ServiceState
from music_workflow.integrations.transport import ConnectionLost, retry_after, status_error

_HOSTS = ("api.spotify.com", "accounts.spotify.com")

_REFUSED_LOGIN = {400, 401}
_PAGE = 50
_TOO_MANY = 429
_SHORT_WAIT_S = 10.0
"""Such a wait is sat out, so that a list of many pages is not begun anew for it."""
_SHORT_WAITS = 3
_UNUSED_REDIRECT = "http://127.0.0.1:8888/callback"
"""spotipy wants one; with a refresh token nobody is redirected."""
_NO_USER = (
    "Spotify tells what is your own only with SPOTIFY_REFRESH_TOKEN in .env; `music spotify-login` gets one."
)
_HIDDEN_LIST = (
    "Spotify does not show this playlist to your app: it is private, gone, somebody else's, or one that Spotify makes"
    " itself (apps may read only their owner's playlists since 2026, and Spotify's own none since November 2024). Copy"
    " its tracks into a playlist of your own and put that link into Link."
)


@dataclass(frozen=True, slots=True)
class SpotifyCatalogue:
    """What the API knows about tracks, lists and the user."""

    settings: LibrarySettings
    guard: Guard
    credentials: SpotifyCredentials
    name: str = "Spotify"

    def describe(self, link: str) -> Wanted | None:
        """Say which track a link means; None when it is no link to a Spotify track.

        Raises:
            NotReady: Spotify refuses the credentials or the app.
            Unavailable: It is down, slow, or asks to wait; then with the seconds.
            Removed: It has no such track.
        """
        try:
            page = read_link(link)
        except BadLink:
            return None
        if page.service != "spotify" or page.kind != "track" or page.id is None:
            return None
        with self._session("read track") as spotify:
            return _wanted(_content(spotify.track(page.id), "read track"))

    def takes(self, link: Link) -> bool:
        """Take Spotify's playlists, albums and liked songs."""
        return link.service == "spotify" and link.kind != "track"

    def list(self, link: Link, most: int) -> Listing:
        """Read a playlist, an album, or the user's liked songs.

        Raises:
            NotReady: Spotify refuses the credentials, or does not show this list to the app.
            Unavailable, Removed: As for tracks.
        """
        with self._session(f"read {link.kind}", user=link.kind == "likes") as spotify:
            if link.kind == "likes":
                items = _items(spotify, spotify.current_user_saved_tracks(limit=_PAGE))
                return _listing(link, "Liked Songs", "", items, most)
            if link.kind == "album":
                album = _content(spotify.album(link.id), "read album")
                artists = ", ".join(_artists(album))
                return _listing(
                    link, str(album.get("name") or ""), artists, _items(spotify, album.get("tracks")), most
                )
            return self._playlist(spotify, link, most)

    def page_of(self, entry: Entry) -> Entry:
        """Return the entry: Spotify's lists always name the page."""
        return entry

    def newest(self, most: int, known: frozenset[str], since: str | None) -> tuple[Entry, ...]:
        """Read the newest liked songs down to the one liked at `since` (all of that moment included)."""
        del known  # the time tells, also of what was liked anew
        found: list[Entry] = []
        with self._session("read likes", user=True) as spotify:
            for item in _items(spotify, spotify.current_user_saved_tracks(limit=min(_PAGE, most))):
                if since and str((item or {}).get("added_at") or since) < since:
                    break
                entry = _entry(item)
                if isinstance(entry, Entry):
                    found.append(entry)
                if len(found) >= most:
                    break
        return once_each(found)

    def playing(self) -> Entry | str:
        """The track that plays now; else in words why none does."""
        with self._session("ask the player", user=True) as spotify:
            now = spotify.current_user_playing_track(additional_types=("track", "episode"))
        if not now or not now.get("item"):
            return "nothing is playing" if not now else "what is playing is not a track"
        if not now.get("is_playing"):
            return "the player is paused"
        entry = _entry({"track": now["item"]})
        return entry if isinstance(entry, Entry) else f"what is playing cannot be looked for: {entry}"

    def _playlist(self, spotify: spotipy.Spotify, link: Link, most: int) -> Listing:
        try:
            head = _content(spotify.playlist(link.id, fields="name,owner(display_name)"), "read playlist")
            items = _items(spotify, spotify.playlist_items(link.id, limit=_PAGE))
            owner = str((head.get("owner") or {}).get("display_name") or "")
            return _listing(link, str(head.get("name") or ""), owner, items, most)
        except (Removed, _Forbidden) as error:
            raise NotReady(_HIDDEN_LIST, service="spotify", operation="read playlist") from error

    @contextmanager
    def _session(self, operation: str, *, user: bool = False) -> Iterator[spotipy.Spotify]:
        """A client for one operation; every failure inside is a `MusicError`."""
        given = self.credentials
        if user and not given.refresh_token:
            raise NotReady(_NO_USER, service="spotify", operation=operation)
        state = ServiceState(
            self.settings.data_dir,
            "spotify",
            (given.client_id, given.client_secret, given.refresh_token or ""),
        )
        state.check_pause("Spotify", operation)
        for name in ("spotipy.client", "spotipy.oauth2"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # below that, it prints tokens
        with _Session(self.guard, operation, state) as session:
            try:
                yield _client(given, state, session, self.settings.timeout_s)
            except requests.exceptions.RequestException as error:
                raise ConnectionLost(
                    "Spotify cannot be reached or broke off.", service="spotify", operation=operation
                ) from error
            except SpotifyBaseException as error:
                raise Unavailable(
                    "Spotify answers with something that is no answer.",
                    service="spotify",
                    operation=operation,
                ) from error


class _Forbidden(NotReady):
    """Spotify answered 403."""


class _Session(requests.Session):
    """Goes to Spotify's hosts alone, and says what each status means."""

    def __init__(self, guard: Guard, operation: str, state: ServiceState) -> None:
        super().__init__()
        self.trust_env = False
        self.hooks["response"] = [self._judge]
        self._operation = operation
        self._state = state
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Gateway(replace(guard, allowed_hosts=_HOSTS)))

    def _judge(self, answer: requests.Response, **_options: Any) -> None:
        """Raise what an answer means, unless it is one to go on with.

        Raises:
            NotReady: The credentials or the app are refused.
            Unavailable: Busy, down, or no API at all (a portal's page); a wait is remembered.
            Removed: There is no such thing.
        """
        words = {"service": "spotify", "operation": self._operation}
        answer.content  # noqa: B018 - read whole, so that the connection is given back whatever follows
        login = urlsplit(str(answer.request.url)).path.endswith("/api/token")
        if answer.status_code in _REFUSED_LOGIN and login:
            raise NotReady(_login_refusal(answer), **words)
        if answer.status_code == requests.codes.unauthorized:
            self._state.keep_token(None)  # revoked early: the next attempt logs in anew
            raise Unavailable(
                "Spotify no longer takes its own access token; a new one is asked for.", **words
            )
        if answer.status_code == requests.codes.forbidden:
            raise _Forbidden(
                "Spotify refuses this app: its owner needs Premium, the app must be allowed to use the Web API, and the"
                " refresh token must carry the permission for this (`music spotify-login` asks for what is needed).",
                **words,
            )
        error: MusicError | None = status_error(answer.status_code, answer.headers, **words)
        if isinstance(error, Unavailable) and error.retry_after_s:
            self._state.pause(error.retry_after_s)
        if error is not None:
            raise error
        if answer.status_code == requests.codes.ok and "json" not in answer.headers.get("Content-Type", ""):
            raise _garbled(self._operation)


class _Gateway(HTTPAdapter):
    """Sends a request to the gateway where there is one, and nowhere but to the permitted hosts."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(max_retries=0)
        self._guard = guard

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send, or refuse."""
        parts = self._guard.check_url(str(request.url))
        if self._guard.gateway is not None:
            rest = parts._replace(scheme="", netloc="").geturl()
            request.url = f"{self._guard.gateway.rstrip('/')}/{parts.netloc}{rest}"
        for _ in range(_SHORT_WAITS):
            answer = super().send(request, *args, **options)
            wait = retry_after(answer.headers) if answer.status_code == _TOO_MANY else None
            if wait is None or wait > _SHORT_WAIT_S:
                return answer
            answer.close()
            time.sleep(wait)
        return super().send(request, *args, **options)

    def close(self) -> None:
        """Close the connections now; left to itself, urllib3 waits until no error refers to them any more."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 - urllib3's container cannot be iterated itself
            pools[key].close()
        super().close()


class _Tokens(CacheHandler):  # type: ignore[misc]  # spotipy is untyped
    """spotipy's memory for tokens. It always knows the refresh token, so that nobody is asked to log in."""

    def __init__(self, state: ServiceState, refresh_token: str | None) -> None:
        self._state = state
        self._refresh_token = refresh_token

    def get_cached_token(self) -> dict[str, Any] | None:
        """The kept token; with a refresh token at least an expired one, which spotipy refreshes."""
        kept = self._state.token()
        if kept is None and self._refresh_token:
            return {"refresh_token": self._refresh_token, "expires_at": 0, "scope": ""}
        return kept

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Keep a new token, and the new refresh token that may have come with it."""
        self._state.keep_token({**token_info, "scope": token_info.get("scope") or ""})


def _client(
    given: SpotifyCredentials, state: ServiceState, session: _Session, timeout_s: float
) -> spotipy.Spotify:
    tokens = _Tokens(state, given.refresh_token)
    common = {
        "client_id": given.client_id,
        "client_secret": given.client_secret,
        "requests_session": session,
        "requests_timeout": timeout_s,
        "cache_handler": tokens,
    }
    manager = (
        spotipy.SpotifyOAuth(redirect_uri=_UNUSED_REDIRECT, open_browser=False, **common)
        if given.refresh_token
        else spotipy.SpotifyClientCredentials(**common)
    )
    return spotipy.Spotify(auth_manager=manager, requests_session=session, requests_timeout=timeout_s)


def _login_refusal(answer: requests.Response) -> str:
    try:
        revoked = answer.json().get("error") == "invalid_grant"
    except ValueError:
        revoked = False
    if revoked:
        return (
            "Spotify no longer takes SPOTIFY_REFRESH_TOKEN (it was revoked or belongs to another app). Get a new one"
            " with `music spotify-login`, put it into .env, and start the worker anew."
        )
    return (
        "Spotify refuses the credentials: check SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET and SPOTIFY_REFRESH_TOKEN in"
        " .env, and start the worker anew."
    )


def _items(spotify: spotipy.Spotify, first: object) -> Iterator[dict[str, Any] | None]:
    """What a list holds, from its first page on; a further page is asked for only when something of it is wanted."""
    page = _content(first, "read list")
    while True:
        yield from page.get("items") or ()
        if not page.get("next"):
            return
        page = _content(spotify.next(page), "read list")


def _listing(
    link: Link, title: str, owner: str, items: Iterator[dict[str, Any] | None], most: int
) -> Listing:
    entries: list[Entry] = []
    left_out: list[str] = []
    complete = True
    for item in items:
        if len(entries) >= most:
            complete = False
            break
        found = _entry(item)
        if isinstance(found, Entry):
            entries.append(found)
        else:
            left_out.append(found)
    return Listing(
        key=link.key,
        url=link.url,
        service="spotify",
        kind=link.kind,
        title=title,
        owner=owner,
        entries=once_each(entries),
        left_out=tuple(left_out),
        complete=complete,
    )


def _entry(item: dict[str, Any] | None) -> Entry | str:
    """A list's item as an entry; else in words what it is instead.

    The item is the track itself (albums), or holds it as ``item`` (since 2026) or ``track``.
    """
    wrapped = item or {}
    holds = next((name for name in ("item", "track") if name in wrapped), None)
    track = wrapped[holds] if holds else wrapped
    if not isinstance(track, dict) or not track:
        return "a track that Spotify has removed"
    name = str(track.get("name") or "").strip()
    if track.get("type") == "episode":
        return f"an episode: {name}"
    if track.get("is_local") or wrapped.get("is_local"):
        return f"a local file, which only its owner has: {' - '.join((*_artists(track)[:1], name))}"
    if not track.get("id"):
        return f"a track without an id: {name or 'no name'}"
    added = wrapped.get("added_at")
    return Entry(
        key=f"spotify:{track['id']}",
        link=f"https://open.spotify.com/track/{track['id']}",
        title=name,
        artists=_artists(track),
        added_at=str(added) if added else None,
    )


def _artists(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(artist["name"]) for artist in item.get("artists") or () if artist.get("name"))


def _wanted(track: dict[str, Any]) -> Wanted:
    length = track.get("duration_ms")
    return Wanted(
        title=str(track.get("name") or ""),
        artists=_artists(track),
        album=(track.get("album") or {}).get("name"),
        duration_s=float(length) / 1000 if length else None,
        isrc=parse_isrc((track.get("external_ids") or {}).get("isrc")),
        explicit=track.get("explicit"),
    )


def _content(answer: object, operation: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise _garbled(operation)
    return answer


def _garbled(operation: str) -> Unavailable:
    return Unavailable(
        "Spotify answers with something that is no track and no list.", service="spotify", operation=operation
    )
