"""What a link is, and how any link is read before its service is known: split, checked, cleaned, refused in words.

Pure. Used by `core.links` and `core.link_services` only; everybody else imports `core.links`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from music_workflow.errors import BadLink

OPERATION = "read link"

LinkKind = Literal["track", "playlist", "album", "likes"]
"""What a link names: one recording, or one of three kinds of lists."""

_JUNK = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|igshid|mc_[ce]id|msclkid|yclid|_ga|_gl|si|ref|ref_src|ref_url|feature|pp|app",
    re.IGNORECASE,
)
"""Query parameters that follow a person around and name nothing."""

_SECRETS = re.compile(
    r"access_token|auth_token|api_?key|client_secret|passw(or)?d|x-amz-signature|x-goog-signature",
    re.IGNORECASE,
)
"""Query parameters that are credentials; such a link would leave them in logs, rows and tags."""

_URL_CHARACTERS = "/%:@!$&'()*+,;=~-._"
"""Left as written; existing escapes stay, since %2F is not /."""
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True)
class Link:
    """A link, as far as its text can tell."""

    url: str
    """Canonical: scheme and host in lower case, junk parameters and fragment gone."""
    service: str | None = None
    """``spotify``, ``youtube``, ``soundcloud``, ``bandcamp``, …; None when the host alone says nothing."""
    id: str | None = None
    """The service's own id, where the link carries it."""
    short: bool = False
    """True for a short link: only its redirect tells what it leads to."""
    kind: LinkKind = "track"
    protected: str | None = None
    """What people call the service, when all its audio is encrypted or previews are all that it plays."""

    @property
    def key(self) -> str:
        """A stable name: ``spotify:<id>``, ``youtube:playlist:<id>``, else by the canonical link."""
        if self.id is None:
            return url_key(self.url)
        return (
            f"{self.service}:{self.id}" if self.kind == "track" else f"{self.service}:{self.kind}:{self.id}"
        )


def url_key(url: str) -> str:
    """Name a source by its canonical link, where no service gives it an id."""
    return f"url:{hashlib.sha256(url.encode()).hexdigest()}"


def split(text: str) -> SplitResult:
    """Take a web link apart.

    Raises:
        BadLink: It is none, or one that must not be followed or kept.
    """
    if not text:
        raise bad("There is no link.")
    if any(ch.isspace() or ord(ch) < ord(" ") for ch in text):
        raise bad("A link has no blanks or line breaks in it; give exactly one link.")
    if "://" not in text:
        raise bad(f"“{clip(text)}” has no scheme; a link starts with https://")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise bad(f"“{clip(text)}” is not a well-formed link.") from error
    if parts.scheme.lower() not in {"http", "https"}:
        raise bad(f"Only http and https links can be fetched, not {clip(parts.scheme)}:")
    if parts.username is not None or parts.password is not None:
        raise bad("The link carries a user name or password; give one without it.")
    _check_host(parts.hostname, port)
    if any(_SECRETS.fullmatch(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise bad("The link carries a credential in its parameters; give one that needs none.")
    return parts


def canonical(parts: SplitResult, *, host: str | None = None, keep_query: bool = True) -> str:
    """Put a link together again: its junk gone, one spelling for one place."""
    host = (host or parts.hostname or "").rstrip(".").lower()
    port = parts.port
    netloc = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    if port and port != {"http": 80, "https": 443}[parts.scheme.lower()]:
        netloc = f"{netloc}:{port}"
    pairs = parts.query.split("&") if keep_query and parts.query else []
    kept = [pair for pair in pairs if not _JUNK.fullmatch(unquote(pair.partition("=")[0]))]
    query = quote("&".join(kept), safe=_URL_CHARACTERS + "?")
    path = quote(parts.path, safe=_URL_CHARACTERS) or "/"
    return urlunsplit((parts.scheme.lower(), netloc, path, query, ""))


def segments_of(parts: SplitResult) -> list[str]:
    """The path's parts that are not empty."""
    return [segment for segment in parts.path.split("/") if segment]


def bad(message: str, service: str = "link") -> BadLink:
    """Word a refusal."""
    return BadLink(message, service=service, operation=OPERATION)


def not_one(what: str, service: str) -> BadLink:
    """Word the refusal of what is neither a track nor a list that can be worked with."""
    return bad(
        f"This is {what}; Sync track takes one track, Sync playlist a playlist, an album or likes.", service
    )


def clip(text: str, limit: int = 80) -> str:
    """Shorten foreign text for a sentence, without control characters."""
    text = "".join(ch if ch.isprintable() else "?" for ch in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _check_host(host: str | None, port: int | None) -> None:
    if not host:
        raise bad("The link names no host.")
    if port == 0:
        raise bad("The link names port 0.")
    if ":" in host:  # an IPv6 literal; urlsplit has checked its brackets, the guard checks the address
        return
    try:
        ascii_host = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise bad(f"“{clip(host)}” is not a host name.") from error
    if not all(_HOST_LABEL.fullmatch(label) for label in ascii_host.split(".")):
        raise bad(f"“{clip(host)}” is not a host name.")
