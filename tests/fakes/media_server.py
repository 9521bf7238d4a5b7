"""Stands in for every service that music comes from: real HTTP on loopback.

Two ways in. A plain path (``/track.m4a``) is a file on a web server of one's own. A path that begins with a
host name (``/soundcloud.com/artist/track``) is what the library asks for when `LibrarySettings.service_base`
points here: the product's real clients and yt-dlp's real extractors run against it unchanged, and nothing can
leave the machine. What the services answer is written from their observable behaviour; the audio is whatever
the test hands in.
"""

from __future__ import annotations

import base64
import html
import json
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

JSON = "application/json"
Trouble = Literal["none", "drm", "geo", "preview", "gone", "login", "busy"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is served at one path."""

    body: bytes = b""
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    """Whether parts may be asked for; then the answer has an ETag."""
    state_length: bool = True
    """Without Content-Length the body ends with the connection."""
    chunk_delay_s: float = 0.0
    """Pause after each 16 KB."""
    break_after: int | None = None
    """The connection is cut after so many bytes of the body."""


@dataclass(frozen=True)
class Seen:
    """One request, as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str


class MediaServer:
    """A running server; use `media_server`."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._answers: dict[str, Callable[[Seen], Answer]] = {}
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def base(self) -> str:
        """The address; also the gateway for `LibrarySettings.service_base`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, path: str, answer: Answer | Callable[[Seen], Answer]) -> str:
        """Serve `answer` at `path` and return its URL."""
        self._answers[path] = answer if callable(answer) else lambda _seen: answer
        return self.base + path

    def serve_audio(self, path: str, body: bytes, content_type: str = "audio/mp4", **more: Any) -> str:
        """Serve a piece of audio."""
        return self.serve(path, Answer(body=body, content_type=content_type, **more))

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Send whoever asks for `path` elsewhere."""
        return self.serve(path, Answer(status=status, headers={"Location": to}))

    def requests_for(self, path: str) -> list[Seen]:
        """All requests for a path."""
        return [seen for seen in self.seen if seen.path == path]

    def answer(self, seen: Seen) -> Answer:
        """Find the answer to a request; 404 when nothing is served there."""
        found = self._answers.get(seen.path)
        return found(seen) if found else Answer(status=404, body=b"not here", content_type="text/plain")

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for answers under way."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def media_server() -> Iterator[MediaServer]:
    """Run a server for the length of a test."""
    server = MediaServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class SoundCloud:
    """SoundCloud's web API, as far as a track page needs it."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self._tracks: dict[str, dict[str, Any]] = {}
        script = "https://a-v2.sndcdn.com/assets/0-1.js"
        page = f'<html><script crossorigin src="{script}"></script></html>'.encode()
        server.serve("/soundcloud.com/", Answer(body=page, content_type="text/html"))
        client_id = 'var a={client_id:"' + "k" * 32 + '"}'
        server.serve(
            "/a-v2.sndcdn.com/assets/0-1.js", Answer(body=client_id.encode(), content_type="text/javascript")
        )
        server.serve("/api-v2.soundcloud.com/resolve", self._resolve)
        server.serve("/api-v2.soundcloud.com/search/tracks", self._search)

    def add(
        self,
        number: int,
        slug: str,
        *,
        title: str,
        artist: str,
        audio: bytes,
        duration_s: float,
        trouble: Trouble = "none",
        artwork_url: str | None = None,
        isrc: str | None = None,
        segments: Mapping[str, bytes] | None = None,
    ) -> str:
        """Publish a track and return its page's address.

        Args:
            number: SoundCloud's id of it.
            slug: Artist and track as the address has them.
            title: As shown.
            artist: As shown.
            audio: What the plain stream serves.
            duration_s: As stated.
            trouble: Why it cannot be had.
            artwork_url: Its cover.
            isrc: Its recording code, in the publisher's data.
            segments: Served by HLS in place of the plain stream; one of them is ``a.m3u8``.
        """
        page = f"https://soundcloud.com/{slug}"
        stream = (
            f"https://api-v2.soundcloud.com/media/{number}/{'preview' if trouble == 'preview' else 'stream'}"
        )
        protocol = "ctr-encrypted-hls" if trouble == "drm" else "hls" if segments else "progressive"
        transcoding = {
            "url": f"{stream}/progressive",
            "preset": "aac_160k",
            "snipped": trouble == "preview",
            "quality": "sq",
            "format": {"protocol": protocol, "mime_type": 'audio/mp4; codecs="mp4a.40.2"'},
        }
        self._tracks[page] = {
            "id": number,
            "kind": "track",
            "title": title,
            "permalink_url": page,
            "uri": f"https://api.soundcloud.com/tracks/{number}",
            "duration": round(duration_s * 1000),
            "full_duration": round(duration_s * 1000),
            "artwork_url": artwork_url,
            "policy": "BLOCK" if trouble == "geo" else "ALLOW",
            "user": {"id": 5, "username": artist, "permalink_url": page.rsplit("/", 1)[0]},
            "publisher_metadata": {"artist": artist, "isrc": isrc},
            "media": {"transcodings": [] if trouble == "geo" else [transcoding]},
        }
        media = f"https://cf-media.sndcdn.com/{number}{'/a.m3u8' if segments else '.m4a'}"
        for name, content in (segments or {}).items():
            self._server.serve_audio(f"/cf-media.sndcdn.com/{number}/{name}", content)
        progressive = f"{stream}/progressive".removeprefix("https:/")
        self._server.serve(progressive, _json({"url": media}))
        self._server.serve_audio(f"/cf-media.sndcdn.com/{number}.m4a", audio)
        if trouble in {"gone", "busy"}:
            status = 404 if trouble == "gone" else 429
            self._tracks[page] = {"status": status}
        return page

    def _search(self, seen: Seen) -> Answer:
        words = set(seen.query.get("q", "").casefold().split())
        found = [
            track
            for track in self._tracks.values()
            if words
            & set(f"{track.get('title', '')} {track.get('user', {}).get('username', '')}".casefold().split())
        ]
        return _json({"collection": found, "next_href": None})

    def _resolve(self, seen: Seen) -> Answer:
        track = self._tracks.get(seen.query.get("url", ""))
        if track is None or track.get("status") == 404:
            return _json({}, status=404)
        if track.get("status") == 429:
            return _json({}, status=429, headers={"Retry-After": "90"})
        return _json(track)


class Bandcamp:
    """A Bandcamp track page, which at first challenges whoever does not look like a browser."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server

    def add(
        self, artist: str, slug: str, *, title: str, audio: bytes, duration_s: float, challenge: bool
    ) -> str:
        """Publish a track (its audio an MP3) and return its page's address."""
        host = f"{artist.lower().replace(' ', '')}.bandcamp.com"
        media = f"https://t4.bcbits.com/stream/{slug}"
        info = {"id": 77, "track_id": 77, "title": title, "duration": duration_s, "file": {"mp3-128": media}}
        data = html.escape(
            json.dumps({"id": 77, "artist": artist, "trackinfo": [info], "current": {"artist": artist}})
        )
        embed = html.escape(json.dumps({"artist": artist}))
        page = Answer(
            body=f'<html><script data-tralbum="{data}" data-embed="{embed}"></script>'.encode(),
            content_type="text/html",
        )
        wall = Answer(body=b"<html><title>Client Challenge</title></html>", content_type="text/html")

        def answer(seen: Seen) -> Answer:
            browser = "Sec-Ch-Ua" in {name.title() for name in seen.headers}
            return page if browser or not challenge else wall

        self._server.serve(f"/{host}/track/{slug}", answer)
        self._server.serve_audio(f"/t4.bcbits.com/stream/{slug}", audio, "audio/mpeg")
        return f"https://{host}/track/{slug}"


class YouTube:
    """YouTube's watch page and player API, as far as one video needs them."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self._videos: dict[str, dict[str, Any]] = {}
        self._songs: set[str] = set()
        server.serve("/www.youtube.com/youtubei/v1/search", self._search)
        server.serve("/music.youtube.com/youtubei/v1/search", self._search_songs)
        server.serve(
            "/www.youtube.com/watch", Answer(body=b"<html><body></body></html>", content_type="text/html")
        )
        for host in ("www.youtube.com", "music.youtube.com", "youtubei.googleapis.com", "m.youtube.com"):
            server.serve(f"/{host}/youtubei/v1/player", self._player)
            server.serve(f"/{host}/youtubei/v1/next", self._next)

    def add(
        self,
        video_id: str,
        *,
        title: str,
        channel: str,
        audio: bytes,
        duration_s: float,
        trouble: Trouble = "none",
        song: bool = False,
    ) -> str:
        """Publish a video, or as a `song` what a label delivered to YouTube Music, and return its address."""
        if song:
            self._songs.add(video_id)
        media = f"https://rr1---sn-a.googlevideo.com/videoplayback/{video_id}?expire=9999999999"
        details = {
            "videoId": video_id,
            "title": title,
            "author": channel,
            "channelId": "UC" + "c" * 22,
            "lengthSeconds": str(round(duration_s)),
            "thumbnail": {"thumbnails": []},
            "isLiveContent": False,
        }
        stream = {
            "itag": 140,
            "url": media,
            "mimeType": 'audio/mp4; codecs="mp4a.40.2"',
            "bitrate": 129_000,
            "contentLength": str(len(audio)),
            "approxDurationMs": str(round(duration_s * 1000)),
            "audioSampleRate": "44100",
            "audioChannels": 2,
            "audioQuality": "AUDIO_QUALITY_MEDIUM",
        }
        status: dict[str, Any] = {"status": "OK"}
        if trouble == "gone":
            status = {"status": "ERROR", "reason": "Video unavailable"}
        elif trouble == "login":
            status = {"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm you\u2019re not a bot"}
        elif trouble == "geo":
            words = "The uploader has not made this video available in your country"
            status = {"status": "UNPLAYABLE", "reason": words}
        self._videos[video_id] = {
            "playabilityStatus": status,
            "videoDetails": details,
            "streamingData": {"adaptiveFormats": [stream], "expiresInSeconds": "21540"}
            if status["status"] == "OK"
            else {},
            "microformat": {"playerMicroformatRenderer": {"lengthSeconds": str(round(duration_s))}},
        }
        if trouble == "drm":
            self._videos[video_id]["streamingData"]["licenseInfos"] = [{"drmFamily": "WIDEVINE"}]
            stream["drmFamilies"] = ["WIDEVINE"]
        self._server.serve_audio(f"/rr1---sn-a.googlevideo.com/videoplayback/{video_id}", audio)
        return f"https://www.youtube.com/watch?v={video_id}"

    def _next(self, seen: Seen) -> Answer:
        """What stands around the player: whose channel it is."""
        video = self._videos.get(json.loads(seen.body or "{}").get("videoId"))
        if video is None:
            return _json({})
        owner = {"videoOwnerRenderer": {"title": {"runs": [{"text": video["videoDetails"]["author"]}]}}}
        content = [{"videoSecondaryInfoRenderer": {"owner": owner}}]
        page = {"twoColumnWatchNextResults": {"results": {"results": {"contents": content}}}}
        return _json({"contents": page})

    def _search(self, _seen: Seen) -> Answer:
        """Everything that is no song, in the shape of YouTube's result page."""
        found = [
            {
                "videoRenderer": {
                    "videoId": details["videoId"],
                    "title": {"runs": [{"text": details["title"]}]},
                    "ownerText": {"runs": [{"text": details["author"]}]},
                    "lengthText": {"simpleText": _clock(int(details["lengthSeconds"]))},
                }
            }
            for details in self._details(songs=False)
        ]
        content = {"sectionListRenderer": {"contents": [{"itemSectionRenderer": {"contents": found}}]}}
        return _json({"contents": {"twoColumnSearchResultsRenderer": {"primaryContents": content}}})

    def _search_songs(self, _seen: Seen) -> Answer:
        """All songs, in the shape of YouTube Music's shelf: no more than their titles."""
        found = [
            {
                "musicResponsiveListItemRenderer": {
                    "playlistItemData": {"videoId": details["videoId"]},
                    "flexColumns": [
                        {
                            "musicResponsiveListItemFlexColumnRenderer": {
                                "text": {"runs": [{"text": details["title"]}]}
                            }
                        }
                    ],
                }
            }
            for details in self._details(songs=True)
        ]
        content = {"sectionListRenderer": {"contents": [{"musicShelfRenderer": {"contents": found}}]}}
        tab = {"tabRenderer": {"content": content}}
        return _json({"contents": {"tabbedSearchResultsRenderer": {"tabs": [tab]}}})

    def _details(self, *, songs: bool) -> list[dict[str, Any]]:
        return [
            video["videoDetails"] for name, video in self._videos.items() if (name in self._songs) is songs
        ]

    def _player(self, seen: Seen) -> Answer:
        wanted = json.loads(seen.body or "{}").get("videoId")
        return _json(
            self._videos.get(
                wanted, {"playabilityStatus": {"status": "ERROR", "reason": "Video unavailable"}}
            )
        )


class Spotify:
    """Spotify's token and track addresses; no audio, as in life."""

    CLIENT_ID, SECRET, TOKEN = "an-app", "its-secret", "a-token"

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self.logins: list[str] = []
        server.serve("/accounts.spotify.com/api/token", self._log_in)

    def add(self, track_id: str, **track: Any) -> str:
        """Publish a track (the fields of the Web API's answer) and return its link."""

        def answer(seen: Seen) -> Answer:
            known = seen.headers.get("Authorization") == f"Bearer {self.TOKEN}"
            return _json(track) if known else _json({"error": {"status": 401}}, status=401)

        self._server.serve(f"/api.spotify.com/v1/tracks/{track_id}", answer)
        return f"https://open.spotify.com/track/{track_id}"

    def refuse(self, track_id: str, status: int, **headers: str) -> str:
        """Answer for a track with an error."""
        refusal = _json({"error": {"status": status}}, status=status, headers=headers)
        self._server.serve(f"/api.spotify.com/v1/tracks/{track_id}", refusal)
        return f"https://open.spotify.com/track/{track_id}"

    def _log_in(self, seen: Seen) -> Answer:
        expected = base64.b64encode(f"{self.CLIENT_ID}:{self.SECRET}".encode()).decode()
        if seen.headers.get("Authorization") != f"Basic {expected}":
            return _json({"error": "invalid_client"}, status=400)
        self.logins.append(seen.body)
        return _json({"access_token": self.TOKEN, "token_type": "Bearer", "expires_in": 3600})


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(body=json.dumps(content).encode(), content_type=JSON, status=status, headers=headers or {})


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, media: MediaServer) -> None:
        self.media = media
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients hang up, as guards make them do; everything else is a bug of this server."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        query = dict(parse_qsl(parts.query))
        seen = Seen(self.command, unquote(parts.path), query, dict(self.headers), body)
        self.server.media.seen.append(seen)
        self._send(self.server.media.answer(seen))

    do_HEAD = do_GET  # noqa: N815 - the base class's names
    do_POST = do_GET  # noqa: N815

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""

    def _send(self, answer: Answer) -> None:
        body, status, headers = answer.body, answer.status, dict(answer.headers)
        if answer.ranges and status == 200:
            body, status = self._part(answer, headers)
        self.send_response(status)
        headers.setdefault("Content-Type", answer.content_type)
        if answer.state_length:
            headers.setdefault("Content-Length", str(len(body)))
        else:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(body, answer)
        if not answer.state_length:
            self.close_connection = True

    def _part(self, answer: Answer, headers: dict[str, str]) -> tuple[bytes, int]:
        etag = f'"{zlib.crc32(answer.body):x}"'
        headers["ETag"] = etag
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or self.headers.get("If-Range", etag) != etag:
            return answer.body, 200
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(answer.body)), len(answer.body) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(answer.body)}"
        return answer.body[start : end + 1], 206

    def _write(self, body: bytes, answer: Answer) -> None:
        limit = len(body) if answer.break_after is None else min(len(body), answer.break_after)
        for start in range(0, limit, 16_384):
            self.wfile.write(body[start : min(start + 16_384, limit)])
            self.wfile.flush()
            time.sleep(answer.chunk_delay_s)
        if limit < len(body):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
