"""Which of the tracks found elsewhere is the one that is wanted: one pure matcher for every search.

The rules, and why. Gates first, since one wrong file in a library costs more than ten questions: the length
must agree (a different length is a different recording, whatever the title says), the version must agree both
ways (an unmarked track is no answer to a remix, nor a remix to an unmarked one), no word of either title may stay
unexplained (so that "Emulation", "Made Famous By" and what nobody thought of refuse themselves), and the performer
must agree. Only then is there a score, out of which each doubt takes its share; below `FLOOR` a human decides.
It asks no service and reads no file. Called by `core.alternatives` and the ``music match`` command.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from music_workflow.deduplication.names import (
    Title,
    artist_names,
    comparable,
    may_be,
    name_forms,
    parse_title,
    scripts_of,
    skeleton,
    split_names,
    words_of,
)
from music_workflow.deduplication.versions import Words, version_words

FLOOR = 80.0
"""Of 100; what scores less is for a human to decide."""
GATE_S = 3.0
"""Seconds that two lengths of one recording may differ: nine of ten right answers are within one, rounding
and silence at the ends included. An edit is usually ten seconds or more away."""
CLOSE_S = 1.5
"""The gate where other evidence is thin."""

_SAME_S = 0.05
_TOLD_BY_ALBUM = frozenset(
    {"live", "karaoke", "cover", "sped up", "slowed", "nightcore", "instrumental", "demo", "unplugged"}
)

Kind = Literal["song", "video", "upload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The track that is looked for."""

    title: str
    artists: tuple[str, ...]
    album: str | None = None
    duration_s: float | None = None
    isrc: str | None = None
    explicit: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A track that a search found."""

    id: str
    title: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_s: float | None = None
    isrc: str | None = None
    explicit: bool | None = None
    kind: Kind = "upload"
    """A ``song`` is one that the service itself vouches for, delivered by the label; the rest anyone may upload."""
    isrc_rank: int | None = None
    """Place in the answers to a search for the ISRC, from 0; None when that search did not find it."""
    rank: int = 0
    """Place in all answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is thought of one candidate."""

    candidate: Candidate
    score: float
    """0..100; 0 when it is refused."""
    why: tuple[str, ...]
    """For each doubt its sentence; for a refused one the reasons of the refusal."""
    refused: bool

    @property
    def accepted(self) -> bool:
        """Whether it may be taken without asking."""
        return not self.refused and self.score >= FLOOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The answer: the one to take, if any, and what is thought of all, the best first."""

    chosen: Judgement | None
    judged: tuple[Judgement, ...]


def match(wanted: Wanted, candidates: Iterable[Candidate]) -> Match:
    """Find the candidate that is certainly the wanted track."""
    judged = sorted(
        (judge(wanted, each) for each in _merged(candidates)),
        key=lambda one: (one.refused, -one.score, _distance(wanted, one.candidate), one.candidate.rank),
    )
    best = judged[0] if judged and judged[0].accepted else None
    return Match(chosen=best, judged=tuple(judged))


def judge(wanted: Wanted, candidate: Candidate) -> Judgement:
    """Hold one candidate against the wanted track."""
    view = _View(wanted, candidate)
    doubts = [*view.length(), *view.version(), *view.title(), *view.performer(), *view.source()]
    refusals = tuple(doubt.says for doubt in doubts if math.isinf(doubt.costs))
    if refusals:
        return Judgement(candidate=candidate, score=0.0, why=refusals, refused=True)
    score = round(max(0.0, 100.0 - sum(doubt.costs for doubt in doubts)), 1)
    return Judgement(
        candidate=candidate, score=score, why=tuple(d.says for d in doubts if d.says), refused=False
    )


@dataclass(frozen=True, slots=True)
class _Doubt:
    costs: float
    says: str


def _no(says: str) -> _Doubt:
    return _Doubt(math.inf, says)


class _View:
    """A wanted track and a candidate, both taken apart; each question about them gives its doubts."""

    def __init__(self, wanted: Wanted, candidate: Candidate) -> None:
        self._wanted = wanted
        self._candidate = candidate
        self._theirs = artist_names(candidate.artists)
        self._ours = artist_names(wanted.artists)
        known = (*self._ours, *self._theirs)
        self._want = parse_title(wanted.title, known)
        self._have = parse_title(candidate.title, known)
        self._apart = _apart(wanted.duration_s, candidate.duration_s)
        self._close = self._apart is not None and abs(self._apart) <= CLOSE_S
        same_code = bool(wanted.isrc and candidate.isrc and _code(wanted.isrc) == _code(candidate.isrc))
        self._by_isrc = self._close and (same_code or candidate.isrc_rank == 0)

    def length(self) -> list[_Doubt]:
        """The gate of lengths."""
        if self._apart is None:
            return [_Doubt(30.0, "one of the two lengths is not known, so nothing rules out an edit")]
        words = f"{abs(self._apart):.1f} s {'longer' if self._apart > 0 else 'shorter'}"
        if abs(self._apart) < _SAME_S:
            words = "exactly as long"
        if abs(self._apart) > GATE_S:
            return [_no(f"{words}: another recording or an edit")]
        over = max(0.0, abs(self._apart) - 0.5)
        return [_Doubt(4.0 * over, words)]

    def version(self) -> list[_Doubt]:
        """Versions agree both ways: kinds, names, and remasters by their own rule."""
        want, have = self._want, self._have
        if want.kinds != have.kinds:
            extra, missing = have.kinds - want.kinds, want.kinds - have.kinds
            said = [
                f"is marked {_listed(extra)}" if extra else "",
                f"lacks {_listed(missing)}" if missing else "",
            ]
            return [_no(f"another version: it {' and '.join(filter(None, said))}")]
        doubts = []
        if want.version_name != have.version_name and not _same_words(want.version_name, have.version_name):
            doubts.append(self._other_name(want, have))
        return doubts + self._remaster()

    def title(self) -> list[_Doubt]:
        """The names agree with no word left over, in one script or by an alias in the other."""
        if not self._want.words and _as_written(self._wanted) == _as_written(self._candidate):
            return []  # a title of signs alone
        for ours in self._names(self._want):
            for theirs in self._names(self._have):
                if "".join(ours) == "".join(theirs):
                    return []
                if _misspelt(ours, theirs):
                    return [_Doubt(4.0, "the title is spelt a little differently")]
        if not comparable(self._want.scripts, self._have.scripts):
            if self._by_isrc and self._candidate.kind == "song":
                return [_Doubt(8.0, "the title is written in another script; the recording code found it")]
            return [_no("the title is written in another script, and nothing else proves it")]
        extra = [word for word in self._have.words if word not in self._want.words]
        missing = [word for word in self._want.words if word not in self._have.words]
        said = [
            f"has “{' '.join(extra)}” besides" if extra else "",
            f"lacks “{' '.join(missing)}”" if missing else "",
        ]
        return [
            _no(f"another title: it {' and '.join(filter(None, said)) or 'has the words in another order'}")
        ]

    def performer(self) -> list[_Doubt]:
        """A wanted artist performs it, and nobody who does not belong."""
        ours = (*self._ours, *self._want.guests)
        theirs = _expanded(self._theirs)
        shared = [name for name in self._ours if any(same_artist(name, other) for other in theirs)]
        doubts = self._strangers(ours)
        if shared:
            return doubts + self._others(shared, ours, theirs)
        if self._candidate.kind != "song" and self._named_in_title():
            if not self._close:
                return [*doubts, _no("somebody else's upload, and the length is not exactly the same")]
            return [*doubts, _Doubt(8.0, "somebody else's upload; artist and title stand in its title")]
        return doubts + self._by_script()

    def source(self) -> list[_Doubt]:
        """Who vouches for it, and lesser signs."""
        wanted, candidate = self._wanted, self._candidate
        doubts = []
        if candidate.kind != "song":
            doubts.append(_Doubt(6.0, "an upload, not the label's own delivery"))
        if not self._by_isrc:
            doubts.append(_Doubt(2.0, "not confirmed by the recording code"))
        if wanted.album and candidate.album and not self._same_album():
            doubts.append(_Doubt(2.0, f"on another album: {candidate.album}"))
        doubts += self._album_of_versions()
        if None not in (wanted.explicit, candidate.explicit) and wanted.explicit != candidate.explicit:
            doubts.append(_Doubt(1.0, "marked differently as to explicit words"))
        return doubts

    def _other_name(self, want: Title, have: Title) -> _Doubt:
        """The same kind of version under another name, as "Live at Wembley" and "Live at Wembley, July 1986"."""
        ours, theirs = _listed(want.version_name) or "none", _listed(have.version_name) or "none"
        within = want.version_name <= have.version_name or have.version_name <= want.version_name
        if within and (self._by_isrc or (self._close and self._same_album())):
            return _Doubt(
                6.0, f"the version is named {theirs} instead of {ours}; release and length are the same"
            )
        return _no(f"another {_listed(want.kinds) or 'version'}: {theirs} instead of {ours}")

    def _album_of_versions(self) -> list[_Doubt]:
        """An album of live, karaoke or slowed recordings says of its tracks what their titles may leave out."""
        told, _ = version_words(words_of(self._candidate.album or ""))
        known, _ = version_words(words_of(f"{self._wanted.album or ''} {self._wanted.title}"))
        marked = (told & _TOLD_BY_ALBUM) - known
        if not marked or self._by_isrc:
            return []
        return [_Doubt(20.0, f"its album “{self._candidate.album}” sounds {_listed(marked)}")]

    def _remaster(self) -> list[_Doubt]:
        """The same performance, mastered anew: right only where it is certainly the same release."""
        want, have = self._want.remaster, self._have.remaster
        if want is not None and have is not None:
            clash = bool(want and have and want != have)
            return [_no(f"the remaster of {_listed(have)}, not of {_listed(want)}")] if clash else []
        if want is None and have is None:
            return []
        if self._by_isrc or (self._close and self._same_album()):
            return [_Doubt(6.0, "only one of the two is called a remaster; release and length are the same")]
        return [_no("only one of the two is a remaster, and nothing shows that the release is the same")]

    def _names(self, title: Title) -> list[Words]:
        bare = _without_artists(title.words, (*self._ours, *self._theirs))
        return [names for names in dict.fromkeys((title.words, bare, *title.aliases)) if names]

    def _strangers(self, ours: Sequence[str]) -> list[_Doubt]:
        """Guests of the candidate whom the wanted track does not name: another version of the song."""
        credited = self._theirs if self._candidate.kind == "song" else ()  # a channel is no credit
        known = (*ours, *credited)
        unknown = [
            guest
            for guest in self._have.guests
            if not any(same_artist(guest, name) or _one_in_other(guest, name) for name in known)
        ]
        certain = [guest for guest in unknown if not any(may_be(guest, name) for name in ours)]
        if certain:
            return [_no(f"with {', '.join(certain)}, whom the wanted track does not name")]
        return [_Doubt(2.0, f"with {', '.join(unknown)}, in another script")] if unknown else []

    def _others(self, shared: list[str], ours: Sequence[str], theirs: Sequence[str]) -> list[_Doubt]:
        if self._candidate.kind != "song":
            return []  # a channel says who uploaded it, not who plays
        missing = [
            name
            for name in self._ours
            if name not in shared and not any(same_artist(name, guest) for guest in self._have.guests)
        ]
        extra = [
            name
            for name in theirs
            if not any(same_artist(name, other) or _one_in_other(name, other) for other in ours)
            and not any(may_be(name, other) for other in ours)
        ]
        if extra and missing and not self._by_isrc:
            return [_no(f"by {', '.join(extra)} instead of {', '.join(missing)}")]
        doubts = []
        if extra and not missing:
            doubts.append(_Doubt(8.0 if not self._by_isrc else 2.0, f"also by {', '.join(extra)}"))
        if missing:
            main = self._ours[0] in missing
            doubts.append(_Doubt(6.0 if main else 1.0, f"does not name {', '.join(missing)}"))
        return doubts

    def _by_script(self) -> list[_Doubt]:
        """Nobody shared: either another performer, or the same one in another script."""
        song = self._candidate.kind == "song"
        if not self._ours:
            return [_Doubt(30.0, "the wanted track names no artist")]
        if not self._theirs:
            if self._by_isrc:
                return [_Doubt(10.0, "names no artist; the recording code found it")]
            return [_no("names no artist")]
        by = f"by {', '.join(self._theirs)}"
        if any(may_be(self._ours[0], name) for name in _expanded(self._theirs)):
            if song and self._by_isrc:
                return [_Doubt(8.0, f"{by}, in another script; the recording code found it")]
            if song and self._close and self._same_album():
                return [_Doubt(10.0, f"{by}, in another script; title, album and length are the same")]
            by += ", in another script, and nothing else proves it"
        return [_no(by)]

    def _named_in_title(self) -> bool:
        """Every wanted artist, guests apart, stands in the candidate's title."""
        words = words_of(self._candidate.title)
        inside = f" {' '.join(words)} "
        return bool(self._ours) and all(
            any(f" {' '.join(form)} " in inside for form in name_forms(name)) for name in self._ours
        )

    def _same_album(self) -> bool:
        ours, theirs = self._wanted.album, self._candidate.album
        if not ours or not theirs:
            return False
        one, other = parse_title(ours), parse_title(theirs)
        return "".join(one.words) == "".join(other.words) and one.kinds == other.kinds


def same_artist(one: str, other: str) -> bool:
    """Say whether two texts name one artist: in any spelling, with or without "the", or in another script."""
    ours, theirs = name_forms(one), name_forms(other)
    if any("".join(a) == "".join(b) for a in ours for b in theirs):
        return True
    if comparable(scripts_of(one), scripts_of(other)):
        return any(_misspelt(a, b) for a in ours for b in theirs)
    return any(
        len(bones := skeleton(a)) > 1 and bones == skeleton(b)
        for a in (one, *split_names(one))
        for b in (other, *split_names(other))
    )


def _expanded(names: Iterable[str]) -> tuple[str, ...]:
    """Take apart names that a localised page ran together ("A und B"), unless that leaves nothing."""
    return tuple(dict.fromkeys(part for name in names for part in (split_names(name) or (name,))))


def _one_in_other(one: str, other: str) -> bool:
    a, b = f" {' '.join(words_of(one))} ", f" {' '.join(words_of(other))} "
    return a.strip() != "" and b.strip() != "" and (a in b or b in a)


def _without_artists(words: Words, names: Iterable[str]) -> Words:
    """Cut artists' names off both ends of a title ("Handel: Solomon"), as long as something remains."""
    forms = {form for name in names for form in name_forms(name)}
    surnamed = [form for form in forms if len(form) > 1 and len(form[-1]) >= _SURNAME]
    forms |= {form[-1:] for form in surnamed}
    forms |= {(*(given[0] for given in form[:-1]), form[-1]) for form in surnamed}  # J. S. Bach
    for form in sorted(forms, key=len, reverse=True):
        if len(words) > len(form):
            if words[: len(form)] == form:
                words = words[len(form) :]
            elif words[-len(form) :] == form:
                words = words[: -len(form)]
    return words


_SURNAME = 4
_LONG_WORD = 5
_ALIKE = 0.8


def _misspelt(one: Words, other: Words) -> bool:
    """Say whether one long word differs in a letter or two, and nothing else; numbers and short words must agree."""
    if len(one) != len(other):
        return False
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    if len(pairs) != 1:
        return False
    ((a, b),) = pairs
    letters = a.isalpha() and b.isalpha() and min(len(a), len(b)) >= _LONG_WORD
    return letters and SequenceMatcher(None, min(a, b), max(a, b)).ratio() >= _ALIKE


def _same_words(one: frozenset[str], other: frozenset[str]) -> bool:
    return "".join(sorted(one)) == "".join(sorted(other))


def _merged(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Make one of the hits of several searches for the same track: what one search kept back, another told."""
    found: dict[str, Candidate] = {}
    for each in candidates:
        first = found.get(each.id)
        if first is None:
            found[each.id] = each
            continue
        ranks = [rank for rank in (first.isrc_rank, each.isrc_rank) if rank is not None]
        found[each.id] = replace(
            first,
            album=first.album or each.album,
            isrc=first.isrc or each.isrc,
            duration_s=first.duration_s if first.duration_s is not None else each.duration_s,
            isrc_rank=min(ranks, default=None),
            kind="song" if "song" in (first.kind, each.kind) else first.kind,
            rank=min(first.rank, each.rank),
        )
    return list(found.values())


def _as_written(track: Wanted | Candidate) -> str:
    return unicodedata.normalize("NFKC", track.title).casefold().strip()


def _apart(wanted_s: float | None, found_s: float | None) -> float | None:
    return None if not wanted_s or not found_s else found_s - wanted_s


def _distance(wanted: Wanted, candidate: Candidate) -> float:
    apart = _apart(wanted.duration_s, candidate.duration_s)
    return math.inf if apart is None else abs(apart)


def _code(isrc: str) -> str:
    return isrc.replace("-", "").replace(" ", "").upper()


def _listed(words: Iterable[str]) -> str:
    return " ".join(sorted(words))
