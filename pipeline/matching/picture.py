"""The picture of a match: the voices that come first, and how probable each is."""

from pathlib import Path

from pipeline.canvas import BLUE, FAINT, GREY, INK, LARGE, SMALL, WIDTH, canvas, shortened
from pipeline.captions import captions
from pipeline.matching.match import Match

ROW = 0.78
"""Inches for a name and its bar."""
NAME = 40


def plot_match(path: Path, match: Match, language: str = "en", shown: int = 3) -> None:
    """The most probable voices and "nobody", each a name, a share in per cent and a bar."""
    words = captions(language)
    rows = [(c.name, c.probability, BLUE) for c in match.candidates[:shown]] + [(words.none, match.none, GREY)]
    with canvas(path, WIDTH, ROW * len(rows) + 0.7) as figure:
        axes = figure.subplots()
        axes.set_title(words.alike, fontsize=LARGE, loc="left", pad=12)
        places = range(len(rows))
        axes.barh(places, 1, height=0.26, color=FAINT)
        axes.barh(places, [share for _, share, _ in rows], height=0.26, color=[colour for *_, colour in rows])
        for place, (name, share, _) in enumerate(rows):
            above = place - 0.24
            axes.text(0, above, shortened(name, NAME), fontsize=SMALL, va="bottom", color=INK)
            axes.text(1, above, f"{100 * share:.0f} %", fontsize=SMALL, va="bottom", ha="right", color=INK)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(rows) - 0.7, -0.85)
        axes.axis("off")
