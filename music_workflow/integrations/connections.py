"""Guarded connections for `http.client`, which yt-dlp's networking is built on, and bounded bodies.

A connection is made by a `Route`, to its checked addresses; a body is cut off at its limit, and a compressed one
cannot swell beyond it. Used by `integrations.ytdlp`; it knows nothing of yt-dlp.
"""

from __future__ import annotations

import http.client
import socket
import zlib
from collections.abc import Iterable
from functools import partial
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has no stubs

from music_workflow.errors import BadLink
from music_workflow.integrations.guards import Route

PAGE_LIMIT = 64_000_000
"""Bytes of a page, decoded: whatever is read whole is kept in memory."""
_CHUNK = 1 << 16


class BoundedResponse(http.client.HTTPResponse):
    """An answer that is cut off at its limit: a low one when read whole, `limit` when streamed."""

    def __init__(self, *args: Any, limit: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = limit
        self._seen = 0

    def read(self, amt: int | None = None) -> bytes:
        """Read as the base class does.

        Raises:
            BadLink: The body is larger than permitted.
        """
        if amt is not None:
            return self._count(super().read(amt), self._limit)
        pieces = []
        while piece := self._count(super().read(_CHUNK), min(self._limit, PAGE_LIMIT)):
            pieces.append(piece)
        return b"".join(pieces)

    def _count(self, piece: bytes, limit: int) -> bytes:
        self._seen += len(piece)
        if self._seen > limit:
            raise too_large(limit)
        return piece


def connection_for(route: Route, limit: int, **kwargs: Any) -> http.client.HTTPConnection:
    """Make a connection that goes where `route` says, and whose answers hold at most `limit` bytes."""
    if route.scheme == "http":
        kwargs.pop("context", None)
        connection: http.client.HTTPConnection = _Plain(route.host, route.port, **kwargs)
    else:
        connection = _Encrypted(route.host, route.port, **kwargs)
    connection.route = route  # type: ignore[attr-defined]  # of both classes below
    connection.response_class = partial(BoundedResponse, limit=limit)  # type: ignore[assignment]  # called as a class
    connection._create_connection = partial(_connect, route)  # type: ignore[attr-defined]  # noqa: SLF001 - its one hook
    return connection


def decoded(body: bytes, encodings: Iterable[str], limit: int) -> bytes:
    """Undo Content-Encoding, in the order applied.

    Raises:
        BadLink: It swells beyond `limit` bytes.
        zlib.error, brotli.error: It is damaged.
    """
    for encoding in reversed(list(encodings)):
        body = _unbrotli(body, limit) if encoding == "br" else _inflated(body, encoding, limit)
    return body


def too_large(limit: int) -> BadLink:
    """Word the refusal of what is larger than permitted."""
    return BadLink(
        f"The file is larger than the permitted {limit / 1e6:,.0f} MB.", service="link", operation="download"
    )


class _Prefixed(http.client.HTTPConnection):
    """Asks for the path below the route's prefix, which a gateway has."""

    route: Route

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:
        super().putrequest(method, self.route.path_prefix + url, *args, **options)


class _Plain(_Prefixed):
    """Without TLS."""


class _Encrypted(_Prefixed, http.client.HTTPSConnection):
    """With TLS, for the name and not for the address."""


def _connect(
    route: Route, _address: tuple[str, int], timeout: Any = None, source_address: Any = None
) -> socket.socket:
    for address in route.addresses[:-1]:
        try:
            return socket.create_connection((address, route.port), timeout, source_address)
        except OSError:
            continue
    return socket.create_connection((route.addresses[-1], route.port), timeout, source_address)


def _inflated(body: bytes, encoding: str, limit: int) -> bytes:
    raw = encoding == "deflate" and not _has_zlib_header(body)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
    plain = inflater.decompress(body, limit + 1)
    if len(plain) > limit:
        raise too_large(limit)
    return plain


def _has_zlib_header(body: bytes) -> bool:
    """Tell zlib's wrapper from bare deflate, which servers mean by the same word (RFC 1950, section 2.2)."""
    return len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _unbrotli(body: bytes, limit: int) -> bytes:
    decompressor = brotli.Decompressor()
    plain = bytearray(decompressor.process(body, output_buffer_limit=_CHUNK))
    while not decompressor.can_accept_more_data():
        plain += decompressor.process(b"", output_buffer_limit=_CHUNK)
        if len(plain) > limit:
            raise too_large(limit)
    return bytes(plain)
