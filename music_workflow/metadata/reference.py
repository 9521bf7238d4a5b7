"""Tempo and key as librosa hears them: the second opinion on a doubtful piece, and the reference to compare with.

librosa is an optional extra (``pip install 'segue[librosa]'``) and large, so it is imported here alone and only when
it is asked; without it nothing is missing but this. The key follows Krumhansl and Kessler's probe-tone profiles on
librosa's constant-Q chroma, the usual way with it. Called by `music_workflow.metadata.analysis`.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_workflow.core import decoding
from music_workflow.errors import NotReady
from music_workflow.metadata.keys import Key, Mode

RATE = 22_050
LONGEST_S = 600.0
"""librosa holds the whole sound in memory; of a longer piece it hears this much from the middle."""
PROFILES: tuple[tuple[Mode, tuple[float, ...]], ...] = (
    ("major", (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)),
    ("minor", (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)),
)
SHORTEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What librosa says; None where it says nothing."""

    bpm: float | None
    key: Key | None


def installed() -> bool:
    """Whether there is a librosa to ask."""
    return importlib.util.find_spec("librosa") is not None


def listen(path: str) -> Opinion:
    """Ask librosa for tempo and key of a file.

    Raises:
        NotReady: It is not installed.
        BadLink: The file is no audio.
    """
    if not installed():
        raise NotReady(
            "librosa is not installed. Install it with “pip install 'segue[librosa]'”, or set ANALYSIS_BACKEND=native.",
            service="librosa",
            operation="analyse",
        )
    sound = _middle(path)
    if len(sound) < SHORTEST_S * RATE or not sound.any():
        return Opinion(None, None)
    librosa: Any = importlib.import_module("librosa")
    tempo, _beats = librosa.beat.beat_track(y=sound, sr=RATE)
    chroma = np.asarray(librosa.feature.chroma_cqt(y=sound, sr=RATE)).mean(axis=1)
    bpm = float(np.atleast_1d(tempo)[0])
    return Opinion(round(bpm, 2) if bpm > 0 else None, _key(chroma))


def _middle(path: str) -> NDArray[np.float32]:
    """The sound as mono at 22.05 kHz: all of it, or the middle of a long piece."""
    with decoding.opened(path) as source:
        start = max(0.0, ((source.header.stated_s or 0.0) - LONGEST_S) / 2)
        skip, room = round(start * RATE), round(LONGEST_S * RATE)
        tap = decoding.Tap(RATE, "mono")
        kept: list[NDArray[np.float32]] = []

        def keep(block: decoding.Samples) -> None:
            nonlocal skip, room
            heard = block[skip : skip + room, 0]
            skip, room = max(0, skip - len(block)), room - len(heard)
            kept.append(heard.copy())

        for frame in source.frames():
            for block in tap.push(frame):
                keep(block)
            if room <= 0:
                return np.concatenate(kept)
        for block in tap.flush():
            keep(block)
        source.finish()
    return np.concatenate([np.zeros(0, np.float32), *kept])


def _key(chroma: NDArray[np.float64]) -> Key | None:
    if not np.isfinite(chroma).all() or chroma.std() == 0:
        return None
    fits = [
        (float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]), tonic, mode)
        for mode, profile in PROFILES
        for tonic in range(12)
    ]
    _, tonic, mode = max(fits)
    return Key(tonic, mode)
