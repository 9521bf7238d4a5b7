"""The waveform picture: its size, its figures, its shape and colours follow the sound."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from music_workflow.metadata import waveform
from music_workflow.metadata.waveform import Envelope, EnvelopeMeter
from music_workflow.model import Analysis

RATE = 48_000
FIGURES = Analysis(
    duration_s=20.0,
    bpm=124.0,
    bpm_confidence=0.9,
    key="A minor",
    camelot="8A",
    key_confidence=0.8,
    loudness_lufs=-9.0,
    true_peak_db=-1.0,
)
UNKNOWN = Analysis(
    duration_s=20.0,
    bpm=None,
    bpm_confidence=0.0,
    key=None,
    camelot=None,
    key_confidence=0.0,
    loudness_lufs=None,
    true_peak_db=None,
)


def envelope(samples: NDArray[np.float32], registers: tuple[float, float, float] = (1, 1, 1)) -> Envelope:
    meter = EnvelopeMeter(RATE)
    for start in range(0, len(samples), 10_007):
        meter.feed(samples[start : start + 10_007])
    power = np.tile(np.array(registers, np.float32)[:, None], (1, 2000))
    return meter.finish(power)


def noise(seconds: float, level: float = 0.5) -> NDArray[np.float32]:
    return (np.random.default_rng(0).uniform(-level, level, (round(seconds * RATE), 2))).astype(np.float32)


def drawn(
    outline: Envelope, figures: Analysis = FIGURES, title: str = "Somebody - Something"
) -> NDArray[np.int16]:
    image = Image.open(io.BytesIO(waveform.draw(outline, figures, title=title)))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"), np.int16)


def wave_area(pixels: NDArray[np.int16]) -> NDArray[np.int16]:
    return pixels[waveform.HEADER : waveform.HEIGHT - waveform.FOOTER, waveform.MARGIN : -waveform.MARGIN]


def test_picture_has_its_size() -> None:
    """The picture is 1600 by 400, the shape that fills a page's width."""
    assert drawn(envelope(noise(20))).shape == (400, 1600, 3)


def test_loud_half_is_taller_than_quiet_half() -> None:
    """The waveform is high where the music is loud and low where it is quiet."""
    pixels = wave_area(drawn(envelope(np.concatenate([noise(10, 0.1), noise(10, 0.9)]))))
    lit = (pixels.max(axis=2) > 60).sum(axis=0)

    assert lit[800:].mean() > 4 * lit[:700].mean()


@pytest.mark.parametrize(("registers", "channel"), [((1, 0, 0), 0), ((0, 0, 1), 2)])
def test_colour_follows_the_register(registers: tuple[float, float, float], channel: int) -> None:
    """Bass is drawn warm, treble cold."""
    pixels = wave_area(drawn(envelope(noise(20), registers)))
    colour = pixels[pixels.shape[0] // 2, 100:1400].mean(axis=0)

    assert int(np.argmax(colour)) == channel


def test_figures_stand_on_the_picture_only_when_known() -> None:
    """Tempo, key and Camelot are written when there are any, and nothing takes their place when there are none."""
    outline = envelope(noise(20))
    known, unknown = drawn(outline), drawn(outline, UNKNOWN)
    header = slice(0, waveform.HEADER)

    assert (known[header, 1000:1450].max(axis=2) > 150).sum() > 2000
    assert (unknown[header, 1000:1400] == np.array(waveform.BACKGROUND)).all()


@pytest.mark.parametrize("title", ["", "月はどこ - Гости", "A very long title " * 20, "😀"])
def test_any_title_can_be_drawn(title: str) -> None:
    """Empty, non-Latin and endless titles give a picture; a long one stops before the figures."""
    pixels = drawn(envelope(noise(1)), FIGURES, title)

    assert pixels.shape == (400, 1600, 3)
    assert (pixels[26:64, 1100:1115] == np.array(waveform.BACKGROUND)).all()


def test_silence_and_a_moment_of_sound_are_drawn() -> None:
    """Silence, and a file shorter than one step of the outline, still give a picture."""
    assert drawn(envelope(np.zeros((RATE, 2), np.float32)), UNKNOWN).shape == (400, 1600, 3)
    assert drawn(envelope(noise(0.004)), UNKNOWN).shape == (400, 1600, 3)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (187.4, "3:07"), (3600, "1:00:00"), (7265, "2:01:05")]
)
def test_clock(seconds: float, text: str) -> None:
    """Times read as on a player."""
    assert waveform.clock(seconds) == text


def test_neighbours_on_the_wheel_look_alike() -> None:
    """Keys that mix well have similar colours, opposite ones do not."""
    here, beside, across = (np.array(waveform.camelot_colour(c)) for c in ("8A", "9A", "2A"))

    assert np.abs(here - beside).sum() < np.abs(here - across).sum()
