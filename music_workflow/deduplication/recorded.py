"""Searches that were recorded in a file: wanted tracks, each with the candidates that were found for it.

The shape is ``{"tracks": [{spotify_id, title, artists, album, duration_ms, isrc, explicit, candidates: [{query, rank,
video_id, title, type, artists, album, duration_s, explicit}]}]}``; further keys, such as the labels ``expected`` and
``accepted_extra``, are carried along. Used by ``music match`` and the benchmark of the matcher.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from music_workflow.deduplication.matching import Candidate, Kind, Wanted
from music_workflow.errors import BadLink

_KINDS: dict[str, Kind] = {"song": "song", "video": "video"}
_ISRC_QUERY = "isrc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One wanted track and what was found."""

    spotify_id: str
    wanted: Wanted
    candidates: tuple[Candidate, ...]
    right: frozenset[str]
    """Ids that people accepted; incomplete, and empty where nobody has judged."""


def read(path: Path) -> list[Recorded]:
    """Read a file of recorded searches.

    Raises:
        BadLink: It is not there, no JSON, or of another shape; the sentence says which.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [_track(track) for track in content["tracks"]]
    except OSError as error:
        raise _bad(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _bad(f"{path} is not a file of recorded searches ({type(error).__name__}: {error}).") from error


def _track(track: Mapping[str, Any]) -> Recorded:
    length = track.get("duration_ms")
    return Recorded(
        spotify_id=str(track["spotify_id"]),
        wanted=Wanted(
            title=str(track["title"]),
            artists=tuple(map(str, track.get("artists") or ())),
            album=track.get("album"),
            duration_s=float(length) / 1000 if length else None,
            isrc=track.get("isrc"),
            explicit=track.get("explicit"),
        ),
        candidates=tuple(_candidate(n, each) for n, each in enumerate(track.get("candidates") or ())),
        right=frozenset((*(track.get("expected") or ()), *(track.get("accepted_extra") or ()))),
    )


def _candidate(place: int, found: Mapping[str, Any]) -> Candidate:
    rank = int(found["rank"]) if found.get("rank") is not None else place
    length = found.get("duration_s")
    return Candidate(
        id=str(found["video_id"]),
        title=str(found["title"]),
        artists=tuple(map(str, found.get("artists") or ())),
        album=found.get("album"),
        duration_s=float(length) if length else None,
        isrc=found.get("isrc"),
        explicit=found.get("explicit"),
        kind=_KINDS.get(str(found.get("type")), "upload"),
        isrc_rank=rank if found.get("query") == _ISRC_QUERY else None,
        rank=rank,
    )


def _bad(sentence: str) -> BadLink:
    return BadLink(sentence, service="match", operation="read recorded searches")
