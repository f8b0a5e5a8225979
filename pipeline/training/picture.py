"""Pictures of a training: what was measured on held-out seconds, and the losses of its log."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.canvas import BLUE, GREY, ORANGE, canvas
from pipeline.training.loop import Moment


def plot_training(path: Path, curve: Sequence[Moment], best: Moment) -> None:
    """Log-mel error and likeness on held-out seconds over the steps; a line marks the best moment."""
    steps = [moment.step for moment in curve]
    with canvas(path, 7, 3.6) as figure:
        loss = figure.subplots()
        likeness = loss.twinx()
        loss.plot(steps, [m.mel_loss for m in curve], color=BLUE, marker=".")
        likeness.plot(steps, [m.similarity for m in curve], color=ORANGE, marker=".")
        loss.axvline(best.step, color=GREY, linewidth=1, linestyle="--")
        loss.set_xlabel(f"steps (the voice is that of step {best.step})", fontsize=9)
        loss.set_ylabel("log-mel error, held out", color=BLUE)
        likeness.set_ylabel("likeness (cosine), held out", color=ORANGE)
        for axes in (loss, likeness):
            axes.spines["top"].set_visible(False)


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
