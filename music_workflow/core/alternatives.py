"""Another, permitted source of a track whose own source is protected.

Says what a protected link means, looks for the same track in the library, among links that a person gave, and at the
services that can be searched; takes what the matcher is certain of and what can really be had, and remembers what was
taken and which candidates a person turned down: those are never taken again. Nothing protected is ever opened. Called
by the Fix DRM failure handler.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from music_workflow import wiring
from music_workflow.core import acquire, data_folder, origins
from music_workflow.core.links import read_link
from music_workflow.core.ports import LibrarySettings
from music_workflow.deduplication.matching import Candidate, Judgement, Wanted, judge, match
from music_workflow.errors import BadLink, MusicError, Protected, Unavailable, Unobtainable
from music_workflow.index.volume import open_index
from music_workflow.model import FiledTrack, Identity

_LIBRARY = "the library"
_CERTAIN = 90.0
"""At such a score no further place is asked; below it, a later one may have the label's own delivery."""
_OFFERED = 5
"""So many candidates are shown to a person."""
_CONFIRMED = 3
"""So many of one place's good candidates are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A source that was found."""

    url: str
    where: str
    title: str
    artists: tuple[str, ...]
    duration_s: float | None
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search came to."""

    taken: Alternative | None
    """Certainly the track, and obtainable a moment ago."""
    offered: tuple[Alternative, ...] = ()
    """Perhaps the track: for a person to decide."""
    asked: tuple[str, ...] = ()
    """For each place a few words on what it had."""
    trouble: tuple[str, ...] = ()
    """For each place that could not be asked, why."""
    retry_after_s: float | None = None
    """The longest that one of them asked to wait."""


def describe(settings: LibrarySettings, link: str, named: str | None) -> Wanted | None:
    """Say which track a protected link means.

    Args:
        settings: With the credentials of the services that can be asked.
        link: The protected link.
        named: "Artist - Title" as a person wrote it, used when no service can be asked.

    Returns:
        The track; None when nothing tells. From a person's words its length is not known, so that no candidate will
        be certain.

    Raises:
        MusicError: A service with credentials says why not.
    """
    link = _followed(settings, link)
    for catalogue in wiring.catalogues(settings):
        if (wanted := catalogue.describe(link)) is not None:
            return wanted
    artist, dash, title = (named or "").partition(" - ")
    if not (dash and artist.strip() and title.strip()):
        return None
    return Wanted(title=title.strip(), artists=(artist.strip(),))


def look_at(settings: LibrarySettings, link: str, chosen: str) -> Alternative:
    """Look at a link that a person chose for a protected one; it is taken at their word, and remembered.

    Raises:
        BadLink: It is protected too, or no track can be had there.
        Unavailable: Its service cannot be asked now.
    """
    try:
        found = _identify(settings, chosen)
    except (Protected, Unobtainable) as error:
        raise BadLink(
            f"The link in Answer is no way out: {error}", service=error.service, operation="look"
        ) from error
    _accept(settings, link, found.url)
    return _alternative(
        Judgement(candidate=_candidate(found), score=100.0, why=("a person chose it",), refused=False),
        "Answer",
    )


def search(settings: LibrarySettings, wanted: Wanted, link: str, given: Sequence[str]) -> Search:
    """Look everywhere for the wanted track, in order, until one is certain.

    Args:
        settings: Of the library.
        wanted: The track.
        link: Its protected source, by which rejections are remembered.
        given: Links on the row that may be the same track.
    """
    turned_down = rejected(settings, link)
    if (known := _known(settings, link, turned_down)) is not None:
        return Search(taken=known, asked=(f"{known.where}: found at once",))
    hunt = _Hunt(settings, wanted, excluded={link, origins.subject(link), *turned_down})
    hunt.ask(_LIBRARY, partial(_in_library, settings))
    for each in given:
        hunt.ask("a link on the row", partial(_at, settings, each))
    for finder in wiring.finders(settings):
        hunt.ask(finder.name, partial(finder.find, wanted))
    found = hunt.result()
    _remember_offers(settings, link, [each.url for each in found.offered])
    if found.taken:
        origins.remember(settings, link, found.taken.url)
    return found


def reject_offers(settings: LibrarySettings, link: str) -> int:
    """Note that a person wants none of the candidates shown for `link`; returns how many are turned down in all."""
    with _memory(settings) as db:
        db.execute("UPDATE offers SET rejected = 1 WHERE link = ?", (origins.subject(link),))
    return len(rejected(settings, link))


def reject(settings: LibrarySettings, link: str, sources: Sequence[str]) -> bool:
    """Note that a person says of some sources that they are not the track.

    Returns:
        Whether one of them had been taken for it: then the track has to be synced anew.
    """
    taken = origins.source_of(settings, link)
    urls = [origins.subject(each) for each in sources]
    with _memory(settings) as db:
        db.executemany(
            "INSERT INTO offers VALUES (?, ?, 1) ON CONFLICT (link, url) DO UPDATE SET rejected = 1",
            [(origins.subject(link), url) for url in urls],
        )
    for url in urls:
        origins.forget(settings, link, url)
    with open_index(settings.data_dir) as index:
        track = index.by_key(origins.key_of(link))
        if track is not None and origins.subject(track.identity.url) in urls:
            index.drop_alias(origins.key_of(link), track.identity.key)
    return taken is not None and taken in urls


def rejected(settings: LibrarySettings, link: str) -> frozenset[str]:
    """List the sources that a person turned down for `link`."""
    with _memory(settings) as db:
        return frozenset(
            url
            for (url,) in db.execute(
                "SELECT url FROM offers WHERE link = ? AND rejected", (origins.subject(link),)
            )
        )


class _Hunt:
    """Gathers what the places have, and keeps the best."""

    def __init__(self, settings: LibrarySettings, wanted: Wanted, excluded: set[str]) -> None:
        self._settings = settings
        self._wanted = wanted
        self._excluded = excluded
        self._best: Alternative | None = None
        self._doubtful: list[tuple[Judgement, str]] = []
        self._asked: list[str] = []
        self._trouble: list[str] = []
        self._retry_after_s: float | None = None

    @property
    def is_certain(self) -> bool:
        """Whether nothing better is to be expected."""
        return self._best is not None and self._best.score >= _CERTAIN

    def ask(self, where: str, find: Callable[[], Sequence[Candidate]]) -> None:
        """Ask one place, unless the matter is certain already; a place in trouble is noted, not fatal."""
        if self.is_certain:
            return
        try:
            candidates = [each for each in find() if origins.subject(each.id) not in self._excluded]
            self._weigh(where, match(self._wanted, candidates).judged)
        except Unavailable as error:
            self._trouble.append(f"{where}: {error}")
            self._retry_after_s = max(filter(None, (self._retry_after_s, error.retry_after_s)), default=None)
        except MusicError as error:
            self._asked.append(f"{where}: {error}")
        else:
            self._asked.append(f"{where}: {len(candidates)} found")

    def result(self) -> Search:
        """All in all."""
        shown = sorted(self._doubtful, key=lambda one: (one[0].refused, -one[0].score))[:_OFFERED]
        return Search(
            taken=self._best,
            offered=() if self._best else tuple(_alternative(judged, where) for judged, where in shown),
            asked=tuple(self._asked),
            trouble=tuple(self._trouble),
            retry_after_s=self._retry_after_s,
        )

    def _weigh(self, where: str, judged: Sequence[Judgement]) -> None:
        good = [each for each in judged if each.accepted][:_CONFIRMED]
        # One single reason against it: a person may know better.
        self._doubtful += [
            (each, where) for each in judged if not each.accepted and (not each.refused or len(each.why) == 1)
        ]
        for each in good:
            confirmed = each if where == _LIBRARY else self._confirmed(where, each)
            if confirmed is None:
                continue
            if not confirmed.accepted:
                self._doubtful.append((confirmed, where))
            elif self._best is None or confirmed.score > self._best.score:
                self._best = _alternative(confirmed, where)
                return

    def _confirmed(self, where: str, judged: Judgement) -> Judgement | None:
        """Judge anew by what the page itself says; None when the track cannot be had there."""
        try:
            found = _candidate(_identify(self._settings, judged.candidate.id))
        except (Protected, Unobtainable, BadLink) as error:
            self._asked.append(f"{where}: {judged.candidate.id} cannot be had: {error}")
            return None
        told = judged.candidate
        return judge(
            self._wanted,
            replace(
                found,
                id=told.id,
                kind=told.kind,
                artists=found.artists or told.artists,
                isrc_rank=told.isrc_rank,
                album=found.album or told.album,
                isrc=found.isrc or told.isrc,
                duration_s=found.duration_s if found.duration_s is not None else told.duration_s,
            ),
        )


def _known(settings: LibrarySettings, link: str, turned_down: frozenset[str]) -> Alternative | None:
    """What was found for this link before: in the library under it, or a source that can still be had."""
    with open_index(settings.data_dir) as index:
        track = index.by_key(origins.key_of(link))
    if track is not None and _stands(track) and track.identity.url not in turned_down:
        why = ("the library has it under this very link",)
        judged = Judgement(candidate=_candidate(track.identity), score=100.0, why=why, refused=False)
        return _alternative(judged, _LIBRARY)
    before = origins.source_of(settings, link)
    if before is None or before in turned_down:
        return None
    try:
        found = _candidate(_identify(settings, before))
    except (Protected, Unobtainable, BadLink):
        return None
    why = ("it was taken for this link before, and nobody has turned it down",)
    return _alternative(
        Judgement(candidate=found, score=100.0, why=why, refused=False), "what was found before"
    )


def _accept(settings: LibrarySettings, link: str, url: str) -> None:
    """Remember what a person chose; that they turned it down once counts no more."""
    with _memory(settings) as db:
        db.execute(
            "DELETE FROM offers WHERE link = ? AND url = ?", (origins.subject(link), origins.subject(url))
        )
    origins.remember(settings, link, url)


def _followed(settings: LibrarySettings, link: str) -> str:
    """Where a short link leads; any other as it is."""
    try:
        page = read_link(link)
        return wiring.short_links(settings)(page.url) if page.short else link
    except BadLink:
        return link


def _at(settings: LibrarySettings, link: str) -> list[Candidate]:
    return [_candidate(_identify(settings, link))]


def _in_library(settings: LibrarySettings) -> list[Candidate]:
    """All tracks of the library whose files stand; they were certain once, so they count as songs."""
    with open_index(settings.data_dir) as index:
        return [
            replace(_candidate(track.identity), kind="song", duration_s=track.source_duration_s)
            for track in index.tracks()
            if _stands(track)
        ]


def _stands(track: FiledTrack) -> bool:
    return all(Path(file.path).is_file() for file in track.files)


def _identify(settings: LibrarySettings, link: str) -> Identity:
    return acquire.identify(link, wiring.sources(settings), wiring.short_links(settings), settings)


def _candidate(found: Identity) -> Candidate:
    return Candidate(
        id=found.url,
        title=found.title,
        artists=found.artists,
        album=found.album,
        duration_s=found.duration_s,
        isrc=found.isrc,
    )


def _alternative(judged: Judgement, where: str) -> Alternative:
    found = judged.candidate
    return Alternative(
        url=found.id,
        where=where,
        title=found.title,
        artists=found.artists,
        duration_s=found.duration_s,
        score=judged.score,
        why=judged.why,
    )


def _remember_offers(settings: LibrarySettings, link: str, urls: Sequence[str]) -> None:
    with _memory(settings) as db:
        subject = origins.subject(link)
        rows = [(subject, origins.subject(url)) for url in urls]
        db.executemany("INSERT OR IGNORE INTO offers VALUES (?, ?, 0)", rows)


def _memory(settings: LibrarySettings) -> AbstractContextManager[sqlite3.Connection]:
    """Open what is remembered about offers."""
    return data_folder.memory(
        settings.data_dir,
        "alternatives",
        "CREATE TABLE IF NOT EXISTS offers "
        "(link TEXT, url TEXT, rejected INTEGER NOT NULL, PRIMARY KEY (link, url)) STRICT, WITHOUT ROWID",
    )
