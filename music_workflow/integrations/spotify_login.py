"""One login at Spotify in a browser, for the refresh token that the worker then uses without one.

Authorization Code flow with the user's own app: Spotify sends the browser back to this machine, to an address that is
listened to for that one request. The answer is believed only when it carries the word that was sent along (``state``).
Called by ``music spotify-login``; the worker never does this.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import NotReady
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.transport import open_client, status_error, transport_error

_AUTHORIZE = "https://accounts.spotify.com/authorize"
_TOKEN = "https://accounts.spotify.com/api/token"  # noqa: S105 - an address, no token
SCOPES = (
    "user-library-read",
    "user-read-currently-playing",
    "user-read-playback-state",
    "playlist-read-private",
    "playlist-read-collaborative",
)
"""What is read of the user's; nothing is ever written."""
_PATIENCE_S = 300.0
_OPERATION = "log in"


def log_in(settings: LibrarySettings, port: int, tell: Callable[[str], None]) -> str:
    """Lead a person through the login and return the refresh token.

    Args:
        settings: With the app's credentials.
        port: Where the browser comes back to.
        tell: Shows a person what to do.

    Raises:
        NotReady: No app is set, the port is taken, nobody came back in five minutes, or Spotify or the person refused.
        Unavailable: Spotify cannot be reached.
    """
    app = settings.spotify
    if app is None:
        raise _not_ready("Set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET in .env first.")
    redirect = f"http://127.0.0.1:{port}/callback"
    state = secrets.token_urlsafe(24)
    asked = {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": redirect,
        "scope": " ".join(SCOPES),
        "state": state,
    }
    try:
        listener = _Listener(port, state)
    except OSError as error:
        raise _not_ready(f"Port {port} is taken on this machine; choose another with --port.") from error
    with listener:
        tell(f"Open this address in your browser, and agree:\n{_AUTHORIZE}?{urlencode(asked)}")
        code = listener.wait()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
    guard = Guard(allow_private=settings.allow_private_addresses, gateway=settings.service_base)
    try:
        with open_client(guard, settings.timeout_s) as client:
            answer = client.post(_TOKEN, data=form, auth=(app.client_id, app.client_secret))
    except httpx.TransportError as error:
        raise transport_error(error, service="spotify", operation=_OPERATION) from error
    if answer.status_code in {400, 401}:
        raise _not_ready("Spotify refuses the login: check the app's id, secret and redirect address.")
    refusal = status_error(answer.status_code, answer.headers, service="spotify", operation=_OPERATION)
    if refusal is not None:
        raise refusal
    return str(answer.json()["refresh_token"])


class _Listener(HTTPServer):
    """Waits for the browser to come back."""

    def __init__(self, port: int, state: str) -> None:
        self.state = state
        self.code: str | None = None
        self.refusal: str | None = None
        super().__init__(("127.0.0.1", port), _Callback)
        self.timeout = 1.0

    def wait(self) -> str:
        """The code that came back."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.code is None and self.refusal is None and time.monotonic() < deadline:
            self.handle_request()
        if self.code is None:
            raise _not_ready(self.refusal or "Nobody came back from Spotify within five minutes.")
        return self.code


class _Callback(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 10.0

    def do_GET(self) -> None:
        """Take the code, if it comes from the login that was begun here."""
        parts = urlsplit(self.path)
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ours = hmac.compare_digest(said.get("state", "").encode(), self.server.state.encode())
        if parts.path != "/callback" or not ours:
            self._answer(404, "This is not the login that was begun here.")
        elif "code" in said:
            self.server.code = said["code"]
            self._answer(200, "Done. You can close this window.")
        else:
            self.server.refusal = "Spotify did not give its consent; nothing was changed."
            self._answer(200, "You did not agree. You can close this window.")

    def log_message(self, *_words: object) -> None:
        """Say nothing: the address carries the code."""

    def _answer(self, status: int, words: str) -> None:
        body = words.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _not_ready(sentence: str) -> NotReady:
    return NotReady(sentence, service="spotify", operation=_OPERATION)
