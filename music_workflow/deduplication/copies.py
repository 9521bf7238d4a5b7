"""One audio file as the search for duplicates sees it, and what its names say.

Pure. Called by `duplicates`, `proving` and `keeping`; made by `core.collection` out of the volume index.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from music_workflow.deduplication.fingerprint import Words
from music_workflow.deduplication.names import Title, artist_names, parse_title, split_names, words_of
from music_workflow.deduplication.versions import version_words

_NUMBER = re.compile(r"^\s*(?:\d{1,3}\s*[-._)]\s*|\d{1,3}\s+-\s+)")
"""A track number at the beginning of a file's name."""
_ID = re.compile(r"\s*\[[^\[\]\s]{1,40}\](?:\s*\(\d+\))?\s*$")
"""The source's id, which Segue puts at the end of a file's name."""
_RUNS = re.compile(r"[^\W_]+")
_PLAIN_ALBUM = frozenset({"remix", "edit", "remaster", "other version", "single", "mix"})
"""Kinds that an album's name may have while its tracks are plain ("The Remixes and More", "Radio Hits")."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Copy:
    """One file. Not slotted: what its names say is worked out once, when it is asked for."""

    path: str
    unit: str
    """Files of one unit belong together on purpose, as the formats of a track; they are no duplicates of each other."""
    size: int
    mtime_ns: int
    title: str | None = None
    artist: str | None = None
    """As the tag writes it; several names may stand in it."""
    album: str | None = None
    isrc: str | None = None
    key: str | None = None
    """The source's key."""
    duration_s: float | None = None
    sha256: str | None = None
    audio_sha256: str | None = None
    fingerprint: Words | None = None
    heard: bool = False
    """Whether its sound was looked at; a file too short for a fingerprint counts."""
    codec: str | None = None
    sample_rate: int | None = None
    bits: int | None = None
    bit_rate: int | None = None
    filed: bool = False
    """It belongs to a track that Segue filed."""
    referred: str | None = None
    """Why it must stay where it is: who refers to it; None when nobody is known to."""

    @cached_property
    def named(self) -> tuple[str, str]:
        """Artist and title: by the tags, else by the file's name; empty where neither says."""
        if self.title:
            return self.artist or "", self.title
        stem = _NUMBER.sub("", _ID.sub("", PurePath(self.path).stem))
        artist, dash, title = stem.partition(" - ")
        return (self.artist or artist, title) if dash else (self.artist or "", stem)

    @cached_property
    def artists(self) -> tuple[str, ...]:
        """The artists, each alone."""
        return artist_names(split_names(self.named[0]))

    @cached_property
    def parsed(self) -> Title:
        """The title, taken apart."""
        return parse_title(self.named[1], (self.named[0], *self.artists))

    @cached_property
    def version(self) -> tuple[frozenset[str], frozenset[str], frozenset[str] | None]:
        """Which recording of the song it is: kinds, names of the version, and years of a remaster.

        A word that only the file's name has counts too: where tags and name disagree, nothing is proven.
        """
        title = self.parsed
        stem = _ID.sub("", PurePath(self.path).stem)
        from_name = parse_title(stem, (self.named[0], *self.artists)) if self.title else title
        return (
            title.kinds | from_name.kinds,
            title.version_name | from_name.version_name,
            from_name.remaster if title.remaster is None else title.remaster,
        )

    @cached_property
    def album_kinds(self) -> frozenset[str]:
        """What its album says of its tracks: that they are live, karaoke and so on."""
        return version_words(words_of(self.album or ""))[0] - _PLAIN_ALBUM

    @cached_property
    def rough_name(self) -> str:
        """Artist and title in small letters, without signs; empty where the file does not say both."""
        artist, title = (" ".join(_runs(text)) for text in self.named)
        return f"{artist}/{title}" if artist and title else ""

    @cached_property
    def first_words(self) -> tuple[str, frozenset[str]]:
        """A rough name to find candidates by: the title's first word, and the words of artist and title."""
        artist, title = map(_runs, self.named)
        return (title[0] if title else ""), frozenset(artist)


def _runs(text: str) -> list[str]:
    """Letters and digits as they follow each other, in small letters."""
    return _RUNS.findall(unicodedata.normalize("NFKC", text).casefold())
