"""What is written into the tags of a track's three files, and the measuring that follows.

Composes the record; how each container stores it is `metadata.tags`' business. Called by `core.library`, and by those
that hold files against it or correct them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from music_workflow.core.acquire import file_digest
from music_workflow.metadata import keys, tags
from music_workflow.model import Analysis, FiledTrack, Identity, Processed, SourceFile


def tag_files(processed: Processed, identity: Identity, source: SourceFile, run_id: str) -> Processed:
    """Tag each work file, and return the record with sizes and hashes as they are afterwards."""
    artwork = Path(source.artwork_path).read_bytes() if source.artwork_path else None
    wanted = replace(_measured(identity, processed.analysis, run_id, processed.fingerprint), artwork=artwork)
    tagged = []
    for file in processed.files:
        tags.write(file.path, file.format, wanted)
        tagged.append(replace(file, size=Path(file.path).stat().st_size, sha256=file_digest(file.path)))
    return replace(processed, files=tuple(tagged))


def wanted_tags(track: FiledTrack) -> tags.TrackTags:
    """What a track's tags should say: what was measured and read, and over it what a person knows better."""
    measured = _measured(track.identity, track.analysis, track.run_id, track.fingerprint)
    by_hand = dict(track.by_hand)
    key = by_hand.get("key") or measured.key
    artists = by_hand.get("artists")
    return replace(
        measured,
        title=by_hand.get("title") or measured.title,
        artists=tuple(name.strip() for name in artists.split(",")) if artists else measured.artists,
        album=by_hand.get("album") or measured.album,
        isrc=by_hand.get("isrc") or measured.isrc,
        bpm=float(by_hand["bpm"]) if "bpm" in by_hand else measured.bpm,
        key=key,
        camelot=keys.parse(key).camelot if "key" in by_hand and key else measured.camelot,
    )


def _measured(identity: Identity, analysis: Analysis, run_id: str, fingerprint: str | None) -> tags.TrackTags:
    """What a track's tags say while nobody knows better."""
    return tags.TrackTags(
        title=identity.title,
        artists=identity.artists,
        album=identity.album,
        isrc=identity.isrc,
        bpm=analysis.bpm,
        key=analysis.key,
        camelot=analysis.camelot,
        source_url=identity.url,
        identity_key=identity.key,
        run_id=run_id,
        fingerprint=fingerprint,
    )
