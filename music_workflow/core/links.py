"""Links as people paste them: cleaned, named, and judged before any network is touched.

Pure: nothing here opens a socket, and what cannot be known from the text alone (whether a page holds audio,
where a short link leads) is left to the sources. Called by `core.acquire`; the handlers may call `parse_link`
to say early what is wrong with a row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from music_workflow.errors import BadLink, Protected

_OPERATION = "read link"

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

_DRM_SERVICES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Spotify", ("spotify.com", "spotify.link", "spotify.app.link")),
    ("Apple Music", ("music.apple.com", "itunes.apple.com")),
    ("Tidal", ("tidal.com", "tidal.link")),
    ("Deezer", ("deezer.com", "deezer.page.link", "dzr.page.link")),
    ("Qobuz", ("qobuz.com",)),
    ("Napster", ("napster.com", "rhapsody.com")),
    ("Pandora", ("pandora.com",)),
    ("Anghami", ("anghami.com",)),
)
_AMAZON_MUSIC = re.compile(r"(?:^|\.)music\.amazon\.(?:[a-z]{2,3}\.)?[a-z]{2,3}$")

_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
_SPOTIFY_KINDS = frozenset({"track", "album", "playlist", "artist", "episode", "show", "user", "collection"})
_YOUTUBE_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_YOUTUBE_HOSTS = frozenset({"youtube.com", "m.youtube.com", "music.youtube.com", "youtube-nocookie.com"})
_SOUNDCLOUD_LISTS = frozenset(
    {
        "likes",
        "sets",
        "reposts",
        "tracks",
        "popular-tracks",
        "albums",
        "comments",
        "followers",
        "following",
        "spotlight",
    }
)
_SOUNDCLOUD_PAGES = frozenset(
    {"discover", "stream", "search", "charts", "you", "upload", "pages", "stations", "tags"}
)
_URL_CHARACTERS = "/%:@!$&'()*+,;=~-._"
"""Left as written; existing escapes stay, since %2F is not /."""
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to one track, as far as its text can tell."""

    url: str
    """Canonical: scheme and host in lower case, junk parameters and fragment gone."""
    service: str | None = None
    """``youtube``, ``soundcloud``, ``bandcamp``; None when the host alone says nothing."""
    id: str | None = None
    """The service's own id, where the link carries it."""
    short: bool = False
    """True for a short link: only its redirect tells what it leads to."""


def parse_link(text: str) -> Link:
    """Read one link.

    Args:
        text: What the person wrote; surrounding blanks and angle brackets are forgiven.

    Returns:
        The canonical link.

    Raises:
        BadLink: Malformed, not a web link, carrying a secret, or not a single track; the sentence says
            which, and how a right link looks.
        Protected: The link leads to a service whose audio is encrypted.
    """
    text = text.strip().removeprefix("<").removesuffix(">").strip()
    if text.lower().startswith("spotify:"):
        return _refuse_spotify_uri(text)
    parts = _split(text)
    host = parts.hostname or ""
    if drm := drm_service(host):
        _refuse_drm(drm, host, parts)
    bare = host.removeprefix("www.")
    for suffix, reader in _SERVICES.items():
        if bare == suffix or bare.endswith(f".{suffix}"):
            return reader(parts, bare)
    return Link(_canonical(parts))


def parse_isrc(text: str | None) -> str | None:
    """Read an ISRC however it is punctuated; None when it is none (ISO 3901: country, registrant, year, number)."""
    code = (text or "").replace("-", "").replace(" ", "").upper()
    return code if _ISRC.fullmatch(code) else None


def url_key(url: str) -> str:
    """Name a source by its canonical link, where no service gives it an id."""
    return f"url:{hashlib.sha256(url.encode()).hexdigest()}"


def drm_service(host: str) -> str | None:
    """Name the encrypted music service that `host` belongs to, or None."""
    host = host.lower().rstrip(".")
    if _AMAZON_MUSIC.search(host):
        return "Amazon Music"
    for name, domains in _DRM_SERVICES:
        if any(host == domain or host.endswith(f".{domain}") for domain in domains):
            return name
    return None


def host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Say whether `host` is one of `allowed` or below one of them; an empty list allows every host."""
    host = host.lower().rstrip(".")
    return not allowed or any(host == each or host.endswith(f".{each}") for each in map(str.lower, allowed))


def _split(text: str) -> SplitResult:
    if not text:
        raise _bad("There is no link.")
    if any(ch.isspace() or ord(ch) < ord(" ") for ch in text):
        raise _bad("A link has no blanks or line breaks in it; give exactly one link.")
    if "://" not in text:
        raise _bad(f"“{_clip(text)}” has no scheme; a link starts with https://")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _bad(f"“{_clip(text)}” is not a well-formed link.") from error
    if parts.scheme.lower() not in {"http", "https"}:
        raise _bad(f"Only http and https links can be fetched, not {_clip(parts.scheme)}:")
    if parts.username is not None or parts.password is not None:
        raise _bad("The link carries a user name or password; give one without it.")
    _check_host(parts.hostname, port)
    if any(_SECRETS.fullmatch(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise _bad("The link carries a credential in its parameters; give one that needs none.")
    return parts


def _check_host(host: str | None, port: int | None) -> None:
    if not host:
        raise _bad("The link names no host.")
    if port == 0:
        raise _bad("The link names port 0.")
    if ":" in host:  # an IPv6 literal; urlsplit has checked its brackets, the guard checks the address
        return
    try:
        ascii_host = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise _bad(f"“{_clip(host)}” is not a host name.") from error
    if not all(_HOST_LABEL.fullmatch(label) for label in ascii_host.split(".")):
        raise _bad(f"“{_clip(host)}” is not a host name.")


def _canonical(parts: SplitResult, *, host: str | None = None, keep_query: bool = True) -> str:
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


def _refuse_spotify_uri(text: str) -> Link:
    pieces = text.split(":")
    if len(pieces) != 3 or not _SPOTIFY_ID.fullmatch(pieces[2]):  # noqa: PLR2004 - spotify:track:ID has three pieces
        raise _bad(
            f"“{_clip(text)}” is not a Spotify URI; a right one is spotify:track: and 22 letters and digits.",
            "spotify",
        )
    _refuse_spotify(pieces[1], pieces[2])
    raise _protected("Spotify")


def _refuse_drm(service: str, host: str, parts: SplitResult) -> None:
    if service == "Spotify" and host.endswith("open.spotify.com"):
        segments = [segment for segment in unquote(parts.path).split("/") if segment]
        kinds = [segment for segment in segments if segment in _SPOTIFY_KINDS]
        _refuse_spotify(kinds[0] if kinds else "", segments[-1] if segments else "")
    raise _protected(service)


def _refuse_spotify(kind: str, spotify_id: str) -> None:
    right = "a right one is https://open.spotify.com/track/ and 22 letters and digits."
    if kind in {"playlist", "album", "artist", "show", "user", "collection"}:
        raise _not_one(f"a Spotify {kind}", "spotify")
    if kind not in {"track", "episode"}:
        raise _bad(f"This Spotify link names no track; {right}", "spotify")
    if not _SPOTIFY_ID.fullmatch(spotify_id):
        raise _bad(f"“{_clip(spotify_id)}” is not a Spotify id; {right}", "spotify")


def _youtube(parts: SplitResult, host: str) -> Link:
    right = "a right one is https://www.youtube.com/watch?v= and 11 characters."
    query = dict(parse_qsl(parts.query))
    segments = [segment for segment in parts.path.split("/") if segment]
    first = segments[0] if segments else ""
    if host == "youtu.be":
        found: str | None = first
    elif host not in _YOUTUBE_HOSTS:
        raise _bad(f"{host} serves no tracks; {right}", "youtube")
    elif first in {"shorts", "embed", "live", "v"}:
        found = segments[1] if len(segments) > 1 else ""
    elif first == "watch":
        found = query.get("v", "")
    else:
        found = None
    if found:
        if not _YOUTUBE_ID.fullmatch(found):
            raise _bad(f"“{_clip(found)}” is not a YouTube id; {right}", "youtube")
        return Link(f"https://www.youtube.com/watch?v={found}", "youtube", found)
    if first == "playlist" or "list" in query:
        raise _not_one("a YouTube playlist", "youtube")
    if found is None and (first.startswith("@") or first in {"channel", "c", "user", "browse"}):
        raise _not_one("a YouTube channel", "youtube")
    raise _bad(f"This YouTube link names no video; {right}", "youtube")


def _soundcloud(parts: SplitResult, host: str) -> Link:
    right = "a right one is https://soundcloud.com/artist/track"
    segments = [segment for segment in parts.path.split("/") if segment]
    if host == "on.soundcloud.com" or host.startswith("snd."):
        if not segments:
            raise _bad(f"This SoundCloud short link is empty; {right}", "soundcloud")
        return Link(_canonical(parts, keep_query=False), "soundcloud", short=True)
    if host not in {"soundcloud.com", "m.soundcloud.com"}:
        raise _bad(f"{host} is an address for programs and names no artist; {right}", "soundcloud")
    if not segments or segments[0] in _SOUNDCLOUD_PAGES:
        raise _bad(f"This SoundCloud link names no track; {right}", "soundcloud")
    if len(segments) == 1:
        raise _not_one("a SoundCloud profile", "soundcloud")
    if segments[1] in _SOUNDCLOUD_LISTS:
        kind = "playlist" if segments[1] in {"sets", "albums"} else f"list ({segments[1]})"
        raise _not_one(f"a SoundCloud {kind}", "soundcloud")
    return Link(
        _canonical(parts, host="soundcloud.com", keep_query=False).replace("http://", "https://", 1),
        "soundcloud",
    )


def _bandcamp(parts: SplitResult, _host: str) -> Link:
    right = "a right one is https://artist.bandcamp.com/track/name"
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > 1 and segments[0] == "track":
        return Link(_canonical(parts, keep_query=False), "bandcamp")
    if segments and segments[0] == "album":
        raise _not_one("a Bandcamp album", "bandcamp")
    raise _bad(f"This Bandcamp link names no track; {right}", "bandcamp")


_SERVICES: dict[str, Callable[[SplitResult, str], Link]] = {
    "youtube.com": _youtube,
    "youtube-nocookie.com": _youtube,
    "youtu.be": _youtube,
    "soundcloud.com": _soundcloud,
    "snd.sc": _soundcloud,
    "bandcamp.com": _bandcamp,
}


def _bad(message: str, service: str = "link") -> BadLink:
    return BadLink(message, service=service, operation=_OPERATION)


def _not_one(what: str, service: str) -> BadLink:
    return _bad(f"This is {what}; Sync track takes one track.", service)


def _protected(service: str) -> Protected:
    return Protected(
        f"{service} audio is DRM protected and never decrypted; this track needs another source.",
        service=service.lower().replace(" ", "_"),
        operation=_OPERATION,
    )


def _clip(text: str, limit: int = 80) -> str:
    """Shorten foreign text for a sentence, without control characters."""
    text = "".join(ch if ch.isprintable() else "?" for ch in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
