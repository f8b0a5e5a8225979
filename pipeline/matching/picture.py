"""The picture of a match."""

from pathlib import Path

import numpy as np

from pipeline.canvas import BLUE, GREY, canvas
from pipeline.matching.match import Match


def plot_match(path: Path, match: Match, model: str, shown: int = 6) -> None:
    """Bars: the probability of each of the best candidates, and of none of them."""
    best = match.candidates[:shown]
    labels = [c.name for c in best] + ["none of them"]
    shares = [c.probability for c in best] + [match.none]
    with canvas(path, 7, 0.5 * len(labels) + 1.4) as figure:
        axes = figure.subplots()
        bars = axes.barh(labels, shares, color=[BLUE] * len(best) + [GREY])
        notes = [f"{100 * c.probability:.0f} %  (similarity {c.similarity:.2f})" for c in best]
        axes.bar_label(bars, [*notes, f"{100 * match.none:.0f} %"], padding=4, fontsize=9)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.35)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_xlabel(f"calibrated probability that this is the voice — {model}", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
