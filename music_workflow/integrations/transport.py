"""The guarded way out for httpx: every hop checked, every connection made to a checked address.

Also the words for what an HTTP answer means for music. Used by `integrations.files`, and for its table of
statuses by `integrations.ytdlp`.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import tenacity

from music_workflow.errors import BadLink, GeoBlocked, MusicError, Removed, Unavailable, Unobtainable
from music_workflow.integrations.guards import Guard, Route

T = TypeVar("T")

_MEANINGS: dict[int, tuple[type[MusicError], str]] = {
    401: (Unobtainable, "it wants a login"),
    402: (Unobtainable, "it wants to be paid"),
    403: (Unobtainable, "it forbids the download"),
    404: (Removed, "the link is dead"),
    408: (Unavailable, "it was too slow"),
    410: (Removed, "the link is dead"),
    425: (Unavailable, "it is too early"),
    429: (Unavailable, "it asks to be left alone for a while"),
    451: (GeoBlocked, "it is not available from here for legal reasons"),
}

_USER_AGENT = "segue/0.1 (+music library worker)"


class ConnectionLost(Unavailable):
    """The server cannot be reached, does not answer, or broke off: perhaps a blip of seconds."""


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


@contextmanager
def guarded_get(
    url: str, guard: Guard, timeout_s: float, *, operation: str, headers: Mapping[str, str] | None = None
) -> Iterator[httpx.Response]:
    """Ask for `url` and hand out the answer, its body unread; every failure on the way is a `MusicError`.

    Raises:
        BadLink: The guard refused a hop, or the redirects lead in a circle.
        MusicError: What the status means, or that the server cannot be reached.
    """
    service = urlsplit(url).hostname or "link"
    try:
        with (
            open_client(guard, timeout_s) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            error = status_error(response.status_code, response.headers, service=service, operation=operation)
            if error is not None:
                raise error
            yield response
    except httpx.TooManyRedirects as error:
        raise BadLink("The link leads in a circle.", service=service, operation=operation) from error
    except httpx.TransportError as error:
        raise transport_error(error, service=service, operation=operation) from error


def follow_short_link(url: str, guard: Guard, timeout_s: float) -> str:
    """Say where a short link leads, without going there.

    Raises:
        Removed: It leads nowhere.
        MusicError: It cannot be asked, or the guard refused it.
    """
    service = urlsplit(url).hostname or "link"
    try:
        with (
            open_client(guard, timeout_s) as client,
            client.stream("GET", url, follow_redirects=False) as response,
        ):
            pass  # the answer's head says it all
    except httpx.TransportError as error:
        raise transport_error(error, service=service, operation="follow short link") from error
    operation = "follow short link"
    refusal = status_error(response.status_code, response.headers, service=service, operation=operation)
    if refusal is not None:
        raise refusal
    if response.next_request is None:
        raise Removed(
            f"{service} does not say where this short link leads.", service=service, operation=operation
        )
    return str(response.next_request.url)


def read_small(url: str, guard: Guard, timeout_s: float, *, limit: int) -> bytes:
    """Read a whole answer of at most `limit` bytes.

    Raises:
        BadLink: It is larger, or the guard refused it.
        MusicError: It cannot be had.
    """
    with guarded_get(url, guard, timeout_s, operation="read") as response:
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > limit:
                raise BadLink(f"More than {limit:,} bytes.", service="link", operation="read")
        return bytes(data)


def persist(work: Callable[[], T], pause_s: float) -> T:
    """Do `work`, and again when the connection was lost: three times in all, with growing pauses.

    For blips of seconds only; longer waits belong on the row. `work` looks itself what is done already.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(ConnectionLost),
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_exponential(multiplier=pause_s, max=10 * pause_s),
        reraise=True,
    )
    return attempts(work)


def status_error(
    status: int, headers: Mapping[str, str], *, service: str, operation: str
) -> MusicError | None:
    """Say what an HTTP status means for the track asked for; None when it is no error."""
    request_id = headers.get("x-request-id")
    if status < 400:  # noqa: PLR2004 - the first error status of HTTP
        return None
    kind, words = _meaning(status)
    error = kind(
        f"{service} answers {status}: {words}.", service=service, operation=operation, request_id=request_id
    )
    if isinstance(error, Unavailable):
        error.retry_after_s = retry_after(headers)
    return error


def _meaning(status: int) -> tuple[type[MusicError], str]:
    if status >= 500:  # noqa: PLR2004 - the first server error of HTTP
        return Unavailable, "it is in trouble"
    return _MEANINGS.get(status, (Unobtainable, "it gives no audio"))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After (seconds or an HTTP date) as seconds from now; None when absent or unreadable."""
    value = headers.get("retry-after") or headers.get("Retry-After") or ""
    if value.strip().isdigit():
        return float(value)
    parsed = email.utils.parsedate_tz(value)
    return None if parsed is None else max(0.0, email.utils.mktime_tz(parsed) - time.time())


def transport_error(error: httpx.TransportError, *, service: str, operation: str) -> ConnectionLost:
    """Put a failed connection or a timeout into words."""
    slow = isinstance(error, httpx.TimeoutException)
    what = "did not answer in time" if slow else "cannot be reached or broke off"
    return ConnectionLost(f"{service} {what}.", service=service, operation=operation)


def _readdressed(request: httpx.Request, route: Route, address: str) -> httpx.Request:
    path = route.path_prefix.encode("ascii") + request.url.raw_path
    url = request.url.copy_with(scheme=route.scheme, host=address, port=route.port, raw_path=path)
    extensions = {**request.extensions, "sni_hostname": route.host}
    return httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions=extensions
    )
