"""Generates the pieces that the analysis is trained on: drums alone, classical textures, songs, all of known truth.

    python benchmarks/train_corpus.py FOLDER --count 300

Each piece is a pure function of its number. It is written as MIDI and played by fluidsynth (Debian: ``fluidsynth
fluid-soundfont-gm timgm6mb-soundfont musescore-general-soundfont-small``). The pieces are deliberately unlike the songs
of other generators that results are judged on: random grooves instead of a list, functional harmony with modulations,
rubato, human time. FOLDER gets WAV files and ``manifest_corpus.json`` in the form of the other sets.
"""

from __future__ import annotations

import argparse
import itertools
import json
import struct
import subprocess
import tempfile
import wave
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
SOUNDFONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
)
TICKS_PER_S = 960
DRUM_CHANNEL = 9
KICK, SNARE, SIDE, CLAP, CLOSED, OPEN, PEDAL, RIDE, CRASH, SHAKER, TAMB = (
    36,
    38,
    37,
    39,
    42,
    46,
    44,
    51,
    49,
    70,
    54,
)
TOMS = (48, 45, 41)


@dataclass
class Piece:
    """A piece being written: its truth and its notes."""

    genre: str
    bpm: float
    rng: np.random.Generator
    tonic: int | None = None
    mode: str = "major"
    tuning: float = 0.0
    programs: dict[int, int] = field(default_factory=dict)
    notes: list[tuple[float, int, int, int, float]] = field(default_factory=list)
    """Start in s, channel, pitch, velocity, length in s."""
    beats: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Time of each beat."""
    jitter_s: float = 0.0

    def lay_beats(self, seconds: float, drift: float, phrase: int = 0) -> None:
        """Set the time of each beat: a slow random walk around the tempo, phrase ends held back when asked."""
        count = int(seconds * self.bpm / 60) + 12
        walk = np.cumsum(self.rng.standard_normal(count)) * drift / 5
        walk = np.clip(walk - walk.mean(), -2 * drift, 2 * drift)
        speed = 1 + walk
        if phrase:
            speed[phrase - 1 :: phrase] *= self.rng.uniform(0.8, 0.97)
        self.beats = np.concatenate([[0.1], 0.1 + np.cumsum(60 / (self.bpm * speed))])
        self.bpm = round(float(60 / np.median(np.diff(self.beats))), 3)

    def at(self, beat: float) -> float:
        """Time of a place between beats."""
        return float(np.interp(beat, np.arange(len(self.beats)), self.beats))

    def add(self, beat: float, channel: int, pitch: int, velocity: float, beats: float) -> None:
        """Add a note, as humanly late or early as the piece's players are."""
        if beat >= len(self.beats) - 2:
            return
        start = max(0.0, self.at(beat) + self.rng.normal(0, 1) * self.jitter_s)
        length = max(0.05, (self.at(beat + beats) - self.at(beat)) * 0.93)
        loud = int(np.clip(velocity + self.rng.normal(0, 6), 12, 127))
        self.notes.append((start, channel, int(np.clip(pitch, 12, 115)), loud, length))

    def pitch(self, degree: int, octave: int, tonic: int | None = None, mode: str | None = None) -> int:
        """A scale degree (0 the tonic) as a MIDI pitch."""
        up, place = divmod(degree, 7)
        base = self.tonic if tonic is None else tonic
        return 12 * (octave + 1 + up) + (base or 0) + SCALES[mode or self.mode][place]


# ---------------------------------------------------------------- drums


def drums_alone(rng: np.random.Generator) -> Piece:
    """A drummer or a machine, alone."""
    piece = Piece("drums", float(rng.uniform(62, 190)), rng)
    human = rng.random() < 0.75
    piece.jitter_s = float(rng.uniform(0.003, 0.012)) if human else 0.0
    piece.programs[DRUM_CHANNEL] = int(rng.choice([0, 0, 8, 16, 24, 25, 32, 40]))
    piece.lay_beats(rng.uniform(25, 50), 0.008 if human and rng.random() < 0.5 else 0.0)
    play_drums(piece, groove(rng, piece.bpm), int(rng.choice([4, 4, 4, 4, 3])))
    return piece


@dataclass
class Groove:
    """Probabilities turned into a bar: hits by instrument on a grid of so many steps a beat."""

    per_beat: int
    swing: float
    hits: dict[int, list[tuple[int, float]]]
    """Instrument: (step, velocity)."""


def groove(rng: np.random.Generator, bpm: float) -> Groove:
    """Make up a groove that suits the tempo: backbeat, half time, four on the floor, shuffle or straight eighths."""
    triple = rng.random() < 0.18
    per_beat = 3 if triple else 4
    bar = 4 * per_beat
    kinds = (
        ["backbeat"] * 4 + ["floor"] * 2 + (["half"] if bpm > 120 else []) + (["double"] if bpm < 95 else [])
    )
    kind = str(rng.choice(kinds))
    hits: dict[int, list[tuple[int, float]]] = {}
    busy = rng.uniform(0.05, 0.4)
    kick = [
        i for i in range(bar) if i and i % per_beat and rng.random() < busy * (0.6 if i % 2 == 0 else 0.25)
    ]
    base = {"floor": range(0, bar, per_beat), "half": (0,), "double": (0, 2 * per_beat)}.get(
        kind, (0, 2 * per_beat)
    )
    hits[KICK] = [(i, 108.0) for i in sorted({*base, *kick})]
    back = {
        "half": [2 * per_beat],
        "double": [i + per_beat // 2 for i in range(0, bar, per_beat)]
        if not triple
        else [per_beat, 3 * per_beat],
    }
    snare = int(rng.choice([SNARE, SNARE, SNARE, CLAP, SIDE]))
    hits[snare] = [(i, 106.0) for i in back.get(kind, [per_beat, 3 * per_beat])]
    if rng.random() < 0.4:
        hits[snare] += [(i, 42.0) for i in range(bar) if i % 2 and rng.random() < 0.2]
    top = int(rng.choice([CLOSED, CLOSED, CLOSED, RIDE, OPEN, SHAKER, TAMB]))
    density = int(rng.choice([1, 2, 2, 2, 4])) if not triple else int(rng.choice([1, 3, 3]))
    stride = max(1, per_beat // density)
    hits[top] = [(i, 88.0 if i % per_beat == 0 else 66.0) for i in range(0, bar, stride)]
    if rng.random() < 0.3:
        hits[OPEN] = [(i, 80.0) for i in range(per_beat // 2, bar, per_beat)]
    return Groove(per_beat, 0.5 if triple or rng.random() < 0.6 else float(rng.uniform(0.52, 0.66)), hits)


def play_drums(piece: Piece, pattern: Groove, meter: int = 4) -> None:
    """Play a groove to the end, with fills and crashes."""
    rng = piece.rng
    bars = len(piece.beats) // meter
    per_beat = pattern.per_beat
    for bar in range(bars):
        fill = bar % 4 == 3 and rng.random() < 0.4
        for instrument, hits in pattern.hits.items():
            for step, velocity in hits:
                beat, part = divmod(step, per_beat)
                if beat >= meter or (fill and beat == meter - 1):
                    continue
                late = (pattern.swing - 0.5) / per_beat * 2 if part % 2 else 0.0
                piece.add(
                    bar * meter + beat + part / per_beat + late, DRUM_CHANNEL, instrument, velocity, 0.2
                )
        if fill:
            for part in range(per_beat):
                drum = int(rng.choice([SNARE, *TOMS]))
                piece.add(bar * meter + meter - 1 + part / per_beat, DRUM_CHANNEL, drum, 84 + 6 * part, 0.2)
        if bar % 8 == 0 and rng.random() < 0.7:
            piece.add(bar * meter, DRUM_CHANNEL, CRASH, 92, 2)


# ---------------------------------------------------------------- harmony

PHRASES = {
    "major": (
        (0, 3, 4, 0),
        (0, 5, 1, 4),
        (0, 4, 0, 4),
        (0, 1, 4, 0),
        (0, 3, 0, 4),
        (5, 1, 4, 0),
        (0, 4, 5, 3),
        (3, 4, 0, 5),
    ),
    "minor": (
        (0, 3, 4, 0),
        (0, 5, 3, 4),
        (0, 4, 0, 4),
        (0, 6, 5, 4),
        (0, 3, 6, 2),
        (5, 3, 4, 0),
        (0, 5, 2, 6),
        (0, 6, 5, 6),
    ),
}


@dataclass
class Chord:
    """A chord in its key of the moment."""

    degree: int
    tonic: int
    mode: str
    dominant: bool
    """Whether a minor key's fifth degree gets its leading note."""

    def tones(self) -> list[int]:
        """Pitch classes, root first."""
        scale = SCALES[self.mode]
        tones = [(self.tonic + scale[(self.degree + i) % 7]) % 12 for i in (0, 2, 4)]
        if self.dominant and self.mode == "minor" and self.degree == 4:
            tones[1] = (tones[1] + 1) % 12
        return tones


def harmony(piece: Piece, count: int, leaves: float, leading: float) -> list[Chord]:
    """So many chords: phrases in the key, now and then one in a neighbouring key, home at the end."""
    rng = piece.rng
    chords: list[Chord] = []
    if piece.tonic is None:
        raise ValueError("A piece without a key has no harmony.")
    while len(chords) < count:
        tonic, mode = piece.tonic, piece.mode
        if len(chords) >= 8 and rng.random() < leaves:
            away = str(rng.choice(["dominant", "relative", "subdominant"]))
            if away == "relative":
                tonic, mode = (
                    (tonic + (9 if mode == "major" else 3)) % 12,
                    "minor" if mode == "major" else "major",
                )
            else:
                tonic = (tonic + (7 if away == "dominant" else 5)) % 12
        phrase = PHRASES[mode][int(rng.integers(len(PHRASES[mode])))]
        dominant = rng.random() < leading
        chords += [Chord(d, tonic, mode, dominant) for d in phrase]
    chords = chords[:count]
    home = [
        Chord(4, piece.tonic, piece.mode, leading > 0.5),
        Chord(0, piece.tonic, piece.mode, dominant=False),
    ]
    return [*chords[:-2], *home] if count > 4 else chords


def near(pitch_class: int, centre: float) -> int:
    """The pitch of a class nearest to a centre."""
    return int(round((centre - pitch_class) / 12) * 12 + pitch_class)


def melody(
    piece: Piece,
    first: float,
    beats: int,
    chord: Chord,
    centre: int,
    channel: int,
    *,
    velocity: float,
    fast: float,
) -> None:
    """A line over a chord: chord tones on the beat, neighbours between."""
    rng = piece.rng
    scale = [(chord.tonic + s) % 12 for s in SCALES[chord.mode]]
    beat = 0.0
    while beat < beats - 0.01:
        length = float(rng.choice([0.5, 1, 1, 1.5, 2] if rng.random() > fast else [0.25, 0.5, 0.5]))
        length = min(length, beats - beat)
        if rng.random() < 0.88:
            source = chord.tones() if beat % 1 == 0 else scale
            pitch = near(int(rng.choice(source)), centre + rng.normal(0, 4))
            piece.add(first + beat, channel, pitch, velocity + (8 if beat == 0 else 0), length)
        beat += length


# ---------------------------------------------------------------- classical


def classical(rng: np.random.Generator) -> Piece:
    """Piano, strings, winds or organ; functional harmony, modulations, rubato, no drums."""
    piece = Piece("classical", float(np.exp(rng.normal(np.log(104), 0.33))), rng)
    piece.bpm = float(np.clip(piece.bpm, 56, 200))
    piece.tonic, piece.mode = int(rng.integers(12)), str(rng.choice(["major", "minor"]))
    piece.jitter_s = float(rng.uniform(0, 0.015))
    meter = int(rng.choice([2, 3, 3, 4, 4, 4]))
    piece.lay_beats(
        rng.uniform(35, 65),
        float(rng.choice([0, 0.01, 0.03, 0.05])),
        phrase=int(rng.choice([0, 8, 16])) * meter // 2,
    )
    low, high = [
        (0, 0),
        (6, 6),
        (48, 40),
        (42, 73),
        (19, 19),
        (24, 24),
        (46, 73),
        (32, 71),
        (48, 60),
        (0, 40),
    ][int(rng.integers(10))]
    piece.programs |= {0: low, 1: high, 2: low}
    texture = str(rng.choice(["alberti", "block", "oompah", "chorale", "arpeggio", "running"]))
    bars = len(piece.beats) // meter
    chords = harmony(piece, bars, leaves=float(rng.uniform(0, 0.35)), leading=float(rng.uniform(0.6, 1)))
    fast = float(rng.uniform(0, 0.6))
    for bar, chord in enumerate(chords):
        loud = 70 + 22 * np.sin(bar / 5)
        accompany(piece, bar * meter, meter, chord, texture, loud)
        if texture != "chorale" and bar != bars - 1:
            melody(piece, bar * meter, meter, chord, 74, 1, velocity=loud + 12, fast=fast)
    return piece


def accompany(piece: Piece, first: int, meter: int, chord: Chord, texture: str, loud: float) -> None:
    """One bar of accompaniment."""
    tones = chord.tones()
    root = near(tones[0], 45)
    upper = sorted(near(t, 58) for t in tones)
    if texture == "alberti":
        for i in range(2 * meter):
            piece.add(first + i / 2, 0, upper[(0, 2, 1, 2)[i % 4]], loud - 8, 0.5)
    elif texture == "arpeggio":
        run = [root, *upper, upper[1] + 12, upper[2]]
        for i in range(2 * meter):
            piece.add(first + i / 2, 0, run[i % len(run)], loud - 6, 1)
    elif texture == "oompah":
        piece.add(first, 2, root, loud + 6, 1)
        for beat in range(1, meter):
            for pitch in upper:
                piece.add(first + beat, 0, pitch, loud - 12, 0.5)
    elif texture == "running":
        piece.add(first, 2, root, loud, meter)
        melody(piece, first, meter, chord, 62, 0, velocity=loud - 10, fast=0.95)
    else:
        held_chords(piece, first, meter, [root, *upper], loud, moving=texture == "chorale", tones=tones)


def held_chords(
    piece: Piece, first: int, meter: int, pitches: list[int], loud: float, *, moving: bool, tones: list[int]
) -> None:
    """A chord a bar, or as in a chorale one a beat with a soprano that moves."""
    length = 1 if moving else meter
    for beat in range(0, meter, length):
        soprano = [near(int(piece.rng.choice(tones)), 72)] if moving else []
        for pitch in (*pitches, *soprano):
            piece.add(first + beat, 0, pitch, loud, length)


# ---------------------------------------------------------------- songs


def song(rng: np.random.Generator) -> Piece:
    """Drums, bass, chords and a voice, with a made-up groove and instruments drawn at random."""
    piece = Piece("song", float(np.clip(np.exp(rng.normal(np.log(116), 0.27)), 62, 186)), rng)
    if rng.random() < 0.6:
        piece.bpm = float(round(piece.bpm))
    piece.tonic, piece.mode = int(rng.integers(12)), str(rng.choice(["major", "minor"]))
    machine = rng.random() < 0.5
    piece.jitter_s = 0.0 if machine else float(rng.uniform(0.003, 0.012))
    piece.tuning = float(rng.choice([0, 0, 0, rng.uniform(-45, 45)]))
    piece.lay_beats(rng.uniform(35, 60), 0.0 if machine or rng.random() < 0.5 else 0.01)
    piece.programs |= {
        0: int(rng.choice([0, 4, 5, 16, 24, 25, 27, 28, 29, 30, 48, 50, 62, 80, 81, 88, 89, 90])),
        1: int(rng.choice([52, 53, 54, 56, 64, 65, 66, 73, 80, 81, 82, 85, 26, 0, 11])),
        2: int(rng.choice([32, 33, 34, 35, 36, 38, 39, 87])),
        DRUM_CHANNEL: int(rng.choice([0, 0, 8, 16, 24, 25])),
    }
    pattern = groove(rng, piece.bpm)
    play_drums(piece, pattern)
    bars = len(piece.beats) // 4
    length = int(rng.choice([1, 1, 2]))
    loop = bool(rng.random() < 0.7)
    chords = harmony(
        piece, bars // length + 1, leaves=0.0 if loop else 0.1, leading=float(rng.choice([0, 0, 1]))
    )
    if loop:
        chords = [chords[i % 4] for i in range(len(chords))]
    comp = (
        sorted({0, *(int(i) for i in rng.integers(0, 16, int(rng.integers(1, 6))))})
        if rng.random() < 0.7
        else [0]
    )
    follow = rng.random() < 0.5
    for bar in range(bars):
        chord = chords[bar // length]
        song_bar(
            piece, bar, chord, comp, [s for s, _ in pattern.hits[KICK]] if follow else [], pattern.per_beat
        )
    return piece


def song_bar(piece: Piece, bar: int, chord: Chord, comp: list[int], kicks: list[int], per_beat: int) -> None:
    """One bar of bass, chords and voice."""
    tones = chord.tones()
    root = near(tones[0], 38)
    for beat in [k / per_beat for k in kicks] or [i / 2 for i in range(8)]:
        piece.add(bar * 4 + beat, 2, root + (7 if piece.rng.random() < 0.08 else 0), 98, 0.5)
    places = [*comp, 16]
    for start, end in itertools.pairwise(places):
        for tone in tones:
            piece.add(
                bar * 4 + start / 4, 0, near(tone, 61), 74, min((end - start) / 4, 2) if len(comp) > 1 else 4
            )
    if bar % 8 not in (0, 1) or piece.rng.random() < 0.3:
        melody(piece, bar * 4, 4, chord, 71, 1, velocity=90, fast=0.2)


# ---------------------------------------------------------------- sound

GENRES = (drums_alone, classical, song, classical, song)


def midi(piece: Piece) -> bytes:
    """The piece as a standard MIDI file of one track."""
    events: list[tuple[int, int, bytes]] = []
    tune = round(8192 + piece.tuning / 100 * 8192)
    for channel, program in piece.programs.items():
        events.append((0, 0, bytes([0xC0 | channel, program])))
        if channel != DRUM_CHANNEL:
            for control, value in ((101, 0), (100, 1), (6, tune >> 7), (38, tune & 127)):
                events.append((0, 1, bytes([0xB0 | channel, control, value])))
    for start, channel, pitch, velocity, length in piece.notes:
        events.append((round(start * TICKS_PER_S), 3, bytes([0x90 | channel, pitch, velocity])))
        events.append((round((start + length) * TICKS_PER_S), 2, bytes([0x80 | channel, pitch, 0])))
    track, now = bytearray(b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big")), 0
    for tick, _, message in sorted(events, key=lambda e: e[:2]):
        track += variable_length(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    return (
        struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_PER_S // 2)
        + struct.pack(">4sI", b"MTrk", len(track))
        + track
    )


def variable_length(value: int) -> bytes:
    """MIDI's variable-length number."""
    out = [value & 127]
    while value := value >> 7:
        out.insert(0, value & 127 | 128)
    return bytes(out)


def sound(piece: Piece) -> NDArray[np.float64]:
    """Play a piece and master it: tilt, drive, now and then hiss; shape (n, 2)."""
    rng = piece.rng
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "piece.mid", Path(folder) / "piece.wav"
        source.write_bytes(midi(piece))
        font = SOUNDFONTS[int(rng.integers(len(SOUNDFONTS)))]
        subprocess.run(
            ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", "44100", "-F", str(target), font, str(source)],  # noqa: S607 - from the system
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with wave.open(str(target)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768
    spectrum = np.fft.rfft(samples, axis=0)
    hertz = np.maximum(np.fft.rfftfreq(len(samples), 1 / 44100), 30)
    tilt = np.clip(rng.uniform(-1.5, 1.5) * np.log2(hertz / 1000), -12, 12)
    samples = np.fft.irfft(spectrum * 10 ** (tilt / 20)[:, None], len(samples), axis=0)
    drive = rng.uniform(0.7, 3)
    samples = np.tanh(drive * samples / (np.abs(samples).max() + 1e-9))
    if rng.random() < 0.25:
        samples += rng.standard_normal(samples.shape) * 10 ** (rng.uniform(-60, -42) / 20)
    return 0.95 * samples / (np.abs(samples).max() + 1e-9)


def make(folder: Path, number: int) -> dict[str, object]:
    """Write one piece; returns its line of the manifest."""
    rng = np.random.default_rng(770_000 + number)
    piece = GENRES[number % len(GENRES)](rng)
    samples = sound(piece)
    name = f"cor{number:04d}_{piece.genre}"
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    key = None if piece.tonic is None else f"{PITCH_NAMES[piece.tonic]} {piece.mode}"
    return {
        "id": name, "file": f"{name}.wav", "group": piece.genre, "style": piece.genre, "bpm": piece.bpm, "key": key,
        "split": "train", "seconds": round(len(samples) / 44100, 2),
    }  # fmt: skip


def main() -> None:
    """Write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    numbers = range(arguments.first, arguments.first + arguments.count)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        items = list(pool.map(partial(make, arguments.folder), numbers))
    (arguments.folder / "manifest_corpus.json").write_text(
        json.dumps(items, indent=1) + "\n", encoding="utf-8"
    )
    print(len(items), "pieces,", round(sum(float(str(i["seconds"])) for i in items) / 60, 1), "minutes")


if __name__ == "__main__":
    main()
