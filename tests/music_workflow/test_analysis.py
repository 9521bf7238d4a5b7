"""The analysis on sound whose truth is known: made here, and the four real recordings where they are at hand."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from music_workflow import synthesizer
from music_workflow.errors import BadLink
from music_workflow.metadata import analysis, keys, onsets, tempo, tonality

RECORDINGS = Path(__file__).resolve().parents[2] / ".." / "shared" / "audio"
RATE = 22_050
Sound = NDArray[np.float64]


def write_wav(path: Path, mono: Sound) -> str:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(mono, -1, 1) * 32767).astype("<i2").tobytes())
    return str(path)


def clicks(bpm: float, seconds: float) -> Sound:
    """Short bursts on each beat, every fourth lower and louder."""
    sound = np.zeros(round(seconds * RATE))
    t = np.arange(2000) / RATE
    for beat in range(int(seconds * bpm / 60)):
        start = round(beat * 60 / bpm * RATE)
        burst = np.sin(2 * np.pi * (90 if beat % 4 == 0 else 1200) * t) * np.exp(-t / 0.02)
        room = min(len(burst), len(sound) - start)
        sound[start : start + room] += (0.9 if beat % 4 == 0 else 0.5) * burst[:room]
    return sound


def chord(pitches: list[int], seconds: float) -> Sound:
    t = np.arange(round(seconds * RATE)) / RATE
    tones = [np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * n * t) / n for p in pitches for n in (1, 2, 3)]
    return np.asarray(np.sum(tones, axis=0) * np.exp(-t) / (2 * len(pitches)))


def feed(sound: Sound, block: int) -> analysis.Figures:
    analyzer = analysis.Analyzer()
    for start in range(0, len(sound), block):
        analyzer.feed(sound[start : start + block].astype(np.float32))
    return analyzer.finish()


@pytest.mark.parametrize("bpm", [84.0, 100.5, 127.3, 140.0])
def test_click_track_to_a_tenth(bpm: float, tmp_path: Path) -> None:
    """The tempo of a click track comes out within 0.1 BPM, the octave aside, and its length exactly."""
    found = analysis.analyze_file(write_wav(tmp_path / "clicks.wav", clicks(bpm, 30)), loudness=False)

    assert found.bpm is not None
    ratio = found.bpm / bpm
    assert min(abs(found.bpm - f * bpm) / f for f in (0.5, 1, 2)) <= 0.1, ratio
    assert found.duration_s == pytest.approx(30)


@pytest.mark.parametrize("tonic", [0, 3, 6, 9])
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_cadences_in_every_mode(tonic: int, mode: keys.Mode, tmp_path: Path) -> None:
    """A plain cadence, tonic, subdominant, dominant, tonic, is heard in its key."""
    third = 4 if mode == "major" else 3
    root = 48 + tonic
    bars = [[0, third, 7], [5, 5 + third, 12], [7, 11, 14], [0, third, 7]]
    sound = np.concatenate([chord([root + p for p in [bar[0] - 12, *bar]], 1.5) for bar in bars * 2])
    found = analysis.analyze_file(write_wav(tmp_path / "cadence.wav", sound), loudness=False)

    assert found.key == keys.Key(tonic, mode).name
    assert found.camelot == keys.Key(tonic, mode).camelot


def test_the_ending_tells_relative_keys_apart(tmp_path: Path) -> None:
    """The same four chords over and over are in C major when they come to rest on C, in A minor when on A."""
    loop = [[48, 60, 64, 67], [45, 57, 60, 64], [53, 60, 65, 69], [52, 59, 64, 67]]
    rest = {"C major": [36, 48, 60, 64, 67], "A minor": [33, 45, 57, 60, 64]}
    found = {}
    for name, last in rest.items():
        sound = np.concatenate([chord(each, 1.0) for each in loop * 5] + [chord(last, 2.0)] * 3)
        found[name] = analysis.analyze_file(write_wav(tmp_path / "loop.wav", sound), loudness=False).key

    assert found == {name: name for name in rest}


def test_detuned_music_keeps_its_key() -> None:
    """A recording played a third of a semitone sharp is measured as such and heard in its own key."""
    sound = synthesizer.compose(bpm=100, key=keys.parse("C major"), seconds=20, style="pop", seed=1)[:, 0]
    smooth = np.convolve(sound, np.ones(4) / 4, "same")
    stride = synthesizer.RATE / onsets.RATE * 2 ** (0.33 / 12)
    sharp = np.interp(np.arange(0, len(smooth) - 1, stride), np.arange(len(smooth)), smooth)
    meter = tonality.PitchMeter()
    meter.feed(sharp.astype(np.float32))
    chroma = meter.chroma()
    found = tonality.estimate(chroma)

    assert chroma is not None
    assert chroma.tuning == pytest.approx(0.33, abs=0.03)
    assert found is not None
    assert found.key.name == "C major"


def test_block_size_does_not_matter(tmp_path: Path) -> None:
    """The same sound gives the same tempo, first beat and key however it arrives."""
    sound = synthesizer.compose(bpm=120, key=keys.parse("G minor"), seconds=20, style="house", seed=2)[:, 0]
    mono = (
        sound[: len(sound) // 4 * 4].reshape(-1, 4).mean(axis=1)
    )  # 12 kHz: near enough to the analysis' rate
    one, other = feed(mono, 65_536), feed(mono, 8_191)

    assert one.tempo is not None
    assert other.tempo is not None
    assert one.tonality is not None
    assert other.tonality is not None
    assert one.tempo.bpm == pytest.approx(other.tempo.bpm, abs=0.05)
    assert one.tonality.key == other.tonality.key


def test_first_beat_is_where_the_kick_is() -> None:
    """The grid's first beat falls on the low drum, wherever the music starts."""
    for late in (0.0, 0.2):
        sound = np.concatenate([np.zeros(round(late * onsets.RATE)), kicks(120, 20)])
        found = feed(sound, 40_000).tempo
        assert found is not None
        beat = 60 / found.bpm
        distance = abs((found.first_beat_s - late + beat / 2) % beat - beat / 2)
        assert distance < 0.03


def kicks(bpm: float, seconds: float) -> Sound:
    sound = np.zeros(round(seconds * onsets.RATE))
    t = np.arange(1500) / onsets.RATE
    burst = np.sin(2 * np.pi * 60 * t) * np.exp(-t / 0.05)
    for beat in range(int(seconds * bpm / 60) - 1):
        start = round(beat * 60 / bpm * onsets.RATE)
        sound[start : start + len(burst)] += burst
    return sound


@pytest.mark.parametrize("kind", ["silence", "noise", "tone"])
def test_nothing_is_invented(kind: str, tmp_path: Path) -> None:
    """Silence has no tempo and no key, noise neither, a lone held tone no tempo; confidences are zero."""
    t = np.arange(15 * RATE) / RATE
    sound = {
        "silence": np.zeros(15 * RATE),
        "noise": np.random.default_rng(0).normal(0, 0.2, 15 * RATE),
        "tone": 0.4 * np.sin(2 * np.pi * 440 * t),
    }[kind]
    found = analysis.analyze_file(write_wav(tmp_path / "sound.wav", sound))

    assert found.bpm is None
    assert found.bpm_confidence == 0
    if kind != "tone":
        assert found.key is None
        assert found.camelot is None
        assert found.key_confidence == 0


@pytest.mark.parametrize("seconds", [0.02, 1.0, 2.9])
def test_short_files_have_a_length_and_no_figures(seconds: float, tmp_path: Path) -> None:
    """A moment of music is measured for its length and nothing is guessed from it."""
    found = analysis.analyze_file(write_wav(tmp_path / "short.wav", clicks(120, seconds)))

    assert found.duration_s == pytest.approx(seconds, abs=0.001)
    assert found.bpm is None
    assert found.key is None


def test_memory_stays_flat() -> None:
    """Half an hour of sound costs far less than its samples take."""
    script = (
        "import resource, numpy as np\n"
        "from music_workflow.metadata.analysis import Analyzer\n"
        "noise = np.random.default_rng(0).normal(0, .1, 11025 * 60).astype(np.float32)\n"
        "noise[::5512] = 1\n"
        "analyzer = Analyzer(); analyzer.feed(noise)\n"
        "analyzer.feed(noise); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for minute in range(30): analyzer.feed(noise)\n"
        "analyzer.finish()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024

    assert int(done.stdout) * unit < 40e6  # the samples alone are 79 MB


def test_text_is_no_audio(tmp_path: Path) -> None:
    """A text file raises an error that names it."""
    path = tmp_path / "letter.mp3"
    path.write_text("Dear Sir or Madam, " * 500, encoding="utf-8")
    with pytest.raises(BadLink, match=r"letter\.mp3"):
        analysis.analyze_file(str(path))


def test_confidence_says_how_sure_it_is(tmp_path: Path) -> None:
    """Plain music in a key is surer than one note that many keys share."""
    scale = synthesizer.compose(bpm=110, key=keys.parse("D minor"), seconds=20, style="pop", seed=0)[:, 0]
    plain = analysis.analyze_file(
        write_wav(tmp_path / "plain.wav", scale[::2].astype(np.float64)), loudness=False
    )
    t = np.arange(20 * RATE) / RATE
    bare = analysis.analyze_file(
        write_wav(tmp_path / "bare.wav", 0.3 * np.sin(2 * np.pi * 220 * t)), loudness=False
    )

    assert plain.key_confidence > bare.key_confidence
    assert 0 <= bare.key_confidence <= 1


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the shared recordings are not beside the repository")
@pytest.mark.parametrize(
    ("name", "tempos", "key"),
    [
        ("Kevin MacLeod - Vibe Ace.ogg", (65.0, 130.0), None),
        ("Kevin MacLeod - Dance of the Sugar Plum Fairy.ogg", (55.8, 111.7), "E minor"),
        ("Karissa Hobbs - Let's Go Fishin'.ogg", (88.5, 117.9, 177.0), "Bb major"),
    ],
)
def test_real_recordings(name: str, tempos: tuple[float, ...], key: str | None) -> None:
    """The real recordings come out at a tempo that a listener taps, and in their key."""
    found = analysis.analyze_file(str(RECORDINGS / name))

    assert found.bpm is not None
    assert any(abs(found.bpm / t - 1) < 0.02 for t in tempos)
    assert key in (None, found.key)
    assert found.loudness_lufs is not None
    assert -24 < found.loudness_lufs < -8


def test_tempo_grid_reaches_the_edges() -> None:
    """Candidates run from 55 to 215 BPM, half a percent apart."""
    grid = tempo.candidates()

    assert (grid[0], grid[-1]) == pytest.approx((55, 215))
    assert np.diff(np.log(grid)).max() < 0.005
