"""What all pictures for members look like, and a canvas for curves: dark PNG files, in a font that knows Korean.

Members look at them on a telephone, 390 pixels wide: a figure of WIDTH with letters of at least SMALL is read there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from files.atomic import atomic_write
from models.weights.integrity import packaged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#6ea3f5", "#f0a04b", "#8b9099"
PAPER, INK, FAINT = "#1f2024", "#f1f2f4", "#3a3d44"
WIDTH = 6.5
"""Inches: 780 pixels, two for each of a telephone's 390."""
SMALL, LARGE = 13, 16
"""Sizes of letters in points: 11 and 13 pixels on a telephone."""
DPI = 120
PIXELS = round(WIDTH * DPI)
THEME: dict[Any, Any] = {
    "font.family": ["NanumGothic", "DejaVu Sans"],
    "text.parse_math": False,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.w_pad": 0.14,
    "figure.constrained_layout.h_pad": 0.1,
    "axes.facecolor": PAPER,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "savefig.facecolor": PAPER,
}


@contextmanager
def canvas(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """A figure of so many inches whose text may be Korean and is no formula (`$`), saved as PNG when the block ends."""
    import matplotlib.font_manager  # half a second of every start, for a picture at the end
    from matplotlib.figure import Figure

    fonts = matplotlib.font_manager.fontManager
    if "NanumGothic" not in fonts.get_font_names():
        fonts.addfont(packaged("koreanize_matplotlib", "fonts/NanumGothic.ttf"))
    with matplotlib.rc_context(THEME):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        yield figure
        with atomic_write(path) as file:
            figure.savefig(file, format="png")


def shortened(name: str, most: int) -> str:
    """A name that takes no more room than `most` Latin letters; one of Hangul or Han takes two."""
    room = 0
    for place, letter in enumerate(name):
        room += 2 if ord(letter) >= 0x1100 else 1
        if room > most:
            return f"{name[: max(1, place - 1)].rstrip()}…"
    return name
