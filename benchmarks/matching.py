"""How often the matcher is right, wrong or refuses, on recorded searches and on what is made of them.

    python benchmarks/matching.py ../shared/matching/tracks.json [--show]

Four experiments: the searches as recorded (the rules were written with these at hand); with every right candidate
taken out; with near-misses planted in the place of the right one (each kind of version, covers, edits by
length alone, and the wanted track itself being a version); and with the right one written differently, which must not
matter. Labels are incomplete: a chosen candidate that nobody has judged is counted apart, not as wrong.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from music_workflow.deduplication.matching import Candidate, Match, Wanted, match
from music_workflow.deduplication.recorded import Recorded, read

STRANGER = "Karaoke Kings"
MARKS = (
    "Demo", "Live", "Live at Wembley Stadium, 1986", "En Vivo", "Ao Vivo", "MTV Unplugged", "Acoustic", "Piano Version",
    "Instrumental", "Karaoke Version", "Remix", "Sagi Kariv Remix", "VIP Mix", "Bootleg", "Radio Edit", "Extended Mix",
    "Sped Up", "Slowed + Reverb", "Nightcore", "8D Audio", "Bass Boosted", "A Cappella", "Cover", "Piano Cover",
    "Tribute", "8-Bit Emulation", "Lullaby Rendition", "Rehearsal Take", "Mono", "Clean", "Re-Recorded", "2012 Version",
    "Reprise", "Kazoo Orchestra", "גרסת רגאיי", "חי בקיסריה", "קריוקי", "Концерт", "ライブ", "Wersja akustyczna",
)  # fmt: skip
"""Put after a title in brackets or a dash; several are in no list of the matcher."""


def near_misses(right: Candidate, wanted: Wanted) -> Iterator[tuple[str, Candidate, Wanted]]:
    """What is nearly the right one: its kind, the candidate, and the wanted track (changed where that is the point)."""
    by = " & ".join(wanted.artists)
    for mark in MARKS:
        yield "marked", replace(right, title=f"{right.title} ({mark})"), wanted
        yield "marked", replace(right, title=f"{right.title} - {mark}"), wanted
        yield "wanted is marked", right, replace(wanted, title=f"{wanted.title} ({mark})")
    plain = right.title
    for title in (
        plain,
        f"{plain} (Originally Performed by {by})",
        f"{plain} (Made Famous By {by})",
        f"{plain} (In the Style of {by})",
        f"{plain} (16-Bit {by} Emulation)",
        f"{plain} (A Tribute to {by})",
        f"{by} - {plain} (Cover)",
    ):
        for kind in ("song", "video"):
            made = replace(right, title=title, artists=(STRANGER,), kind=kind)
            if not (kind == "video" and title == plain and by in plain):
                yield "somebody else", made, wanted
    for apart in (-10.0, -5.0, 4.5, 12.0, 45.0):
        yield "other length", replace(right, duration_s=(wanted.duration_s or 0) + apart), wanted
    yield "other title", replace(right, title=f"{plain} 2"), wanted
    yield "other title", replace(right, title=f"Not {plain}"), wanted
    yield "other guest", replace(right, title=f"{plain} (feat. Nobody Known)"), wanted


def rewritings(right: Candidate, wanted: Wanted) -> Iterator[tuple[str, Candidate, Wanted]]:
    """The right one, written as other services and languages write it."""
    others = " & ".join(wanted.artists[1:])
    yield "capitals", replace(right, title=right.title.upper()), wanted
    yield "decomposed", replace(right, title=unicodedata.normalize("NFD", right.title)), wanted
    yield "for people", replace(right, title=f"{right.title} (Official Audio)"), wanted
    yield "for people", replace(right, title=f"{right.title} [Lyrics] HD"), wanted
    yield "play counts", replace(right, artists=(*right.artists, "11\u00a0Mio.\u00a0Wiedergaben")), wanted
    yield "topic", replace(right, artists=tuple(f"{name} - Topic" for name in right.artists)), wanted
    yield "plain version", replace(right, title=f"{right.title} (Album Version)"), wanted
    yield "plain version", right, replace(wanted, title=f"{wanted.title} - Original Mix")
    yield "no album", replace(right, album=None), wanted
    yield "one second", replace(right, duration_s=(wanted.duration_s or 0) + 1.0), wanted
    yield "not by code", replace(right, isrc_rank=None), wanted
    if others:
        for words in (f"(feat. {others})", f"ft. {others}", f"[with {others}]", f"(mit {others})"):
            yield "guests", replace(right, title=f"{right.title} {words}"), wanted


def main() -> None:
    """Run and print all four."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--show", action="store_true", help="Print each case that is not as it should be.")
    arguments = parser.parse_args()
    tracks = read(arguments.file)
    recorded(tracks, show=arguments.show)
    planted(
        tracks, "near-misses in place of the right one", near_misses, wanted_answer=False, show=arguments.show
    )
    planted(tracks, "the right one, written differently", rewritings, wanted_answer=True, show=arguments.show)


def recorded(tracks: list[Recorded], *, show: bool) -> None:
    """The searches as they are, and without any right candidate."""
    for name, drop in (("as recorded", False), ("right ones taken out", True)):
        counts: Counter[str] = Counter()
        for track in tracks:
            offered = [each for each in track.candidates if not (drop and each.id in track.right)]
            found = match(track.wanted, offered)
            there = any(each.id in track.right for each in offered)
            verdict = _verdict(found, track, there=there)
            counts[verdict] += 1
            if show and verdict not in {"right", "rightly refused"}:
                _show(verdict, track.wanted, found)
        print(f"{name:<40} {_figures(counts)}")


def planted(
    tracks: list[Recorded],
    name: str,
    make: Callable[[Candidate, Wanted], Iterator[tuple[str, Candidate, Wanted]]],
    *,
    wanted_answer: bool,
    show: bool,
) -> None:
    """One candidate at a time, made from the right one that is chosen, beside all that nobody accepted."""
    by_kind: dict[str, Counter[str]] = {}
    for track in tracks:
        best = match(track.wanted, track.candidates).chosen
        if best is None:
            continue
        others = [
            each for each in track.candidates if each.id not in track.right and each.id != best.candidate.id
        ]
        for kind, candidate, wanted in make(best.candidate, track.wanted):
            made = replace(candidate, id="planted")
            found = match(wanted, [made, *others])
            taken = found.chosen is not None and found.chosen.candidate.id == "planted"
            verdict = "right" if taken is wanted_answer else "wrong" if taken else "missed"
            by_kind.setdefault(kind, Counter())[verdict] += 1
            if show and verdict != "right":
                _show(f"{verdict}: {kind}: {made.title} / {made.artists}", wanted, found)
    print(name)
    for kind, counts in by_kind.items():
        print(f"  {kind:<38} {_figures(counts)}")


def _verdict(found: Match, track: Recorded, *, there: bool) -> str:
    if found.chosen is None:
        return "missed" if there else "rightly refused"
    return "right" if found.chosen.candidate.id in track.right else "chosen, not judged by anyone"


def _figures(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))


def _show(verdict: str, wanted: Wanted, found: Match) -> None:
    best = found.chosen or (found.judged[0] if found.judged else None)
    print(f"    {verdict}: wanted {wanted.title} / {wanted.artists}")
    if best:
        print(f"      {best.score} {best.candidate.title} / {best.candidate.artists}: {best.why}")


if __name__ == "__main__":
    main()
