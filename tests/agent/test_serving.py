"""The small web server against clients that dawdle: their time is up, those who are being answered get more."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from agent.web import serving
from agent.web.serving import Serving

LIFE_S = 0.5


async def _slow(_request: Request) -> PlainTextResponse:
    await asyncio.sleep(1.5 * LIFE_S)
    return PlainTextResponse("done")


async def _endless(_request: Request) -> PlainTextResponse:
    await asyncio.sleep(60)
    return PlainTextResponse("never")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """A server whose connections live half a second, and as much again while they are answered."""
    monkeypatch.setattr(serving, "_LIFE_S", LIFE_S)
    server = Serving(
        Starlette(routes=[Route("/slow", _slow), Route("/endless", _endless)]), host="127.0.0.1", port=0
    )
    server.start()
    yield server
    server.stop()


def test_a_connection_lives_only_so_long(served: Serving) -> None:
    """Silent, in the middle of its headers, or idle after an answer: closed; headers of megabytes are refused."""
    port = int(served.url.rsplit(":", 1)[1])
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Half", b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(10)
            began = time.monotonic()
            client.sendall(sent)
            with contextlib.suppress(
                ConnectionResetError
            ):  # or closed in the orderly way; a time-out is neither
                while client.recv(65536):
                    pass
            assert time.monotonic() - began >= LIFE_S / 2
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(10)
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000)
        assert client.recv(12) == b"HTTP/1.1 400"


def test_who_is_being_answered_gets_as_much_time_again_and_no_more(served: Serving) -> None:
    """An answer that takes a little longer arrives; one that never comes is cut off."""
    assert httpx.get(f"{served.url}/slow", trust_env=False, timeout=10).text == "done"
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{served.url}/endless", trust_env=False, timeout=10)
