"""A picture for the eye of whoever approves: the waveforms of a kept file and of its duplicate, one above the other.

Both on one time axis, so that a longer intro, a cut or another ending can be seen. Called by `core.collection`; it
decodes two files and measures nothing else.
"""

from __future__ import annotations

import io

import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from music_workflow.core import decoding
from music_workflow.metadata.waveform import BACKGROUND, LAST_LATIN, MUTED, TEXT, EnvelopeMeter, clock

_RATE = 11_025
_WIDTH, _LANE, _HEADER, _MARGIN = 1600, 150, 58, 28
_STEPS_PER_S = 100
_COLOURS = ((118, 214, 140), (255, 160, 92))
"""What is kept, what would be set aside."""


def draw(lanes: tuple[tuple[str, str], tuple[str, str]]) -> bytes:
    """Draw two files.

    Args:
        lanes: Path and caption of the kept file, then of its duplicate.

    Returns:
        A PNG of 1600 x 416 pixels.

    Raises:
        BadLink: One of them cannot be decoded.
    """
    outlines = [_outline(path) for path, _ in lanes]
    longest = max(map(len, outlines))
    image = Image.new("RGB", (_WIDTH, 2 * (_HEADER + _LANE)), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for number, ((_, caption), outline, colour) in enumerate(zip(lanes, outlines, _COLOURS, strict=True)):
        top = number * (_HEADER + _LANE)
        font = ImageFont.load_default(22)
        pen.text((_MARGIN, top + 18), _drawable(caption)[:120], TEXT, font)
        length = clock(len(outline) / _STEPS_PER_S)
        pen.text((_WIDTH - _MARGIN, top + 18), length, MUTED, font, anchor="ra")
        _lane(pen, outline, longest, top + _HEADER + _LANE // 2, colour)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=4)
    return file.getvalue()


def _outline(path: str) -> NDArray[np.float32]:
    """The largest sample of each hundredth of a second, shape (n,)."""
    meter = EnvelopeMeter(_RATE)
    with decoding.opened(path) as source:
        tap = decoding.Tap(_RATE, "mono", taps=16)
        for frame in source.frames():
            for block in tap.push(frame):
                meter.feed(block)
        for block in tap.flush():
            meter.feed(block)
    return meter.finish(np.zeros((3, 0), np.float32)).peak


def _lane(
    pen: ImageDraw.ImageDraw,
    outline: NDArray[np.float32],
    longest: int,
    middle: int,
    colour: tuple[int, int, int],
) -> None:
    width = _WIDTH - 2 * _MARGIN
    columns = max(1, round(width * len(outline) / max(longest, 1)))
    edges = np.linspace(0, len(outline), columns + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(outline, edges) if len(outline) else np.zeros(columns, np.float32)
    heights = peaks / max(float(peaks.max(initial=0)), 1e-6) * (_LANE / 2 - 6)
    for column, height in enumerate(heights.tolist()):
        x = _MARGIN + column
        pen.line((x, middle - height, x, middle + height), colour)


def _drawable(text: str) -> str:
    return "".join(letter if ord(letter) <= LAST_LATIN else anyascii(letter) for letter in text)
