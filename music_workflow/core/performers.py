"""Who is to be credited with a track: its artists, and whoever remixed it, as far as title and service tell.

Names are taken as services give them: "A & B" may be one act, so none is split. Pure; called by what writes the Music
Artists rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_REMIX = re.compile(
    r"[(\[{]\s*(?P<inside>[^()\[\]{}]+?)\s+(?:remix|rmx|flip|bootleg|re-?work|refix|remake|re-?edit|edit|mix|dub)"
    r"\s*(?:\d{4})?\s*[)\]}]"
    r"|\s[-\u2013\u2014]\s+(?P<after>[^()\[\]{}]+?)\s+(?:remix|rmx|flip|bootleg|re-?work|refix|remake)\s*$",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['\u2019]s$", re.IGNORECASE)
_VERSIONS = """
original extended radio club dub instrumental vocal acoustic clean dirty explicit short long full main album single
official vip remastered deluxe special festival house techno trance dnb drum and bass deep summer winter night day
morning sunset sunrise new old first second live tv video dance intro outro edit mix remix version the a an my our 12 7
inch dj set tool bonus alternate alternative final rough demo stereo mono slowed sped up nightcore ambient disco trap
dubstep garage hardstyle lofi chill chillout lounge beach pool party after hours late early
"""
_PLACES = "tracks playlists sets albums users discover search stream likes reposts"
_BY_NOBODY = frozenset(_VERSIONS.split())
"""A version of such words alone is nobody's: an extended mix, a club dub."""
_NO_NAMES = frozenset(
    {*_PLACES.split(), "unknown", "none", "null", "n/a", "na", "various", "untitled"}
    | {"unknown artist", "various artists", "no artist"}
)
"""Words of SoundCloud's addresses, and what programs write where they know nobody."""
_AUTOMATIC = re.compile(r"user[-_ ]?\d{6,}", re.IGNORECASE)
"""The name SoundCloud gives those who chose none."""


@dataclass(frozen=True, slots=True)
class Performers:
    """The people of a track."""

    artists: tuple[str, ...]
    remixers: tuple[str, ...]
    """None of the artists."""

    @property
    def everybody(self) -> tuple[str, ...]:
        """Artists first."""
        return (*self.artists, *self.remixers)


def performers(title: str, artists: tuple[str, ...]) -> Performers:
    """Name the artists and remixers of a track, without what is nobody's name."""
    found = [_remixer(each["inside"] or each["after"]) for each in _REMIX.finditer(title)]
    named = _once_each(_tidy(each) for each in artists if is_name(each))
    remixers = _once_each(each for each in found if is_name(each) and not _is_by_nobody(each))
    return Performers(
        artists=tuple(named.values()),
        remixers=tuple(name for key, name in remixers.items() if key not in named),
    )


def is_name(text: str) -> bool:
    """Say whether a text can be somebody's name."""
    tidy = _tidy(text)
    plain = tidy.casefold()
    return bool(name_key(tidy)) and plain not in _NO_NAMES and not _AUTOMATIC.fullmatch(tidy)


def name_key(text: str) -> str:
    """Fold a name to what is the same in all its spellings: case, accents, blanks and punctuation do not count.

    Only the accents of letters that stand for themselves are dropped; scripts are kept, so that no two names in
    another script become one.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = unicodedata.normalize("NFD", plain) if _is_latin(plain) else plain
    kept = "".join(
        ch for ch in letters if ch.isalnum() or (unicodedata.category(ch) == "Mn" and letters is plain)
    )
    return kept or "".join(plain.split())  # "!!!" is a band


def _once_each(names: Iterable[str]) -> dict[str, str]:
    """Key -> name, spelt as it is first."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name_key(name), name)
    return found


def _is_latin(text: str) -> bool:
    return all(not ch.isalpha() or unicodedata.name(ch, "").startswith("LATIN") for ch in text)


def _remixer(text: str) -> str:
    return _POSSESSIVE.sub("", _tidy(text)).strip()


def _is_by_nobody(name: str) -> bool:
    words = re.findall(r"\w+", name.casefold())
    return all(word in _BY_NOBODY or word.isdigit() for word in words)


def _tidy(text: str) -> str:
    return " ".join(text.split()).removesuffix(" - Topic")
