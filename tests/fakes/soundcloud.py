"""SoundCloud's lists on loopback: the pages' own interface that yt-dlp asks, and the official API for apps.

Both behave as the services do: likes come in pages with an absolute address of the next one, a long set names all but
its first tracks by number alone, the API redirects ``/resolve`` to the thing itself, gives short-lived tokens and few
of them, and says of each track whether it may be heard.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.fakes.media_server import JSON, Answer, MediaServer, Seen, SoundCloud

_V2 = "/api-v2.soundcloud.com"
_API = "/api.soundcloud.com"
_NAMED = 5
"""So many tracks of a set come with their pages."""


class SoundCloudPages(SoundCloud):
    """Profiles with likes and sets, beside the tracks."""

    def __init__(self, server: MediaServer) -> None:
        super().__init__(server)
        self.likes: list[dict[str, Any]] = []
        """Newest first."""
        self.page_size = 200

    def shown(self, number: int, title: str, artist: str = "ada") -> dict[str, Any]:
        """A track as lists show it."""
        return {
            "id": number,
            "kind": "track",
            "title": title,
            "permalink_url": f"https://soundcloud.com/{artist}/track-{number}",
        }

    def add_profile(self, name: str, number: int = 5) -> str:
        """Open a profile whose likes are `likes`, and return their link."""
        page = f"https://soundcloud.com/{name}"
        self._tracks[page] = {"id": number, "kind": "user", "username": name.title(), "permalink_url": page}
        self._server.serve(f"{_V2}/users/{number}/likes", self._likes)
        return f"{page}/likes"

    def add_set(self, slug: str, title: str, tracks: Sequence[dict[str, Any]]) -> str:
        """Publish a set and return its link."""
        page = f"https://soundcloud.com/{slug}"
        named = [*tracks[:_NAMED], *({"id": each["id"], "kind": "track"} for each in tracks[_NAMED:])]
        self._tracks[page] = {
            "id": 77,
            "kind": "playlist",
            "title": title,
            "permalink_url": page,
            "user": {"id": 5, "username": "Ada"},
            "tracks": named,
        }
        for each in tracks[_NAMED:]:
            self._server.serve(
                f"{_V2}/tracks/{each['id']}", _json(self._tracks.get(each["permalink_url"], {}))
            )
        return page

    def _likes(self, seen: Seen) -> Answer:
        start = int(seen.query.get("offset", 0))
        following = start + self.page_size
        address = f"https:/{_V2}/users/5/likes?offset={following}&limit={self.page_size}"
        return _json(
            {
                "collection": [{"kind": "like", "track": each} for each in self.likes[start:following]],
                "next_href": address if following < len(self.likes) else None,
            }
        )


class SoundCloudApi:
    """The official API, for one app."""

    CLIENT_ID, SECRET = "sc-app", "sc-secret"

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self.logins = 0
        self.wait_s: int | None = None
        self.likes: list[dict[str, Any]] = []
        self._pages: dict[str, str] = {}
        self._token = ""
        server.serve("/secure.soundcloud.com/oauth/token", self._log_in)
        server.serve(f"{_API}/resolve", self._answers(self._resolve))
        server.serve(f"{_API}/tracks", self._answers(self._search))
        self._all: list[dict[str, Any]] = []

    def expire_token(self) -> None:
        """The token that was given out is good no more."""
        self._token = "none"

    def add_track(self, number: int, slug: str, title: str, **more: Any) -> dict[str, Any]:
        """Publish a track; returns it as the API shows it."""
        page = f"https://soundcloud.com/{slug}"
        shown = {
            "urn": f"soundcloud:tracks:{number}",
            "kind": "track",
            "title": title,
            "duration": 200_000,
            "permalink_url": f"{page}?utm_medium=api&utm_campaign=social_sharing&utm_source=id_1",
            "user": {"urn": "soundcloud:users:5", "username": "Ada Loop"},
            "access": "playable",
            **more,
        }
        self._all.append(shown)
        self._serve(page, f"/tracks/{shown['urn']}", shown)
        return shown

    def add_profile(self, name: str) -> str:
        """Open a profile whose likes are `likes`, and return their link."""
        page = f"https://soundcloud.com/{name}"
        user = {"urn": "soundcloud:users:5", "kind": "user", "username": name.title(), "permalink_url": page}
        self._serve(page, "/users/soundcloud:users:5", user)
        self._list("/users/soundcloud:users:5/likes/tracks", lambda: self.likes)
        return f"{page}/likes"

    def add_set(self, slug: str, title: str, tracks: Sequence[dict[str, Any]]) -> str:
        """Publish a set and return its link."""
        page = f"https://soundcloud.com/{slug}"
        shown = {"urn": "soundcloud:playlists:77", "kind": "playlist", "title": title, "permalink_url": page}
        self._serve(page, "/playlists/soundcloud:playlists:77", {**shown, "user": {"username": "Ada"}})
        self._list("/playlists/soundcloud:playlists:77/tracks", lambda: tracks)
        return page

    def _serve(self, page: str, path: str, shown: Mapping[str, Any]) -> None:
        self._pages[page] = path
        self._server.serve(_API + path, self._answers(lambda _seen: _json(shown)))

    def _list(self, path: str, tracks: Any) -> None:
        def answer(seen: Seen) -> Answer:
            items, start, size = tracks(), int(seen.query.get("cursor", 0)), int(seen.query.get("limit", 50))
            following = (
                f"https:/{_API}{quote(path)}?cursor={start + size}&limit={size}&linked_partitioning=true"
            )
            more = start + size < len(items)
            return _json(
                {"collection": items[start : start + size], "next_href": following if more else None}
            )

        self._server.serve(_API + path, self._answers(answer))

    def _answers(self, work: Any) -> Any:
        def answer(seen: Seen) -> Answer:
            if self.wait_s is not None:
                return _json({}, status=429, headers={"Retry-After": str(self.wait_s)})
            if seen.headers.get("Authorization") != f"OAuth {self._token}":
                return _json({"code": 401}, status=401)
            answer: Answer = work(seen)
            return answer

        return answer

    def _log_in(self, seen: Seen) -> Answer:
        expected = base64.b64encode(f"{self.CLIENT_ID}:{self.SECRET}".encode()).decode()
        if seen.headers.get("Authorization") != f"Basic {expected}":
            return _json({"error": "invalid_client"}, status=401)
        self.logins += 1
        self._token = f"sc-token-{self.logins}"
        return _json({"access_token": self._token, "expires_in": 3599, "token_type": "Bearer"})

    def _resolve(self, seen: Seen) -> Answer:
        path = self._pages.get(seen.query.get("url", ""))
        if path is None:
            return _json({"code": 404}, status=404)
        return _json({"status": "302 - Found"}, status=302, headers={"Location": f"https:/{_API}{path}"})

    def _search(self, seen: Seen) -> Answer:
        words = set(seen.query.get("q", "").casefold().split())
        found = [each for each in self._all if words & set(each["title"].casefold().split())]
        return _json(found if "linked_partitioning" not in seen.query else {"collection": found})


class YouTubeLists:
    """YouTube's playlist pages."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server

    def add(self, list_id: str, title: str, videos: Sequence[tuple[str, str, str]]) -> str:
        """Publish a playlist of (id, title, channel) and return its link; private videos have no channel."""
        rows = [
            {
                "playlistVideoRenderer": {
                    "videoId": video_id,
                    "title": {"runs": [{"text": name}]},
                    "shortBylineText": {"runs": [{"text": channel}]} if channel else {},
                    "lengthSeconds": "200",
                    "isPlayable": bool(channel),
                }
            }
            for video_id, name, channel in videos
        ]
        renderer = {"playlistVideoListRenderer": {"playlistId": list_id, "contents": rows}}
        section = {"sectionListRenderer": {"contents": [{"itemSectionRenderer": {"contents": [renderer]}}]}}
        data = {
            "metadata": {"playlistMetadataRenderer": {"title": title}},
            "contents": {
                "twoColumnBrowseResultsRenderer": {
                    "tabs": [{"tabRenderer": {"selected": True, "content": section}}]
                }
            },
        }
        page = f"<html><script>var ytInitialData = {json.dumps(data)};</script></html>"
        self._server.serve(
            "/www.youtube.com/playlist", Answer(body=page.encode(), content_type="text/html; charset=utf-8")
        )
        self._server.serve("/www.youtube.com/youtubei/v1/browse", _json(data))
        return f"https://www.youtube.com/playlist?list={list_id}"


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(body=json.dumps(content).encode(), content_type=JSON, status=status, headers=headers or {})
