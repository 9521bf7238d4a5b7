"""The worker's web address: events from Notion, triggers from elsewhere, health and figures.

Notion's events only make the worker look sooner; triggers only create rows. Nothing is run from here. Every address
that changes something asks for a secret; health and figures are told to this machine alone while the server listens
on loopback, also behind a tunnel. ``agent.wiring`` puts it together, the worker starts and stops it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent import log
from agent.companion import Companion
from agent.engine import Engine
from agent.poller import TASK_DATABASES, Look
from agent.web.metrics import CONTENT_TYPE, Metrics
from agent.web.notion_events import Events, TokenFile, Verdict
from agent.web.serving import Serving
from agent.web.triggers import TriggerError, Triggers
from notion_schema.errors import NotionError
from notion_schema.workspace import Workspace

TOKEN_FILE = "notion-webhook-token"  # noqa: S105 - its name, not its content
_LARGEST_EVENT = 1_000_000
_LARGEST_TRIGGER = 200_000
_BODY_S = 10.0
_ENGINE_S = 3.0
_WAKE_EVERY_S = 1.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "cf-connecting-ip", "x-real-ip")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it, but for what a tunnel passes on."""
        return self.host in _LOOPBACK


class _BodyError(Exception):
    """A body that is too long or too slow."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Webhooks(Companion):
    """The server, for as long as the worker runs.

    Args:
        address: where it listens.
        workspace: whose events count, and whose bot Segue is.
        engine: asked whether it is well.
        token: the verification token of the settings; empty to use the one that is kept.
        token_file: where a handshake's token is kept.
        triggers: what makes rows of requests.
        metrics: the figures.
        stale_s: without a look for so long, the worker is not ready.
    """

    def __init__(
        self,
        address: Address,
        *,
        workspace: Workspace,
        engine: Engine,
        token: str,
        token_file: TokenFile,
        triggers: Triggers,
        metrics: Metrics,
        stale_s: float,
    ) -> None:
        self._address = address
        self._workspace = workspace
        self._engine = engine
        self._token_file = token_file
        self._triggers = triggers
        self._metrics = metrics
        self._stale_s = stale_s
        self._events = Events(
            token=lambda: token or token_file.read(),
            keep_token=token_file.keep,
            me=lambda: self._me,
            places=self._places,
        )
        self._me: str | None = None
        self._wake: Callable[[], None] = _nothing
        self._waking: asyncio.TimerHandle | None = None
        self._next_wake = 0.0
        self._serving: Serving | None = None
        self._looked: tuple[float, Look] | None = None
        self._asking: asyncio.Future[bool] | None = None

    def register(self) -> None:
        """Takes the address, so that nothing is begun when it is taken already.

        Raises:
            ServingError: it is.
        """
        self._serving = Serving(self._app(), host=self._address.host, port=self._address.port)

    def start(self, wake: Callable[[], None]) -> None:
        """Listens from now on."""
        self._wake = wake
        if self._serving is None:
            return
        self._serving.start()
        log.get().info("listening", address=self._serving.url)

    def tend(self, look: Look) -> int:
        """Keeps what the look found, and learns once who Segue is: its own writes are no news."""
        self._looked = (time.monotonic(), look)
        if self._me is None and not look.failed:
            try:
                self._me = str(self._workspace.notion.me()["id"])
            except NotionError as error:
                log.get().warning("own writes are not known as such yet", why=str(error))
        return 0

    def stop(self) -> None:
        """Stops listening."""
        if self._serving is not None:
            self._serving.stop()

    def _places(self) -> frozenset[str]:
        opened = [self._workspace.databases.get(key) for key in TASK_DATABASES]
        if any(key in self._workspace.problems for key in TASK_DATABASES):
            return frozenset()
        return frozenset(
            place
            for database in opened
            if database is not None
            for place in (database.place.data_source_id, database.place.database_id)
            if place
        )

    # The addresses ---------------------------------------------------------------------------------------------------

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/webhooks/notion", self._on_event, methods=["POST"]),
                Route("/triggers/{task_type}", self._on_trigger, methods=["POST"]),
                Route("/healthz", self._local(self._health)),
                Route("/readyz", self._local(self._readiness)),
                Route("/metrics", self._local(self._figures)),
            ]
        )

    async def _on_event(self, request: Request) -> Response:
        try:
            body = await _body(request, _LARGEST_EVENT)
        except _BodyError as error:
            self._metrics.on_event(Verdict.REFUSED)
            return Response(status_code=error.status)
        signature = request.headers.get("x-notion-signature", "")
        verdict = await run_in_threadpool(self._events.judge, body, signature)
        self._metrics.on_event(verdict)
        if verdict is Verdict.WOKE:
            self._wake_soon()
        elif verdict is Verdict.HANDSHAKE:
            log.get().warning("Notion's verification token arrived; `segue webhooks token` shows it")
        if verdict is Verdict.REFUSED:
            return Response(status_code=HTTPStatus.UNAUTHORIZED)
        return Response(status_code=HTTPStatus.OK)

    def _wake_soon(self) -> None:
        """Wakes the worker: at once, or with others that come in the same second. A look costs two requests."""
        loop = asyncio.get_running_loop()
        if self._waking is not None:
            return
        pause = self._next_wake - loop.time()
        if pause <= 0:
            self._wake_now()
        else:
            self._waking = loop.call_later(pause, self._wake_now)

    def _wake_now(self) -> None:
        self._waking = None
        self._next_wake = asyncio.get_running_loop().time() + _WAKE_EVERY_S
        self._wake()

    async def _on_trigger(self, request: Request) -> Response:
        try:
            self._triggers.check(request.headers.get("authorization", ""))
            body = await _body(request, _LARGEST_TRIGGER)
            answer = await run_in_threadpool(
                self._triggers.make,
                request.path_params["task_type"],
                body,
                request.headers.get("idempotency-key", ""),
            )
        except TriggerError as refusal:
            answered = JSONResponse({"error": str(refusal)}, refusal.status)
        except _BodyError as error:
            sentence = f"{error.status.phrase}: at most {_LARGEST_TRIGGER:,} bytes, within {_BODY_S:.0f} s."
            answered = JSONResponse({"error": sentence}, error.status)
        else:
            answered = JSONResponse(answer.body, answer.status)
        self._metrics.on_trigger(answered.status_code)
        if answered.status_code == HTTPStatus.UNAUTHORIZED:
            answered.headers["WWW-Authenticate"] = "Bearer"
        return answered

    def _local(self, handler: Handler) -> Handler:
        """Answers only who is on this machine, where the server listens on loopback: a tunnel passes names on."""

        async def answer(request: Request) -> Response:
            host = request.url.hostname or ""
            passed_on = any(name in request.headers for name in _PASSED_ON)
            if self._address.is_loopback and (host not in _LOOPBACK or passed_on):
                return Response(status_code=HTTPStatus.NOT_FOUND)
            return await handler(request)

        return answer

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _readiness(self, _request: Request) -> Response:
        checks = {"engine": await self._engine_check(), **self._look_checks()}
        ready = all(said == "ok" for said in checks.values())
        return JSONResponse(
            {"ready": ready, "checks": checks}, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        )

    async def _engine_check(self) -> str:
        # One question at a time: while a database hangs, each caller would else leave a thread waiting behind.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(asyncio.to_thread(self._engine.answers))
        await asyncio.wait({self._asking}, timeout=_ENGINE_S)
        answers = self._asking.done() and self._asking.result()
        return "ok" if answers else "its database does not answer"

    def _look_checks(self) -> dict[str, str]:
        if self._looked is None:
            return {"worker": "has not looked at the rows yet", "notion": "not asked yet"}
        at, look = self._looked
        age = time.monotonic() - at
        worker = "ok" if age < self._stale_s else f"last looked at the rows {age:.0f} s ago"
        return {
            "worker": worker,
            "notion": f"not read: {', '.join(sorted(look.failed))}" if look.failed else "ok",
        }

    async def _figures(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)


def _nothing() -> None:
    """Nobody is to be woken yet."""


async def _body(request: Request, largest: int) -> bytes:
    """The body's bytes, of which there may be so many and for which there is so much time."""
    if int(request.headers.get("content-length") or 0) > largest:
        raise _BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    read = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                read += part
                if len(read) > largest:
                    raise _BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except (TimeoutError, ClientDisconnect):
        raise _BodyError(HTTPStatus.REQUEST_TIMEOUT) from None
    return bytes(read)
