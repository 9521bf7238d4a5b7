"""From the volume index to a plan: what stands there as copies, what is found among them, what may be moved.

Called by `core.collection`. It reads the index, and of the disk only the files that a plan would touch.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from music_workflow.core.acquire import file_digest
from music_workflow.core.organize import disk_error
from music_workflow.deduplication import duplicates, keeping, listening
from music_workflow.deduplication.copies import Copy
from music_workflow.deduplication.duplicates import Findings, Group, Member
from music_workflow.deduplication.plans import KeptFile, Left, Move, Plan, PlannedGroup
from music_workflow.deduplication.proving import SAME_MASTER
from music_workflow.deduplication.references import References
from music_workflow.errors import BadLink
from music_workflow.index.volume import VolumeIndex
from music_workflow.model import Progress

_FILES = """
SELECT files.path, files.root, files.inode, files.size, files.mtime, files.title, files.artist, files.album, files.isrc,
    coalesce(files.key, track_files.key) AS key, track_files.key AS track,
    coalesce(audio.duration_s, files.duration_s) AS duration_s,
    audio.sha256, audio.audio_sha256, audio.fingerprint, audio.trouble IS NULL AND audio.path IS NOT NULL AS heard,
    audio.codec, audio.sample_rate, audio.bits, audio.bit_rate
FROM files JOIN roots ON roots.path = files.root
LEFT JOIN audio ON audio.path = files.path LEFT JOIN track_files ON track_files.path = files.path
WHERE roots.mounted ORDER BY track_files.key IS NULL, files.path
"""


def make(index: VolumeIndex, references: References, progress: Progress) -> Plan:
    """Find duplicates among all files on mounted volumes, and plan what to set aside.

    Raises:
        NotReady: A file that would be moved cannot be read.
    """
    progress(0.0, "reading the index")
    copies, roots = _copies(index, references)
    progress(0.2, f"comparing {len(copies):,} files")
    findings = duplicates.find(copies)
    planner = _Planner(findings, copies, roots, references)
    groups = []
    for number, group in enumerate(findings.groups):
        progress(
            0.5 + 0.5 * number / len(findings.groups),
            f"checking group {number + 1:,} of {len(findings.groups):,}",
        )
        groups.append(planner.group(group))
    return Plan(
        groups=tuple(groups),
        files=findings.copies,
        coverage=round(findings.coverage, 4),
        by_sound=findings.by_sound,
        libraries=references.read,
        sealed=references.sealed,
    )


def _copies(index: VolumeIndex, references: References) -> tuple[list[Copy], dict[str, str]]:
    """All files as copies, and the root of each; of two names of one file, that of a track comes first and counts."""
    cursor = index.connection.cursor()
    cursor.row_factory = sqlite3.Row
    copies: list[Copy] = []
    roots: dict[str, str] = {}
    seen: set[tuple[int, int, int]] = set()
    for row in cursor.execute(_FILES):
        mark = (row["inode"], row["size"], row["mtime"])
        if mark not in seen:
            seen.add(mark)
            copies.append(_copy(row, references))
            roots[row["path"]] = row["root"]
    return copies, roots


def _copy(row: sqlite3.Row, references: References) -> Copy:
    path, words = row["path"], row["fingerprint"]
    return Copy(
        path=path,
        unit=f"track {row['track']}" if row["track"] else path.rpartition(".")[0].casefold(),
        size=row["size"],
        mtime_ns=row["mtime"],
        title=row["title"],
        artist=row["artist"],
        album=row["album"],
        isrc=row["isrc"],
        key=row["key"],
        duration_s=row["duration_s"],
        sha256=row["sha256"],
        audio_sha256=row["audio_sha256"],
        fingerprint=None if words is None else np.frombuffer(words, "<u4").astype(np.uint32, copy=False),
        heard=bool(row["heard"]),
        codec=row["codec"],
        sample_rate=row["sample_rate"],
        bits=row["bits"],
        bit_rate=row["bit_rate"],
        filed=row["track"] is not None,
        referred=references.holder(path, resolve=False),
    )


class _Planner:
    """Turns groups of copies into groups of a plan."""

    def __init__(
        self, findings: Findings, copies: Sequence[Copy], roots: Mapping[str, str], references: References
    ) -> None:
        self._roots = roots
        self._references = references
        grouped = {member.copy.unit for group in findings.groups for member in group.members}
        self._units: Mapping[str, list[Copy]] = defaultdict(list)
        for copy in copies:
            if copy.unit in grouped:
                self._units[copy.unit].append(copy)

    def group(self, group: Group) -> PlannedGroup:
        """Plan one group: what can move moves, and what has to stay is listed with the reason."""
        kept = group.kept[0]
        moves: list[Move] = []
        left: list[Left] = []
        for unit in _by_unit(group.members):
            heard = {member.copy.path: _listen(member) for member in unit}
            whys = {
                member.copy.path: why
                for member in unit
                if (why := self._stays(member, unit, group) or _doubt(heard[member.copy.path]))
            }
            for member in unit:
                why = whys.get(member.copy.path)
                if why is None and whys and member.copy.filed:
                    why = "another file of its track has to stay"
                if why is None:
                    moves.append(self._move(member, heard[member.copy.path]))
                else:
                    left.append(Left(path=member.copy.path, against=member.of.path, why=why))
        return PlannedGroup(
            name=" - ".join(filter(None, kept.named)),
            kept=tuple(_kept(copy) for copy in group.kept),
            kept_track=_track(kept),
            moves=tuple(moves),
            left=tuple(left),
        )

    def _stays(self, member: Member, unit: Sequence[Member], group: Group) -> str | None:
        """Say why a duplicate may not be moved."""
        copy = member.copy
        if held := self._references.holder(copy.path):
            return held
        if Path(copy.path).is_symlink():
            return "it is a link to another file"
        if not copy.filed:
            return None
        if not group.kept[0].filed:
            return "Segue filed it, and its row in Music Tracks names it"
        unproven = len(self._units[copy.unit]) - len(unit)
        return f"{unproven} other files of its track are not proven to be duplicates" if unproven else None

    def _move(self, member: Member, heard: float | None) -> Move:
        copy = member.copy
        listened = () if heard is None else (f"waveforms agree to {heard:.0%}",)
        return Move(
            path=copy.path,
            root=self._roots[copy.path],
            size=copy.size,
            mtime_ns=copy.mtime_ns,
            sha256=_digest(copy),
            quality=keeping.quality(copy),
            against=member.of.path,
            rung=member.proof.rung,
            says=(*member.proof.says, *listened),
            why=member.why,
            track=_track(copy),
        )


def _listen(member: Member) -> float | None:
    """Compare the waveforms where a fingerprint alone is the proof, and not of near-identical files; None elsewhere."""
    proof = member.proof
    if proof.rung != "fingerprint" or proof.bit_error is None or proof.bit_error <= SAME_MASTER:
        return None
    first, second, offset = member.of.path, member.copy.path, proof.offset_s or 0.0
    try:
        heard = listening.agreement(first, second, offset)
        if heard < listening.SAME and offset:
            heard = max(heard, listening.agreement(first, second, -offset))  # which of the two begins later
    except BadLink:
        return 0.0  # what cannot be decoded any more proves nothing
    return round(heard, 2)


def _doubt(heard: float | None) -> str | None:
    if heard is None or heard >= listening.SAME:
        return None
    return (
        f"it sounds much alike, but the waveforms agree to only {heard:.0%}: not certainly the same recording"
    )


def _by_unit(members: Sequence[Member]) -> Iterator[list[Member]]:
    units: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        units[member.copy.unit].append(member)
    yield from units.values()


def _kept(copy: Copy) -> KeptFile:
    return KeptFile(path=copy.path, size=copy.size, sha256=_digest(copy), quality=keeping.quality(copy))


def _track(copy: Copy) -> str | None:
    return copy.unit.removeprefix("track ") if copy.filed else None


def _digest(copy: Copy) -> str:
    try:
        return copy.sha256 or file_digest(copy.path)
    except OSError as error:
        raise disk_error(error, Path(copy.path).parent) from error
