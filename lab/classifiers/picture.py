"""The confusion matrix as a picture."""

from pathlib import Path

import numpy as np
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from pipeline.canvas import canvas

INCHES, NARROW, FRINGE = 0.3, 0.2, 2.6
"""Of a cell, of one among many, of the labels around them."""
NUMBERED = 30
"""Up to so many singers the cells carry numbers; above they are narrow."""
LONGEST_NAME = 22


def plot_confusion(path: Path, table: NDArray[np.int64], singers: tuple[str, ...], title: str) -> None:
    """Rows are the true singers, columns the predicted ones, each row in shares of its crops."""
    shares = table / np.maximum(1, table.sum(1, keepdims=True))
    names = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in singers]
    numbered = len(singers) <= NUMBERED
    side, size = max(2.4, (INCHES if numbered else NARROW) * len(singers)), 8 if numbered else 7
    with canvas(path, side + FRINGE, side + 0.8 * FRINGE) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))  # so that rare errors are visible
        places = np.arange(len(singers))
        axes.set_xticks(places, names, rotation=90, fontsize=size)
        axes.set_yticks(
            places, [f"{name} ({count})" for name, count in zip(names, table.sum(1), strict=True)], fontsize=8
        )
        axes.set_xticks(places - 0.5, minor=True)
        axes.set_yticks(places - 0.5, minor=True)
        axes.grid(which="minor", color="#e4e4e4", linewidth=0.5)
        axes.tick_params(which="both", length=0)
        if numbered:
            for row, column in np.argwhere(shares >= 0.005):
                colour = "white" if shares[row, column] > 0.35 else "black"
                text = f"{100 * shares[row, column]:.0f}"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
        axes.set_xlabel("who was named" + (" (per cent of the row)" if numbered else ""), fontsize=9)
        axes.set_ylabel("who sings (crops)", fontsize=9)
        axes.set_title(title, fontsize=10, loc="left")
        figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, pad=0.02, label="share of the row")
        axes.spines[:].set_visible(False)
