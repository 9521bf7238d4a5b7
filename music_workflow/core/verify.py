"""Whether what a run filed still stands as it was recorded: named checks, with the values of both sides.

Each check is about this track's own files; nothing passes because something of the kind exists somewhere. It
changes nothing. Called by `core.library`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

from music_workflow.core import origins, playlists, process
from music_workflow.core.acquire import file_digest
from music_workflow.core.ports import LibrarySettings
from music_workflow.core.tagging import wanted_tags
from music_workflow.deduplication import fingerprint
from music_workflow.errors import MusicError
from music_workflow.index.export import exported_track
from music_workflow.metadata import tags
from music_workflow.model import FORMATS, AudioFile, Check, FiledTrack, PageClaims

T = TypeVar("T")

DURATION_TOLERANCE_S = 0.5
"""Between a file and its source: encoder delay and padding of lossy codecs stay well below it."""
SAME_SOUND = 0.20
"""Share of differing fingerprint bits up to which two recordings are one: re-encodings stay below 0.17, different
pieces above 0.36 (measured on 52 pieces, eight ways of encoding each)."""
_SOURCE_TOLERANCE_S = 2.0
_SOURCE_TOLERANCE = 0.02
"""Between a download and what its service says of it, whichever is more."""
_LONGEST_PREVIEW_S = 35.0
_PAGE_BPM_TOLERANCE = 0.05
"""A row may show one decimal."""
_LONGEST_SHOWN = 80
_PAGE_DURATION_TOLERANCE_S = 1.0
"""A row may show whole seconds."""


def verify_track(
    track: FiledTrack, claims: PageClaims | None, entry: FiledTrack | None, settings: LibrarySettings
) -> tuple[Check, ...]:
    """Make every check there is.

    Args:
        track: What was filed.
        claims: What the track's row says; None when there is no row to hold against.
        entry: What the index holds under the track's key.
        settings: For the place of the JSON export.
    """
    checks: list[Check] = []
    by_format = {file.format: file for file in track.files}
    for kind in FORMATS:
        file = by_format.get(kind)
        if file is None:
            checks.append(
                Check(name=f"{kind} file", verdict="fail", expected="filed", found="not among the files")
            )
        else:
            checks.extend(_file_checks(file, track))
    checks.extend(_source_checks(track))
    checks.extend(_playlist_checks(track))
    checks.extend(_index_checks(track, entry, settings))
    checks.extend(_page_checks(track, claims))
    if claims is not None:
        asked_for = origins.asked_for(settings, track.identity.url)
        keys = [track.identity.key, *(link.key for link in asked_for)]
        checks.extend(_playlist_links(playlists.pages_of(settings, keys), claims))
    return tuple(checks)


def _file_checks(file: AudioFile, track: FiledTrack) -> Iterator[Check]:
    kind, path = file.format, Path(file.path)
    if not path.is_file():
        yield Check(name=f"{kind} file", verdict="fail", expected=file.path, found="no such file")
        for rest in ("size", "SHA-256", "decodes", "duration", "sound", "format", "tags"):
            yield Check(name=f"{kind} {rest}", verdict="skip", expected="", found="there is no file")
        return
    yield Check(name=f"{kind} file", verdict="pass", expected=file.path, found=file.path)
    yield _same(f"{kind} size", f"{file.size:,} bytes", f"{path.stat().st_size:,} bytes")
    yield _same(f"{kind} SHA-256", file.sha256, file_digest(path))
    yield from _decoding_checks(file, track)
    yield from _tag_checks(file, track)


def _decoding_checks(file: AudioFile, track: FiledTrack) -> Iterator[Check]:
    source_s = track.source_duration_s
    expected = f"{source_s:.2f} s ± {DURATION_TOLERANCE_S:g} s, as the source"
    try:
        heard = process.listen(file.path)
        probe = process.probe(file.path)
    except MusicError as error:
        yield Check(
            name=f"{file.format} decodes", verdict="fail", expected="from beginning to end", found=str(error)
        )
        for rest in ("duration", "sound", "format"):
            yield Check(name=f"{file.format} {rest}", verdict="skip", expected="", found="it does not decode")
        return
    yield Check(
        name=f"{file.format} decodes",
        verdict="pass",
        expected="from beginning to end",
        found=f"{heard.duration_s:.2f} s of audio",
    )
    seconds = heard.duration_s
    agrees = abs(seconds - source_s) <= DURATION_TOLERANCE_S
    yield Check(
        name=f"{file.format} duration",
        verdict="pass" if agrees else "fail",
        expected=expected,
        found=f"{seconds:.2f} s",
    )
    yield _sound_check(f"{file.format} sound", track.fingerprint, heard)
    found = _sound(probe.codec, probe.sample_rate, probe.bits)
    yield _same(f"{file.format} format", _sound(file.codec, file.sample_rate, file.bits), found)


def _sound_check(name: str, recorded: str | None, heard: process.Heard) -> Check:
    """Hold what a file sounds like against what was downloaded."""
    expected = f"as the source: at most {SAME_SOUND:.0%} of its fingerprint differs"
    if recorded is None:
        return Check(name=name, verdict="skip", expected=expected, found="no fingerprint was recorded")
    likeness = fingerprint.compare(fingerprint.decode(recorded), heard.fingerprint)
    if likeness is None:
        return Check(name=name, verdict="skip", expected=expected, found="too short to compare")
    agrees = likeness.bit_error <= SAME_SOUND
    return Check(
        name=name,
        verdict="pass" if agrees else "fail",
        expected=expected,
        found=f"{likeness.bit_error:.1%} differs",
    )


def _source_checks(track: FiledTrack) -> Iterator[Check]:
    """Whether the download was the whole of what the service has under the link."""
    stated, got = track.identity.duration_s, track.source_duration_s
    if stated is None:
        reason = "the service does not say how long it is"
        yield Check(name="Source length", verdict="skip", expected="as the service says", found=reason)
    else:
        tolerance = max(_SOURCE_TOLERANCE_S, _SOURCE_TOLERANCE * stated)
        yield Check(
            name="Source length",
            verdict="pass" if abs(stated - got) <= tolerance else "fail",
            expected=f"{stated:.2f} s ± {tolerance:.1f} s, as the service says",
            found=f"{got:.2f} s",
        )
    named = (track.source_format_id or "").endswith("_preview")
    cut = stated is not None and got <= _LONGEST_PREVIEW_S < stated - _SOURCE_TOLERANCE_S
    yield Check(
        name="Source is no preview",
        verdict="fail" if named or cut else "pass",
        expected="the whole track",
        found=f"{got:.2f} s, stream “{track.source_format_id or 'unnamed'}”",
    )


def _playlist_checks(track: FiledTrack) -> Iterator[Check]:
    """Whether each playlist's folder still holds the track's WAV."""
    wav = next((file for file in track.files if file.format == "WAV"), None)
    for place in track.playlist_paths:
        path = Path(place)
        if not path.is_file():
            found = "no such file"
        elif wav is None or path.stat().st_size != wav.size:
            found = f"another file: {path.stat().st_size:,} bytes"
        else:
            found = place
        yield Check(
            name=f"Playlist file in {path.parent.name}",
            verdict="pass" if found == place else "fail",
            expected=place,
            found=found,
        )


def _sound(codec: str, sample_rate: int, bits: int | None) -> str:
    return f"{codec} {sample_rate / 1000:g} kHz" + (f" {bits} bit" if bits else "")


def _tag_checks(file: AudioFile, track: FiledTrack) -> Iterator[Check]:
    name = f"{file.format} tags"
    try:
        found = tags.read(file.path)
    except MusicError as error:
        yield Check(name=name, verdict="fail", expected="readable", found=str(error))
        return
    identity = track.identity
    wanted = wanted_tags(track)
    pairs: tuple[tuple[str, object, object], ...] = (
        ("title", wanted.title, found.title),
        ("artists", wanted.artists, found.artists),
        ("album", wanted.album, found.album),
        ("ISRC", wanted.isrc, found.isrc),
        ("BPM", wanted.bpm, found.bpm),
        ("key", wanted.key, found.key),
        ("Camelot", wanted.camelot, found.camelot),
        ("source", identity.url, found.source_url),
        ("identity", identity.key, found.identity_key),
        ("run", track.run_id, found.run_id),
        ("fingerprint", track.fingerprint or found.fingerprint, found.fingerprint),
    )
    wrong = [(label, want, have) for label, want, have in pairs if not _equal(want, have)]
    if wrong:
        expected = "; ".join(f"{label} {_show(want)}" for label, want, _ in wrong)
        seen = "; ".join(f"{label} {_show(have)}" for label, _, have in wrong)
        yield Check(name=name, verdict="fail", expected=expected, found=seen)
    else:
        words = ", ".join(f"{label} {_show(have)}" for label, _, have in pairs if have)
        yield Check(name=name, verdict="pass", expected="as recorded", found=words)


def _index_checks(track: FiledTrack, entry: FiledTrack | None, settings: LibrarySettings) -> Iterator[Check]:
    expected = f"{track.identity.key} by run {track.run_id}"
    found = "no entry" if entry is None else f"{entry.identity.key} by run {entry.run_id}"
    same = entry is not None and entry.files == track.files and entry.run_id == track.run_id
    if entry is not None and not same and found == expected:
        found += ", with other files"
    yield Check(name="Index entry", verdict="pass" if same else "fail", expected=expected, found=found)
    name, want = "Index export", {file.path for file in track.files}
    try:
        exported = exported_track(settings.index_export_path, track.identity.key)
    except (OSError, ValueError) as error:
        yield Check(name=name, verdict="fail", expected=f"{len(want)} paths", found=f"unreadable: {error}")
        return
    have = {file["path"] for file in exported["files"]} if exported else set()
    yield Check(
        name=name,
        verdict="pass" if have == want else "fail",
        expected=f"{len(want)} paths of {track.identity.key} in {settings.index_export_path}",
        found=f"{len(have & want)} of them" if exported else "no entry",
    )


def _playlist_links(pages: tuple[str, ...], claims: PageClaims) -> Iterator[Check]:
    """Whether the row is linked to the playlists that hold the track, as far as they have rows."""
    if not pages:
        return
    linked = set(claims.playlists or ())
    name, expected = "Row playlists", f"linked to {len(pages)}"
    if not linked:
        reason = "linked to none: there is no such column, or a person took it out"
        yield Check(name=name, verdict="skip", expected=expected, found=reason)
        return
    there = len(linked & set(pages))
    verdict: Literal["pass", "fail"] = "pass" if there == len(pages) else "fail"
    yield Check(name=name, verdict=verdict, expected=expected, found=f"linked to {there} of them")


def _page_checks(track: FiledTrack, claims: PageClaims | None) -> Iterator[Check]:
    if claims is None:
        yield Check(
            name="Row", verdict="skip", expected="a Music Tracks row", found="there is no row to compare with"
        )
        return
    claimed = dict(claims.paths)
    for file in track.files:
        path = claimed.get(file.format)
        yield _same(f"Row {file.format} path", file.path, path or "empty")
    yield _same("Row Downloaded", "ticked", "ticked" if claims.downloaded else "not ticked")
    analysis = track.analysis
    yield _figure(
        "Row BPM", analysis.bpm, claims.bpm, lambda ours, theirs: abs(ours - theirs) <= _PAGE_BPM_TOLERANCE
    )
    yield _figure(
        "Row key", analysis.key, claims.key, lambda ours, theirs: _fold(theirs) in _key_words(track, ours)
    )
    yield _duration(track, claims)
    if track.eagle:
        yield _same("Row Eagle File ID", track.eagle[0].id, claims.eagle_id or "empty")


def _figure(name: str, ours: T | None, theirs: T | None, agree: Callable[[T, T], bool]) -> Check:
    expected = "nothing: it could not be measured" if ours is None else str(ours)
    if theirs is None:
        return Check(name=name, verdict="pass" if ours is None else "fail", expected=expected, found="empty")
    if ours is not None and agree(ours, theirs):
        return Check(name=name, verdict="pass", expected=expected, found=str(theirs))
    return Check(
        name=name, verdict="pass", expected=expected, found=f"{theirs}: a person's own value, which stands"
    )


def _duration(track: FiledTrack, claims: PageClaims) -> Check:
    name, expected = "Row duration", f"{track.analysis.duration_s:.1f} s ± {_PAGE_DURATION_TOLERANCE_S:g} s"
    if claims.duration_s is None:
        return Check(name=name, verdict="skip", expected=expected, found="the row does not say")
    agrees = abs(claims.duration_s - track.analysis.duration_s) <= _PAGE_DURATION_TOLERANCE_S
    return Check(
        name=name, verdict="pass" if agrees else "fail", expected=expected, found=f"{claims.duration_s:.1f} s"
    )


def _key_words(track: FiledTrack, key: str) -> set[str]:
    return {_fold(key), _fold(track.analysis.camelot or key)}


def _same(name: str, expected: str, found: str) -> Check:
    return Check(name=name, verdict="pass" if expected == found else "fail", expected=expected, found=found)


def _equal(want: object, have: object) -> bool:
    if isinstance(want, float) and isinstance(have, int | float):
        return abs(want - have) < 0.005  # noqa: PLR2004 - tags keep two decimals
    return _plain(want) == _plain(have)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip() or None
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    return value


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _show(value: object) -> str:
    if value is None or value == ():
        return "nothing"
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
