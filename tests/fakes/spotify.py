"""Spotify's Web API as an app in development mode meets it in 2026, on loopback behind the library's gateway.

It answers as the service does: logins by app or refresh token (which may be revoked, or replaced by a new one), tokens
that expire, 50 items a page with absolute addresses of the next one, playlist items under ``/items`` and in ``item``
(the old ``/tracks`` is forbidden), null and local tracks in playlists, episodes, editorial playlists that are not
there, playlists of others without their items, 204 when nothing plays, and a Retry-After of a day.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.media_server import JSON, Answer, MediaServer, Seen

_API = "/api.spotify.com/v1"
_MOST = 50
DAY_S = 86_400


def track_id(number: int) -> str:
    """A well-formed id."""
    return f"{number:022d}"


def track(
    number: int, name: str, artist: str = "Ada Loop", *, seconds: float = 200.0, **more: Any
) -> dict[str, Any]:
    """A track as the API shows it."""
    return {
        "id": track_id(number),
        "type": "track",
        "name": name,
        "artists": [{"name": artist}],
        "album": {"name": "Shore"},
        "duration_ms": round(seconds * 1000),
        "external_ids": {"isrc": f"GBABC24{number:05d}"},
        "explicit": False,
        "is_local": False,
        **more,
    }


def local_file(name: str) -> dict[str, Any]:
    """A file of the owner's own, as it stands in a playlist: without an id."""
    return {**track(0, name), "id": None, "is_local": True, "external_ids": {}}


class Spotify:
    """One user's Spotify."""

    CLIENT_ID, SECRET, REFRESH = "an-app", "its-secret", "a-refresh-token"

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self.grants: list[str] = []
        """The kinds of login so far."""
        self.likes: list[tuple[str, dict[str, Any]]] = []
        """(added_at, track), newest first."""
        self.playing: dict[str, Any] | None = None
        self.wait_s: int | None = None
        """Set: everybody is sent away for so long."""
        self.down = False
        self.busy = 0
        """So many questions are answered with 429 and a wait of no length worth a row's."""
        self.new_refresh_token: str | None = None
        self.refresh_tokens = {self.REFRESH}
        self._issued = 0
        self._valid: set[str] = set()
        server.serve("/accounts.spotify.com/api/token", self._log_in)
        server.serve(f"{_API}/me/tracks", self._answers(self._likes, user=True))
        server.serve(f"{_API}/me/player/currently-playing", self._answers(self._player, user=True))

    def expire_tokens(self) -> None:
        """No access token that was given out is good any more."""
        self._valid.clear()

    def add_track(self, shown: dict[str, Any]) -> str:
        """Publish a track and return its link."""
        self._server.serve(f"{_API}/tracks/{shown['id']}", self._answers(lambda _seen: _json(shown)))
        return f"https://open.spotify.com/track/{shown['id']}"

    def like(self, added_at: str, shown: dict[str, Any]) -> None:
        """The user likes a track."""
        self.add_track(shown)
        self.likes.insert(0, (added_at, shown))

    def add_playlist(
        self, number: int, name: str, items: Sequence[Mapping[str, Any] | None], *, shown: bool = True
    ) -> str:
        """Publish a playlist, or one whose items this app may not see, and return its link."""
        name_of_it, path = track_id(number), f"{_API}/playlists/{track_id(number)}"
        head = {"name": name, "owner": {"display_name": "The Owner"}}
        wrapped = [
            {"added_at": "2026-01-01T00:00:00Z", "is_local": bool((item or {}).get("is_local")), "item": item}
            for item in items
        ]
        self._server.serve(path, self._answers(lambda _seen: _json(head)))
        forbidden = self._answers(lambda _seen: _error(403, "Forbidden"))
        pages = self._answers(lambda seen: _page(seen, wrapped))
        self._server.serve(f"{path}/items", pages if shown else forbidden)
        self._server.serve(f"{path}/tracks", forbidden)
        return f"https://open.spotify.com/playlist/{name_of_it}"

    def add_album(self, number: int, name: str, tracks: Sequence[dict[str, Any]]) -> str:
        """Publish an album; its tracks are the short form, without recording codes."""
        path = f"{_API}/albums/{track_id(number)}"
        short = [{k: v for k, v in each.items() if k not in {"album", "external_ids"}} for each in tracks]
        first = Seen("GET", f"{path}/tracks", {}, {}, "")
        about = {"name": name, "artists": [{"name": "Ada Loop"}]}
        self._server.serve(
            path, self._answers(lambda _seen: _json({**about, "tracks": _slice(first, short)}))
        )
        self._server.serve(f"{path}/tracks", self._answers(lambda seen: _page(seen, short)))
        return f"https://open.spotify.com/album/{track_id(number)}"

    def _answers(self, work: Any, *, user: bool = False) -> Any:
        def answer(seen: Seen) -> Answer:
            if self.wait_s is not None:
                return _json({}, status=429, headers={"Retry-After": str(self.wait_s)})
            if self.busy:
                self.busy -= 1
                return _json({}, status=429, headers={"Retry-After": "0"})
            if self.down:
                return _json({}, status=503)
            token = seen.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self._valid:
                return _error(401, "The access token expired")
            if user and not token.startswith("user"):
                return _error(401, "Valid user authentication required")
            answer: Answer = work(seen)
            return answer

        return answer

    def _log_in(self, seen: Seen) -> Answer:
        expected = base64.b64encode(f"{self.CLIENT_ID}:{self.SECRET}".encode()).decode()
        if seen.headers.get("Authorization") != f"Basic {expected}":
            return _json({"error": "invalid_client"}, status=400)
        form = {name: values[0] for name, values in parse_qs(seen.body).items()}
        self.grants.append(form["grant_type"])
        by_user = form["grant_type"] == "refresh_token"
        if by_user and form["refresh_token"] not in self.refresh_tokens:
            return _json({"error": "invalid_grant", "error_description": "Refresh token revoked"}, status=400)
        self._issued += 1
        token = f"{'user' if by_user else 'app'}-{self._issued}"
        self._valid.add(token)
        given: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        if by_user and self.new_refresh_token:
            self.refresh_tokens = {self.new_refresh_token}
            given["refresh_token"] = self.new_refresh_token
        return _json(given)

    def _likes(self, seen: Seen) -> Answer:
        return _page(seen, [{"added_at": when, "track": shown} for when, shown in self.likes])

    def _player(self, _seen: Seen) -> Answer:
        return Answer(status=204, content_type=JSON) if self.playing is None else _json(self.playing)


def _page(seen: Seen, items: Sequence[Any]) -> Answer:
    if int(seen.query.get("limit", 20)) > _MOST:
        return _error(400, "Invalid limit")
    return _json(_slice(seen, items))


def _slice(seen: Seen, items: Sequence[Any]) -> dict[str, Any]:
    start, size = int(seen.query.get("offset", 0)), int(seen.query.get("limit", _MOST))
    path = seen.path.removeprefix("/")
    following = f"https://{path}?offset={start + size}&limit={size}" if start + size < len(items) else None
    return {"items": list(items[start : start + size]), "next": following, "total": len(items)}


def _error(status: int, message: str) -> Answer:
    return _json({"error": {"status": status, "message": message}}, status=status)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(body=json.dumps(content).encode(), content_type=JSON, status=status, headers=headers or {})
