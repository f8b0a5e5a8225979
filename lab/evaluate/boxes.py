"""The picture of a table of separators: a box for each, a point for each track."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lab.evaluate.intervals import LEAST
from lab.evaluate.track_scores import TrackScores
from pipeline.canvas import BLUE, GREY, ORANGE, canvas

PICTURE = "separation.png"


def plot_separation(path: Path, names: Sequence[str], scores: Sequence[TrackScores]) -> None:
    """SDR of vocals and instrumental by separator; boxes (quartiles, median) where there are enough tracks."""
    stems = (
        ("vocals", BLUE, [score.vocals_sdr for score in scores]),
        ("instrumental", ORANGE, [score.instrumental_sdr for score in scores]),
    )
    draw = np.random.default_rng(0)
    with canvas(path, 7, 0.9 * len(names) + 1.6) as figure:
        axes = figure.subplots()
        for offset, (stem, colour, values) in zip((-0.18, 0.18), stems, strict=True):
            table = np.array(values)
            for place in range(len(names)):
                column = table[:, place]
                spread = draw.uniform(-0.06, 0.06, len(column)) if len(column) > 1 else 0.0
                label = stem if place == 0 else None
                axes.plot(column, place + offset + spread, ".", color=colour, alpha=0.6, label=label)
                if len(column) >= LEAST:
                    style = {"color": GREY}
                    axes.boxplot(
                        column,
                        positions=[place + offset],
                        orientation="horizontal",
                        widths=0.26,
                        showfliers=False,
                        medianprops={"color": colour, "linewidth": 2},
                        boxprops=style,
                        whiskerprops=style,
                        capprops=style,
                    )
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel(f"SDR in dB over a whole track, {len(scores)} tracks", fontsize=9)
        axes.legend(loc="best", fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
