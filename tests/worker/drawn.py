"""In which language a picture of the worker's is drawn: told by the ink of its words."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.covers.picture import plot_cover
from pipeline.covers.waveform import WaveformMeter
from pipeline.matching.match import Match
from pipeline.matching.picture import plot_match
from pipeline.training.loop import Moment
from pipeline.training.picture import plot_training

ALIKE = 0.03
"""Of the ink, by which two drawings of one line may differ: it may begin between two pixels."""


def _match(path: Path, language: str) -> None:
    plot_match(path, Match([], 1.0), language)


def _cover(path: Path, language: str) -> None:
    meter = WaveformMeter(8000)
    meter.add(np.zeros((2, 8000), np.float32))
    plot_cover(path, meter.value(), np.zeros(100, np.float32), "song", "voice", 0, language)


def _training(path: Path, language: str) -> None:
    plot_training(path, [Moment(1, 1.0, 1.0, 0.5), Moment(2, 2.0, 1.0, 0.6)], Moment(2, 2.0, 1.0, 0.6), language)


LINES: dict[str, tuple[Callable[[Path, str], None], slice]] = {
    "match.png": (_match, slice(0, 60)),
    "cover.png": (_cover, slice(366, 408)),
    "training.png": (_training, slice(0, 45)),
}
"""How the picture of this name is drawn, and the rows of words that are the same in each of its kind."""


def language_of(picture: Path, name: str, folder: Path) -> str:
    """Which language these words were drawn in, "en" or "ko"; "" if they are neither's."""
    draw, rows = LINES[name]
    ink = partial(_ink, rows=rows)
    found = [""]
    for language in ("en", "ko"):
        draw(folder / name, language)
        if abs(ink(picture) / ink(folder / name) - 1) < ALIKE:
            found.append(language)
    assert len(found) <= 2, "both languages have the same ink"
    return found[-1]


def _ink(path: Path, rows: slice) -> float:
    grey = np.asarray(Image.open(path).convert("L"), np.float64)[rows]
    return float((grey - np.median(grey)).clip(0).sum())
