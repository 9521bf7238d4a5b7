"""The parts that decode, encode and download: present, and of an age at which they still work."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agent.checks.lines import failed, passed, warned
from handlers.base import Diagnosis

_FFMPEG = "FFmpeg"
_DOWNLOADS = "Downloads"
DECODERS = (
    "aac",
    "alac",
    "flac",
    "mp3",
    "opus",
    "vorbis",
    "pcm_s16le",
    "pcm_s24le",
    "pcm_s16be",
    "pcm_s24be",
)
ENCODERS = ("aac", "alac", "pcm_s24le", "pcm_s24be")
_OLD_DAYS = 90


def check(today: date | None = None) -> Iterator[Diagnosis]:
    """Looks at FFmpeg's parts, the downloader and its JavaScript runtime, and the second opinion."""
    yield from check_codecs()
    yield _downloader(today or datetime.now(UTC).date())
    yield _javascript()
    yield _second_opinion()


def check_codecs() -> Iterator[Diagnosis]:
    """Whether the FFmpeg inside PyAV has every codec that a conversion needs."""
    try:
        import av  # noqa: PLC0415  a native library, which may be what is broken
        from av.codec import Codec, codecs_available  # noqa: PLC0415
    except ImportError as error:
        yield failed(_FFMPEG, "PyAV", f"It cannot be loaded: {error}.", "Run “make setup” again.")
        return
    absent = [name for name in DECODERS if not _has(Codec, name, "r", codecs_available)]
    absent += [f"{name} (writing)" for name in ENCODERS if not _has(Codec, name, "w", codecs_available)]
    if absent:
        yield failed(
            _FFMPEG,
            "codecs",
            f"PyAV {av.__version__} lacks {', '.join(absent)}.",
            "Install the PyAV wheel of constraints.txt (“make setup”), not one built on this machine.",
        )
    else:
        yield passed(_FFMPEG, "codecs", f"PyAV {av.__version__} decodes and encodes what is needed.")


def _has(codec: type, name: str, mode: str, available: set[str]) -> bool:
    if name not in available:
        return False
    try:
        codec(name, mode)
    except ValueError:
        return False
    return True


def _downloader(today: date) -> Diagnosis:
    try:
        installed = version("yt-dlp")
    except PackageNotFoundError:
        return failed(_DOWNLOADS, "yt-dlp", "It is not installed.", "Run “make setup”.")
    year, month, day = (int(part) for part in installed.split(".")[:3])
    age = (today - date(year, month, day)).days
    if age > _OLD_DAYS:
        return warned(
            _DOWNLOADS,
            "yt-dlp",
            f"Version {installed} is {age} days old; sites change faster than that.",
            "Run “.venv/bin/pip install --upgrade yt-dlp” when downloads begin to fail.",
        )
    return passed(_DOWNLOADS, "yt-dlp", f"Version {installed}.")


def _javascript() -> Diagnosis:
    try:
        import deno  # type: ignore[import-untyped]  # noqa: PLC0415  it has no stubs, and may be what is missing

        binary = Path(deno.find_deno_bin())
    except (ImportError, FileNotFoundError) as error:
        return warned(
            _DOWNLOADS, "deno", f"It is not there ({error}); YouTube needs it.", "Run “make setup” again."
        )
    if not binary.is_file():
        return warned(
            _DOWNLOADS, "deno", f"{binary} is not there; YouTube needs it.", "Run “make setup” again."
        )
    return passed(_DOWNLOADS, "deno", f"{binary}.")


def _second_opinion() -> Diagnosis:
    if importlib.util.find_spec("librosa") is None:
        return passed("Analysis", "librosa", "Not installed; tempo and key are measured by Segue alone.")
    return passed("Analysis", "librosa", "Installed: asked for a second opinion where Segue is unsure.")
