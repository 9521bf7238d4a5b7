"""A guarded session of curl that looks like a browser, for the few sites that serve nothing else.

Redirects are followed here and not by curl, so that each hop is checked and pinned to its checked addresses. Used by
`integrations.ytdlp`; it knows nothing of yt-dlp.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from curl_cffi import CurlOpt
from curl_cffi.requests import Response, Session

from music_workflow.errors import BadLink
from music_workflow.integrations.guards import Guard, Route

_MAX_HOPS = 8
_KEEPS_METHOD = frozenset({307, 308})


class BrowserSession(Session[Response]):
    """Goes only where the guard lets it."""

    def __init__(self, guard: Guard, limit: int, **options: Any) -> None:
        super().__init__(**options, trust_env=False)
        self._guard = guard
        self._limit = limit

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]  # fewer names
        """Send a request and follow where it is sent on.

        Raises:
            BadLink: The guard refused a hop, or the redirects lead in a circle.
            Unavailable: A name cannot be resolved.
        """
        for _ in range(_MAX_HOPS):
            route = self._guard.route(url)
            self.curl_options = self._pinned(route)
            options["allow_redirects"] = False
            response = super().request(method, _through(route, url), **options)
            location = response.headers.get("Location")
            if not 300 <= response.status_code < 400 or not location:  # noqa: PLR2004 - HTTP's redirects
                response.url = url
                return response
            response.close()  # type: ignore[no-untyped-call]  # curl_cffi leaves it untyped
            url = urljoin(url, location)
            if response.status_code not in _KEEPS_METHOD and method != "HEAD":
                method, options["data"] = "GET", None
        raise BadLink("The link leads in a circle.", service="link", operation="read page")

    def _pinned(self, route: Route) -> dict[Any, Any]:
        return {
            CurlOpt.RESOLVE: [f"{route.host}:{route.port}:{','.join(route.addresses)}"],
            CurlOpt.NOPROXY: "*",
            CurlOpt.MAXFILESIZE_LARGE: self._limit,
        }


def _through(route: Route, url: str) -> str:
    """Word the URL as the route has it: the same, but for a gateway's host and prefix."""
    parts = urlsplit(url)
    host = f"[{route.host}]" if ":" in route.host else route.host
    return parts._replace(
        scheme=route.scheme,
        netloc=f"{host}:{route.port}",
        path=f"{route.path_prefix}{parts.path or '/'}",
        fragment="",
    ).geturl()
