"""SoundCloud's official API, for those who have an app of their own there: tracks, sets, searches and likes.

It logs in for the app itself (client credentials), never for a person, and says what tracks are: their audio is still
had from their pages (`integrations.ytdlp`). An app gets few access tokens a day, so each is kept until it expires.
Wired behind `core.ports` and `core.listing` in place of the pages when SOUNDCLOUD_CLIENT_ID is set.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from music_workflow.core.link_text import Link
from music_workflow.core.links import parse_isrc, read_link
from music_workflow.core.listing import Entry, Listing, once_each
from music_workflow.core.ports import Download, LibrarySettings, SoundCloudCredentials, Source, too_long
from music_workflow.deduplication.matching import Candidate, Wanted
from music_workflow.errors import (
    BadLink,
    GeoBlocked,
    NotReady,
    Protected,
    Removed,
    Unavailable,
)
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.page_lists import until_known
from music_workflow.integrations.service_state import ServiceState
from music_workflow.integrations.transport import open_client, status_error, transport_error
from music_workflow.model import Identity, Progress

_API = "https://api.soundcloud.com"
_TOKEN_URL = "https://secure.soundcloud.com/oauth/token"  # noqa: S105 - an address, no token
_HOSTS = ("api.soundcloud.com", "secure.soundcloud.com")
_HITS = 10
_PAGE = 200
_UNAUTHORIZED = 401
_REFUSED_LOGIN = {400, 401, 403}
_LOGIN = "log in"
_ALL = "playable,preview,blocked"
"""Tracks that may not be heard here are told, too: that they are closed is for us to say."""


@dataclass(frozen=True, slots=True)
class SoundCloudApi:
    """The API as finder, catalogue, lists and likes."""

    settings: LibrarySettings
    guard: Guard
    credentials: SoundCloudCredentials
    profile: str = ""
    name: str = "SoundCloud"

    def describe(self, link: str) -> Wanted | None:
        """Say which track a page is about, closed or not; None when it is not one of SoundCloud's."""
        try:
            page = read_link(link)
        except BadLink:
            return None
        if page.service != "soundcloud" or page.short or page.kind != "track":
            return None
        found = self.identify(page)
        return Wanted(
            title=found.title,
            artists=found.artists,
            album=found.album,
            duration_s=found.duration_s,
            isrc=found.isrc,
        )

    def find(self, wanted: Wanted) -> tuple[Candidate, ...]:
        """Search by artist and title (there is no search by ISRC)."""
        text = f"{wanted.artists[0] if wanted.artists else ''} {wanted.title}".strip()
        with self._client("search") as client:
            found = client.get(f"{_API}/tracks", q=text, limit=_HITS, access="playable")
        tracks = found if isinstance(found, list) else found.get("collection") or []
        return tuple(_candidate(track, rank) for rank, track in enumerate(tracks))

    def takes(self, link: Link) -> bool:
        """Take SoundCloud's sets and likes."""
        return link.service == "soundcloud" and link.kind != "track" and not link.short

    def list(self, link: Link, most: int) -> Listing:
        """Read a set, or somebody's likes."""
        with self._client(f"read {link.kind}") as client:
            about = client.resolve(link.url if link.kind != "likes" else link.url.removesuffix("/likes"))
            tail = "likes/tracks" if link.kind == "likes" else "tracks"
            kind = "users" if link.kind == "likes" else "playlists"
            tracks = client.items(f"{_API}/{kind}/{_urn(about)}/{tail}", most + 1)
            found = [_entry(track) for track in tracks]
        owner = str((about.get("user") or about).get("username") or "")
        return Listing(
            key=link.key,
            url=link.url,
            service="soundcloud",
            kind=link.kind,
            title=str(about.get("title") or f"Likes of {owner}"),
            owner=owner,
            entries=once_each(found[:most]),
            complete=len(found) <= most,
        )

    def page_of(self, entry: Entry) -> Entry:
        """Return the entry: the API always names the page."""
        return entry

    def newest(self, most: int, known: frozenset[str], since: str | None) -> tuple[Entry, ...]:
        """Read the newest likes of the profile in the settings."""
        del since  # the API does not say when a track was liked
        with self._client("read likes") as client:
            user = client.resolve(f"https://soundcloud.com/{self.profile}")
            tracks = client.items(f"{_API}/users/{_urn(user)}/likes/tracks", most)
            return once_each(until_known(map(_entry, tracks), known))

    def identify(self, link: Link) -> Identity:
        """Say what a track is, whether or not it may be heard."""
        with self._client("read track") as client:
            return _identity(client.resolve(link.url))

    def look(self, link: Link) -> Identity:
        """Say what a track is whose audio is wanted.

        Raises:
            Protected: SoundCloud has no more than a preview of it for us.
            GeoBlocked: It is not to be heard in this country.
            BadLink: It is too long.
        """
        with self._client("read track") as client:
            track = client.resolve(link.url)
        words = {"service": "soundcloud", "operation": "read track"}
        if track.get("access") == "preview":
            raise Protected("SoundCloud offers only a preview of this track.", **words)
        if track.get("access") == "blocked":
            raise GeoBlocked("SoundCloud does not serve this track in this country.", **words)
        found = _identity(track)
        if found.duration_s and found.duration_s > self.settings.max_duration_s:
            raise too_long(found.duration_s, self.settings.max_duration_s, "soundcloud")
        return found

    @contextmanager
    def _client(self, operation: str) -> Iterator[_Client]:
        given = self.credentials
        state = ServiceState(self.settings.data_dir, "soundcloud", (given.client_id, given.client_secret))
        state.check_pause("SoundCloud", operation)
        guard = replace(self.guard, allowed_hosts=_HOSTS)
        try:
            with open_client(guard, self.settings.timeout_s) as http:
                yield _Client(http, given, state, operation)
        except httpx.TransportError as error:
            raise transport_error(error, service="soundcloud", operation=operation) from error


@dataclass(frozen=True, slots=True)
class SoundCloudSource:
    """SoundCloud's tracks: what they are, by the API; their audio, by their pages."""

    api: SoundCloudApi
    pages: Source

    def takes(self, link: Link) -> bool:
        """Take links to tracks."""
        return link.service == "soundcloud" and not link.short

    def identify(self, link: Link) -> Identity:
        """Ask the API; closed tracks are refused here, before anything is downloaded."""
        return self.api.look(link)

    def fetch(self, identity: Identity, work_dir: str, progress: Progress) -> Download:
        """Download from the page."""
        return self.pages.fetch(identity, work_dir, progress)


@dataclass(frozen=True, slots=True)
class _Client:
    """One use of the API."""

    http: httpx.Client
    credentials: SoundCloudCredentials
    state: ServiceState
    operation: str

    def resolve(self, url: str) -> dict[str, Any]:
        """Say what a page is about."""
        found = self.get(f"{_API}/resolve", url=url)
        if not isinstance(found, dict):
            raise self._garbled()
        return found

    def items(self, url: str, most: int) -> Iterator[dict[str, Any]]:
        """Read a list, at most so many items; a page is asked for only when something of it is wanted."""
        page = self.get(url, limit=min(most, _PAGE), linked_partitioning="true", access=_ALL)
        while True:
            if not isinstance(page, dict) or not isinstance(page.get("collection"), list):
                raise self._garbled()
            yield from page["collection"][:most]
            most -= len(page["collection"])
            if most <= 0 or not page.get("next_href"):
                return
            page = self.get(str(page["next_href"]))

    def get(self, address: str, **query: Any) -> Any:
        """Ask, with a kept or a new token; a kept one that is refused is replaced once."""
        answer = self._ask(address, self.state.access_token() or self._log_in(), query)
        if answer.status_code == _UNAUTHORIZED:
            answer = self._ask(address, self._log_in(), query)
        self._check(answer)
        try:
            return answer.json()
        except ValueError as error:
            raise self._garbled() from error

    def _ask(self, address: str, token: str, query: dict[str, Any]) -> httpx.Response:
        return self.http.get(address, params=query or None, headers={"Authorization": f"OAuth {token}"})

    def _log_in(self) -> str:
        given = self.credentials
        answer = self.http.post(
            _TOKEN_URL, data={"grant_type": "client_credentials"}, auth=(given.client_id, given.client_secret)
        )
        if answer.status_code in _REFUSED_LOGIN:
            raise NotReady(
                "SoundCloud refuses the credentials: check SOUNDCLOUD_CLIENT_ID and SOUNDCLOUD_CLIENT_SECRET in .env,"
                " and start the worker anew.",
                service="soundcloud",
                operation=_LOGIN,
            )
        self._check(answer)
        token = dict(answer.json())
        self.state.keep_token(
            {
                "access_token": token["access_token"],
                "expires_at": time.time() + float(token.get("expires_in") or 0),
            }
        )
        return str(token["access_token"])

    def _check(self, answer: httpx.Response) -> None:
        error = status_error(
            answer.status_code, answer.headers, service="soundcloud", operation=self.operation
        )
        if isinstance(error, Unavailable) and error.retry_after_s:
            self.state.pause(error.retry_after_s)
        if isinstance(error, Removed):
            raise Removed(
                "SoundCloud has nothing behind this link: it is gone or private.",
                service="soundcloud",
                operation=self.operation,
            )
        if error is not None:
            raise error

    def _garbled(self) -> Unavailable:
        return Unavailable(
            "SoundCloud answers with something that is no answer.",
            service="soundcloud",
            operation=self.operation,
        )


def _urn(item: dict[str, Any]) -> str:
    return str(item.get("urn") or item["id"])


def _number(track: dict[str, Any]) -> str:
    return _urn(track).rsplit(":", 1)[-1]


def _performer(track: dict[str, Any]) -> str:
    """Who made it: the label's word, where there is one, else whose profile it is."""
    return str(track.get("metadata_artist") or (track.get("user") or {}).get("username") or "")


def _entry(track: dict[str, Any]) -> Entry:
    artist, title = _artist_and_title(track)
    return Entry(
        key=f"soundcloud:{_number(track)}",
        link=read_link(str(track["permalink_url"])).url,
        title=title,
        artists=(artist,) if artist else (),
    )


def _artist_and_title(track: dict[str, Any]) -> tuple[str, str]:
    """As for the pages: "Artist - Title" in an upload's title tells more than whose profile it is."""
    title = str(track.get("title") or "")
    left, dash, right = title.partition(" - ")
    if not track.get("metadata_artist") and dash and left.strip() and right.strip():
        return left.strip(), right.strip()
    artist = _performer(track)
    if artist and title.casefold().startswith(f"{artist} - ".casefold()):
        title = title[len(artist) + 3 :].strip() or title
    return artist, title


def _identity(track: dict[str, Any]) -> Identity:
    artist, title = _artist_and_title(track)
    length = track.get("full_duration") or track.get("duration")
    artwork = track.get("artwork_url")
    return Identity(
        key=f"soundcloud:{_number(track)}",
        url=read_link(str(track["permalink_url"])).url,
        service="soundcloud",
        title=title,
        artists=(artist,) if artist else (),
        isrc=parse_isrc(track.get("isrc")),
        duration_s=float(length) / 1000 if length else None,
        artwork_url=str(artwork).replace("-large.", "-t500x500.") if artwork else None,
    )


def _candidate(track: dict[str, Any], rank: int) -> Candidate:
    length = track.get("full_duration") or track.get("duration")
    return Candidate(
        id=read_link(str(track["permalink_url"])).url,
        title=str(track.get("title") or ""),
        artists=tuple(filter(None, (_performer(track),))),
        duration_s=float(length) / 1000 if length else None,
        isrc=parse_isrc(track.get("isrc")),
        kind="upload",
        rank=rank,
    )
