"""Which track comes next: asks one place after another until one names a track that is not synced yet.

The order is that of nearness to the person: what plays now, what was liked last, what has waited longest. Each place
has a time and a number of attempts; one that fails is noted and the next is asked, and what every place said is kept,
so that the answer can be checked. Nothing is downloaded and nothing is written. Called by the Detect and sync handler
and the ``music detect`` command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from music_workflow import wiring
from music_workflow.core.listing import Entry, Likes, Player
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import MusicError, Unavailable

_ATTEMPTS = 2
_CAP_S = 30.0
"""For one place, all attempts together."""
_NEWEST = 5
"""So many of the newest likes are considered."""

Ask = Callable[[], Sequence[Entry] | str]
"""Gives candidates, the first to be preferred; or in words why there are none."""
Synced = Callable[[Sequence[Entry]], Mapping[str, str]]
"""Key -> in words why nothing is to be done about an entry; entries that are to be synced are left out."""


@dataclass(frozen=True, slots=True)
class Place:
    """One level of the chain."""

    name: str
    ask: Ask
    cap_s: float = _CAP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of asking one place."""

    place: str
    words: str
    failed: bool = False
    """It could not be asked; that is not the same as having nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """The answer of the whole chain."""

    entry: Entry | None
    """The track to sync; None when no place named one."""
    place: str = ""
    """Which place named it."""
    said: tuple[Said, ...] = ()
    """What the places said that were asked, in order; the answering one last."""
    retry_after_s: float | None = None
    """The longest that a service asked to wait."""

    @property
    def is_certain(self) -> bool:
        """Whether every place that was asked could answer."""
        return not any(each.failed for each in self.said)


def places(settings: LibrarySettings) -> tuple[Place, ...]:
    """The services' levels: what plays now, then the newest likes; levels that are not set up say so."""
    players = wiring.players(settings)
    likes = wiring.likes(settings)
    found = [Place(each.name, _playing(each)) for each in players] or [
        Place("Spotify player", _not_set_up("SPOTIFY_REFRESH_TOKEN"))
    ]
    by_service = {each.name.partition(" ")[0]: each for each in likes}
    for service, needed in (("SoundCloud", "SOUNDCLOUD_PROFILE"), ("Spotify", "SPOTIFY_REFRESH_TOKEN")):
        if service in by_service:
            found.append(Place(by_service[service].name, _newest(by_service[service])))
        else:
            found.append(Place(f"{service} likes", _not_set_up(needed)))
    return tuple(found)


def detect(chain: Sequence[Place], synced: Synced) -> Detection:
    """Ask one place after another for a track that is not synced yet."""
    said: list[Said] = []
    waits: list[float] = []
    for place in chain:
        answer = _ask(place)
        if isinstance(answer, MusicError):
            said.append(Said(place=place.name, words=str(answer), failed=True))
            if isinstance(answer, Unavailable) and answer.retry_after_s:
                waits.append(answer.retry_after_s)
        elif isinstance(answer, str):
            said.append(Said(place=place.name, words=answer))
        else:
            entry, words = _first(answer, synced(answer))
            said.append(Said(place=place.name, words=words))
            if entry is not None:
                return Detection(entry=entry, place=place.name, said=tuple(said))
    return Detection(entry=None, said=tuple(said), retry_after_s=max(waits, default=None))


def _first(entries: Sequence[Entry], synced: Mapping[str, str]) -> tuple[Entry | None, str]:
    for entry in entries:
        if entry.key not in synced:
            return entry, f"{entry.name} is not synced yet"
    if not entries:
        return None, "it has none"
    return None, "; ".join(f"{entry.name}: {synced[entry.key]}" for entry in entries)


def _ask(place: Place) -> Sequence[Entry] | str | MusicError:
    """Ask one place within its time; one that takes longer is left behind, to end by its connections' time-outs."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="detect")
    try:
        return pool.submit(_persist, place.ask).result(timeout=place.cap_s)
    except TimeoutError:
        return Unavailable(
            f"it did not answer within {place.cap_s:.0f} seconds", service=place.name, operation="detect"
        )
    except MusicError as error:
        return error
    finally:
        pool.shutdown(wait=False)


def _persist(ask: Ask) -> Sequence[Entry] | str:
    """Ask, and once more when the service was merely unavailable and did not ask to wait."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except Unavailable as error:
            if error.retry_after_s:
                raise
    return ask()


def _playing(player: Player) -> Ask:
    def ask() -> Sequence[Entry] | str:
        found = player.playing()
        return found if isinstance(found, str) else (found,)

    return ask


def _newest(likes: Likes) -> Ask:
    return lambda: likes.newest(_NEWEST, frozenset(), None)


def _not_set_up(needed: str) -> Ask:
    return lambda: f"not set up: it needs {needed} in .env"
