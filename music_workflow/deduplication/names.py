"""What a title and a list of artists say: the name itself, the guests, and which version of the recording is meant.

Services write one recording in many ways: with or without guests, in another script, after a dash or in brackets,
with words for people ("Official Video"). This takes such text apart, so that what remains can be compared word by
word. It never decides whether two tracks are the same. Pure; called by `matching`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from anyascii import anyascii

from music_workflow.deduplication.versions import Words, listed, version_words

_SAME_RECORDING = listed(
    "original album lp main regular standard stereo explicit bonus track full uncut normal deluxe edition anniversary"
    " special limited expanded"
)
"""Words before "version" or "mix" that say: nothing special."""

_FORM_WORDS = listed("version mix edit track recording recorded ver the at in from of by a on")
"""Words that name no version in particular, once the kind of version is known."""

_GUEST = re.compile(r"^(?:feat|ft|featuring|with|w|mit|avec|con|med|z|עם)\b\.?\s*", re.IGNORECASE)
_SURE_GUEST = frozenset({"feat", "ft", "featuring"})
_PRODUCER = re.compile(r"^(?:prod|produced)\b", re.IGNORECASE)
_INLINE_GUEST = re.compile(r"\s(?:feat|ft|featuring)\b\.?\s*\S.*$", re.IGNORECASE)
_TOLD_BY_SOUND = frozenset(
    {"LATIN", "HEBREW", "ARABIC", "CYRILLIC", "GREEK", "HANGUL", "ARMENIAN", "GEORGIAN"}
)
"""They transliterate to how a name sounds; Chinese characters have another reading in each language."""
_SOUNDS_ALIKE = 0.5
_JOINS = listed("and by with x vs und mit feat ft featuring et y e")
"""Words between names."""
_ORIGIN = re.compile(r"^(?:from|aus|de la película|theme from|music from|soundtrack)\b", re.IGNORECASE)
_SPLIT_NAMES = re.compile(
    r"\s*(?:,|;|/|\s&\s|\s\+\s|\s(?:and|und|et|y|e|og|och|en|x|vs\.?|with|mit|feat\.?|ft\.?|featuring)\s|"
    r"\s[-\u2013\u2014|]\s)\s*",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[(\[{【「『〈《]([^()\[\]{}【】「」『』〈〉《》]*)[)\]}】」』〉》]")
_PIECES = re.compile(r"\s+[-\u2010\u2013\u2014•·~]+\s+|\s*(?:\||\u01c0|//|¦)\s*")
"""A dash or dot with blanks around it, or a bar (also the letter that looks like one)."""
_MARKS = re.compile("['\"`\u00b4\u02bc\u05f3\u05f4\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e]")
"""Quotes and apostrophes of every script; they stand inside words."""
_AND = re.compile("\\s*['\u2018\u2019]n['\u2018\u2019]\\s*", re.IGNORECASE)
"""Rock 'n' roll."""
_WORD = re.compile(r"[a-z0-9]+")
_PLAYS = re.compile(
    r"^[\d.,\s]+(?:\w{1,4}\.?\s+)?(?:wiedergabe|aufruf|view|play|stream|lecture|vue|écoute|visuali|reprodu|riprodu|"
    r"odtworze|wyświetle|просмотр|прослуш|weergave|afspeling|visning|avspilling|הפעל|צפי|回|次|조회)\w*$",
    re.IGNORECASE,
)
_CHANNEL = re.compile(r"(?:\s*-\s*topic|vevo|\s+official|\s+music|\s+channel|\s+tv)$", re.IGNORECASE)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_NUMERALS = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"}
_LONG_FORMS = {"pt": "part", "pts": "parts", "vol": "volume", "n": "and"}
_YEAR = re.compile(r"(?:19|20)\d\d")
_FOR_PEOPLE = (
    "official video audio music lyric lyrics letra letras paroles testo tekst songtext hd hq uhd 4k 1080p 720p"
    " visualizer visualiser clip videoclip mv explicit offizielles offizieller musikvideo officiel officielle oficial"
    " ufficiale teledysk премьера клип текст מילים קליפ הקליפ הרשמי רשמי 公式 歌詞 high quality dirty"
)


_NOISE = listed(_FOR_PEOPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A title, taken apart."""

    words: Words
    """The name itself."""
    aliases: tuple[Words, ...]
    """The same name in another script, as it stands in brackets."""
    guests: tuple[str, ...]
    """Names after "feat." or "with"."""
    kinds: frozenset[str]
    """What makes it another recording than the plain song: ``live``, ``remix``, ``edit``, …"""
    version_name: frozenset[str]
    """The further words of the version: whose remix, where live."""
    remaster: frozenset[str] | None
    """The years of a remaster, empty when it names none; None when it is no remaster."""
    scripts: frozenset[str]
    """Of the name's first part: LATIN, HEBREW, …"""


@lru_cache(maxsize=4096)
def words_of(text: str) -> Words:
    """Normalise to ASCII words: one form, no case, accents or punctuation; other scripts are transliterated."""
    text = unicodedata.normalize("NFKC", text).replace("&", " and ")
    text = _AND.sub(" and ", text)
    text = re.sub(r"(?<=\w)\$|\$(?=\w)", "s", text)
    text = re.sub(r"(?<=\w)!(?=\w)", "i", text)
    text = "".join(ch for ch in text if unicodedata.category(ch) not in {"So", "Sk", "Cs", "Cf", "Co"})
    return tuple(_WORD.findall(_MARKS.sub("", anyascii(_MARKS.sub("", text))).lower()))


def scripts_of(text: str) -> frozenset[str]:
    """Name the scripts that a text's letters belong to; digits and signs belong to none."""
    text = unicodedata.normalize("NFKC", text)
    found = {unicodedata.name(ch, "").split(" ", 1)[0] for ch in text if ch.isalpha()}
    return frozenset("HAN" if script in {"CJK", "IDEOGRAPHIC"} else script for script in found)


def comparable(one: frozenset[str], other: frozenset[str]) -> bool:
    """Say whether texts in these scripts can be compared letter by letter: they share one, or have no letters."""
    return not one or not other or bool(one & other)


def may_be(one: str, other: str) -> bool:
    """Say whether two names in scripts that share no letters might be one, as far as these tell how they sound."""
    ours, theirs = scripts_of(one), scripts_of(other)
    if comparable(ours, theirs):
        return False
    if not (ours <= _TOLD_BY_SOUND and theirs <= _TOLD_BY_SOUND):
        return True
    return SequenceMatcher(None, skeleton(one), skeleton(other)).ratio() >= _SOUNDS_ALIKE


def skeleton(text: str) -> str:
    """Reduce a name to its consonants, as scripts without vowels write it: Tuna and טונה are both ``tn``."""
    joined = "".join(words_of(text))
    for sound, letter in (
        ("sch", "s"),
        ("sh", "s"),
        ("ch", "k"),
        ("ph", "f"),
        ("th", "t"),
        ("tz", "s"),
        ("ts", "s"),
    ):
        joined = joined.replace(sound, letter)
    joined = joined.translate(str.maketrans("cqzpb", "kksff"))
    joined = re.sub(r"[aeiouyhwvjf]", lambda m: "f" if m[0] == "f" else "", joined)
    return re.sub(r"(.)\1+", r"\1", joined)


def parse_title(text: str, artists: Iterable[str] = ()) -> Title:
    """Take a title apart.

    What stands in brackets or after a dash is judged part by part: an artist's name, guests, a version, words for
    people, where it comes from, the name in another script. Whatever is none of these belongs to the name.

    Args:
        text: The title as a service shows it.
        artists: Names that may stand in it beside the title ("Artist - Title").
    """
    names = frozenset(words for artist in artists for words in name_forms(artist))
    text = unicodedata.normalize("NFKC", text)
    brackets = [part.strip() for part in _BRACKETS.findall(text)]
    outside = [piece.strip() for piece in _PIECES.split(_BRACKETS.sub(" ", text)) if piece.strip()]
    pieces = [piece for piece in outside if not _is_name(piece, names)] or outside[:1]
    parts = _Parts(pieces[:1], names)
    for piece in pieces[1:]:
        parts.take(piece)
    parts.head_scripts = scripts_of(" ".join(parts.name))
    for bracket in brackets:
        if not _is_name(bracket, names):
            parts.take(bracket, alias=True)
    return parts.title()


def split_names(text: str) -> tuple[str, ...]:
    """Take a list of names written as one text apart."""
    return tuple(name for part in _SPLIT_NAMES.split(text) if (name := part.strip(" .\u00a0")))


def artist_names(artists: Iterable[str]) -> tuple[str, ...]:
    """Clean artists: play counts that a localised page put among them go, channel endings are cut.

    A name that looks like several is kept whole; `same_artist` looks inside.
    """
    kept = (artist.replace("\u00a0", " ").strip() for artist in artists)
    return tuple(
        _CHANNEL.sub("", artist).strip() or artist for artist in kept if artist and not _PLAYS.match(artist)
    )


class _Parts:
    """Gathers what the parts of a title are."""

    def __init__(self, name: list[str], names: frozenset[Words]) -> None:
        self._names = names
        self.guests: list[str] = []
        self.aliases: list[Words] = []
        self.head_scripts: frozenset[str] = frozenset()
        self.name = [self._without_guests(piece) for piece in name]
        self._kinds: set[str] = set()
        self._version_name: set[str] = set()

    def take(self, part: str, *, alias: bool = False) -> None:
        """Sort one part; what is nothing else belongs to the name, or in another script is the name again."""
        part = part if _GUEST.match(part) else self._without_guests(part)
        words = words_of(part)
        plain = tuple(word for word in words if word not in _NOISE)
        if not plain or _is_same_recording(plain) or _PRODUCER.match(part):
            return
        kinds, rest = version_words(plain)
        if self._is_guests(part, kinds):
            self.guests.extend(split_names(_GUEST.sub("", part)))
        elif kinds:
            self._kinds |= _telling(kinds, plain)
            self._version_name |= rest - _FORM_WORDS - _SAME_RECORDING
        elif alias and not comparable(self.head_scripts, scripts_of(part)):
            self.aliases.append(words)
        elif not _ORIGIN.match(part):
            self.name.append(part)

    def title(self) -> Title:
        """All of it."""
        remastered = "remaster" in self._kinds
        years = frozenset(filter(_YEAR.fullmatch, self._version_name)) if remastered else frozenset[str]()
        runs = [words_of(piece) for piece in self.name]
        words = tuple(word for run in runs for word in _without_noise(run)) or tuple(
            w for run in runs for w in run
        )
        return Title(
            words=_in_long(words),
            aliases=tuple(self.aliases),
            guests=tuple(self.guests),
            kinds=frozenset(self._kinds - {"remaster"}),
            version_name=frozenset()
            if self._kinds == {"remaster"}
            else frozenset(self._version_name) - years,
            remaster=years if remastered else None,
            scripts=scripts_of(self.name[0] if self.name else ""),
        )

    def _is_guests(self, part: str, kinds: frozenset[str]) -> bool:
        """An orchestra may be a guest's name, or a version; "with" says either, and "feat." the first."""
        found = _GUEST.match(part)
        if found is None:
            return False
        named = _only_names(part[found.end() :], self._names)
        return not kinds or named or found[0].strip(" .").lower() in _SURE_GUEST

    def _without_guests(self, piece: str) -> str:
        inline = _INLINE_GUEST.search(piece)
        if inline is None:
            return piece
        self.guests.extend(split_names(_GUEST.sub("", inline[0].strip())))
        return piece[: inline.start()]


def _in_long(words: Words) -> Words:
    """Write out what is mostly shortened: "Pt. II" is "part 2"."""
    long = [_LONG_FORMS.get(word, word) for word in words]
    for at, word in enumerate(long[1:], start=1):
        if long[at - 1] in {"part", "volume"}:
            long[at] = _NUMERALS.get(word, word)
    return tuple(long)


def _telling(kinds: frozenset[str], words: Words) -> frozenset[str]:
    """Drop what only gives the form: "Acoustic Version" is acoustic, a "Radio Mix" is an edit and no remix."""
    if len(kinds) > 1:
        kinds = kinds - {"other version"} or kinds
    if len(kinds) > 1 and words[-1] == "mix":
        kinds -= {"remix"}
    return kinds


def name_forms(name: str) -> frozenset[Words]:
    """List the ways to write a name, or a list of names in one text: whole, each alone, without "the", the surname."""
    forms = {words_of(part) for part in (name, *split_names(name))}
    forms |= {words[1:] for words in forms if words[:1] == ("the",)}
    return frozenset(filter(None, forms))


def _is_name(part: str, names: frozenset[Words]) -> bool:
    """Say whether a part only names artists, and not as guests."""
    return not _GUEST.match(part) and _only_names(part, names)


def _only_names(part: str, names: frozenset[Words]) -> bool:
    """Say whether a part is names, one after the other, with nothing but "and" and the like between them."""
    words = words_of(part)
    if not words:
        return False
    rest: Words | None = words
    while rest:
        rest = _after_name(rest, names)
    return rest is not None


def _after_name(words: Words, names: frozenset[Words]) -> Words | None:
    fitting = [name for name in names if words[: len(name)] == name]
    if fitting:
        return words[len(max(fitting, key=len)) :]
    return words[1:] if words[0] in _JOINS and len(words) > 1 else None


def _is_same_recording(words: Words) -> bool:
    return bool(_SAME_RECORDING & set(words)) and all(
        word in _SAME_RECORDING or word in {"version", "mix", "recording", "the"} or _ORDINAL.fullmatch(word)
        for word in words
    )


def _without_noise(words: Words) -> Words:
    """Drop words for people at the end."""
    end = len(words)
    while end and words[end - 1] in _NOISE:
        end -= 1
    return words[:end]
