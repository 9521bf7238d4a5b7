"""Who may speak to the board: the ASGI middleware in front of the page, its API and its event stream.

A browser will carry any page's request to a server on loopback, so being bound to 127.0.0.1 protects nothing
by itself. Three checks do: the `Host` header must name loopback (a rebound DNS name does not), a write must
come from the board's own origin, and a board bound to another address asks for a session cookie, obtained
once by a link that carries the token. It never looks at a request's body and knows nothing of Notion. Called
by `board_routes` alone.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE = "segue_board"

# Pictures may live on any https site, as in Notion, and on this server under its other loopback name.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: https: http://127.0.0.1:* http://localhost:*; "
    "media-src 'self' https: http://127.0.0.1:* http://localhost:*; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Session:
    """The key to a board that is bound to more than loopback.

    Opening the board once with `?token=<token>` exchanges it for a cookie that scripts cannot read and that
    other sites' requests do not carry.
    """

    token: str

    def admits(self, cookie_header: str) -> bool:
        """Whether a `Cookie` header carries this session."""
        try:
            morsel = SimpleCookie(cookie_header).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and self.matches(morsel.value)

    def matches(self, candidate: str) -> bool:
        """Whether a string is the token, compared in constant time."""
        return hmac.compare_digest(candidate.encode(), self.token.encode())


class Guard:
    """Refuses what did not come from the board's own page; hardens what goes back.

    Args:
        app: What stands behind the guard.
        session: The session asked for; None when the server is bound to loopback, where the host name is
            checked instead.
    """

    def __init__(self, app: ASGIApp, session: Session | None = None) -> None:
        self._app = app
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _hardened(send))
            return
        await self._app(scope, receive, _hardened(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._session is None:
            if _hostname(headers.get("host", "")) not in LOOPBACK_NAMES:
                return _forbidden("The board answers to loopback names only (localhost, 127.0.0.1).")
        else:
            exchange = self._exchange(scope, self._session)
            if exchange is not None:
                return exchange
            if not self._session.admits(headers.get("cookie", "")):
                return _forbidden(
                    "This board needs its token: open it with the link that the server printed."
                )
        if scope["method"] not in SAFE_METHODS and not _same_origin(headers):
            return _forbidden("A write must come from the board's own page.")
        return None

    @staticmethod
    def _exchange(scope: Scope, session: Session) -> Response | None:
        """The redirect that swaps `?token=` for the cookie, where the token is right."""
        candidate = QueryParams(scope["query_string"]).get("token")
        if scope["method"] != "GET" or candidate is None or not session.matches(candidate):
            return None
        answer = RedirectResponse(scope["path"], status_code=303)
        answer.set_cookie(
            COOKIE, session.token, httponly=True, samesite="strict", secure=scope["scheme"] == "https"
        )
        return answer


def _hostname(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _same_origin(headers: Headers) -> bool:
    """Whether a browser says that the page asking is this server's own.

    `Sec-Fetch-Site` is believed when `Origin` agrees; a client that sends neither is no browser, and the
    Notion API with its bearer token is the door for those.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "same-origin"
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    return netloc == headers.get("host", "") and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _forbidden(message: str) -> Response:
    body = {"object": "error", "status": 403, "code": "restricted_resource", "message": message}
    return JSONResponse(body, status_code=403)


def _hardened(send: Send) -> Send:
    async def harden(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
        await send(message)

    return harden
