"""A whole cover on a device: seconds by the clock, and how far its converted vocals agree with the CPU's."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.covers import measure
from models.precision import agreement
from models.signal import MUSIC_RATE
from pipeline.sound.decode import STEM, decode

WINDOW = 2048


@dataclass(frozen=True)
class CoverRow:
    """A cover of a song, the first or the second one."""

    cover: str
    song_seconds: float
    seconds: float
    stages: str
    """The seconds of each."""
    decibels: float
    """By which the difference of the second's converted vocals from the CPU's lies below them, as magnitudes."""


def magnitudes(wav: Tensor) -> Tensor:
    """(2, samples) → (2, bins, frames): the phase of a sung tone adds up the smallest differences of its pitch."""
    return torch.stft(wav, WINDOW, window=torch.hann_window(WINDOW), return_complex=True).abs()


def run_cover(place: str, song_seconds: float) -> list[CoverRow]:
    """A first and a second cover by the embedded models, after a short one that warms up."""
    with tempfile.TemporaryDirectory() as folder:
        heard = [Path(folder) / f"{name}.flac" for name in ("here", "cpu")]
        covers = measure(song_seconds, "auto", place, time.perf_counter, str(heard[0]))
        measure(song_seconds, "float32", "cpu", time.perf_counter, str(heard[1]))
        here, cpu = (
            torch.from_numpy(decode(path, MUSIC_RATE, channels=2, limits=STEM, name=path.name)) for path in heard
        )
    samples = min(here.shape[1], cpu.shape[1])
    decibels = agreement(magnitudes(cpu[:, :samples]), magnitudes(here[:, :samples]))
    rows = []
    for name, spent in zip(("first", "second"), covers, strict=True):
        stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in spent.items() if stage != "all")
        rows.append(CoverRow(name, song_seconds, spent["all"], stages, decibels))
    return rows
