"""The picture of a cover: its waveform, with what the voice sings, its key and its length."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32
from pipeline.canvas import FAINT, GREY, LARGE, ORANGE, PIXELS, SMALL, shortened
from pipeline.captions import Captions, captions, figure
from pipeline.covers.waveform import Waveform
from pipeline.listening.frames import FRAME_RATE
from pipeline.sheet import Sheet, width_of

MARGIN, HEIGHT = 17, 408
"""Pixels at the sides, and of the whole."""
POINTS = (PIXELS - 2 * MARGIN) // 2
"""Columns of the waveform: one for each pixel of a telephone, which shows every second of ours."""
TITLE = 36
TOP, BOTTOM = 92, 308
"""Pixels between which the loudest lies: a quiet song is seen as well as a loud one."""
QUIETEST = 1e-4
"""Of full scale: what is below is drawn as silence."""
SQUARE = 20
"""Pixels of a colour beside what it means."""


def plot_cover(
    path: Path, cover: Waveform, f0: Floats32, title: str, voice: str, key_shift: int | None, language: str = "en"
) -> None:
    """The cover's waveform in two colours: where its vocals have an f0 (Hz, 10 ms frames, 0: none), and where not.

    `key_shift` in semitones is the instrumental's, None if there is none. Raises DiskFull.
    """
    words = captions(language)
    low, high = cover.columns(POINTS)
    sung = sung_columns(f0, np.linspace(0, cover.seconds, len(low) + 1))
    sheet = Sheet(PIXELS, HEIGHT)
    sheet.words(MARGIN, 36, shortened(title, TITLE), LARGE)
    sheet.words(MARGIN, 72, f"{shortened(voice, TITLE)} · {words.generated}", LARGE)
    left, right = MARGIN, PIXELS - MARGIN
    edges = np.linspace(left, right, len(low) + 1)
    middle, half = (TOP + BOTTOM) / 2, (BOTTOM - TOP) / 2 / max(float(high.max()), -float(low.min()), QUIETEST)
    for column in range(len(low)):
        colour = ORANGE if sung[column] else GREY
        loudest, lowest = middle - half * high[column], middle - half * low[column]
        sheet.bar(edges[column], loudest, edges[column + 1], lowest, colour)
    sheet.bar(left, BOTTOM + 6, right, BOTTOM + 7, FAINT)
    sheet.words(left, BOTTOM + 36, "0:00", SMALL)
    sheet.words(PIXELS / 2, BOTTOM + 36, _key(key_shift, words), SMALL, anchor=0.5)
    sheet.words(right, BOTTOM + 36, _clock(cover.seconds), SMALL, anchor=1.0)
    _legend(sheet, {words.sung: ORANGE, words.rest: GREY})
    sheet.save(path)


def _legend(sheet: Sheet, colours: dict[str, str]) -> None:
    """Each colour with what it means, in the middle of the last line."""
    widths = {text: 1.5 * SQUARE + width_of(text, SMALL) for text in colours}
    x = (PIXELS - sum(widths.values()) - 2 * SQUARE) / 2
    for text, colour in colours.items():
        sheet.bar(x, HEIGHT - 34, x + SQUARE, HEIGHT - 34 + SQUARE, colour)
        sheet.words(x + 1.5 * SQUARE, HEIGHT - 16, text, SMALL)
        x += widths[text] + 2 * SQUARE


def sung_columns(f0: Floats32, edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether at least a tenth of the frames between two edges (seconds) have an f0."""
    voiced = np.concatenate([[0], np.cumsum(f0 > 0)])
    at = np.clip(np.round(edges * FRAME_RATE).astype(int), 0, len(f0))
    frames = np.maximum(np.diff(at), 1)
    found = np.diff(voiced[at])
    sung: NDArray[np.bool_] = (found > 0) & (found >= 0.1 * frames)
    return sung


def _key(shift: int | None, words: Captions) -> str:
    return words.key.format(shift=figure(shift, "+d")) if shift else words.own_key


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
