"""Names and places: what a file of the library is called, and how it gets there unharmed.

Names are safe on every system and never empty; placing is atomic and can be repeated after a crash at any
instant. It decides nothing about identity and writes no index. Called by `core.library`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from pathvalidate import sanitize_filename

from music_workflow.core.acquire import file_digest
from music_workflow.errors import NotReady
from music_workflow.model import AudioFile, AudioFormat, Identity

SUFFIXES: dict[AudioFormat, str] = {"M4A": ".m4a", "WAV": ".wav", "AIFF": ".aiff"}
UNCATEGORIZED = "Uncategorized"
"""The folder of tracks that were synced for no playlist, where the layout has playlists."""
BYTES_PER_S = 2 * 48_000 * 2 * 3 + 32_000
"""Of the three files together: WAV and AIFF in stereo, and M4A."""
_MAX_NAME_BYTES = 200
"""Below every file system's 255, with room for a temporary name's decoration."""
_MOUNT_PLACES = ("/Volumes", "/media", "/media/*", "/run/media", "/run/media/*", "/mnt")
"""Folders in which volumes appear on macOS and Linux; nothing is ever created in them."""
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})
"""Another volume, or a file system without second names (exFAT, network shares)."""
_LONGEST_PART_BYTES = 240
"""A file name with what a layout puts around it; beyond, it is left off."""
_MAX_ID_BYTES = 40
_SERVICE_ID_LENGTH = 10


def track_name(identity: Identity) -> str:
    """Name a track's files, without extension: ``Artist - Title [id]``.

    The id keeps tracks of equal title apart and is never shortened away; non-Latin letters stay as they are.
    """
    tail = f" [{short_id(identity)}]"
    words = " - ".join(part for part in (", ".join(identity.artists), identity.title) if part.strip())
    room = _MAX_NAME_BYTES - len(tail.encode())
    return _clip_bytes(_safe(words) or "Untitled", room) + tail


def short_id(identity: Identity) -> str:
    """Return the source's id as it stands in file names."""
    service, _, media_id = identity.key.partition(":")
    if service == "url":
        return media_id[:_SERVICE_ID_LENGTH]
    return _clip_bytes(_safe(media_id) or "id", _MAX_ID_BYTES)


def key_name(identity: Identity) -> str:
    """Name a file after the source's key, over all services: ``soundcloud-7``."""
    return _clip_bytes(f"{_safe(identity.service)}-{short_id(identity)}", _MAX_NAME_BYTES)


def targets(
    identity: Identity, out_dir: str, layout: str, taken: Iterable[str], playlist: str | None = None
) -> dict[AudioFormat, str]:
    """Choose the three paths of a track.

    Args:
        identity: The track.
        out_dir: The library's folder.
        layout: See `LibrarySettings.layout`.
        taken: Paths that belong to other tracks; compared without regard to case, as macOS and Windows do.
        playlist: The playlist it is synced for.

    Returns:
        An absolute path for each format, all with the same stem, none in `taken`, none standing on the disk.
    """
    folded = {_fold(path) for path in taken}
    name = track_name(identity)
    for number in range(1, 10_000):
        stem = name if number == 1 else f"{name} ({number})"
        chosen = {kind: _path(identity, out_dir, layout, stem, kind, playlist) for kind in SUFFIXES}
        if not any(_fold(path) in folded or _stands(path) for path in chosen.values()):
            return chosen
    raise NotReady(f"{out_dir} holds 10,000 files named {name}.", service="disk", operation="file track")


def place(work: str, target: str, expected: AudioFile) -> None:
    """Bring one file to its place; does nothing when it stands there already.

    Within one volume it is renamed; across volumes it is copied to a temporary name beside the target,
    flushed and renamed, and the work file is removed last.

    Raises:
        NotReady: The disk is full, or neither the work file nor the finished one is there.
    """
    final = Path(target)
    if final.is_file() and final.stat().st_size == expected.size and file_digest(final) == expected.sha256:
        Path(work).unlink(missing_ok=True)
        return
    if not Path(work).is_file():
        raise NotReady(
            f"The converted file {Path(work).name} is gone; the conversion has to run again.",
            service="disk",
            operation="file track",
        )
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _flush(Path(work))
        _move(Path(work), final)
        flush_folder(final.parent)
    except OSError as error:
        raise disk_error(error, final.parent) from error


def put_into_playlist(path: str, playlist: str, folder: str) -> str:
    """Give a filed file a second name in a playlist's folder; across volumes, a copy.

    Nothing happens when it is there already. A file of the same name that is another stays, and the new one gets a
    number.

    Args:
        path: The file in the library.
        playlist: The playlist's name, as people write it.
        folder: The folder of all playlists; it must exist.

    Returns:
        Where it stands.

    Raises:
        NotReady: The volume is missing, full or read-only.
    """
    check_playlist_dir(folder)
    source = Path(path)
    home = Path(folder) / (_clip_bytes(_safe(playlist), _MAX_NAME_BYTES) or UNCATEGORIZED)
    try:
        home.mkdir(exist_ok=True)
        for number in range(1, 10_000):
            name = source.name if number == 1 else f"{source.stem} ({number}){source.suffix}"
            target = home / name
            if target.exists() and _alike(source, target):
                return str(target)
            if not _stands(str(target)):
                _second_name(source, target)
                flush_folder(home)
                return str(target)
    except OSError as error:
        raise disk_error(error, home) from error
    raise NotReady(f"{home} holds 10,000 files named {source.name}.", service="disk", operation="playlist")


def renew_second_name(path: str, place: str) -> None:
    """Let a name in a playlist's folder stand for the file as it is now, in place of what it was.

    Raises:
        NotReady: The volume is missing, full or read-only.
    """
    target = Path(place)
    fresh = target.with_name(f".{target.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        _second_name(Path(path), fresh)
        fresh.replace(target)
        flush_folder(target.parent)
    except OSError as error:
        raise disk_error(error, target.parent) from error


def check_playlist_dir(folder: str) -> None:
    """Check that the folder of all playlists is there; it is never made, since its volume may be missing.

    Raises:
        NotReady: With the remedy.
    """
    if not Path(folder).is_dir():
        raise _not_ready(f"{folder} is not there. Mount its volume, or correct PLAYLIST_TRACKS_DIR.")


def check_out_dir(out_dir: str, known: Iterable[str]) -> None:
    """Check that the library's folder is there and can be written; make it only where nothing can be missing.

    Args:
        out_dir: The folder.
        known: Some paths that the index knows below it. When there are such and the folder is empty, the
            volume is not mounted, and a second library must not begin in its mount point.

    Raises:
        NotReady: With the remedy.
    """
    folder = Path(out_dir)
    known = list(known)
    if not folder.is_dir():
        if known or on_missing_volume(folder):
            raise _not_ready(f"{folder} is not there. Mount its volume, or correct OUT_DIR.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, folder.parent) from error
    if known and not any(folder.iterdir()):
        raise _not_ready(
            f"{folder} is empty, though the index knows tracks there. Mount its volume, "
            "or run “music index forget” if they were removed on purpose."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_ready(f"{folder} is not writable. Change its permissions, or correct OUT_DIR.")


def check_space(folder: str, needed: int) -> None:
    """Check that `needed` bytes are free on the folder's volume.

    Raises:
        NotReady: With what is free and what is needed.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise _not_ready(
            f"The volume of {folder} has {free / 1e9:.2f} GB of free space; "
            f"{needed / 1e9:.2f} GB are needed. Make room."
        )


def on_missing_volume(folder: Path) -> bool:
    """Say whether the path leads through a mount point that does not exist."""
    folder = folder.absolute()
    return any(
        any(each.parent.match(place) for place in _MOUNT_PLACES) and not each.is_dir()
        for each in (folder, *folder.parents)
    )


def _not_ready(message: str) -> NotReady:
    return NotReady(message, service="disk", operation="check OUT_DIR")


def disk_error(error: OSError, where: Path) -> NotReady:
    """Put a failed write into words."""
    words = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the volume is read-only",
        errno.EACCES: "writing is not permitted there",
        errno.EPERM: "writing is not permitted there",
        errno.ENOENT: "the folder is gone; is the volume still mounted?",
    }.get(error.errno or 0, error.strerror or str(error))
    return NotReady(f"Nothing can be written to {where}: {words}.", service="disk", operation="file track")


def flush_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system can."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _path(
    identity: Identity, out_dir: str, layout: str, stem: str, kind: AudioFormat, playlist: str | None
) -> str:
    fields = {
        "name": stem,
        "artist": _folder(", ".join(identity.artists), "Unknown artist"),
        "album": _folder(identity.album, "Unknown album"),
        "playlist": _folder(playlist, UNCATEGORIZED),
        "format": kind,
    }
    parts = [part.format(**fields).strip() for part in layout.split("/")]
    *folders, last = [part for part in parts if part not in {"", ".", ".."}]
    if len(last.encode()) > _LONGEST_PART_BYTES:
        last = stem
    kept = [_clip_bytes(_safe(each), _MAX_NAME_BYTES) for each in folders]
    return str(Path(out_dir).absolute().joinpath(*filter(None, kept), last)) + SUFFIXES[kind]


def _folder(words: str | None, without: str) -> str:
    return _clip_bytes(_safe(words or ""), _MAX_NAME_BYTES) or without


def _safe(text: str) -> str:
    """Make text fit for a name on Linux, macOS and Windows."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(
        " " if unicodedata.category(ch) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} else ch for ch in text
    )
    text = str(sanitize_filename(text, replacement_text="_", platform="universal"))
    return " ".join(text.split()).strip(" .")


def _clip_bytes(text: str, limit: int) -> str:
    """Shorten to `limit` bytes of UTF-8 without cutting a letter in half."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[:limit].decode("utf-8", "ignore").rstrip(" .-")


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _stands(path: str) -> bool:
    """Say whether a file of this name stands there, in whatever case."""
    folder = Path(path).parent
    try:
        return any(_fold(each.name) == _fold(Path(path).name) for each in folder.iterdir())
    except FileNotFoundError:
        return False


def _alike(one: Path, other: Path) -> bool:
    """Say whether two names stand for one file, or for two of equal content."""
    if one.samefile(other):
        return True
    return one.stat().st_size == other.stat().st_size and file_digest(one) == file_digest(other)


def _second_name(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        temporary = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, temporary)
        _flush(temporary)
        temporary.replace(target)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _move(work: Path, final: Path) -> None:
    try:
        work.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = final.with_name(f".{final.name}.part")
        with work.open("rb") as source, temporary.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        temporary.replace(final)
        work.unlink()
