"""Spotify's official Web API, for one purpose: to say which track a Spotify link means.

Metadata only (title, artists, album, ISRC, length); no audio is ever asked for, and nothing without the user's own
credentials. It waits for nobody: a Retry-After of a day becomes an error that carries it. Wired behind
`core.ports.Catalogue`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from music_workflow.core.links import parse_isrc
from music_workflow.core.ports import LibrarySettings, SpotifyCredentials
from music_workflow.deduplication.matching import Wanted
from music_workflow.errors import MusicError, NotReady, Unavailable
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.transport import open_client, status_error, transport_error

_TOKEN_URL = "https://accounts.spotify.com/api/token"  # noqa: S105 - an address, no token
_API = "https://api.spotify.com/v1"
_TRACK = re.compile(
    r"(?:open\.spotify\.com/(?:intl-[a-z-]+/)?track/|spotify:track:)([A-Za-z0-9]{22})(?![A-Za-z0-9])"
)
_REFUSED_CREDENTIALS = {400, 401}
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class SpotifyCatalogue:
    """What the API knows about tracks."""

    settings: LibrarySettings
    guard: Guard
    credentials: SpotifyCredentials

    def describe(self, link: str) -> Wanted | None:
        """Say which track a link means; None when it is no link to a Spotify track.

        Raises:
            NotReady: Spotify refuses the credentials or the app.
            Unavailable: It is down, slow, or asks to wait; then with the seconds.
            Removed: It has no such track.
        """
        found = _TRACK.search(link)
        if found is None:
            return None
        try:
            with open_client(self.guard, self.settings.timeout_s) as client:
                token = self._token(client)
                answer = client.get(f"{_API}/tracks/{found[1]}", headers={"Authorization": f"Bearer {token}"})
                _check(answer, "read track")
                return _wanted(_json(answer))
        except httpx.TransportError as error:
            raise transport_error(error, service="spotify", operation="read track") from error

    def _token(self, client: httpx.Client) -> str:
        given = self.credentials
        form = {"grant_type": "client_credentials"}
        if given.refresh_token:
            form = {"grant_type": "refresh_token", "refresh_token": given.refresh_token}
        answer = client.post(_TOKEN_URL, data=form, auth=(given.client_id, given.client_secret))
        if answer.status_code in _REFUSED_CREDENTIALS:
            raise _not_ready(
                "Spotify refuses the credentials: check SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET and"
                " SPOTIFY_REFRESH_TOKEN in .env, and start the worker anew."
            )
        _check(answer, "log in")
        return str(_json(answer)["access_token"])


def _check(answer: httpx.Response, operation: str) -> None:
    """Raise what an answer's status means."""
    if answer.status_code == _FORBIDDEN:
        raise _not_ready(
            "Spotify refuses this app: its owner needs Premium, and the app must be allowed to use the Web API."
        )
    error: MusicError | None = status_error(
        answer.status_code, answer.headers, service="spotify", operation=operation
    )
    if error is not None:
        raise error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError as error:
        raise _garbled() from error
    if not isinstance(content, dict):
        raise _garbled()
    return content


def _wanted(track: dict[str, Any]) -> Wanted:
    length = track.get("duration_ms")
    return Wanted(
        title=str(track.get("name") or ""),
        artists=tuple(str(artist["name"]) for artist in track.get("artists") or () if artist.get("name")),
        album=(track.get("album") or {}).get("name"),
        duration_s=float(length) / 1000 if length else None,
        isrc=parse_isrc((track.get("external_ids") or {}).get("isrc")),
        explicit=track.get("explicit"),
    )


def _garbled() -> Unavailable:
    return Unavailable(
        "Spotify answers with something that is no track.", service="spotify", operation="read track"
    )


def _not_ready(sentence: str) -> NotReady:
    return NotReady(sentence, service="spotify", operation="log in")
