"""Whether what a run filed still stands as it was recorded: named checks, with the values of both sides.

Each check is about this track's own files; nothing passes because something of the kind exists somewhere. It
changes nothing. Called by `core.library`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from music_workflow.core import process
from music_workflow.core.acquire import file_digest
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import MusicError
from music_workflow.index.export import exported_track
from music_workflow.metadata import tags
from music_workflow.model import FORMATS, AudioFile, Check, FiledTrack, PageClaims

T = TypeVar("T")

DURATION_TOLERANCE_S = 0.5
"""Between a file and its source: encoder delay and padding of lossy codecs stay well below it."""
_PAGE_BPM_TOLERANCE = 0.05
"""A row may show one decimal."""
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
    checks.extend(_index_checks(track, entry, settings))
    checks.extend(_page_checks(track, claims))
    return tuple(checks)


def _file_checks(file: AudioFile, track: FiledTrack) -> Iterator[Check]:
    kind, path = file.format, Path(file.path)
    if not path.is_file():
        yield Check(name=f"{kind} file", verdict="fail", expected=file.path, found="no such file")
        for rest in ("size", "SHA-256", "decodes", "duration", "format", "tags"):
            yield Check(name=f"{kind} {rest}", verdict="skip", expected="", found="there is no file")
        return
    yield Check(name=f"{kind} file", verdict="pass", expected=file.path, found=file.path)
    yield _same(f"{kind} size", f"{file.size:,} bytes", f"{path.stat().st_size:,} bytes")
    yield _same(f"{kind} SHA-256", file.sha256, file_digest(path))
    yield from _decoding_checks(file, track.source_duration_s)
    yield from _tag_checks(file, track)


def _decoding_checks(file: AudioFile, source_s: float) -> Iterator[Check]:
    expected = f"{source_s:.2f} s ± {DURATION_TOLERANCE_S:g} s, as the source"
    try:
        seconds = process.decode_check(file.path)
        probe = process.probe(file.path)
    except MusicError as error:
        yield Check(
            name=f"{file.format} decodes", verdict="fail", expected="from beginning to end", found=str(error)
        )
        for rest in ("duration", "format"):
            yield Check(name=f"{file.format} {rest}", verdict="skip", expected="", found="it does not decode")
        return
    yield Check(
        name=f"{file.format} decodes",
        verdict="pass",
        expected="from beginning to end",
        found=f"{seconds:.2f} s of audio",
    )
    agrees = abs(seconds - source_s) <= DURATION_TOLERANCE_S
    yield Check(
        name=f"{file.format} duration",
        verdict="pass" if agrees else "fail",
        expected=expected,
        found=f"{seconds:.2f} s",
    )
    found = _sound(probe.codec, probe.sample_rate, probe.bits)
    yield _same(f"{file.format} format", _sound(file.codec, file.sample_rate, file.bits), found)


def _sound(codec: str, sample_rate: int, bits: int | None) -> str:
    return f"{codec} {sample_rate / 1000:g} kHz" + (f" {bits} bit" if bits else "")


def _tag_checks(file: AudioFile, track: FiledTrack) -> Iterator[Check]:
    name = f"{file.format} tags"
    try:
        found = tags.read(file.path)
    except MusicError as error:
        yield Check(name=name, verdict="fail", expected="readable", found=str(error))
        return
    identity, analysis = track.identity, track.analysis
    pairs: tuple[tuple[str, object, object], ...] = (
        ("title", identity.title, found.title),
        ("artists", identity.artists, found.artists),
        ("album", identity.album, found.album),
        ("ISRC", identity.isrc, found.isrc),
        ("BPM", analysis.bpm, found.bpm),
        ("key", analysis.key, found.key),
        ("Camelot", analysis.camelot, found.camelot),
        ("source", identity.url, found.source_url),
        ("identity", identity.key, found.identity_key),
        ("run", track.run_id, found.run_id),
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
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
