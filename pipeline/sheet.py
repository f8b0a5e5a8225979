"""A sheet for pictures of bars and words, drawn by Pillow: it loads in a tenth of the time that plots take.

Sizes are in pixels, from the left and from the top. What one font lacks is written in another, letter by letter.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from files.atomic import atomic_write
from models.weights.integrity import packaged
from pipeline.canvas import DPI, INK, PAPER

FONTS = (
    ("koreanize_matplotlib", "fonts/NanumGothic.ttf"),
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
)
"""The first knows Korean, the second most alphabets."""
NOT_A_LETTER = "\U0010ffff"
"""Drawn as every letter is that a font lacks."""


class Sheet:
    """A dark picture of so many pixels."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def bar(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """A rectangle from one edge to the other, a pixel high and wide at least."""
        x, y = round(left), round(top)
        self._draw.rectangle((x, y, max(x, round(right) - 1), max(y, round(bottom) - 1)), fill=colour)

    def words(self, x: float, baseline: float, text: str, points: int, colour: str = INK, anchor: float = 0.0) -> None:
        """A line of text of letters of so many points; `anchor` is the share of it that lies left of `x`."""
        runs = [(_font(number, points), letters) for number, letters in _runs(text)]
        x -= anchor * width_of(text, points)
        for font, letters in runs:
            self._draw.text((x, baseline), letters, fill=colour, font=font, anchor="ls")
            x += font.getlength(letters)

    def save(self, path: Path) -> None:
        """Write it as PNG. Raises DiskFull."""
        with atomic_write(path) as file:
            self._image.save(file, format="PNG")


def width_of(text: str, points: int) -> float:
    """Pixels that a line of text takes."""
    return sum(_font(number, points).getlength(letters) for number, letters in _runs(text))


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """A line (what would break it becomes a space) in pieces of one font, each with the font's number."""
    line = "".join(" " if letter.isspace() else letter for letter in text)
    return ((number, "".join(letters)) for number, letters in groupby(line, _font_of))


@lru_cache(maxsize=1 << 10)
def _font_of(letter: str) -> int:
    """The first font that has this letter, else the last."""
    last = len(FONTS) - 1
    return next((number for number in range(last) if _drawn(number, letter) != _drawn(number, NOT_A_LETTER)), last)


def _drawn(number: int, letter: str) -> bytes:
    image = Image.new("L", (32, 32))
    ImageDraw.Draw(image).text((4, 24), letter, fill=255, font=_font(number, 10), anchor="ls")
    return image.tobytes()


@lru_cache(maxsize=8)
def _font(number: int, points: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(packaged(*FONTS[number]), points * DPI / 72)
