"""Bringing a track's files to Eagle: once each, into the right library, found again whatever happens between.

Eagle neither knows duplicates nor says reliably what came of an import, so each file carries a tag of its own, made
from the track's key: it is looked for before each import and after each answer, also a lost one. An import whose
outcome is unknown is written down before it is asked for, and for ten minutes it is only looked for. One import runs
at a time on this machine. What a person threw into Eagle's trash is imported anew when the track is synced again;
nothing of Eagle's is ever deleted, renamed or re-tagged. Called by `music_workflow.core.library`.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from music_workflow.core import data_folder
from music_workflow.core.organize import UNCATEGORIZED
from music_workflow.core.ports import EagleEntry, EagleSettings
from music_workflow.errors import NotReady, Unavailable
from music_workflow.model import AudioFile, AudioFormat, Check, EagleItem, FiledTrack

_LOCK_WAIT_S = 300.0
_MOST_ARTISTS = 3


class EagleApp(Protocol):
    """What is asked of the app; `music_workflow.integrations.eagle` talks to the real one."""

    def library_path(self) -> str:
        """Where the open library stands."""
        ...

    def folder(self, names: tuple[str, ...]) -> str | None:
        """Find or make a folder; its id."""
        ...

    def tagged(self, tag: str) -> tuple[EagleEntry, ...]:
        """Items that carry a tag."""
        ...

    def item(self, item_id: str) -> EagleEntry | None:
        """Look at an item."""
        ...

    def add(
        self,
        path: str,
        *,
        name: str,
        website: str,
        tags: tuple[str, ...],
        annotation: str,
        folder_id: str | None,
    ) -> None:
        """Ask once for a file to be copied in."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything an import needs: the app, what is wished for, and a folder of one's own for notes and the lock."""

    app: EagleApp
    settings: EagleSettings
    data_dir: str


def bring(track: FiledTrack, desk: Desk) -> tuple[EagleItem, ...]:
    """See to it that each of the wished formats is in Eagle.

    Returns:
        The items, one a format; found or newly made.

    Raises:
        NotReady: Eagle does not run, has another library open, or refuses the file.
        Unavailable: It is not known yet what came of an import, or another process is importing.
    """
    wanted = [file for file in track.files if file.format in desk.settings.formats]
    busy = "Another import into Eagle is running."
    with data_folder.lock(desk.data_dir, "eagle", _LOCK_WAIT_S, busy, operation="import"):
        try:
            check_library(desk)
        except NotReady:
            if {item.format for item in track.eagle} >= {file.format for file in wanted}:
                return track.eagle  # all there when it was last looked; a closed app takes nothing away
            raise
        return tuple(_bring(file, track, desk) for file in wanted)


def check_library(desk: Desk) -> None:
    """Check that the right library is open.

    Raises:
        NotReady: With what to do.
        Unavailable: Eagle is too busy to answer.
    """
    wanted, is_open = desk.settings.library_path, desk.app.library_path()
    if wanted and _place(wanted) != _place(is_open):
        seen = f"{is_open} open" if is_open else "no library open"
        raise NotReady(
            f"Eagle has {seen}. Open {wanted} in Eagle, or correct EAGLE_LIBRARY_PATH.",
            service="eagle",
            operation="look at the library",
        )


def key_tag(identity_key: str, audio_format: AudioFormat) -> str:
    """The tag by which a file of a track is found again; it holds no comma, which separates tags in V1."""
    digest = hashlib.sha256(f"{identity_key}\n{audio_format}".encode()).hexdigest()
    return f"segue:{digest[:16]}"


def verify(track: FiledTrack, desk: Desk) -> Iterator[Check]:
    """Hold each recorded item against Eagle; an app that is closed or shows another library makes a skip."""
    for kind in desk.settings.formats:
        name = f"Eagle {kind}"
        recorded = next((item for item in track.eagle if item.format == kind), None)
        if recorded is None:
            yield Check(name=name, verdict="fail", expected="an item in Eagle", found="none was recorded")
            continue
        expected = f"item {recorded.id}, {recorded.size:,} bytes"
        try:
            check_library(desk)
            entry = desk.app.item(recorded.id)
        except (NotReady, Unavailable) as error:
            yield Check(name=name, verdict="skip", expected=expected, found=str(error))
            continue
        found = _seen(entry, recorded, key_tag(track.identity.key, kind))
        yield Check(
            name=name, verdict="pass" if found is None else "fail", expected=expected, found=found or expected
        )


def _seen(entry: EagleEntry | None, recorded: EagleItem, tag: str) -> str | None:
    """Say what is wrong with an item; None when nothing is."""
    if entry is None:
        return "no such item"
    if entry.trashed:
        return "it is in Eagle's trash"
    if recorded.size and entry.size != recorded.size:
        return f"{entry.size:,} bytes"
    return None if tag in entry.tags else f"its tag {tag} is gone"


def _bring(file: AudioFile, track: FiledTrack, desk: Desk) -> EagleItem:
    tag = key_tag(track.identity.key, file.format)
    notes = _Notes(Path(desk.data_dir) / "eagle_imports.json")
    found = _there(track, file.format, tag, desk)
    asked_at = notes.asked_at(tag)
    if found is None and asked_at is not None and time.time() - asked_at < desk.settings.again_s:
        found = _wait_for(tag, None, desk)
        if found is None:
            raise _unknown(file, desk.settings.again_s - (time.time() - asked_at))
    if found is None:
        found = _import(file, track, tag, desk, notes)
    notes.forget(tag)
    return EagleItem(format=file.format, id=found.id, size=found.size)


def _there(track: FiledTrack, kind: AudioFormat, tag: str, desk: Desk) -> EagleEntry | None:
    """Look for the file: by the id recorded, which outlives a tag that somebody took off, then by the tag."""
    for item in track.eagle:
        if item.format == kind and (entry := desk.app.item(item.id)) is not None and not entry.trashed:
            return entry
    return next(iter(desk.app.tagged(tag)), None)


def _import(file: AudioFile, track: FiledTrack, tag: str, desk: Desk, notes: _Notes) -> EagleEntry:
    folder_id = desk.app.folder(folder_names(track, file.format, desk.settings.folder))
    notes.ask(tag)
    try:
        desk.app.add(
            file.path,
            name=_name(track),
            website=track.identity.url,
            tags=_tags(track, file, tag),
            annotation=_annotation(track, file),
            folder_id=folder_id,
        )
    except NotReady:
        notes.forget(tag)  # a plain no: nothing was taken
        raise
    except Unavailable:
        pass  # a lost answer says nothing; the library does
    found = _wait_for(tag, file.size, desk)
    if found is None:
        raise _unknown(file, desk.settings.again_s)
    return found


def _wait_for(tag: str, size: int | None, desk: Desk) -> EagleEntry | None:
    """Look until the item shows up, whole if its size is known; None after the time for it."""
    until = time.monotonic() + desk.settings.appears_s
    while True:
        for entry in desk.app.tagged(tag):
            if size is None or entry.size in (0, size):
                return entry
        if time.monotonic() > until:
            return None
        time.sleep(desk.settings.pause_s)


def folder_names(track: FiledTrack, kind: AudioFormat, template: str) -> tuple[str, ...]:
    """Fill in the folder's template; what is put in makes no further parts."""
    values = {
        "playlist": track.playlists[0] if track.playlists else UNCATEGORIZED,
        "artist": ", ".join(track.identity.artists) or "Unknown artist",
        "format": kind,
    }
    filled = (
        part.format(**{k: v.replace("/", "-") for k, v in values.items()}) for part in template.split("/")
    )
    return tuple(part.strip() for part in filled if part.strip())


def _tags(track: FiledTrack, file: AudioFile, tag: str) -> tuple[str, ...]:
    measured = track.analysis
    tags = (
        *track.identity.artists[:_MOST_ARTISTS],
        *track.playlists[:1],
        f"BPM{round(measured.bpm)}" if measured.bpm else None,
        measured.key,
        measured.camelot,
        file.format,
        tag,
    )
    return tuple(dict.fromkeys(each.replace(",", " ") for each in tags if each))


def _annotation(track: FiledTrack, file: AudioFile) -> str:
    measured = track.analysis
    figures = [
        f"{measured.bpm:.2f} BPM" if measured.bpm else "",
        f"{measured.key} ({measured.camelot})" if measured.key else "",
        f"{int(measured.duration_s) // 60}:{int(measured.duration_s) % 60:02d}",
        f"ISRC {track.identity.isrc}" if track.identity.isrc else "",
    ]
    lines = (
        " · ".join(each for each in figures if each),
        track.identity.url,
        f"Segue: {track.identity.key} · {file.format} · SHA-256 {file.sha256}",
    )
    return "\n".join(lines)


def _name(track: FiledTrack) -> str:
    who = ", ".join(track.identity.artists)
    return f"{who} - {track.identity.title}" if who else track.identity.title


def _unknown(file: AudioFile, wait_s: float) -> Unavailable:
    error = Unavailable(
        f"Eagle was given {Path(file.path).name} and does not show it yet; it is not given it twice.",
        service="eagle",
        operation="import",
    )
    error.retry_after_s = max(1.0, wait_s)
    return error


def _place(path: str) -> str:
    """A folder's name, comparable: macOS writes accents as two letters, and nobody agrees on the last slash."""
    return unicodedata.normalize("NFC", path).rstrip("/\\").casefold()


@dataclass(frozen=True, slots=True)
class _Notes:
    """Which imports were asked for and not yet seen: tag -> seconds since 1970. Read and written under the lock."""

    path: Path

    def asked_at(self, tag: str) -> float | None:
        """When the import was asked for; None when it was not."""
        return self._read().get(tag)

    def ask(self, tag: str) -> None:
        """Write down, on the disk, that it is about to be asked for."""
        self._write({**self._read(), tag: time.time()})

    def forget(self, tag: str) -> None:
        """What came of it is known."""
        held = self._read()
        if held.pop(tag, None) is not None:
            self._write(held)

    def _read(self) -> dict[str, float]:
        try:
            held: dict[str, float] = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return held

    def _write(self, held: dict[str, float]) -> None:
        temporary = self.path.with_suffix(".part")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(held, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
