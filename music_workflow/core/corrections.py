"""What a person knows better than the measurement: their title, tempo or key in the tags, and files they have moved.

A person's value goes into all files of a track, and the track remembers it beside what was measured, so that
verification holds the files against it. Files are only written when they are the ones that were filed. Called by the
*Reconcile tracks* handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from music_workflow.core import organize
from music_workflow.core.acquire import file_digest
from music_workflow.core.library import Library
from music_workflow.core.tagging import wanted_tags
from music_workflow.errors import MusicError
from music_workflow.index.export import write_export
from music_workflow.index.volume import VolumeIndex, open_index
from music_workflow.metadata import keys, tags
from music_workflow.model import AudioFile, FiledTrack

FIELDS = ("title", "artists", "album", "isrc", "bpm", "key")
_SLOWEST_BPM, _FASTEST_BPM = 20.0, 400.0


class NotUsableError(Exception):
    """A person's value or path that cannot be taken; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """A library's tracks, put right by hand."""

    library: Library

    def correct(self, key: str, values: Mapping[str, str]) -> FiledTrack:
        """Writes a person's values into a track's files and remembers them; the same again changes nothing.

        Args:
            key: of the track.
            values: some of `FIELDS` -> text; "" takes the person's value back, so that the measured one counts.

        Raises:
            NotUsableError: A value means nothing, or a file is not the one that was filed.
            Unavailable: Another process holds the library's lock.
        """
        settings = self.library.settings
        with self.library.lock(), open_index(settings.data_dir) as index:
            track = _track(index, key)
            known = dict(track.by_hand) | {name: read_value(name, text) for name, text in values.items()}
            by_hand = tuple(sorted((name, text) for name, text in known.items() if text))
            if by_hand == track.by_hand:
                return track
            corrected = replace(track, by_hand=by_hand)
            files = tuple(_rewrite(file, wanted_tags(corrected)) for file in track.files)
            _renew_playlists(track, files)
            corrected = replace(corrected, files=files)
            index.add(corrected)
            write_export(index, settings.index_export_path)
            return corrected

    def follow(self, key: str, moved: Mapping[str, str]) -> FiledTrack:
        """Learns that a person has moved files of a track: old path -> new path.

        Raises:
            NotUsableError: There is no file at the new place, or it is another one.
            Unavailable: Another process holds the library's lock.
        """
        settings = self.library.settings
        with self.library.lock(), open_index(settings.data_dir) as index:
            track = _track(index, key)
            by_path = {file.path: file for file in track.files}
            for old, new in moved.items():
                _check_moved(by_path[old], new, track)
            index.relocate(moved)
            write_export(index, settings.index_export_path)
            return _track(index, key)


def read_value(name: str, text: str) -> str:
    """A person's value as it is kept: tempi with at most two decimals, keys by name ("8A", "Am" -> "A minor").

    Raises:
        NotUsableError: it means nothing.
    """
    plain = " ".join(text.split())
    if name not in FIELDS:
        raise ValueError(f"{name} is not one of {', '.join(FIELDS)}.")
    if not plain:
        return ""
    if name == "bpm":
        try:
            bpm = float(plain.replace(",", "."))
        except ValueError:
            raise NotUsableError(f"“{plain}” is no tempo; write a number of beats per minute.") from None
        if not _SLOWEST_BPM <= bpm <= _FASTEST_BPM:
            raise NotUsableError(f"{plain} is no tempo of music; write beats per minute.")
        return f"{bpm:.2f}".rstrip("0").rstrip(".")
    if name == "key":
        return _key_name(plain)
    return plain


def _key_name(text: str) -> str:
    for tonic in range(12):
        for mode in ("major", "minor"):
            key = keys.Key(tonic, mode)
            if key.camelot == text.upper():
                return key.name
    try:
        return keys.parse(text).name
    except ValueError as error:
        raise NotUsableError(str(error)) from None


def _track(index: VolumeIndex, key: str) -> FiledTrack:
    track = index.by_key(key)
    if track is None:
        raise NotUsableError(f"The library does not know a track {key} any more.")
    return track


def _rewrite(file: AudioFile, wanted: tags.TrackTags) -> AudioFile:
    path = Path(file.path)
    if not path.is_file():
        raise NotUsableError(f"{file.path} is missing, so that its tags cannot be written.")
    try:
        there = tags.read(file.path)
    except MusicError as error:
        raise NotUsableError(f"{file.path} cannot be read: {error}") from error
    written_before = replace(there, artwork=None) == wanted
    if file_digest(path) != file.sha256 and not written_before:
        # Broken off between writing and remembering, it says already what it should; anything else is not ours.
        raise NotUsableError(
            f"{file.path} is not as it was filed; its tags are left alone. Verify the track first."
        )
    if not written_before:
        tags.write(file.path, file.format, replace(wanted, artwork=there.artwork))
    return replace(file, size=path.stat().st_size, sha256=file_digest(path))


def _renew_playlists(track: FiledTrack, files: tuple[AudioFile, ...]) -> None:
    """The names in playlists' folders stood for the file before; now for this one."""
    before = {file.format: file for file in track.files}
    for file in files:
        if file.format != "WAV":
            continue
        for place in track.playlist_paths:
            there = Path(place)
            if there.is_file() and there.stat().st_size == before["WAV"].size:
                organize.renew_second_name(file.path, place)


def _check_moved(file: AudioFile, new: str, track: FiledTrack) -> None:
    place = Path(new)
    if not place.is_file():
        raise NotUsableError(f"There is no file {new}. Correct the path, or empty it.")
    if file_digest(place) != file.sha256:
        raise NotUsableError(
            f"{new} is not the {file.format} file that was filed for {track.identity.title}. Correct the path."
        )
