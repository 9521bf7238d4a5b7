"""What each service's links look like: one reader a service, from a link's parts to a `Link` or a refusal in words.

Pure. Called by `core.links`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote

from music_workflow.core.link_text import Link, LinkKind, bad, canonical, clip, not_one, segments_of

_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
_SPOTIFY_KINDS = (
    "track",
    "album",
    "playlist",
    "artist",
    "episode",
    "show",
    "collection",
    "user",
    "audiobook",
)
_SPOTIFY_LINKS: Mapping[str, LinkKind] = {"track": "track", "album": "album", "playlist": "playlist"}
_SPOTIFY_LIKES = "https://open.spotify.com/collection/tracks"
_YOUTUBE_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_YOUTUBE_LIST = re.compile(r"[0-9A-Za-z_-]{2,64}")
_YOUTUBE_HOSTS = frozenset({"youtube.com", "m.youtube.com", "music.youtube.com", "youtube-nocookie.com"})
_YOUTUBE_PRIVATE = frozenset({"LL", "LM", "WL"})
_SOUNDCLOUD_LISTS = frozenset(
    {
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
_SET_SEGMENTS = 3
"""artist/sets/name; a fourth is the secret of a private set."""


def spotify_uri(text: str) -> Link:
    """Read ``spotify:track:ID`` and its like, the long form of old playlists included.

    Raises:
        BadLink: It is none.
    """
    pieces = text.split(":")[1:]
    if pieces[:1] == ["user"] and "playlist" in pieces:
        pieces = pieces[pieces.index("playlist") :]
    if pieces[:1] == ["collection"]:
        return _spotify("collection", "")
    if len(pieces) != 2 or not _SPOTIFY_ID.fullmatch(pieces[1]):  # noqa: PLR2004 - the kind and the id
        raise bad(
            f"“{clip(text)}” is not a Spotify URI; a right one is spotify:track: and 22 letters and digits.",
            "spotify",
        )
    return _spotify(pieces[0], pieces[1])


def spotify(parts: SplitResult, host: str) -> Link:
    """Read a link to Spotify's pages; intl-xx, embed and user parts lead the way and name nothing."""
    if host != "open.spotify.com" and not host.endswith(".open.spotify.com"):
        short = host in {"spotify.link", "spotify.app.link"}
        return Link(canonical(parts, keep_query=False), "spotify", short=short, protected="Spotify")
    segments = [segment for segment in unquote(parts.path).split("/") if segment]
    kinds = [segment for segment in segments if segment in _SPOTIFY_KINDS and segment != "user"]
    kind = kinds[0] if kinds else ("user" if "user" in segments else "")
    return _spotify(kind, segments[-1] if segments else "")


def _spotify(kind: str, spotify_id: str) -> Link:
    right = "a right one is https://open.spotify.com/track/ and 22 letters and digits."
    if kind == "collection":
        return Link(_SPOTIFY_LIKES, "spotify", "me", kind="likes", protected="Spotify")
    if kind in {"artist", "show", "user", "episode", "audiobook"}:
        raise not_one(f"a Spotify {kind}", "spotify")
    named = _SPOTIFY_LINKS.get(kind)
    if named is None:
        raise bad(f"This Spotify link names no track; {right}", "spotify")
    if not _SPOTIFY_ID.fullmatch(spotify_id):
        raise bad(f"“{clip(spotify_id)}” is not a Spotify id; {right}", "spotify")
    url = f"https://open.spotify.com/{named}/{spotify_id}"
    return Link(url, "spotify", spotify_id, kind=named, protected="Spotify")


def youtube(parts: SplitResult, host: str) -> Link:
    """Read a link to a video, or to a playlist when it names no video."""
    right = "a right one is https://www.youtube.com/watch?v= and 11 characters."
    query = dict(parse_qsl(parts.query))
    segments = segments_of(parts)
    first = segments[0] if segments else ""
    if host == "youtu.be":
        found: str | None = first
    elif host not in _YOUTUBE_HOSTS:
        raise bad(f"{host} serves no tracks; {right}", "youtube")
    elif first in {"shorts", "embed", "live", "v"} and segments[1:2] != ["videoseries"]:
        found = segments[1] if len(segments) > 1 else ""
    elif first == "watch":
        found = query.get("v", "")
    else:
        found = None
    if found:
        if not _YOUTUBE_ID.fullmatch(found):
            raise bad(f"“{clip(found)}” is not a YouTube id; {right}", "youtube")
        return Link(f"https://www.youtube.com/watch?v={found}", "youtube", found)
    if "list" in query:
        return _youtube_list(query["list"])
    if found is None and (first.startswith("@") or first in {"channel", "c", "user", "browse"}):
        raise not_one("a YouTube channel", "youtube")
    raise bad(f"This YouTube link names no video; {right}", "youtube")


def _youtube_list(list_id: str) -> Link:
    if list_id in _YOUTUBE_PRIVATE:
        raise bad(
            "This YouTube list is shown to its owner alone; make a playlist of it and share that.", "youtube"
        )
    if list_id.startswith("RD"):
        raise bad("This YouTube mix is made up anew for each listener and has no end.", "youtube")
    if not _YOUTUBE_LIST.fullmatch(list_id):
        raise bad(
            f"“{clip(list_id)}” is not the id of a YouTube playlist;"
            " a right link is https://www.youtube.com/playlist?list=PL…",
            "youtube",
        )
    kind: LinkKind = "album" if list_id.startswith("OLAK5uy_") else "playlist"
    return Link(f"https://www.youtube.com/playlist?list={list_id}", "youtube", list_id, kind=kind)


def soundcloud(parts: SplitResult, host: str) -> Link:
    """Read a link to a track, a set, somebody's likes, or a short link."""
    right = "a right one is https://soundcloud.com/artist/track"
    segments = segments_of(parts)
    if host == "on.soundcloud.com" or host.startswith("snd."):
        if not segments:
            raise bad(f"This SoundCloud short link is empty; {right}", "soundcloud")
        return Link(canonical(parts, keep_query=False), "soundcloud", short=True)
    if host not in {"soundcloud.com", "m.soundcloud.com"}:
        raise bad(f"{host} is an address for programs and names no artist; {right}", "soundcloud")
    if segments[:2] == ["you", "likes"]:
        raise bad(
            "This is your own view of your likes; their link is https://soundcloud.com/your-name/likes",
            "soundcloud",
        )
    if not segments or segments[0] in _SOUNDCLOUD_PAGES:
        raise bad(f"This SoundCloud link names no track; {right}", "soundcloud")
    if len(segments) == 1:
        raise not_one("a SoundCloud profile", "soundcloud")
    kind: LinkKind = "track"
    if segments[1] == "likes":
        kind = "likes"
    elif segments[1] == "sets" and len(segments) >= _SET_SEGMENTS:
        kind = "playlist"
    elif segments[1] in _SOUNDCLOUD_LISTS:
        raise not_one(f"a SoundCloud list ({segments[1]})", "soundcloud")
    url = canonical(parts, host="soundcloud.com", keep_query=False).replace("http://", "https://", 1)
    return Link(url, "soundcloud", kind=kind)


def bandcamp(parts: SplitResult, _host: str) -> Link:
    """Read a link to a track or an album."""
    right = "a right one is https://artist.bandcamp.com/track/name"
    segments = segments_of(parts)
    if len(segments) > 1 and segments[0] in {"track", "album"}:
        kind: LinkKind = "album" if segments[0] == "album" else "track"
        return Link(canonical(parts, keep_query=False), "bandcamp", kind=kind)
    raise bad(f"This Bandcamp link names no track; {right}", "bandcamp")


READERS: Final[Mapping[str, Callable[[SplitResult, str], Link]]] = {
    "spotify.com": spotify,
    "spotify.link": spotify,
    "spotify.app.link": spotify,
    "youtube.com": youtube,
    "youtube-nocookie.com": youtube,
    "youtu.be": youtube,
    "soundcloud.com": soundcloud,
    "snd.sc": soundcloud,
    "bandcamp.com": bandcamp,
}
"""Domain -> the reader of its links and of those below it."""
