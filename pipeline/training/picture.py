"""Pictures of a training: how the voice came to be like its owner's, and the losses of its log."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.canvas import FAINT, LARGE, ORANGE, SMALL, WIDTH, canvas
from pipeline.captions import captions
from pipeline.training.loop import Moment


def plot_training(path: Path, curve: Sequence[Moment], best: Moment, language: str = "en") -> None:
    """Likeness (cosine of speaker embeddings on held-out seconds of the notes) over the minutes; what is kept."""
    words = captions(language)
    minutes = [moment.seconds / 60 for moment in curve]
    with canvas(path, WIDTH, 3.6) as figure:
        axes = figure.subplots()
        axes.set_title(words.learnt, fontsize=LARGE, loc="left", pad=10)
        axes.plot(minutes, [m.similarity for m in curve], color=ORANGE, linewidth=3)
        axes.plot(best.seconds / 60, best.similarity, color=ORANGE, marker="o", markersize=11)
        if np.isfinite(best.similarity):
            kept = words.best.format(likeness=f"{best.similarity:.2f}")
            point = best.seconds / 60, best.similarity
            axes.annotate(kept, point, (0, -34), textcoords="offset points", ha="right", va="top", fontsize=SMALL)
        axes.set_xlabel(words.minutes, fontsize=SMALL)
        axes.set_ylabel(words.likeness, fontsize=SMALL)
        axes.tick_params(labelsize=SMALL)
        axes.grid(axis="y")
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)
        axes.margins(x=0.06, y=0.2)


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
