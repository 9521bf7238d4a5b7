"""The picture of a track: its waveform, coloured by register, with tempo, key, Camelot and length on it.

Low sounds are warm, high ones cold, so that a breakdown, a drop and an outro can be told apart at a glance.
Called by `music_workflow.core.process`; the picture goes onto the track's page. It measures nothing but the
envelope.
"""

from __future__ import annotations

import colorsys
import io
import math
from dataclasses import dataclass

import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from music_workflow.model import Analysis

STEP_S = 0.01
WIDTH, HEIGHT = 1600, 400
MARGIN = 28
HEADER = 88
FOOTER = 34

BACKGROUND = (11, 14, 20)
FAINT = (38, 45, 58)
TEXT = (232, 236, 243)
MUTED = (138, 149, 168)
REGISTER_COLOURS = np.array([(255, 92, 77), (255, 201, 87), (86, 190, 255)], np.float64)
"""Low, middle, high."""
REGISTER_BALANCE = np.array([1.0, 6.0, 60.0])
"""Music's power falls with frequency; these make the three registers of ordinary music about equal."""
LAST_LATIN = 0x17F


@dataclass(frozen=True, slots=True)
class Envelope:
    """The outline of a piece, a hundred points a second."""

    peak: NDArray[np.float32]
    """Shape (n,): largest absolute sample of each step."""
    rms: NDArray[np.float32]
    """Shape (n,): root mean square of each step."""
    registers: NDArray[np.float32]
    """Shape (3, m): power of the low, middle and high register over the same time."""


class EnvelopeMeter:
    """Follows the outline of a stream."""

    def __init__(self, rate: int) -> None:
        self._step = round(rate * STEP_S)
        self._rest: NDArray[np.float32] | None = None
        self._peaks: list[NDArray[np.float32]] = []
        self._squares: list[NDArray[np.float32]] = []

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take a block of shape (n, channels)."""
        block = samples if self._rest is None else np.concatenate([self._rest, samples])
        whole = len(block) // self._step * self._step
        steps = block[:whole].reshape(-1, self._step * block.shape[1])
        self._peaks.append(np.maximum(steps.max(axis=1, initial=0), -steps.min(axis=1, initial=0)))
        self._squares.append(np.einsum("ij,ij->i", steps, steps) / np.float32(self._step * block.shape[1]))
        self._rest = block[whole:]

    def finish(self, registers: NDArray[np.float32]) -> Envelope:
        """The outline of everything heard, with the registers that the analysis measured."""
        none = np.zeros(0, np.float32)
        return Envelope(
            np.concatenate([none, *self._peaks]), np.sqrt(np.concatenate([none, *self._squares])), registers
        )


def draw(envelope: Envelope, analysis: Analysis, *, title: str) -> bytes:
    """Draw the picture.

    Args:
        envelope: the outline.
        analysis: the figures written on it; those that are None are left out.
        title: written top left, shortened to fit.

    Returns:
        A PNG of 1600 x 400 pixels.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    pen = ImageDraw.Draw(image)
    _draw_times(pen, analysis.duration_s)
    wave = _wave(envelope, WIDTH - 2 * MARGIN, HEIGHT - HEADER - FOOTER)
    image.paste(wave, (MARGIN, HEADER), wave)
    left = _draw_badges(pen, analysis)
    font = ImageFont.load_default(30)
    pen.text((MARGIN, 28), _shorten(_drawable(title), font, left - 2 * MARGIN), TEXT, font)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=4)
    return file.getvalue()


def _wave(envelope: Envelope, width: int, height: int) -> Image.Image:
    """The waveform on a transparent ground: the peaks as a veil, the loudness as a body, in the registers' colours."""
    peak = _columns(envelope.peak, width, largest=True)
    body = np.minimum(_columns(envelope.rms, width) * math.sqrt(2), peak)
    top = max(float(peak.max(initial=0)), 1e-6)
    colour = _colours(envelope.registers, width).astype(np.float32)
    distance = np.abs(np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None] / (height / 2)
    veil = _cover(np.maximum(peak / top, 2 / height), distance, height)
    core = _cover(body / top, distance, height)
    pixels = np.empty((height, width, 4), np.float32)
    pixels[..., :3] = colour[None] * (0.9 + core * (0.1 - 0.28 * distance))[..., None]
    pixels[..., 3] = 118 * veil + 137 * core
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGBA")


def _cover(edge: NDArray[np.float64], distance: NDArray[np.float32], height: int) -> NDArray[np.float32]:
    """How much of each pixel lies within the edge, 0..1: a smooth outline without drawing it larger first."""
    cover: NDArray[np.float32] = np.clip((edge.astype(np.float32) - distance) * (height / 2) + 0.5, 0, 1)
    return cover


def _columns(values: NDArray[np.float32], width: int, *, largest: bool = False) -> NDArray[np.float64]:
    """A curve's largest value, or its root mean square, in each column; a short curve is stretched."""
    if not len(values):
        return np.zeros(width)
    if len(values) < width:
        places = np.linspace(0, len(values) - 1, width)
        return np.interp(places, np.arange(len(values)), values)
    edges = np.linspace(0, len(values), width + 1).astype(int)[:-1]
    if largest:
        return np.maximum.reduceat(values, edges).astype(np.float64)
    counts = np.diff(np.append(edges, len(values)))
    return np.sqrt(np.add.reduceat(np.square(values, dtype=np.float64), edges) / counts)


def _colours(registers: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """One colour a column: the registers' colours mixed by their share, smoothed over neighbouring columns."""
    shares = np.stack([_columns(np.sqrt(register), width) for register in registers])
    shares *= np.sqrt(REGISTER_BALANCE)[:, None]
    kernel = np.hanning(9)[1:-1]
    shares = np.stack([np.convolve(share, kernel / kernel.sum(), "same") for share in shares])
    shares = shares**1.6 + 1e-12
    return np.asarray((shares / shares.sum(axis=0)).T @ REGISTER_COLOURS)


def _draw_times(pen: ImageDraw.ImageDraw, duration_s: float) -> None:
    """Ticks with times under the waveform, at a round distance that gives about ten of them."""
    if duration_s <= 0:
        return
    font = ImageFont.load_default(15)
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    step = next((s for s in steps if duration_s / s <= 12), 3600)  # noqa: PLR2004 - labels that fit side by side
    for second in range(0, int(duration_s) + 1, step):
        x = MARGIN + (WIDTH - 2 * MARGIN) * second / duration_s
        if x > WIDTH - MARGIN - 36:
            break
        pen.line((x, HEADER, x, HEIGHT - FOOTER + 6), FAINT, 1)
        pen.text((x + 5, HEIGHT - FOOTER + 4), clock(second), MUTED, font)


def _draw_badges(pen: ImageDraw.ImageDraw, analysis: Analysis) -> float:
    """The figures in a row from the right edge; returns how far left they reach."""
    right = float(WIDTH - MARGIN)
    badges = [(clock(analysis.duration_s), FAINT, TEXT)]
    if analysis.key and analysis.camelot:
        badges += [
            (analysis.key, FAINT, TEXT),
            (analysis.camelot, camelot_colour(analysis.camelot), BACKGROUND),
        ]
    if analysis.bpm is not None:
        badges.append((f"{analysis.bpm:.1f} BPM", TEXT, BACKGROUND))
    font = ImageFont.load_default(24)
    for text, ground, ink in badges:
        width = pen.textlength(text, font) + 32
        pen.rounded_rectangle((right - width, 24, right, 66), 12, ground)
        pen.text((right - width / 2, 45), text, ink, font, anchor="mm")
        right -= width + 12
    return right


def camelot_colour(camelot: str) -> tuple[int, int, int]:
    """The colour of a place on the wheel: neighbours, which mix well, look alike; minor is deeper than major."""
    hue = (int(camelot[:-1]) - 1) / 12
    red, green, blue = colorsys.hls_to_rgb((hue + 0.45) % 1, 0.62 if camelot[-1] == "A" else 0.74, 0.78)
    return round(255 * red), round(255 * green), round(255 * blue)


def clock(seconds: float) -> str:
    """``3:07``, or ``1:02:09`` from an hour on."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _drawable(text: str) -> str:
    """The text in letters that the picture's font has; others are transliterated."""
    return "".join(c if ord(c) <= LAST_LATIN else anyascii(c) for c in text)


def _shorten(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
