"""A small web server in a thread of the worker, made for few and impatient for slow clients.

A connection lives at most a minute, whatever it is doing; more than a few dozen at once are turned away. Used by
``agent.web.webhooks`` alone.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent.commands.refusal import RefusedError

_MOST_CONNECTIONS = 64
_LIFE_S = 30.0
"""After so long an idle or dawdling connection is closed; one that is being answered gets as much again."""
_START_S = 20.0
_STOP_S = 5.0
_LARGEST_HEADERS = 16_384


class ServingError(RefusedError):
    """The server cannot listen; the sentence says where and why."""


class _Impatient(H11Protocol):
    """Closes a connection when its time is up: the library waits for ever for headers that come byte by byte."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the library has it
        super().connection_made(transport)
        self.loop.call_later(_LIFE_S, self._time_is_up, True)  # noqa: FBT003 - the loop passes no names

    def _time_is_up(self, once_more: bool) -> None:  # noqa: FBT001 - the same
        cycle = vars(self).get("cycle")  # None until the headers of a first request are there
        answering = cycle is not None and not cycle.response_complete
        if answering and once_more:
            self.loop.call_later(_LIFE_S, self._time_is_up, False)  # noqa: FBT003
        elif not self.transport.is_closing():
            self.transport.abort()


class Serving:
    """A web application, served until stopped.

    Args:
        app: what is served.
        host: the address to listen on.
        port: the port; 0 takes a free one.

    Raises:
        ServingError: the address is taken, or not this machine's.
    """

    def __init__(self, app: Starlette, *, host: str, port: int) -> None:
        self._socket = _listening(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=_Impatient,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                h11_max_incomplete_event_size=_LARGEST_HEADERS,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="segue-web", daemon=True
        )

    def start(self) -> None:
        """Returns once requests are answered."""
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise ServingError(f"The web server at {self.url} did not start.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Ends it; requests that are being answered get a second."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self._socket.close()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio leaves Nagle on, and every small answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_MOST_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise ServingError(
            f"Segue cannot listen on {host} port {port}: {error.strerror or error}."
            " Set WEBHOOKS_PORT to a free one, or stop what uses it."
        ) from error
    return listener
