"""The picture of a match: the voices that come first, and how probable each is."""

from pathlib import Path

from pipeline.canvas import BLUE, FAINT, GREY, LARGE, PIXELS, SMALL, shortened
from pipeline.captions import captions
from pipeline.matching.match import Match
from pipeline.sheet import Sheet

ROW, BAR = 94, 24
"""Pixels of a name with its bar, and of the bar."""
TITLE, MARGIN = 84, 17
"""Pixels above the rows, and at the sides."""
NAME = 40
LEAST = 0.01


def plot_match(path: Path, match: Match, language: str = "en", shown: int = 3) -> None:
    """The most probable voices and "nobody", each a name, a share in per cent and a bar. Raises DiskFull."""
    words = captions(language)
    rows = [(c.name, c.probability, BLUE) for c in match.candidates[:shown]] + [(words.none, match.none, GREY)]
    sheet = Sheet(PIXELS, TITLE + ROW * len(rows))
    sheet.words(MARGIN, 42, words.alike, LARGE)
    left, right = MARGIN, PIXELS - MARGIN
    for place, (name, share, colour) in enumerate(rows):
        baseline = TITLE + ROW * place + 28
        sheet.words(left, baseline, shortened(name, NAME), SMALL)
        sheet.words(right, baseline, percent(share), SMALL, anchor=1.0)
        top = baseline + 10
        sheet.bar(left, top, right, top + BAR, FAINT)
        sheet.bar(left, top, left + share * (right - left), top + BAR, colour)
    sheet.save(path)


def percent(share: float) -> str:
    """A probability in per cent; what is drawn is never said to be impossible, nor certain."""
    if share < LEAST:
        return f"< {100 * LEAST:.0f} %"
    return f"> {100 * (1 - LEAST):.0f} %" if share > 1 - LEAST else f"{100 * share:.0f} %"
