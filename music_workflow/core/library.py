"""The music library as its users see it: each step of a track's story is one call.

A frozen, picklable value: steps run in child processes, so it holds settings only and opens what it needs per
call. Every method is idempotent and looks before it acts; what follows from an error is judged elsewhere.
Called by the handlers and the ``music`` command.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from music_workflow import wiring
from music_workflow.core import acquire, data_folder, eagle, mixes, organize, origins, owned
from music_workflow.core.links import read_link
from music_workflow.core.ports import LibrarySettings, M4aCodec
from music_workflow.errors import BadLink
from music_workflow.index.export import write_export
from music_workflow.index.report import ScanReport
from music_workflow.index.volume import VolumeIndex, open_index
from music_workflow.model import (
    AudioFile,
    AudioFormat,
    Check,
    FiledTrack,
    Identity,
    MixVerdict,
    PageClaims,
    Processed,
    Progress,
    SourceFile,
)

__all__ = ["Library", "LibrarySettings", "M4aCodec"]

_ISRC_TOLERANCE_S = 3.0
_LOCK_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Library:
    """A folder of tracks with its index."""

    settings: LibrarySettings

    def identify(self, url: str) -> Identity:
        """Say which track a link asks for.

        Raises:
            BadLink: Malformed, forbidden, or not a single track; the sentence says how a right link looks.
            Protected: DRM protected or preview only.
            Removed, GeoBlocked, Unobtainable, Unavailable: The service says why not.
        """
        settings = self.settings
        if (known := self._asked_before(url)) is not None:
            return known.identity
        return acquire.identify(url, wiring.sources(settings), wiring.short_links(settings), settings)

    def find_twin(self, identity: Identity) -> FiledTrack | None:
        """Find the same track in the library: by its source's id, else by ISRC and length (within 3 s).

        Only a track whose files all stand with their recorded sizes counts.
        """
        with open_index(self.settings.data_dir) as index:
            return _find_twin(index, identity)

    def find_twin_by_audio(self, source_sha256: str, identity: Identity | None = None) -> FiledTrack | None:
        """Find a track that was made from exactly the bytes just downloaded.

        Args:
            source_sha256: Of the download.
            identity: Remembered as another source of the track found, so that it need not be downloaded again.
        """
        with open_index(self.settings.data_dir) as index:
            twin = _whole(index.by_source(source_sha256))
            if twin is not None and identity is not None and twin.identity.key != identity.key:
                index.add_alias(identity.key, twin.identity.key)
            return twin

    def judge_length(self, title: str, duration_s: float | None) -> MixVerdict:
        """Say whether a recording is a mix or live set, and what MIX_POLICY wants done with it."""
        settings = self.settings
        why = mixes.recognise(title, duration_s, settings.mix_minutes)
        return MixVerdict(policy=settings.mix_policy if why else "sync", why=why)

    def fetch(self, identity: Identity, work_dir: str, progress: Progress) -> SourceFile:
        """Download the track's audio into `work_dir`; a complete download there is recognised and kept.

        A file of the user's own that certainly is this track (same source, or same ISRC and length) is copied instead.

        Raises:
            NotReady: No room, or the library's volume is missing: said before anything is downloaded.
            MusicError: Why the audio cannot be had.
        """
        self.check_ready(identity.duration_s)
        with open_index(self.settings.data_dir) as index:
            own = owned.find(index, identity)
        sources = (owned.OwnFile(own.path),) if own else wiring.sources(self.settings)
        return acquire.fetch(identity, sources, self.settings, work_dir, progress)

    def convert(self, source: SourceFile, identity: Identity, work_dir: str, progress: Progress) -> Processed:
        """Decode once into M4A, WAV and AIFF, measure, and draw the waveform, all in `work_dir`."""
        from music_workflow.core import process  # noqa: PLC0415 - loads FFmpeg's libraries and scipy

        self.check_ready(source.duration_s)
        done = process.convert(
            source.path,
            work_dir,
            stem=organize.short_id(identity),
            title=" - ".join(part for part in (", ".join(identity.artists), identity.title) if part),
            m4a=self.settings.m4a,
            backend=self.settings.analysis_backend,
            second_opinion_below=self.settings.second_opinion_below,
            progress=progress,
        )
        return Processed(
            files=done.files,
            analysis=done.analysis,
            waveform_path=done.waveform_path,
            fingerprint=done.fingerprint,
        )

    def tag(self, processed: Processed, identity: Identity, source: SourceFile, run_id: str) -> Processed:
        """Write tags and artwork into the three work files, and measure their sizes and hashes anew."""
        from music_workflow.core import tagging  # noqa: PLC0415 - loads mutagen

        return tagging.tag_files(processed, identity, source, run_id)

    def file(
        self,
        processed: Processed,
        identity: Identity,
        source: SourceFile,
        run_id: str,
        playlist: str | None = None,
    ) -> FiledTrack:
        """Bring the files to their place and enter the track into the index.

        Run again after a crash at any instant, it ends in the same state, with no second copy.

        Args:
            processed: The tagged files.
            identity: What was asked for.
            source: What was downloaded.
            run_id: The run that files it.
            playlist: The playlist it is synced for; the layout may name a folder after it.

        Returns:
            The track; `newly_filed` is False when other files than these had been filed for it before.

        Raises:
            NotReady: The volume is missing, full or read-only.
            Unavailable: Another process holds the library's lock.
        """
        self.check_ready()
        with self.lock(), open_index(self.settings.data_dir) as index:
            measured = replace(identity, duration_s=identity.duration_s or source.duration_s)
            twin = _find_twin(index, measured) or _whole(index.by_source(source.sha256))
            if twin is not None:
                own = {file.sha256 for file in processed.files} == {file.sha256 for file in twin.files}
                return self._recognised(index, twin, identity, newly_filed=own)
            files = self._place(index, processed, identity, playlist)
            track = FiledTrack(
                identity=identity,
                files=files,
                analysis=processed.analysis,
                waveform_path=self._keep_waveform(processed, identity),
                source_sha256=source.sha256,
                source_duration_s=source.duration_s,
                run_id=run_id,
                filed_at=datetime.now(UTC).isoformat(timespec="seconds"),
                fingerprint=processed.fingerprint,
                source_codec=source.codec,
                source_format_id=source.format_id,
                playlists=(playlist,) if playlist else (),
            )
            index.add(track)
            self._answer_to_requests(index, identity, track)
            write_export(index, self.settings.index_export_path)
            return track

    def bring_to_eagle(self, track: FiledTrack) -> FiledTrack:
        """See to it that Eagle has the track's files, and remember its items; nothing without settings for Eagle.

        Raises:
            NotReady: Eagle does not run, has another library open, or refuses a file.
            Unavailable: What came of an import is not known yet.
        """
        with wiring.eagle(self.settings) as desk:
            if desk is None:
                return track
            items = eagle.bring(track, desk)
        if items == track.eagle:
            return track
        with self.lock(), open_index(self.settings.data_dir) as index:
            brought = replace(_held(index, track), eagle=items)
            index.add(brought)
        return brought

    def whole(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys whose track's files all stand with their recorded sizes."""
        with open_index(self.settings.data_dir) as index:
            return frozenset(key for key in keys if _whole(index.by_key(key)) is not None)

    def lookup(self, key_or_run_id: str) -> FiledTrack | None:
        """Find a track by the key of its source or by the run that filed it."""
        with open_index(self.settings.data_dir) as index:
            return index.by_key(key_or_run_id) or index.by_run(key_or_run_id)

    def lookup_file(self, path: str) -> FiledTrack | None:
        """Find the track that a file belongs to, by its path; playlists' folders count."""
        wanted = str(Path(path).absolute())
        with open_index(self.settings.data_dir) as index:
            found = index.owner(wanted)
            if found is not None:
                return found
            return next((track for track in index.tracks() if wanted in track.playlist_paths), None)

    def verify(self, track: FiledTrack, claims: PageClaims | None) -> tuple[Check, ...]:
        """Hold a track's files, tags, index entries and row against what was recorded when it was filed."""
        from music_workflow.core import verify  # noqa: PLC0415 - loads FFmpeg's libraries

        with open_index(self.settings.data_dir) as index:
            entry = index.by_key(track.identity.key)
        checks = verify.verify_track(track, claims, entry, self.settings)
        with wiring.eagle(self.settings) as desk:
            return (*checks, *(eagle.verify(track, desk) if desk else ()))

    def tracks(self) -> list[FiledTrack]:
        """All tracks the library knows, oldest first."""
        with open_index(self.settings.data_dir) as index:
            return list(index.tracks())

    def scan(self, roots: Sequence[str], *, accept_loss: bool = False) -> list[ScanReport]:
        """Look through folders, bring the index up to date with them, and write its export.

        Args:
            roots: Folders.
            accept_loss: Forget what is gone even where it is more than half of a folder's files.

        Raises:
            Unavailable: Another process holds the library's lock.
            NotReady: The export cannot be written.
        """
        from music_workflow.index.scan import scan_all  # noqa: PLC0415 - loads mutagen

        with self.lock(), open_index(self.settings.data_dir) as index:
            reports = scan_all(index, roots, accept_loss=accept_loss)
            write_export(index, self.settings.index_export_path)
        return reports

    def missing(self) -> list[FiledTrack]:
        """Tracks of which not one file stands any more: lost, or on a volume that is not mounted."""
        return [
            track for track in self.tracks() if not any(Path(file.path).is_file() for file in track.files)
        ]

    def forget(self, keys: Sequence[str]) -> None:
        """Take tracks out of the index and its export, so that they may be filed anew; files are not touched.

        Raises:
            Unavailable: Another process holds the library's lock.
            NotReady: The export cannot be written.
        """
        with self.lock(), open_index(self.settings.data_dir) as index:
            for key in keys:
                index.forget(key)
            write_export(index, self.settings.index_export_path)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the library against every other process that changes it, the command line included.

        `file`, `scan` and `forget` take it themselves; it cannot be taken twice.

        Raises:
            Unavailable: It was not free within two minutes.
        """
        busy = "Another process is changing the library."
        return data_folder.lock(self.settings.data_dir, "library", _LOCK_WAIT_S, busy, operation="lock")

    def add_to_playlist(self, track: FiledTrack, playlist: str | None) -> FiledTrack:
        """Remember a playlist that the track belongs to, and put its WAV into that playlist's folder.

        Raises:
            NotReady: The playlists' volume is missing, full or read-only.
        """
        if playlist is None:
            return track
        wav = next((file.path for file in track.files if file.format == "WAV"), None)
        places: tuple[str, ...] = ()
        if self.settings.playlist_dir and wav:
            places = (organize.put_into_playlist(wav, playlist, self.settings.playlist_dir),)
        if playlist in track.playlists and set(places) <= set(track.playlist_paths):
            return track
        with self.lock(), open_index(self.settings.data_dir) as index:
            held = _held(index, track)
            added = replace(
                held,
                playlists=tuple(dict.fromkeys((*held.playlists, playlist))),
                playlist_paths=tuple(dict.fromkeys((*held.playlist_paths, *places))),
            )
            index.add(added)
        return added

    def check_ready(self, duration_s: float | None = None) -> None:
        """Check, before any work, that there is a place to put its result.

        Args:
            duration_s: Of the track, if it is known: its files must fit beside what shall stay free.

        Raises:
            NotReady: A volume is missing, not writable or short of space.
        """
        with open_index(self.settings.data_dir) as index:
            organize.check_out_dir(self.settings.out_dir, known=index.some_paths(self.settings.out_dir))
        for folder in (self.settings.out_dir, self.settings.data_dir):
            organize.check_space(
                folder, self.settings.min_free_bytes + round((duration_s or 0.0) * organize.BYTES_PER_S)
            )
        if self.settings.playlist_dir:
            organize.check_playlist_dir(self.settings.playlist_dir)

    def _place(
        self, index: VolumeIndex, processed: Processed, identity: Identity, playlist: str | None
    ) -> tuple[AudioFile, ...]:
        key = identity.key
        paths = index.plan(key)
        if paths is None:
            paths = self._paths(index, identity, playlist)
            index.begin(key, paths)
        placed = []
        for file in processed.files:
            organize.place(file.path, paths[file.format], file)
            placed.append(replace(file, path=paths[file.format]))
        return tuple(placed)

    def _paths(self, index: VolumeIndex, identity: Identity, playlist: str | None) -> dict[AudioFormat, str]:
        before = index.by_key(identity.key)
        if before is not None and before.identity.key == identity.key:
            return {file.format: file.path for file in before.files}
        taken = index.taken(identity.key)
        return organize.targets(identity, self.settings.out_dir, self.settings.layout, taken, playlist)

    def _recognised(
        self, index: VolumeIndex, twin: FiledTrack, identity: Identity, *, newly_filed: bool
    ) -> FiledTrack:
        if twin.identity.key != identity.key:
            index.add_alias(identity.key, twin.identity.key)
        self._answer_to_requests(index, identity, twin)
        write_export(index, self.settings.index_export_path)
        return replace(twin, newly_filed=newly_filed)

    def _asked_before(self, url: str) -> FiledTrack | None:
        """The track that a closed link was answered with before, while it stands: it need not be looked for again."""
        try:
            link = read_link(url)
        except BadLink:
            return None
        if not link.protected:
            return None
        with open_index(self.settings.data_dir) as index:
            return _whole(index.by_key(link.key))

    def _answer_to_requests(self, index: VolumeIndex, identity: Identity, track: FiledTrack) -> None:
        """Let the track be found by the links that it was asked for by, when its audio came from another."""
        for asked in origins.asked_for(self.settings, identity.url):
            if asked.key != track.identity.key:
                index.add_alias(asked.key, track.identity.key)

    def _keep_waveform(self, processed: Processed, identity: Identity) -> str:
        kept = Path(self.settings.data_dir, "waveforms", f"{organize.key_name(identity)}.png")
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(".part")
        shutil.copyfile(processed.waveform_path, temporary)
        temporary.replace(kept)
        return str(kept)


def _find_twin(index: VolumeIndex, identity: Identity) -> FiledTrack | None:
    found = _whole(index.by_key(identity.key))
    if found is None and identity.isrc and identity.duration_s:
        found = _whole(index.by_isrc(identity.isrc, identity.duration_s, _ISRC_TOLERANCE_S))
    return found


def _held(index: VolumeIndex, track: FiledTrack) -> FiledTrack:
    """What the index holds of a track by now: a correction or a playlist may have come since it was read."""
    held = index.by_key(track.identity.key)
    if held is None or held.identity.key != track.identity.key:
        return track
    return replace(held, newly_filed=track.newly_filed)


def _whole(track: FiledTrack | None) -> FiledTrack | None:
    """Return the track if all its files stand with their recorded sizes, marked as not newly filed."""
    if track is None:
        return None
    for file in track.files:
        path = Path(file.path)
        if not path.is_file() or path.stat().st_size != file.size:
            return None
    return replace(track, newly_filed=False)
