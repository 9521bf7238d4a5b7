"""What the music library passes around: frozen, small, JSON-able records. Paths are absolute strings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

AudioFormat = Literal["M4A", "WAV", "AIFF"]
"""The three formats each track is kept in."""

MixPolicy = Literal["sync", "review", "skip"]
"""What becomes of mixes and live sets: treated as any track, a person is asked, or left out."""

FORMATS: tuple[AudioFormat, ...] = ("M4A", "WAV", "AIFF")

Progress = Callable[[float, str], None]
"""Called with a fraction 0..1 and a few words ("3.1 of 4.0 MB"); may be called often, must be cheap."""


def silent(_fraction: float, _words: str) -> None:
    """A `Progress` that tells nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The track that was asked for; carried unchanged from the request to the verification."""

    key: str
    """Stable name of the source: ``youtube:<id>``, ``soundcloud:<id>``, ``url:<sha256 of the canonical link>``."""
    url: str
    """The canonical link: junk parameters stripped, redirects of short links followed."""
    service: str
    """``direct``, ``youtube``, ``soundcloud``, ``bandcamp``, …"""
    title: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    isrc: str | None = None
    duration_s: float | None = None
    """As the service states it; None when it does not."""
    artwork_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixVerdict:
    """Whether a recording is a mix or live set, and what follows."""

    policy: MixPolicy
    """``sync`` for everything that is none."""
    why: str | None
    """What makes it a mix; None for a track."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """What was downloaded, untouched."""

    path: str
    size: int
    sha256: str
    duration_s: float
    """Measured from the file, not taken from the service."""
    codec: str
    format_id: str
    """The service's name for the stream (yt-dlp's format_id); ``direct`` for a plain file."""
    artwork_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFile:
    """One file of the library, as written."""

    format: AudioFormat
    path: str
    size: int
    sha256: str
    duration_s: float
    codec: str
    sample_rate: int
    bits: int | None
    """Bits per sample for PCM and lossless codecs; None for lossy ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What was measured. A figure that could not be measured is None, never a default."""

    duration_s: float
    bpm: float | None
    bpm_confidence: float
    """0..1"""
    key: str | None
    """``A minor``, ``F# major``"""
    camelot: str | None
    """The standard wheel: A minor = 8A, C major = 8B."""
    key_confidence: float
    """0..1"""
    loudness_lufs: float | None
    """Integrated loudness, ITU-R BS.1770-4; None for silence."""
    true_peak_db: float | None
    """dBTP, four times oversampled."""
    second_bpm: float | None = None
    """What librosa hears, where it was asked: when the confidence was low, or as the reference."""
    second_key: str | None = None
    first_beat_s: float | None = None
    """Where the beat grid begins: with `bpm` it gives every beat of a piece of constant tempo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """The outcome of one decode: three files in the work folder, the analysis and the picture."""

    files: tuple[AudioFile, ...]
    analysis: Analysis
    waveform_path: str
    """A PNG of the waveform."""
    fingerprint: str | None = None
    """Chromaprint's compressed text of the sound that was downloaded; None for less than three seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EagleItem:
    """A file's copy in Eagle's library."""

    format: AudioFormat
    id: str
    size: int
    """In bytes, as Eagle says it; 0 when it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledTrack:
    """A track that stands in the library, as the volume index remembers it."""

    identity: Identity
    files: tuple[AudioFile, ...]
    analysis: Analysis
    waveform_path: str
    source_sha256: str
    source_duration_s: float
    run_id: str
    """The run that filed it."""
    filed_at: str
    """ISO 8601, UTC."""
    fingerprint: str | None = None
    """Of the source, as it sounded when it was downloaded; None for tracks filed by an earlier Segue."""
    source_codec: str | None = None
    source_format_id: str | None = None
    """The service's name for the stream that was downloaded."""
    playlists: tuple[str, ...] = ()
    """The playlists it was synced for, by name; the first decided where it stands."""
    playlist_paths: tuple[str, ...] = ()
    """Its names or copies in the playlists' folders."""
    eagle: tuple[EagleItem, ...] = ()
    """Its copies in Eagle."""
    by_hand: tuple[tuple[str, str], ...] = ()
    """What a person knows better, and what the tags therefore say: ``title``, ``artists`` (comma separated), ``album``,
    ``isrc``, ``bpm``, ``key`` -> value. What was measured stays beside it."""
    newly_filed: bool = True
    """False when another run had filed the same track before, and nothing was moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a verification."""

    name: str
    verdict: Literal["pass", "fail", "skip"]
    expected: str
    found: str
    """The value seen, or for a skipped check the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageClaims:
    """What a database row says about a track; verification holds it against the disk. None: the row is silent."""

    paths: tuple[tuple[AudioFormat, str], ...]
    bpm: float | None
    key: str | None
    duration_s: float | None
    downloaded: bool
    eagle_id: str | None = None
    playlists: tuple[str, ...] | None = None
    """Page ids of the playlists that the row is linked to."""
