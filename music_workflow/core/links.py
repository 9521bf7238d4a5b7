"""Links as people paste them: cleaned, named, and judged before any network is touched.

Pure: nothing here opens a socket, and what cannot be known from the text alone (whether a page holds audio,
where a short link leads) is left to the sources. Called by `core.acquire`; the handlers may call `parse_link`
to say early what is wrong with a row.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult

from music_workflow.core import link_services
from music_workflow.core.link_text import OPERATION, Link, LinkKind, canonical, not_one, split, url_key
from music_workflow.errors import Protected

__all__ = [
    "Link",
    "LinkKind",
    "drm_service",
    "host_allowed",
    "parse_isrc",
    "parse_link",
    "read_link",
    "url_key",
]

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
_SHOPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Beatport", ("beatport.com", "beatsource.com")),
    ("Juno Download", ("junodownload.com",)),
    ("Traxsource", ("traxsource.com",)),
    ("7digital", ("7digital.com",)),
)
"""They play a minute or two of what they sell, as plain files that nothing marks as previews."""
_AMAZON_MUSIC = re.compile(r"(?:^|\.)music\.amazon\.(?:[a-z]{2,3}\.)?[a-z]{2,3}$")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")


def parse_link(text: str) -> Link:
    """Read a link to one track whose audio may be had.

    Args:
        text: What the person wrote; surrounding blanks and angle brackets are forgiven.

    Returns:
        The canonical link.

    Raises:
        BadLink: Malformed, not a web link, carrying a secret, or not a single track; the sentence says
            which, and how a right link looks.
        Protected: The link leads to a service whose audio is encrypted, or to a shop that plays previews.
    """
    link = read_link(text)
    if link.kind != "track":
        what = f"a {(link.service or '').title()} {link.kind}"
        raise not_one(
            what.replace("Soundcloud", "SoundCloud").replace("Youtube", "YouTube"), link.service or "link"
        )
    if link.protected:
        raise protected(link.protected)
    return link


def read_link(text: str) -> Link:
    """Read a link of any kind: a track, a list, a short link, also one to encrypted audio.

    Raises:
        BadLink: Malformed, not a web link, carrying a secret, or naming neither a track nor a list.
    """
    text = text.strip().removeprefix("<").removesuffix(">").strip()
    if text.lower().startswith("spotify:"):
        return link_services.spotify_uri(text)
    parts = split(text)
    host = (parts.hostname or "").rstrip(".")
    bare = host.removeprefix("www.")
    for domain, reader in link_services.READERS.items():
        if bare == domain or bare.endswith(f".{domain}"):
            return reader(parts, bare)
    if name := drm_service(host) or _belongs(host, _SHOPS):
        return _of_closed_service(name, parts, host)
    return Link(canonical(parts))


def parse_isrc(text: str | None) -> str | None:
    """Read an ISRC however it is punctuated; None when it is none (ISO 3901: country, registrant, year, number)."""
    code = (text or "").replace("-", "").replace(" ", "").upper()
    return code if _ISRC.fullmatch(code) else None


def drm_service(host: str) -> str | None:
    """Name the encrypted music service that `host` belongs to, or None."""
    host = host.lower().rstrip(".")
    if _AMAZON_MUSIC.search(host):
        return "Amazon Music"
    return _belongs(host, _DRM_SERVICES)


def protected(service: str) -> Protected:
    """Word the refusal of encrypted audio, and of shops."""
    sells = any(service == name for name, _ in _SHOPS)
    why = (
        "sells its tracks and plays only a preview" if sells else "audio is DRM protected and never decrypted"
    )
    return Protected(
        f"{service} {why}; this track needs another source.", service=_slug(service), operation=OPERATION
    )


def host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Say whether `host` is one of `allowed` or below one of them; an empty list allows every host."""
    host = host.lower().rstrip(".")
    return not allowed or any(host == each or host.endswith(f".{each}") for each in map(str.lower, allowed))


def _belongs(host: str, services: tuple[tuple[str, tuple[str, ...]], ...]) -> str | None:
    host = host.lower().rstrip(".")
    for name, domains in services:
        if any(host == domain or host.endswith(f".{domain}") for domain in domains):
            return name
    return None


def _of_closed_service(name: str, parts: SplitResult, host: str) -> Link:
    short = host.endswith((".page.link", "tidal.link"))
    return Link(canonical(parts), _slug(name), short=short, protected=name)


def _slug(service: str) -> str:
    return service.lower().replace(" ", "_")
