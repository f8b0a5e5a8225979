"""The picture of a cover: its waveform, with what the voice sings, its key and its length."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32
from pipeline.canvas import FAINT, GREY, LARGE, ORANGE, SMALL, WIDTH, canvas, shortened
from pipeline.captions import Captions, captions
from pipeline.covers.waveform import Waveform
from pipeline.listening.frames import FRAME_RATE

POINTS = 390
"""Columns of the waveform: one for each pixel of a telephone."""
TITLE = 36


def plot_cover(
    path: Path, cover: Waveform, f0: Floats32, title: str, voice: str, key_shift: int | None, language: str = "en"
) -> None:
    """The cover's waveform in two colours: where its vocals have an f0 (Hz, 10 ms frames, 0: none), and where not.

    `key_shift` in semitones is the instrumental's, None if there is none.
    """
    from matplotlib.collections import PolyCollection  # as late as the canvas

    words = captions(language)
    low, high = cover.columns(POINTS)
    edges = np.linspace(0, cover.seconds, len(low) + 1)
    sung = sung_columns(f0, edges)
    with canvas(path, WIDTH, 3.4) as figure:
        axes = figure.subplots()
        names = f"{shortened(title, TITLE)}\n{shortened(voice, TITLE)} · {words.generated}"
        axes.set_title(names, fontsize=LARGE, loc="left", pad=10)
        columns = _rectangles(edges, low, high)
        for part, colour, label in ((sung, ORANGE, words.sung), (~sung, GREY, words.rest)):
            axes.add_collection(
                PolyCollection(list(columns[part]), color=colour, linewidth=0, label=label), autolim=False
            )
        axes.set_xlim(0, cover.seconds)
        axes.set_ylim(-1.05, 1.05)
        axes.set_yticks([])
        axes.set_xticks([0, cover.seconds], ["0:00", _clock(cover.seconds)], fontsize=SMALL)
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[1].set_horizontalalignment("right")
        axes.set_xlabel(_key(key_shift, words), fontsize=SMALL)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(FAINT)
        figure.legend(loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False, handlelength=1)


def _rectangles(edges: NDArray[np.float64], low: Floats32, high: Floats32) -> NDArray[np.float64]:
    """The corners (T, 4, 2) of T columns between edges (T + 1,) in seconds, each from its lowest to its highest."""
    left, right = edges[:-1], edges[1:]
    corners = ((left, low), (left, high), (right, high), (right, low))
    return np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)


def sung_columns(f0: Floats32, edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether at least a tenth of the frames between two edges (seconds) have an f0."""
    voiced = np.concatenate([[0], np.cumsum(f0 > 0)])
    at = np.clip(np.round(edges * FRAME_RATE).astype(int), 0, len(f0))
    frames = np.maximum(np.diff(at), 1)
    found = np.diff(voiced[at])
    sung: NDArray[np.bool_] = (found > 0) & (found >= 0.1 * frames)
    return sung


def _key(shift: int | None, words: Captions) -> str:
    return words.key.format(shift=f"{shift:+d}") if shift else words.own_key


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
