"""What is written into the tags of a track's three files, and the measuring that follows.

Composes the record; how each container stores it is `metadata.tags`' business. Called by `core.library`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from music_workflow.core.acquire import file_digest
from music_workflow.metadata import tags
from music_workflow.model import Identity, Processed, SourceFile


def tag_files(processed: Processed, identity: Identity, source: SourceFile, run_id: str) -> Processed:
    """Tag each work file, and return the record with sizes and hashes as they are afterwards."""
    analysis = processed.analysis
    wanted = tags.TrackTags(
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
        fingerprint=processed.fingerprint,
        artwork=Path(source.artwork_path).read_bytes() if source.artwork_path else None,
    )
    tagged = []
    for file in processed.files:
        tags.write(file.path, file.format, wanted)
        tagged.append(replace(file, size=Path(file.path).stat().st_size, sha256=file_digest(file.path)))
    return replace(processed, files=tuple(tagged))
