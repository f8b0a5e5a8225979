"""Pictures of a training: how the voice came to be like its owner's, and the losses of its log."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.signal import Floats64
from pipeline.canvas import FAINT, LARGE, ORANGE, SMALL, WIDTH, canvas
from pipeline.captions import captions
from pipeline.training.loop import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE, MARKER = 3.0, 11.0
"""Points: how thick the curve is, and how wide the moment that is kept."""
CLEAR = 5.0
"""Points between the label and the curve."""
CENTRED = 0.05
"""A label a point nearer its marker is worth one whose middle is 20 points farther."""


def plot_training(path: Path, curve: Sequence[Moment], best: Moment, language: str = "en") -> None:
    """Likeness (cosine of speaker embeddings on held-out seconds of the notes) over the minutes; what is kept."""
    words = captions(language)
    minutes = [moment.seconds / 60 for moment in curve]
    with canvas(path, WIDTH, 3.6) as figure:
        axes = figure.subplots()
        axes.set_title(words.learnt, fontsize=LARGE, loc="left", pad=10)
        axes.plot(minutes, [m.similarity for m in curve], color=ORANGE, linewidth=LINE)
        axes.plot(best.seconds / 60, best.similarity, color=ORANGE, marker="o", markersize=MARKER)
        axes.set_xlabel(words.minutes, fontsize=SMALL)
        axes.set_ylabel(words.likeness, fontsize=SMALL)
        axes.tick_params(labelsize=SMALL)
        axes.grid(axis="y")
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)
        axes.margins(x=0.06, y=0.3)  # above and below the curve a label always has room
        if np.isfinite(best.similarity):
            learnt = np.array([(moment.seconds / 60, moment.similarity) for moment in curve])
            kept = words.best.format(likeness=f"{best.similarity:.2f}")
            _write_beside(axes, kept, (best.seconds / 60, best.similarity), learnt)


def clear_place(box: tuple[int, int], frame: tuple[int, int], point: Floats64, curve: Floats64) -> Floats64:
    """Where in a frame a box lies nearest to a point and does not meet the curve: (2,) its lower left corner.

    box, frame: width and height in pixels, the frame from (0, 0). point: (2,), curve: (N, 2) corners of its line, both
    in pixels; a corner that is NaN breaks the line. Where every place meets the curve it is (0, 0).
    """
    taken = np.zeros((frame[0] + 1, frame[1] + 1), np.int64)
    columns, rows = np.floor(_walked(curve)).T.astype(int)
    inside = (columns >= 0) & (columns < frame[0]) & (rows >= 0) & (rows < frame[1])
    taken[columns[inside] + 1, rows[inside] + 1] = 1
    below = taken.cumsum(0).cumsum(1)
    (width, height), free = box, (frame[0] - box[0] + 1, frame[1] - box[1] + 1)
    met = below[width:, height:] - below[: free[0], height:] - below[width:, : free[1]] + below[: free[0], : free[1]]
    corner = np.moveaxis(np.indices(free), 0, -1)
    beyond = np.maximum(0, np.maximum(corner - point, point - corner - box))
    middle = corner + np.array(box) / 2
    far = np.hypot(*np.moveaxis(beyond, -1, 0)) + CENTRED * np.hypot(*np.moveaxis(middle - point, -1, 0))
    return np.array(np.unravel_index(np.where(met > 0, np.inf, far).argmin(), free), np.float64)


def _walked(curve: Floats64) -> Floats64:
    """A line's corners (N, 2) and what lies between them, at most a pixel apart: (M, 2)."""
    walked = [curve]
    for start, end in pairwise(curve):
        if np.isfinite([start, end]).all():
            share = np.linspace(0, 1, int(np.abs(end - start).max()) + 2)[:, None]
            walked.append(start + share * (end - start))
    points = np.concatenate(walked)
    return points[np.isfinite(points).all(1)]


def _write_beside(axes: "Axes", words: str, point: tuple[float, float], curve: Floats64) -> None:
    """Write words near the marker at a point of the curve, (N, 2), both in the axes' units, clear of both."""
    label = axes.annotate(words, point, (0, 0), textcoords="offset points", fontsize=SMALL)
    label.set_in_layout(False)
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    dot = figure.dpi / 72
    drawn, frame = label.get_window_extent(), axes.get_window_extent()
    around = (CLEAR + LINE / 2) * dot
    box = int(np.ceil(drawn.width + 2 * around)), int(np.ceil(drawn.height + 2 * around))
    marked, line = (axes.transData.transform(values) - frame.min for values in (point, curve))
    turn = np.linspace(0, 2 * np.pi, 33)
    ring = marked + (MARKER - LINE) / 2 * dot * np.stack([np.cos(turn), np.sin(turn)], 1)
    broken = np.full((1, 2), np.nan)
    size = int(frame.width), int(frame.height)
    corner = clear_place(box, size, marked, np.concatenate([line, broken, ring])) + around + frame.min
    label.xyann = tuple((corner - drawn.min) / dot)


def plot_losses(path: Path, logs: Mapping[str, list[dict[str, float]]]) -> None:
    """One panel a training: every loss of its log over the steps, each divided by its first value."""
    with canvas(path, 8, 2.8 * len(logs)) as figure:
        for axes, (role, lines) in zip(figure.subplots(len(logs), squeeze=False)[:, 0], logs.items(), strict=True):
            names = dict.fromkeys(name for line in lines for name in line if name not in ("step", "seconds"))
            for name in names:
                points = [(line["step"], line[name]) for line in lines if name in line]
                steps, values = np.array(points).T
                axes.plot(steps, values / (values[0] or 1), linewidth=1, label=f"{name} (from {values[0]:.2f})")
            axes.set_yscale("log", base=2)
            axes.yaxis.set_major_formatter(lambda share, _: f"{share:g}")
            axes.set_title(role, fontsize=10, loc="left")
            axes.set_ylabel("share of its first value", fontsize=9)
            axes.legend(fontsize=7, frameon=False, ncols=2)
            axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("steps")
