"""Tags in M4A, WAV and AIFF, written so that djay Pro, Rekordbox, Apple Music and Serato read them.

M4A carries iTunes atoms, WAV and AIFF an ID3 chunk; nothing is put into RIFF INFO, where programs disagree
about the encoding. ID3 is written as version 2.3 in UTF-16, which every program reads, unless the file has a
2.4 tag already. Tags of others are kept. Where a field is too narrow for the value, the exact value stands in
a named field beside it: tempo in M4A's integer atom, the list of artists beside the one line that players
show. Called by `music_workflow.core.library` (write), by verification and identification (read). It never
touches the sound.
"""

from __future__ import annotations

import base64
import binascii
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen import id3
from mutagen.aiff import AIFF
from mutagen.flac import Picture
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm
from mutagen.wave import WAVE

from music_workflow.errors import BadLink
from music_workflow.metadata import keys
from music_workflow.model import AudioFormat

ITUNES = "----:com.apple.iTunes:"
ARTISTS = "ARTISTS"
CAMELOT = "CAMELOT"
IDENTITY = "SEGUE_KEY"
RUN = "SEGUE_RUN"
FINGERPRINT = "Acoustid Fingerprint"
"""The name under which AcoustID's own tools keep it."""
PNG_MAGIC = b"\x89PNG"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackTags:
    """What a file says about its music. None or empty: the file is silent."""

    title: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    artwork: bytes | None = None
    """A JPEG or PNG."""
    isrc: str | None = None
    bpm: float | None = None
    """Two decimals."""
    key: str | None = None
    """``A minor``; as found when it is not a key's name."""
    camelot: str | None = None
    source_url: str | None = None
    """Kept as the comment."""
    identity_key: str | None = None
    run_id: str | None = None
    fingerprint: str | None = None


def write(path: str, fmt: AudioFormat, tags: TrackTags) -> None:
    """Write tags into a file; fields that are None or empty are removed, foreign ones kept.

    The file is replaced whole, so that a crash leaves either the old or the new one.

    Args:
        path: a file of the library.
        fmt: which of the three formats it is.
        tags: what to write. NUL characters and lone surrogates, which no format can hold, are dropped.

    Raises:
        BadLink: the file is not of that format.
    """
    final = Path(path)
    temporary = final.with_name(f".{os.getpid()}-tags-{final.name}")
    try:
        shutil.copyfile(final, temporary)
        if fmt == "M4A":
            _write_atoms(temporary, tags)
        else:
            fill_id3(WAVE(temporary) if fmt == "WAV" else AIFF(temporary), tags)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
    except mutagen.MutagenError as error:
        raise _bad(path, f"cannot be tagged as {fmt}", "tag") from error
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str) -> TrackTags:
    """Read the tags of a file; besides the library's formats also of MP3, FLAC, Ogg and Opus.

    Returns:
        What is there; a file without tags gives an empty title.

    Raises:
        BadLink: the file cannot be read or is no audio file with tags.
    """
    try:
        file = mutagen.File(path)
    except mutagen.MutagenError as error:
        raise _bad(path, "has no readable tags", "read tags") from error
    if file is None:
        raise _bad(path, "is of no kind whose tags are known", "read tags")
    if file.tags is None:
        return TrackTags(title="")
    if isinstance(file, MP4):
        return _from_atoms(file.tags)
    if isinstance(file.tags, id3.ID3):
        return _from_id3(file.tags)
    return _from_comments(file)


def fill_id3(file: Any, tags: TrackTags) -> None:
    """Write tags into an open mutagen file that holds ID3, and save it; `write` for files that need not survive."""
    if file.tags is None:
        file.add_tags()
    held: id3.ID3 = file.tags
    version = 4 if held.version == (2, 4, 0) and len(held) else 3
    texts = {
        "TIT2": tags.title,
        "TPE1": ", ".join(tags.artists),
        "TALB": tags.album,
        "TSRC": tags.isrc,
        "TBPM": _decimal(tags.bpm),
        "TKEY": _short_key(tags.key),
    }
    for name, text in texts.items():
        held.delall(name)
        if text:
            held.add(getattr(id3, name)(encoding=id3.Encoding.UTF16, text=[_clean(text)]))
    for name, values in _named(tags).items():
        held.delall(f"TXXX:{name}")
        if values:
            held.add(id3.TXXX(encoding=id3.Encoding.UTF16, desc=name, text=values))
    held.delall("COMM::eng")
    if tags.source_url:
        held.add(id3.COMM(encoding=id3.Encoding.UTF16, lang="eng", desc="", text=[_clean(tags.source_url)]))
    held.delall("APIC")
    if tags.artwork:
        held.add(picture_frame(tags.artwork))
    if version == 3:  # noqa: PLR2004 - ID3 2.3
        held.update_to_v23()
    file.save(v2_version=version, v23_sep=None)


def picture_frame(artwork: bytes) -> id3.APIC:
    """A front cover as an ID3 frame."""
    return id3.APIC(
        encoding=id3.Encoding.LATIN1,
        mime=mime(artwork),
        type=id3.PictureType.COVER_FRONT,
        desc="",
        data=artwork,
    )


def mime(artwork: bytes) -> str:
    """The media type of a picture, by its first bytes."""
    return "image/png" if artwork.startswith(PNG_MAGIC) else "image/jpeg"


def _from_id3(held: id3.ID3) -> TrackTags:
    def text(name: str) -> str | None:
        frame = held.get(name)
        return str(frame.text[0]) if frame is not None and frame.text else None

    listed = held.get(f"TXXX:{ARTISTS}")
    shown = held.get("TPE1")
    artists = listed or shown
    pictures = held.getall("APIC")
    return TrackTags(
        title=text("TIT2") or "",
        artists=tuple(str(a) for a in artists.text if a) if artists else (),
        album=text("TALB"),
        artwork=bytes(pictures[0].data) if pictures else None,
        isrc=text("TSRC"),
        bpm=_number(text("TBPM")),
        key=_key_name(text("TKEY")),
        camelot=text(f"TXXX:{CAMELOT}"),
        source_url=text("COMM::eng"),
        identity_key=text(f"TXXX:{IDENTITY}"),
        run_id=text(f"TXXX:{RUN}"),
        fingerprint=text(f"TXXX:{FINGERPRINT}"),
    )


def _write_atoms(path: Path, tags: TrackTags) -> None:
    file = MP4(path)
    if file.tags is None:
        file.add_tags()
    held: Any = file.tags
    values: dict[str, list[Any]] = {
        "\xa9nam": _one(tags.title),
        "\xa9ART": _one(", ".join(tags.artists)),
        "\xa9alb": _one(tags.album),
        "\xa9cmt": _one(tags.source_url),
        "tmpo": [round(tags.bpm)] if tags.bpm else [],
        "covr": [_cover(tags.artwork)] if tags.artwork else [],
    }
    named = _named(tags) | {
        "BPM": _one(_decimal(tags.bpm)),
        "initialkey": _one(_short_key(tags.key)),
        "ISRC": _one(tags.isrc),
    }
    for name, texts in named.items():
        values[ITUNES + name] = [MP4FreeForm(t.encode(), AtomDataType.UTF8) for t in texts]
    for name, atoms in values.items():
        held.pop(name, None)
        if atoms:
            held[name] = atoms
    file.save()


def _from_atoms(held: Any) -> TrackTags:
    def text(name: str) -> str | None:
        found = held.get(name)
        return _as_text(found[0]) if found else None

    artists = held.get(ITUNES + ARTISTS) or held.get("\xa9ART") or ()
    covers = held.get("covr")
    rounded = held.get("tmpo")
    return TrackTags(
        title=text("\xa9nam") or "",
        artists=tuple(_as_text(a) for a in artists if a),
        album=text("\xa9alb"),
        artwork=bytes(covers[0]) if covers else None,
        isrc=text(ITUNES + "ISRC"),
        bpm=_number(text(ITUNES + "BPM")) or (float(rounded[0]) if rounded and rounded[0] else None),
        key=_key_name(text(ITUNES + "initialkey")),
        camelot=text(ITUNES + CAMELOT),
        source_url=text("\xa9cmt"),
        identity_key=text(ITUNES + IDENTITY),
        run_id=text(ITUNES + RUN),
        fingerprint=text(ITUNES + FINGERPRINT),
    )


def _from_comments(file: Any) -> TrackTags:
    """Vorbis comments, as FLAC, Ogg Vorbis and Opus hold them."""

    def text(name: str) -> str | None:
        found = file.tags.get(name)
        return str(found[0]) if found else None

    return TrackTags(
        title=text("title") or "",
        artists=tuple(str(a) for a in file.tags.get("artist", ()) if a),
        album=text("album"),
        artwork=_comment_picture(file),
        isrc=text("isrc"),
        bpm=_number(text("bpm")),
        key=_key_name(text("initialkey") or text("key")),
        camelot=text(CAMELOT),
        source_url=text("comment"),
        fingerprint=text("acoustid_fingerprint"),
    )


def _comment_picture(file: Any) -> bytes | None:
    pictures = getattr(file, "pictures", None)
    if pictures:
        return bytes(pictures[0].data)
    for block in file.tags.get("metadata_block_picture", ()):
        try:
            return bytes(Picture(base64.b64decode(block)).data)
        except (binascii.Error, mutagen.MutagenError):
            continue  # a broken picture is as good as none
    return None


def _named(tags: TrackTags) -> dict[str, list[str]]:
    """The fields that no standard names; the list of artists only where the shown line does not say it all."""
    return {
        ARTISTS: [_clean(a) for a in tags.artists if _clean(a)] if len(tags.artists) > 1 else [],
        CAMELOT: _one(tags.camelot),
        IDENTITY: _one(tags.identity_key),
        RUN: _one(tags.run_id),
        FINGERPRINT: _one(tags.fingerprint),
    }


def _one(text: str | None) -> list[str]:
    cleaned = _clean(text) if text else ""
    return [cleaned] if cleaned else []


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _as_text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, MP4FreeForm) else str(value)


def _cover(artwork: bytes) -> MP4Cover:
    png = artwork.startswith(PNG_MAGIC)
    return MP4Cover(artwork, MP4Cover.FORMAT_PNG if png else MP4Cover.FORMAT_JPEG)


def _decimal(bpm: float | None) -> str | None:
    """``128`` or ``127.96``: whole where it is whole, since the field was made for whole numbers."""
    return f"{bpm:.2f}".rstrip("0").rstrip(".") if bpm else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _short_key(key: str | None) -> str | None:
    try:
        return keys.parse(key).short if key else None
    except ValueError:
        return key


def _key_name(text: str | None) -> str | None:
    try:
        return keys.parse(text).name if text else None
    except ValueError:
        return text


def _bad(path: str, what: str, operation: str) -> BadLink:
    return BadLink(f"“{Path(path).name}” {what}.", service="audio", operation=operation)
