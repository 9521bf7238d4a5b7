"""Cover pictures: fetched or taken out of a file, and kept only if they are pictures indeed.

A picture is an ornament: when it cannot be had, the track goes without, and nothing fails. Used by the
sources.
"""

from __future__ import annotations

import io
from pathlib import Path

from music_workflow.errors import MusicError
from music_workflow.integrations.guards import Guard
from music_workflow.integrations.transport import read_small

_MAX_BYTES = 10_000_000
_MAX_PIXELS = 40_000_000
"""Above it, a picture is a trap for memory rather than a cover."""
_KEPT_FORMATS = {"JPEG": ".jpg", "PNG": ".png"}
"""What all players show; everything else becomes JPEG."""


def fetch_artwork(url: str | None, work_dir: str, guard: Guard, timeout_s: float) -> str | None:
    """Fetch a cover into the work folder.

    Returns:
        Its path, or None when there is none to be had.
    """
    if url is None:
        return None
    try:
        data = read_small(url, guard, timeout_s, limit=_MAX_BYTES)
    except MusicError:
        return None
    return keep_artwork(data, work_dir)


def keep_artwork(data: bytes | None, work_dir: str) -> str | None:
    """Write a picture's bytes as JPEG or PNG into the work folder; None if they are no sound picture."""
    from PIL import Image  # noqa: PLC0415 - heavy, and only for tracks with a cover

    if not data or len(data) > _MAX_BYTES:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.load()
            suffix = _KEPT_FORMATS.get(image.format or "")
            if suffix is None:
                jpeg = io.BytesIO()
                image.convert("RGB").save(jpeg, "JPEG", quality=92)
                data, suffix = jpeg.getvalue(), ".jpg"
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ):  # Pillow's words for a broken picture
        return None
    path = Path(work_dir, f"artwork{suffix}")
    path.write_bytes(data)
    return str(path)
