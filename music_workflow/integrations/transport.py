"""The guarded way out for httpx: every hop checked, every connection made to a checked address.

Also the words for what an HTTP answer means for music. Used by `integrations.files`, and for its table of
statuses by `integrations.ytdlp`.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping

import httpx

from music_workflow.errors import GeoBlocked, MusicError, Removed, Unavailable, Unobtainable
from music_workflow.integrations.guards import Guard, Route

_USER_AGENT = "segue/0.1 (+music library worker)"


class GuardedTransport(httpx.BaseTransport):
    """Sends each request to an address that the guard has checked, with the name kept for Host and TLS."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        # Connections are not reused: one address may serve several names, each with its own certificate.
        self._inner = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Check, resolve, connect; tries the next address when one does not answer."""
        route = self._guard.route(str(request.url))
        for address in route.addresses[:-1]:
            try:
                return self._inner.handle_request(_readdressed(request, route, address))
            except httpx.ConnectError:
                continue
        return self._inner.handle_request(_readdressed(request, route, route.addresses[-1]))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def open_client(guard: Guard, timeout_s: float) -> httpx.Client:
    """Make a client whose every request is guarded; proxies and netrc of the environment are not read."""
    return httpx.Client(
        transport=GuardedTransport(guard),
        timeout=httpx.Timeout(timeout_s),
        follow_redirects=True,
        max_redirects=8,
        trust_env=False,
        headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
    )


def status_error(
    status: int, headers: Mapping[str, str], *, service: str, operation: str
) -> MusicError | None:
    """Say what an HTTP status means for the track asked for; None when it is no error."""
    words = {"service": service, "operation": operation, "request_id": headers.get("x-request-id")}
    if status < 400:  # noqa: PLR2004 - the first error status of HTTP
        return None
    if status in {404, 410}:
        return Removed(f"{service} answers {status}: the link is dead.", **words)
    if status == 451:  # noqa: PLR2004 - "unavailable for legal reasons"
        return GeoBlocked(f"{service} answers 451: not available from here for legal reasons.", **words)
    if status in {401, 402, 403, 407}:
        return Unobtainable(f"{service} answers {status}: it wants a login or forbids the download.", **words)
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 - server errors
        error = Unavailable(f"{service} answers {status}: it asks to be left alone for a while.", **words)
        error.retry_after_s = retry_after(headers)
        return error
    return Unobtainable(f"{service} answers {status} and gives no audio.", **words)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After (seconds or an HTTP date) as seconds from now; None when absent or unreadable."""
    value = headers.get("retry-after") or headers.get("Retry-After") or ""
    if value.strip().isdigit():
        return float(value)
    parsed = email.utils.parsedate_tz(value)
    return None if parsed is None else max(0.0, email.utils.mktime_tz(parsed) - time.time())


def transport_error(error: httpx.TransportError, *, service: str, operation: str) -> Unavailable:
    """Put a failed connection or a timeout into words."""
    slow = isinstance(error, httpx.TimeoutException)
    what = "did not answer in time" if slow else "cannot be reached or broke off"
    return Unavailable(f"{service} {what}.", service=service, operation=operation)


def _readdressed(request: httpx.Request, route: Route, address: str) -> httpx.Request:
    path = route.path_prefix.encode("ascii") + request.url.raw_path
    url = request.url.copy_with(scheme=route.scheme, host=address, port=route.port, raw_path=path)
    extensions = {**request.extensions, "sni_hostname": route.host}
    return httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions=extensions
    )
