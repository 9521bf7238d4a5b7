"""What a page's record, and a page's refusal, mean for music. Pure: it knows the shape of yt-dlp's answers, not yt-dlp.

Called by `music_workflow.integrations.ytdlp` alone.
"""

from __future__ import annotations

import re
from typing import Any

from music_workflow.core.links import parse_isrc, url_key
from music_workflow.errors import GeoBlocked, MusicError, NoMatch, Protected, Removed, Unobtainable
from music_workflow.model import Identity

_LOGIN = re.compile(
    r"sign in|log ?in|registered users|not a bot|private (?:video|track)|members[- ]only|subscri|cookies|"
    r"age[- ]restricted|confirm your age|purchase|premium",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"video unavailable|no longer available|has been removed|removed by|does not exist|been deleted|"
    r"not found|account .*terminated|isn'?t available anymore",
    re.IGNORECASE,
)
_ADVICE = re.compile(r"\.?\s+(?:Use --|See  ?https://github\.com/yt-dlp|; please report).*", re.DOTALL)
"""What yt-dlp adds for people at its own command line."""
_VIDEO_WORD = r"(?:official|music|video|audio|lyrics?|visuali[sz]er|videoclip|clip|mv|hd|hq|uhd|4k|\d{3,4}p)"
_OF_THE_VIDEO = re.compile(
    rf"\s*[(\[](?!(?:official|music|clip|\s)*[)\]]){_VIDEO_WORD}(?:[\s/|,+-]+{_VIDEO_WORD})*[)\]]$",
    re.IGNORECASE,
)
"""A last bracket of mere words for picture, sound and quality; "(Official)" and "(Music)" alone may be a name."""
_ANY_PAGE = "web"
"""The service of pages that have no extractor of their own; ids found there name nothing beyond the page."""
_SAID = 200
"""So much of a service's own words goes into an error."""
_GEO = re.compile(r"your (?:country|location|region)|geo.?restrict", re.IGNORECASE)


def check_same(identity: Identity, info: dict[str, Any]) -> None:
    """Refuse what is not the track that was identified, whatever the page serves by now."""
    found = identity_of(identity.url, info).key
    if found != identity.key:
        raise NoMatch(
            f"The page serves {found} by now, not {identity.key}.",
            service=identity.service,
            operation="download",
        )


def identity_of(page: str, info: dict[str, Any]) -> Identity:
    """Say which track a page's record describes; the page's own address names it where the service has no ids."""
    service = service_of(info)
    media_id = str(info.get("id") or "")
    artists = tuple(str(name) for name in info.get("artists") or () if name)
    uploader = info.get("artist") or info.get("uploader") or info.get("channel")
    title = str(info.get("track") or info.get("title") or media_id)
    if service == _ANY_PAGE:
        title = title.removesuffix(" (1)")  # how yt-dlp counts what it finds in a page
    if not artists:
        left, dash, right = title.partition(" - ")
        if dash and left.strip() and right.strip():
            artists, title = (left.strip(),), right.strip()
        elif uploader:
            artists = (str(uploader).removesuffix(" - Topic"),)
    elif title.casefold().startswith(f"{artists[0]} - ".casefold()):
        title = title[len(artists[0]) + 3 :].strip() or title
    if service == "youtube":
        title = _song_title(title)
    known = service in {"youtube", _ANY_PAGE} or not info.get("webpage_url")
    url = page if known else str(info["webpage_url"])
    return Identity(
        key=url_key(page) if service == _ANY_PAGE else f"{service}:{media_id}",
        url=url,
        service=service,
        title=title,
        artists=artists,
        album=info.get("album"),
        isrc=parse_isrc(info.get("isrc")),
        duration_s=float(info["duration"]) if info.get("duration") else None,
        artwork_url=info.get("thumbnail"),
    )


def _song_title(title: str) -> str:
    """What a video's title says of the song, without what it says of the video; never nothing."""
    while (shorter := _OF_THE_VIDEO.sub("", title).strip()) and shorter != title:
        title = shorter
    return title


def service_of(info: dict[str, Any]) -> str:
    """Name the service that a record comes from."""
    name = str(info.get("extractor_key") or "generic").lower()
    return _ANY_PAGE if name in {"generic", "html5mediaembed"} else name


def by_words(text: str, service: str) -> MusicError:
    """Judge a refusal that has no class of its own by what the service said."""
    words = {"service": service, "operation": "read page"}
    text = _ADVICE.sub("", text)
    said = text if len(text) <= _SAID else text[: _SAID - 1] + "…"
    if _GEO.search(text):
        return GeoBlocked(f"{service} does not serve this track in this country: {said}", **words)
    if _LOGIN.search(text):
        return Unobtainable(f"{service} wants a login for this track: {said}", **words)
    if _GONE.search(text):
        return Removed(f"{service} has this track no more: {said}", **words)
    return Unobtainable(f"{service} gives no audio: {said}", **words)


def protected(service: str) -> Protected:
    """Word the refusal of a source that has DRM protection only."""
    return Protected(
        f"{service} serves this track with DRM protection only, which is never circumvented; "
        "another source has to be found.",
        service=service,
        operation="read page",
    )
