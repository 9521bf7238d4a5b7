"""Carrying out an approved plan: duplicates go to a quarantine, each checked again first, each noted before it moves.

Nothing is deleted: the quarantine is a hidden folder in the collection's own folder, so that a move is a rename. The
note (the undo manifest, one for each batch) is on the disk before the file moves, and what became of a file is read
from the disk, never from a note; so a kill at any instant leaves what can be carried on or taken back. Called by
`core.collection`, under the library's lock.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from music_workflow.core.acquire import file_digest
from music_workflow.core.organize import disk_error, flush_folder
from music_workflow.deduplication import plans
from music_workflow.deduplication.plans import KeptFile, Move, Plan, PlannedGroup
from music_workflow.deduplication.references import References
from music_workflow.deduplication.results import Applied, Purged, Skipped, Undone
from music_workflow.index.volume import VolumeIndex, decode_track

QUARANTINE = ".segue-quarantine"
"""Hidden, so that no scan and no player looks into it."""
FORMAT = "segue-duplicates-undo"
VERSION = 1


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One file's note."""

    path: str
    quarantine: str
    size: int
    mtime_ns: int
    sha256: str
    against: str
    against_sha256: str
    track: str | None = None
    into: str | None = None
    """Key of the kept track, when both were filed by Segue."""


@dataclass(slots=True, kw_only=True)
class _Manifest:
    path: Path
    plan: str
    begun_at: str
    entries: list[_Entry] = field(default_factory=list)
    tracks: list[dict[str, Any]] = field(default_factory=list)
    """Records of tracks whose files are among the entries, with the keys of their other sources."""
    purged_at: str | None = None

    def save(self) -> None:
        content = {"format": FORMAT, "version": VERSION, **asdict(self)}
        del content["path"]
        plans.write_whole(self.path, json.dumps(content, ensure_ascii=False, indent=1))


def apply(plan: Plan, index: VolumeIndex, references: References, data_dir: str, batch: int) -> Applied:
    """Set the next files of a plan aside.

    Args:
        plan: As approved.
        index: What is moved is taken out of it, and tracks that lost all their files lead to the kept ones.
        references: As they are now; a file that another library names by now stays.
        data_dir: Where plan and manifests are kept.
        batch: How many files at most; files of one track are not torn apart.

    Raises:
        NotReady: A disk is full or cannot be written.
    """
    manifests = _manifests(data_dir, plan.hash)
    noted = {entry.path for manifest in manifests for entry in manifest.entries}
    run = _Run(plan, index, references, _next_manifest(data_dir, plan.hash, manifests))
    waiting = [
        (group, moves) for group in plan.groups for moves in _together(group) if _any_waiting(moves, noted)
    ]
    remaining = 0
    for group, moves in waiting:
        if run.moved and len(run.moved) + len(moves) > batch:
            remaining += len(moves)
        else:
            run.take(group, moves)
    merged = [key for manifest in (*manifests, run.manifest) for key in _merge_tracks(manifest, index)]
    return Applied(
        moved=tuple(run.moved),
        skipped=tuple(run.skipped),
        remaining=remaining,
        freed=run.freed,
        manifest=str(run.manifest.path) if run.manifest.entries else None,
        merged=tuple(merged),
    )


def begun(data_dir: str) -> tuple[str, ...]:
    """The hashes of plans of which some files were set aside, and others still wait."""
    found: list[str] = []
    for folder in sorted(Path(data_dir, "duplicates").glob("*")):
        manifests = _manifests(data_dir, folder.name)
        if any(Path(entry.quarantine).exists() for manifest in manifests for entry in manifest.entries):
            plan = plans.load(data_dir, folder.name)
            if any(Path(move.path).exists() for move in plan.moves):
                found.append(plan.hash)
    return tuple(found)


def undo(index: VolumeIndex, data_dir: str, plan_hash: str) -> Undone:
    """Put everything that a plan set aside back where it stood, or say what stands in the way."""
    restored: list[str] = []
    blocked: list[Skipped] = []
    there = 0
    for manifest in reversed(_manifests(data_dir, plan_hash)):
        for entry in reversed(manifest.entries):
            trouble = _obstacle(entry)
            if trouble:
                blocked.append(Skipped(path=entry.path, why=trouble))
            elif Path(entry.quarantine).exists():
                _put_back(entry)
                restored.append(entry.path)
            else:
                there += 1
        _part_tracks(manifest, index)
        _clear_away(manifest)
    return Undone(restored=tuple(restored), there_already=there, blocked=tuple(blocked))


def purge(data_dir: str, plan_hash: str) -> Purged:
    """Delete what a plan set aside, for good, as far as the kept files are all there still."""
    deleted: list[str] = []
    kept: list[Skipped] = []
    freed = 0
    for manifest in _manifests(data_dir, plan_hash):
        for entry in manifest.entries:
            aside = Path(entry.quarantine)
            if not aside.exists():
                continue
            if not _is(Path(entry.against), entry.against_sha256):
                why = f"{entry.against}, for which it made way, is gone or changed"
                kept.append(Skipped(path=entry.path, why=why))
                continue
            aside.unlink()
            deleted.append(entry.path)
            freed += entry.size
        manifest.purged_at = _now()
        manifest.save()
        _clear_away(manifest)
    return Purged(deleted=tuple(deleted), freed=freed, kept=tuple(kept))


class _Run:
    """One batch."""

    def __init__(self, plan: Plan, index: VolumeIndex, references: References, manifest: _Manifest) -> None:
        self._plan = plan
        self._index = index
        self._references = references
        self._seen: dict[str, str | None] = {}
        self.manifest = manifest
        self.moved: list[str] = []
        self.skipped: list[Skipped] = []
        self.freed = 0

    def take(self, group: PlannedGroup, moves: tuple[Move, ...]) -> None:
        """Move files that belong together; all of them, or none."""
        kept = {file.path: file for file in group.kept}
        troubles = {
            move.path: trouble for move in moves if (trouble := self._trouble(move, kept[move.against]))
        }
        if troubles:
            for move in moves:
                why = troubles.get(move.path, "another file of its track has to stay")
                self.skipped.append(Skipped(path=move.path, why=why))
            return
        for move in moves:
            self._note(move, kept[move.against], group)
        self.manifest.save()
        for move in moves:
            if Path(move.path).exists():
                _rename(Path(move.path), Path(self._quarantine(move)), move.sha256)
                self.moved.append(move.path)
                self.freed += move.size
        with self._index.connection as db:
            db.executemany("DELETE FROM files WHERE path = ?", [(move.path,) for move in moves])

    def _trouble(self, move: Move, kept: KeptFile) -> str | None:
        """Say why a file may not be moved now."""
        if Path(self._quarantine(move)).exists() and not Path(move.path).exists():
            return None  # moved before a crash
        return (
            _changed(move)
            or self._kept_trouble(move, kept)
            or self._references.holder(move.path)
            or (
                "its content has changed since the plan was made"
                if self._digest(move.path) != move.sha256
                else None
            )
        )

    def _kept_trouble(self, move: Move, kept: KeptFile) -> str | None:
        if self._digest(kept.path) != kept.sha256:
            return f"{kept.path}, which is to be kept, is gone or changed"
        return f"it is {kept.path} under a second name" if Path(move.path).samefile(kept.path) else None

    def _note(self, move: Move, kept: KeptFile, group: PlannedGroup) -> None:
        """Enter a file, and its track, into the manifest; it is on the disk before the file moves."""
        into = group.kept_track if move.track else None
        if move.track and not any(
            track["record"]["identity"]["key"] == move.track for track in self.manifest.tracks
        ):
            filed = self._index.by_key(move.track)
            if filed is not None and filed.identity.key == move.track:
                aliases = list(self._index.aliases(move.track))
                self.manifest.tracks.append({"record": asdict(filed), "aliases": aliases})
        self.manifest.entries.append(
            _Entry(
                path=move.path,
                quarantine=self._quarantine(move),
                size=move.size,
                mtime_ns=move.mtime_ns,
                sha256=move.sha256,
                against=kept.path,
                against_sha256=kept.sha256,
                track=move.track,
                into=into,
            )
        )

    def _quarantine(self, move: Move) -> str:
        inside = Path(move.path).relative_to(move.root)
        return str(Path(move.root, QUARANTINE, self._plan.hash[: plans.SHOWN_DIGITS], inside))

    def _digest(self, path: str) -> str | None:
        if path not in self._seen:
            self._seen[path] = file_digest(path) if Path(path).is_file() else None
        return self._seen[path]


def _together(group: PlannedGroup) -> Iterator[tuple[Move, ...]]:
    """A group's files, those of one track at once."""
    tracks: dict[str, list[Move]] = {}
    for move in group.moves:
        tracks.setdefault(move.track or move.path, []).append(move)
    yield from map(tuple, tracks.values())


def _any_waiting(moves: tuple[Move, ...], noted: set[str]) -> bool:
    """Whether one of the files was not set aside yet: it stands where it stood, or nobody noted it."""
    return any(move.path not in noted or Path(move.path).exists() for move in moves)


def _changed(move: Move) -> str | None:
    path = Path(move.path)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return "it is not there any more"
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    if path.is_symlink() or not path.is_file():
        return "it is a link, not a file"
    if (found.st_size, found.st_mtime_ns) != (move.size, move.mtime_ns):
        return "its size or time has changed since the plan was made"
    return None


def _rename(source: Path, target: Path, sha256: str) -> None:
    """Move a file to a place that is free; across volumes it is copied, compared and then removed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise FileExistsError(errno.EEXIST, "something else is there", str(target))
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_over(source, target, sha256)
        flush_folder(target.parent)
        if source.parent.is_dir():
            flush_folder(source.parent)
    except OSError as error:
        raise disk_error(error, target.parent) from error


def _copy_over(source: Path, target: Path, sha256: str) -> None:
    temporary = target.with_name(f".{target.name}.part")
    shutil.copy2(source, temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    if file_digest(temporary) != sha256:
        raise OSError(errno.EIO, "the copy differs from the file", str(source))
    temporary.replace(target)
    source.unlink()


def _obstacle(entry: _Entry) -> str | None:
    """Say what keeps a file from being put back."""
    path, aside = Path(entry.path), Path(entry.quarantine)
    stands, waits = path.exists(), aside.exists()
    if stands and not _is(path, entry.sha256):
        return (
            "another file stands in its place"
            if waits
            else "it was changed since, and nothing is in quarantine"
        )
    if waits and not _is(aside, entry.sha256):
        return f"what is in quarantine is not it any more: {aside}"
    if not stands and not waits:
        home = _top(aside).parent.parent
        if not home.is_dir():
            return f"{home} is not there: mount its volume where it was"
        return f"it is not in quarantine any more: {aside}"
    return None


def _put_back(entry: _Entry) -> None:
    """Bring a file home; where a copy over volumes was cut short, the original still stands and the copy goes."""
    path, aside = Path(entry.path), Path(entry.quarantine)
    if path.exists():
        aside.unlink()
    else:
        _rename(aside, path, entry.sha256)


def _merge_tracks(manifest: _Manifest, index: VolumeIndex) -> Iterator[str]:
    """Let tracks whose files have all gone lead to the tracks that were kept; yields their keys."""
    pairs = {(entry.track, entry.into) for entry in manifest.entries}
    for key, into in sorted((key, into) for key, into in pairs if key and into):
        own = [entry for entry in manifest.entries if entry.track == key]
        found = index.by_key(key)
        if found and found.identity.key == key and not any(Path(entry.path).exists() for entry in own):
            index.merge(key, into)
            yield key


def _part_tracks(manifest: _Manifest, index: VolumeIndex) -> None:
    """Enter the tracks again whose files stand again."""
    for held in manifest.tracks:
        track = decode_track(held["record"])
        if all(Path(file.path).exists() for file in track.files):
            index.part(track, held["aliases"])


def _clear_away(manifest: _Manifest) -> None:
    """Remove the folders of the quarantine that are empty now."""
    tops = {_top(Path(entry.quarantine)) for entry in manifest.entries}
    for top in tops:
        for folder, _, names in os.walk(top, topdown=False):
            for name in names:
                if name.startswith(".") and name.endswith(".part"):
                    Path(folder, name).unlink()  # of a copy that was cut short
            if not any(Path(folder).iterdir()):
                Path(folder).rmdir()
        if top.parent.is_dir() and not any(top.parent.iterdir()):
            top.parent.rmdir()


def _top(aside: Path) -> Path:
    """The plan's own folder in the quarantine."""
    place = aside.parts.index(QUARANTINE)
    return Path(*aside.parts[: place + 2])


def _manifests(data_dir: str, plan_hash: str) -> list[_Manifest]:
    found = []
    for path in sorted(plans.folder(data_dir, plan_hash).glob("undo-*.json")):
        content = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        found.append(
            _Manifest(
                path=path,
                plan=content["plan"],
                begun_at=content["begun_at"],
                entries=[_Entry(**each) for each in content["entries"]],
                tracks=content["tracks"],
                purged_at=content["purged_at"],
            )
        )
    return found


def _next_manifest(data_dir: str, plan_hash: str, before: list[_Manifest]) -> _Manifest:
    number = 1 + max((int(manifest.path.stem.rpartition("-")[2]) for manifest in before), default=0)
    path = plans.folder(data_dir, plan_hash) / f"undo-{number:04}.json"
    return _Manifest(path=path, plan=plan_hash, begun_at=_now())


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and file_digest(path) == sha256


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
