"""The picture of a cover: its waveform above the f0 of source and cover."""

from pathlib import Path

import numpy as np

from models.signal import Floats32
from pipeline.canvas import BLUE, GREY, ORANGE, canvas
from pipeline.listening.features import FRAME_RATE
from pipeline.sound.decode import STEM, decode_blocks

POINTS = 1200


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


def _waveform(path: Path) -> tuple[Floats32, Floats32, float]:
    """Lowest and highest sample of each of about 1200 stretches, and the seconds; read block by block."""
    rate, low, high, count = 8000, [], [], 0
    for block in decode_blocks(path, rate, channels=2, block_seconds=0.05, limits=STEM, name=path.name):
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
