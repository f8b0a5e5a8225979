"""A canvas for pictures of matches, trainings and covers: PNG files, in a font that knows Korean."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from files.atomic import atomic_write
from models.weights.integrity import packaged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#3b6fb6", "#d9772b", "#9a9a9a"


@contextmanager
def canvas(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """A figure whose text may be Korean and is no formula (`$`), saved as PNG when the block ends."""
    import matplotlib.font_manager  # half a second of every start, for a picture at the end
    from matplotlib.figure import Figure

    fonts = matplotlib.font_manager.fontManager
    if "NanumGothic" not in fonts.get_font_names():
        fonts.addfont(packaged("koreanize_matplotlib", "fonts/NanumGothic.ttf"))
    with matplotlib.rc_context({"font.family": ["NanumGothic", "DejaVu Sans"], "text.parse_math": False}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        with atomic_write(path) as file:
            figure.savefig(file, format="png", dpi=120)
