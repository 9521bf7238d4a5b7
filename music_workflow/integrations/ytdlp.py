"""yt-dlp as a library: what a page holds, and its audio, untouched.

The only file that imports yt_dlp. No option ever comes from a row, nothing is post-processed, no cookies, no
cache, no shell and no external downloader; its connections go through the same guard as every other. DRM is
recognised and refused. Wired behind `core.ports.Source`.
"""

from __future__ import annotations

import http.client
import io
import re
import urllib.request
import urllib.response
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import deno  # type: ignore[import-untyped]  # it has no stubs
import yt_dlp
from yt_dlp.extractor.soundcloud import SoundcloudIE
from yt_dlp.extractor.unsupported import KnownDRMIE, KnownPiracyIE
from yt_dlp.networking._curlcffi import CurlCFFIRH
from yt_dlp.networking._urllib import HTTPHandler, RedirectHandler, UrllibRH
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError
from yt_dlp.utils import (
    ExtractorError,
    GeoRestrictedError,
    UnsupportedError,
    YoutubeDLError,
)

from music_workflow.core.links import Link
from music_workflow.core.ports import Download, LibrarySettings, too_long
from music_workflow.errors import (
    BadLink,
    GeoBlocked,
    MusicError,
    Protected,
    Unavailable,
)
from music_workflow.integrations.artwork import fetch_artwork
from music_workflow.integrations.browser import BrowserSession
from music_workflow.integrations.connections import PAGE_LIMIT, connection_for, decoded, too_large
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.page_records import by_words, check_same, identity_of, protected, service_of
from music_workflow.integrations.transport import status_error
from music_workflow.model import Identity, Progress, silent

Judge = Callable[[dict[str, Any]], None]
"""Is shown what a page holds, and raises to refuse it."""

_NATIVE = "[protocol~='^(https?|m3u8_native|http_dash_segments)$']"
_WHOLE = f"[format_id!*=preview]{_NATIVE}"
_FORMAT = "/".join(
    (
        f"bestaudio[ext=m4a]{_WHOLE}",
        f"bestaudio{_WHOLE}",
        f"best*[acodec!=none]{_WHOLE}",
        f"bestaudio{_NATIVE}",  # only previews are left: chosen so that they are recognised as such
    )
)
"""AAC in MP4 first, since its packets are kept; only streams that yt-dlp fetches itself, under our guard."""

_DRM = re.compile(r"\bdrm\b", re.IGNORECASE)
_PREVIEW = re.compile(r"preview", re.IGNORECASE)
_SEARCHES = ("scsearch", "ytsearch", "https://music.youtube.com/search")


@dataclass(frozen=True, slots=True)
class YtDlp:
    """The source for every page that yt-dlp can take without credentials."""

    settings: LibrarySettings
    guard: Guard

    def takes(self, link: Link) -> bool:
        """Take everything; known DRM and piracy sites are refused here, before any network.

        Raises:
            Protected: A site whose every track is encrypted.
            BadLink: A site known for stolen copies.
        """
        if KnownDRMIE.suitable(link.url):
            raise Protected(
                "This site encrypts all it serves (DRM), which is never circumvented; "
                "another source has to be found.",
                service=urlsplit(link.url).hostname or "drm",
                operation="read link",
            )
        if KnownPiracyIE.suitable(link.url):
            raise BadLink(
                "This site spreads stolen copies; it is not used.", service="link", operation="read link"
            )
        return True

    def identify(self, link: Link) -> Identity | None:
        """Ask the page what it holds."""
        session = _Session(self.settings, self.guard, silent)
        return identity_of(link.url, session.extract(link.url, None, self._check))

    def fetch(self, identity: Identity, work_dir: str, progress: Progress) -> Download:
        """Download the stream, and the cover picture if there is one."""

        def judge(info: dict[str, Any]) -> None:
            self._check(info)
            check_same(identity, info)

        info = _Session(self.settings, self.guard, progress).extract(identity.url, work_dir, judge)
        path = info["requested_downloads"][0]["filepath"]
        artwork = fetch_artwork(identity.artwork_url, work_dir, self.guard, self.settings.timeout_s)
        return Download(
            path=str(path), format_id=str(info.get("format_id") or "unknown"), artwork_path=artwork
        )

    def _check(self, info: dict[str, Any]) -> None:
        """Refuse lists, live streams, encryption, previews and what is too long."""
        service = service_of(info)
        words = {"service": service, "operation": "identify"}
        if info.get("_type", "video") != "video":
            raise BadLink("This is a playlist; Sync track takes one track.", **words)
        if info.get("is_live") or info.get("live_status") in {"is_live", "is_upcoming"}:
            raise BadLink("This is a live stream; Sync track takes finished tracks.", **words)
        if info.get("has_drm"):
            raise protected(service)
        if _PREVIEW.search(str(info.get("format_id") or "")):
            raise Protected(f"{service} offers only a preview of this track.", **words)
        duration = info.get("duration")
        if duration and duration > self.settings.max_duration_s:
            raise too_long(duration, self.settings.max_duration_s, service)


def search(settings: LibrarySettings, guard: Guard, query: str, most: int) -> list[dict[str, Any]]:
    """Ask one of yt-dlp's searches; each hit as the result page tells it, none is opened.

    Args:
        settings: For limits and time-outs.
        guard: For every connection.
        query: ``scsearch5:words``, ``ytsearch5:words``, or the address of a search page.
        most: So many hits at most.

    Raises:
        MusicError: The service cannot be asked.
    """
    page = _Session(settings, guard, silent).extract(query, None, _anything, most=most)
    return [hit for hit in page.get("entries") or () if hit and hit.get("id")]


def listing(settings: LibrarySettings, guard: Guard, url: str, most: int) -> dict[str, Any]:
    """Read a list's own page: its ``title``, ``uploader``, and under ``entries`` its first tracks; none is opened.

    Raises:
        MusicError: The list cannot be read.
    """
    page = _Session(settings, guard, silent).extract(url, None, _anything, most=most)
    if page.get("_type") != "playlist":
        raise BadLink("There is no list behind this link.", service=service_of(page), operation="read list")
    return {**page, "entries": [entry for entry in page.get("entries") or () if entry]}


def describe(settings: LibrarySettings, guard: Guard, link: Link) -> Identity:
    """Read what a page says of its track though its audio may be closed; no audio is asked for.

    Raises:
        MusicError: The page cannot be read.
    """
    info = _Session(settings, guard, silent).extract(link.url, None, _anything, closed=True)
    length = info.get("full_duration") or info.get("duration")
    return replace(identity_of(link.url, info), duration_s=float(length) if length else None)


def _anything(_info: dict[str, Any]) -> None:
    """A judge who refuses nothing: a list of hits is looked at, not taken."""


class _Refused(RequestError):  # type: ignore[misc]  # noqa: N818 - yt-dlp is untyped; a carrier
    """Carries our own error through yt-dlp, which only lets its own kind pass."""

    def __init__(self, error: MusicError) -> None:
        super().__init__(str(error))
        self.error = error


class _Session:
    """One use of yt-dlp: the options, the hooks, and its errors put into ours."""

    def __init__(self, settings: LibrarySettings, guard: Guard, progress: Progress) -> None:
        self._settings = settings
        self._guard = guard
        self._progress = progress

    def extract(
        self, url: str, work_dir: str | None, judge: Judge, *, most: int = 2, closed: bool = False
    ) -> dict[str, Any]:
        """Extract, and with a `work_dir` download.

        Args:
            url: A page.
            work_dir: Where to download to; None to look only.
            judge: Asked before a byte is downloaded.
            most: So many entries of a list are listed.
            closed: Look also at what has no stream for us.

        Raises:
            MusicError: Whatever went wrong.
        """

        def before_download(info: dict[str, Any], *, incomplete: bool) -> None:
            if not incomplete:
                judge(info)

        params = {
            **self._params(work_dir),
            "match_filter": before_download,
            "playlist_items": f"1:{most}",
            # One hit that is closed to this country must not hide the others; a page of its own still says so.
            "ignore_no_formats_error": closed or url.startswith(_SEARCHES),
        }
        try:
            with _GuardedYoutubeDL(params, self._guard, self._settings.max_bytes) as ydl:
                info: dict[str, Any] = ydl.extract_info(url, download=work_dir is not None)
        except YoutubeDLError as error:
            raise _translate(error, urlsplit(url).hostname or "web") from error
        judge(info)
        return info

    def _params(self, work_dir: str | None) -> dict[str, Any]:
        return {
            "quiet": True,
            "no_warnings": True,
            "noprogress": True,
            "logger": _Silence(),
            "format": _FORMAT,
            "noplaylist": True,
            "extract_flat": "in_playlist",
            "cachedir": False,
            "cookiefile": None,
            "proxy": "",
            "fixup": "never",
            "postprocessors": [],
            "hls_prefer_native": True,
            "external_downloader": {"default": "native"},
            "ffmpeg_location": "/nonexistent",  # an ffmpeg on the machine would connect past our guard
            "js_runtimes": {"deno": {"path": deno.find_deno_bin()}},
            "socket_timeout": self._settings.timeout_s,
            "retries": 2,
            "extractor_retries": 1,
            "fragment_retries": 3,
            "continuedl": True,
            "overwrites": True,
            "updatetime": False,
            "paths": {"home": work_dir or ""},
            # The format in the name: a part of one format is never continued by another.
            "outtmpl": {"default": "download-%(format_id)s.%(ext)s"},
            "progress_hooks": [self._hook],
        }

    def _hook(self, status: dict[str, Any]) -> None:
        if status.get("status") != "downloading":
            return
        done = int(status.get("downloaded_bytes") or 0)
        stated = status.get("total_bytes")
        total = int(stated or status.get("total_bytes_estimate") or 0)
        limit = self._settings.max_bytes
        if max(done, int(stated or 0)) > limit:
            raise too_large(limit)
        words = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        self._progress(min(1.0, done / total) if total else 0.0, words)


class _GuardedYoutubeDL(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp is untyped
    """YoutubeDL whose only ways to the network are guarded."""

    def __init__(self, params: dict[str, Any], guard: Guard, limit: int) -> None:
        self._guard = guard
        self._limit = limit
        super().__init__(params)
        self.add_info_extractor(_SoundCloud(self))

    def build_request_director(self, _handlers: Any, _preferences: Any = None) -> Any:
        """Replace every handler yt-dlp would choose from."""
        handlers = [partial(each, guard=self._guard, limit=self._limit) for each in (_GuardedRH, _BrowserRH)]
        return super().build_request_director(handlers)


class _SoundCloud(SoundcloudIE):  # type: ignore[misc]  # yt-dlp is untyped
    """yt-dlp's own extractor, which drops the ISRC and the whole length that SoundCloud's answer has."""

    @classmethod
    def ie_key(cls) -> str:
        """Take the place of the extractor that it extends."""
        return str(SoundcloudIE.ie_key())

    def _extract_info_dict(self, info: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super()._extract_info_dict(info, *args, **kwargs)
        whole = info.get("full_duration")  # in milliseconds; of a sample, the plain duration is the sample's
        return {
            **found,
            "isrc": (info.get("publisher_metadata") or {}).get("isrc"),
            "full_duration": whole / 1000 if whole else None,
        }


class _GuardedRH(UrllibRH):  # type: ignore[misc]  # yt-dlp is untyped
    """yt-dlp's own urllib handler, with connections that the guard opens."""

    _SUPPORTED_URL_SCHEMES = ("http", "https", "data")
    _SUPPORTED_PROXY_SCHEMES = ()

    def __init__(self, *, guard: Guard, limit: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._guard = guard
        self._limit = limit

    def _create_instance(self, proxies: Any, cookiejar: Any, legacy_ssl_support: Any = None) -> Any:
        del proxies
        opener = urllib.request.OpenerDirector()
        opener.addheaders = []
        context = self._make_sslcontext(legacy_ssl_support=legacy_ssl_support)
        for handler in (
            _GuardedHTTPHandler(self._guard, self._limit, context),
            urllib.request.HTTPCookieProcessor(cookiejar),
            urllib.request.DataHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            RedirectHandler(),
        ):
            opener.add_handler(handler)
        return opener

    def _send(self, request: Any) -> Any:
        try:
            return super()._send(request)
        except (BadLink, Unavailable) as error:  # the guard's two words
            raise _Refused(error) from error


class _BrowserRH(CurlCFFIRH):  # type: ignore[misc]  # yt-dlp is untyped
    """yt-dlp's own handler for sites that want a browser, with a session that the guard leads."""

    def __init__(self, *, guard: Guard, limit: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._guard = guard
        self._limit = limit

    def _create_instance(self, cookiejar: Any = None) -> BrowserSession:
        return BrowserSession(self._guard, self._limit, cookies=cookiejar)

    def _send(self, request: Any) -> Any:
        try:
            return super()._send(request)
        except (BadLink, Unavailable) as error:  # the guard's two words
            raise _Refused(error) from error


class _GuardedHTTPHandler(HTTPHandler):  # type: ignore[misc]  # yt-dlp is untyped
    """Opens each connection, also after a redirect, by the guard's route, and bounds what comes back."""

    def __init__(self, guard: Guard, limit: int, context: Any) -> None:
        super().__init__(context=context)
        self._guard = guard
        self._limit = limit

    def http_open(self, req: Any) -> Any:
        """Open a connection; whether with TLS, the route says."""
        route = self._guard.route(req.full_url)

        def connect(_host: str, **kwargs: Any) -> http.client.HTTPConnection:
            return connection_for(route, self._limit, **kwargs)

        return self.do_open(connect, req, **({"context": self._context} if route.scheme == "https" else {}))

    def http_response(self, _req: Any, resp: Any) -> Any:
        """Undo a compression, within bounds."""
        named = resp.headers.get("Content-Encoding", "").lower().split(",")
        encodings = [name.strip() for name in named if name.strip() in {"gzip", "deflate", "br"}]
        if not encodings:
            return resp
        body = io.BytesIO(decoded(resp.read(), encodings, PAGE_LIMIT))
        plain = urllib.response.addinfourl(body, resp.headers, resp.url, resp.code)
        plain.msg = resp.msg  # type: ignore[attr-defined]  # as the base class does
        return plain

    https_open = http_open
    https_response = http_response


class _Silence:
    """yt-dlp's messages carry URLs with keys in them; none is printed or logged."""

    def debug(self, message: str) -> None:
        """Drop it."""

    def info(self, message: str) -> None:
        """Drop it."""

    def warning(self, message: str) -> None:
        """Drop it."""

    def error(self, message: str) -> None:
        """Drop it."""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Walk the errors inside an error, by every way that yt-dlp keeps them."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [
            getattr(each, "cause", None),
            (getattr(each, "exc_info", None) or (None, None))[1],
            each.__cause__,
        ]


def _translate(error: YoutubeDLError, host: str) -> MusicError:
    """Put yt-dlp's error into ours: by class and status where it has them, else by its words."""
    inner = list(_chain(error))
    spoken = next((each for each in inner if isinstance(each, ExtractorError)), error)
    text = str(getattr(spoken, "orig_msg", None) or spoken)
    service = str(getattr(spoken, "ie", None) or host).lower()
    if _DRM.search(text) or service == "drm":
        return protected(service)
    return _by_class(inner, service) or by_words(" ".join(text.split()), service)


def _by_class(inner: list[BaseException], service: str) -> MusicError | None:
    words = {"service": service, "operation": "read page"}
    for each in inner:
        if isinstance(each, _Refused):
            return each.error
        if isinstance(each, GeoRestrictedError):
            return GeoBlocked(f"{service} does not serve this track in this country.", **words)
        if isinstance(each, UnsupportedError):
            return BadLink("There is no audio to be found behind this link.", **words)
        if isinstance(each, HTTPError):
            return status_error(each.status, each.response.headers, service=service, operation="read page")
        if isinstance(each, TransportError):
            return Unavailable(f"{service} cannot be reached or broke off.", **words)
    return None
