"""Pictures of matches, trainings and covers, as PNG files, in a font that knows Korean."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from files.atomic import atomic_write
from models.signal import Floats32
from models.weights.integrity import packaged
from pipeline.listening.features import FRAME_RATE
from pipeline.matching.match import Match
from pipeline.sound.decode import STEM, decode_blocks
from pipeline.training.loop import Moment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#3b6fb6", "#d9772b", "#9a9a9a"
POINTS = 1200


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


def plot_cover(path: Path, cover: Path, f0: Floats32, made_f0: Floats32, made_hop: float, title: str) -> None:
    """Waveform of the cover above f0 of source (10 ms frames) and of the converted vocals (`made_hop` seconds)."""
    with canvas(path, 9, 5) as figure:
        wave, pitch = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.4])
        low, high, seconds = _waveform(cover)
        times = np.linspace(0, seconds, len(low))
        wave.fill_between(times, low, high, color=BLUE, linewidth=0)
        wave.set_ylim(-1.05, 1.05)
        wave.set_ylabel("cover")
        wave.set_title(title, fontsize=10, loc="left")
        pitch.plot(np.arange(len(f0)) / FRAME_RATE, _gaps(f0), color=GREY, linewidth=3, label="source f0")
        pitch.plot(np.arange(len(made_f0)) * made_hop, _gaps(made_f0), color=ORANGE, linewidth=1.2, label="cover f0")
        pitch.set_yscale("log", base=2)
        pitch.yaxis.set_major_formatter(lambda hz, _: f"{hz:.0f}")
        pitch.set_ylabel("f0 (Hz)")
        pitch.set_xlabel("seconds")
        pitch.legend(loc="upper right", fontsize=8, frameon=False)
        for axes in (wave, pitch):
            axes.spines[["top", "right"]].set_visible(False)


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


def _waveform(path: Path) -> tuple[Floats32, Floats32, float]:
    """Lowest and highest sample of each of about 1200 stretches, and the seconds; read block by block."""
    rate, low, high, count = 8000, [], [], 0
    for block in decode_blocks(path, rate, channels=1, block_seconds=0.05, limits=STEM, name=path.name):
        low.append(block.min())
        high.append(block.max())
        count += block.shape[1]
    group = max(1, len(low) // POINTS)
    return (
        np.array([min(low[i : i + group]) for i in range(0, len(low), group)], np.float32),
        np.array([max(high[i : i + group]) for i in range(0, len(high), group)], np.float32),
        count / rate,
    )


def _gaps(f0: Floats32) -> Floats32:
    return np.where(f0 > 0, f0, np.nan).astype(np.float32)


@contextmanager
def canvas(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """A figure whose text may be Korean, saved as PNG when the block ends."""
    import matplotlib.font_manager  # half a second of every start, for a picture at the end
    from matplotlib.figure import Figure

    fonts = matplotlib.font_manager.fontManager
    if "NanumGothic" not in fonts.get_font_names():
        fonts.addfont(packaged("koreanize_matplotlib", "fonts/NanumGothic.ttf"))
    with matplotlib.rc_context({"font.family": ["NanumGothic", "DejaVu Sans"]}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        with atomic_write(path) as file:
            figure.savefig(file, format="png", dpi=120)
