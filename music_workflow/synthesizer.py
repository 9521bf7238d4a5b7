"""A small synthesizer: music of known tempo, key and length, for the demo and the tests.

Drums, bass, chords and a melody in one of a few styles, stereo, encoded and tagged like a real release, with
a small cover. The same arguments give the same sound. It is no part of the product's path: only the demo,
tests and benchmarks call it.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from mutagen.flac import FLAC, Picture
from mutagen.id3 import PictureType
from mutagen.mp3 import MP3
from mutagen.oggopus import OggOpus
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from music_workflow.metadata import keys, tags

Style = Literal["house", "techno", "trance", "dnb", "hiphop", "pop"]
Format = Literal["m4a", "opus", "wav", "mp3", "flac"]
Sound = NDArray[np.float32]
"""Shape (n,): one voice, mono."""

RATE = 48_000
BAR = 16
"""Steps in a bar; a step is a sixteenth."""
TAIL_S = 0.6
"""Fade at the end."""
BLOCK = 8192

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "major": ((0, 3, 4, 0), (0, 0, 3, 4), (0, 3, 0, 4)),
    "minor": ((0, 0, 3, 4), (0, 3, 4, 0), (0, 5, 0, 4)),
}
"""Scale degrees of the chords of four bars, 0 the tonic; each dwells on its tonic, so that the key is plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a style plays in a bar; ``x`` is a hit, ``o`` a soft one."""

    kick: str
    snare: str
    hat: str
    bass: str
    chords: str
    brightness: float
    """0..1, how open the chord sound is."""


PATTERNS: dict[Style, Pattern] = {
    "house": Pattern(
        kick="x...x...x...x...", snare="....x.......x...", hat="o.x.o.x.o.x.o.x.",
        bass="..x...x...x...x.", chords="..x..x....x..x..", brightness=0.5,
    ),
    "techno": Pattern(
        kick="x...x...x...x...", snare="............o...", hat="..x...x...x...x.",
        bass=".xox.xox.xox.xox", chords="x.....x.....x...", brightness=0.3,
    ),
    "trance": Pattern(
        kick="x...x...x...x...", snare="....x.......x...", hat="oox.oox.oox.oox.",
        bass=".xxx.xxx.xxx.xxx", chords="x.x.x.x.x.x.x.x.", brightness=0.8,
    ),
    "dnb": Pattern(
        kick="x.........x.....", snare="....x.......x...", hat="x.o.x.o.x.o.x.o.",
        bass="x.....x...x.....", chords="x...............", brightness=0.4,
    ),
    "hiphop": Pattern(
        kick="x......x..x.....", snare="....x.......x...", hat="x.o.x.o.x.o.x.o.",
        bass="x......x..x.....", chords="x.....x...x.....", brightness=0.35,
    ),
    "pop": Pattern(
        kick="x.....x.x.......", snare="....x.......x...", hat="x.x.x.x.x.x.x.x.",
        bass="x.x.x.x.x.x.x.x.", chords="x...x...x...x...", brightness=0.6,
    ),
}  # fmt: skip

ENCODERS: dict[Format, tuple[str, str, int | None, dict[str, str]]] = {
    "m4a": ("aac", "ipod", 192_000, {"aac_coder": "fast"}),
    "opus": ("libopus", "ogg", 128_000, {}),
    "wav": ("pcm_s16le", "wav", None, {}),
    "mp3": ("libmp3lame", "mp3", 192_000, {}),
    "flac": ("flac", "flac", None, {}),
}
"""Codec, container, bit rate, options."""


def render(
    path: str,
    *,
    bpm: float,
    key: str,
    seconds: float,
    style: Style = "house",
    seed: int = 0,
    title: str = "Untitled",
    artists: tuple[str, ...] = ("Segue Synthesizer",),
    format: Format = "m4a",  # noqa: A002 - the word for it; the builtin is not used here
) -> None:
    """Compose a piece and write it as an encoded, tagged file.

    Args:
        path: where to write it.
        bpm: tempo, kept to the sample over the whole length.
        key: ``A minor``, ``F# major``.
        seconds: length.
        style: drum pattern, bass line and sound.
        seed: chooses progression, melody and cover.
        title: tag.
        artists: tag.
        format: codec and container.

    Raises:
        ValueError: the key is none, or the length or tempo is not positive.
    """
    if bpm <= 0 or seconds <= 0:
        raise ValueError("Tempo and length must be positive.")
    stereo = compose(bpm=bpm, key=keys.parse(key), seconds=seconds, style=style, seed=seed)
    _encode(path, stereo, format)
    _tag(path, format, title, artists, cover(seed))


def compose(*, bpm: float, key: keys.Key, seconds: float, style: Style, seed: int) -> NDArray[np.float32]:
    """The sound of a piece, shape (n, 2), at 48 kHz, peaks at -1 dBFS."""
    score = _Score(bpm, key, seconds, PATTERNS[style], np.random.default_rng(seed))
    score.play()
    return score.mixed()


class _Score:
    """A piece being put together, voice by voice, on four stereo tracks."""

    def __init__(
        self, bpm: float, key: keys.Key, seconds: float, pattern: Pattern, rng: np.random.Generator
    ) -> None:
        self._step = 15 / bpm * RATE
        self._length = round(seconds * RATE)
        self._key = key
        self._scale = SCALES[key.mode]
        self._pattern = pattern
        self._rng = rng
        choices = PROGRESSIONS[key.mode]
        self._progression = choices[int(rng.integers(len(choices)))]
        self._drums = np.zeros((self._length, 2), np.float32)
        self._music = np.zeros((self._length, 2), np.float32)
        self._notes: dict[tuple[str, int, int], Sound] = {}

    def play(self) -> None:
        """Play all bars."""
        kit = (
            ("kick", _kick(), 0.95, 0.0),
            ("snare", _snare(self._rng), 0.5, 0.06),
            ("hat", _hat(self._rng), 0.22, -0.3),
        )
        bars = math.ceil(self._length / self._step / BAR)
        motif = self._motif()
        for bar in range(bars):
            first = bar * BAR
            degree = 0 if bar == bars - 1 else self._progression[bar % len(self._progression)]
            for name, sound, level, side in kit:
                for i, accent in _hits(getattr(self._pattern, name)):
                    self._put(self._drums, first + i, sound, level * accent, side)
            self._play_bass(first, degree)
            self._play_chords(first, degree)
            if bar % 8 >= 2:  # noqa: PLR2004 - two bars of rest in eight
                self._play_melody(first, motif[bar % 2])

    def mixed(self) -> NDArray[np.float32]:
        """The mix: the music ducks under the kick a little, a short echo, a fade at the end."""
        echo = round(3 * self._step)
        music = self._music.copy()
        if echo < self._length:
            music[echo:] += 0.22 * self._music[:-echo, ::-1]
        mix = self._drums + music
        mix = np.tanh(1.4 * mix / max(float(np.abs(mix).max()), 1e-9))
        fade = min(round(TAIL_S * RATE), self._length)
        mix[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None] ** 2
        louder: NDArray[np.float32] = (mix * (10 ** (-1 / 20) / np.abs(mix).max())).astype(np.float32)
        return louder

    def _motif(self) -> list[list[tuple[int, int, int]]]:
        """Two bars of melody: (step, degree, length), from the chord tones of the tonic and home again."""
        bars = []
        for end in (4, 0):
            notes, step, degree = [], 0, int(self._rng.choice([0, 2, 4]))
            while step < 12:  # noqa: PLR2004 - the last beat is the long note's
                length = int(self._rng.choice([2, 2, 4]))
                notes.append((step, degree, length))
                degree = int(np.clip(degree + self._rng.choice([-2, -1, 1, 2]), 0, 5))
                step += length
            bars.append([*notes, (12, end, 4)])
        return bars

    def _play_bass(self, first: int, degree: int) -> None:
        for i, accent in _hits(self._pattern.bass):
            self._put(
                self._music, first + i, self._note("bass", self._pitch(degree, 2), 2), 0.5 * accent, 0.0
            )

    def _play_chords(self, first: int, degree: int) -> None:
        rests = [i for i, _ in _hits(self._pattern.chords)] + [BAR]
        for (i, accent), until in zip(_hits(self._pattern.chords), rests[1:], strict=True):
            length = min(until - i, 8) if len(rests) > 2 else BAR  # noqa: PLR2004 - one chord a bar is held
            for voice, tone in enumerate((0, 2, 4)):
                pitch = self._pitch(degree + tone, 4) + self._leading(degree, tone)
                while pitch > 12 * 5 + 7:  # close voicing, below the melody
                    pitch -= 12
                self._put(
                    self._music,
                    first + i,
                    self._note("chord", pitch, length),
                    0.17 * accent,
                    (-0.4, 0.0, 0.4)[voice],
                )

    def _leading(self, degree: int, tone: int) -> int:
        """A minor key's dominant takes the leading note, without which it would pass for its relative major."""
        return 1 if (self._key.mode, degree, tone) == ("minor", 4, 2) else 0

    def _play_melody(self, first: int, notes: list[tuple[int, int, int]]) -> None:
        for i, degree, length in notes:
            self._put(self._music, first + i, self._note("lead", self._pitch(degree, 5), length), 0.2, 0.15)

    def _pitch(self, degree: int, octave: int) -> int:
        up, place = divmod(degree, 7)
        return 12 * (octave + 1 + up) + self._key.tonic + self._scale[place]

    def _note(self, voice: str, pitch: int, steps: int) -> Sound:
        known = self._notes.get((voice, pitch, steps))
        if known is None:
            play = {"bass": _bass, "chord": _chord, "lead": _lead}[voice]
            hertz = 440 * 2 ** ((pitch - 69) / 12)
            known = play(hertz, steps * self._step / RATE, self._pattern.brightness)
            self._notes[voice, pitch, steps] = known
        return known

    def _put(self, track: NDArray[np.float32], step: int, sound: Sound, level: float, side: float) -> None:
        start = round(step * self._step)
        room = min(len(sound), self._length - start)
        if room > 0:
            track[start : start + room, 0] += np.float32(level * (1 - side)) * sound[:room]
            track[start : start + room, 1] += np.float32(level * (1 + side)) * sound[:room]


def _hits(pattern: str) -> list[tuple[int, float]]:
    return [(i, 1.0 if c == "x" else 0.5) for i, c in enumerate(pattern) if c != "."]


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(max(1, round(seconds * RATE))) / RATE


def _kick() -> Sound:
    t = _time(0.28)
    phase = 2 * np.pi * (48 * t + 110 * 0.03 * (1 - np.exp(-t / 0.03)))
    return ((np.sin(phase) * np.exp(-t / 0.09)) + 0.3 * np.exp(-t / 0.003)).astype(np.float32)


def _snare(rng: np.random.Generator) -> Sound:
    t = _time(0.2)
    noise = np.diff(rng.standard_normal(len(t) + 1)) * 0.5
    return (noise * np.exp(-t / 0.055) + 0.4 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.03)).astype(
        np.float32
    )


def _hat(rng: np.random.Generator) -> Sound:
    t = _time(0.07)
    return (np.diff(rng.standard_normal(len(t) + 2), 2) * 0.4 * np.exp(-t / 0.016)).astype(np.float32)


def _harmonics(
    hertz: float, t: NDArray[np.float64], falls: Callable[[int], NDArray[np.float64] | float], most: int
) -> NDArray[np.float64]:
    wave = np.zeros(len(t))
    for n in range(1, most + 1):
        if n * hertz > RATE * 0.4:
            break
        wave += falls(n) * np.sin(2 * np.pi * n * hertz * t)
    return wave


def _shape(
    t: NDArray[np.float64], seconds: float, attack: float, decay: float, release: float
) -> NDArray[np.float64]:
    envelope = np.minimum(t / attack, 1) * (0.35 + 0.65 * np.exp(-t / decay))
    return envelope * np.clip((seconds + release - t) / release, 0, 1)


def _bass(hertz: float, seconds: float, brightness: float) -> Sound:
    t = _time(seconds + 0.03)
    wave = _harmonics(hertz, t, lambda n: n**-1.3 * np.exp(-t * n * (1.5 - brightness) * 2), 10)
    return (wave * _shape(t, seconds, 0.004, 0.25, 0.03)).astype(np.float32)


def _chord(hertz: float, seconds: float, brightness: float) -> Sound:
    t = _time(seconds + 0.12)
    steep = 2.2 - brightness
    wave = _harmonics(hertz * 1.0015, t, lambda n: n**-steep, 9) + _harmonics(
        hertz / 1.0015, t, lambda n: n**-steep, 9
    )
    return (0.6 * wave * _shape(t, seconds, 0.008, 0.3, 0.12)).astype(np.float32)


def _lead(hertz: float, seconds: float, brightness: float) -> Sound:
    t = _time(seconds * 0.92 + 0.08)
    vibrato = 1 + 0.0015 * np.sin(2 * np.pi * 5.5 * t) * np.clip(t / 0.3, 0, 1)
    phase = np.cumsum(vibrato) / RATE
    wave = _harmonics(hertz, phase, lambda n: n ** (-1.8 + 0.5 * brightness) if n % 2 else 0.3 * n**-2.0, 8)
    return (wave * _shape(t, seconds * 0.92, 0.012, 0.4, 0.08)).astype(np.float32)


def cover(seed: int) -> bytes:
    """A small abstract record cover, a JPEG of 500 x 500 pixels."""
    rng = np.random.default_rng(seed + 1)
    side = 500
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    angle = rng.uniform(0, 2 * np.pi)
    mix = np.clip(0.5 + (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)), 0, 1)[..., None]
    ground = (1 - mix) * rng.uniform(10, 110, 3) + mix * rng.uniform(90, 235, 3)
    image = Image.fromarray(ground.astype(np.uint8), "RGB")
    glow = Image.new("RGB", image.size)
    pen = ImageDraw.Draw(glow)
    for radius in sorted(rng.uniform(20, 240, 5), reverse=True):
        centre = rng.uniform(0.25, 0.75, 2) * side
        colour = tuple(int(c) for c in rng.uniform(40, 255, 3))
        pen.ellipse((*(centre - radius), *(centre + radius)), outline=colour, width=int(rng.integers(3, 26)))
    lines = np.asarray(glow.filter(ImageFilter.GaussianBlur(1.2)), np.int16)
    image = Image.fromarray(np.clip(np.asarray(image, np.int16) + lines // 2, 0, 255).astype(np.uint8), "RGB")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=86)
    return file.getvalue()


def _encode(path: str, stereo: NDArray[np.float32], form: Format) -> None:
    codec, container, bit_rate, options = ENCODERS[form]
    with av.open(f"file:{path}", "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=RATE, options=options)
        assert isinstance(stream, AudioStream)  # noqa: S101 - narrowing: the codec is an audio codec
        stream.layout = "stereo"
        if bit_rate:
            stream.bit_rate = bit_rate
        for start in range(0, len(stereo), BLOCK):
            block: Any = np.ascontiguousarray(stereo[start : start + BLOCK].T)
            frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate = RATE
            frame.pts = start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _tag(path: str, form: Format, title: str, artists: tuple[str, ...], picture: bytes) -> None:
    if form in {"m4a", "wav"}:
        fmt: Literal["M4A", "WAV"] = "M4A" if form == "m4a" else "WAV"
        tags.write(path, fmt, tags.TrackTags(title=title, artists=artists, artwork=picture))
        return
    if form == "mp3":
        mp3 = MP3(Path(path))
        tags.fill_id3(mp3, tags.TrackTags(title=title, artists=artists, artwork=picture))
        return
    file: Any = FLAC(path) if form == "flac" else OggOpus(path)
    file["title"], file["artist"] = title, list(artists)
    front = Picture()
    front.type, front.mime, front.data = PictureType.COVER_FRONT, "image/jpeg", picture
    if form == "flac":
        file.add_picture(front)
    else:
        file["metadata_block_picture"] = base64.b64encode(front.write()).decode()
    file.save()
