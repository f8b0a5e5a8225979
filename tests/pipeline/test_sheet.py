"""A sheet draws what it is told where it is told, in every alphabet that one of its fonts has."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.canvas import INK, ORANGE, SMALL
from pipeline.sheet import NOT_A_LETTER, Sheet, width_of


def drawn(text: str, path: Path, anchor: float = 0.0) -> NDArray[np.int_]:
    """The brightness (60, 300) of a line that starts, or with an anchor of 1 ends, in the middle."""
    sheet = Sheet(300, 60)
    sheet.words(150, 40, text, SMALL, anchor=anchor)
    sheet.save(path)
    return np.asarray(Image.open(path).convert("L")).astype(int)


def test_letters_that_the_first_font_lacks_are_those_of_the_second(tmp_path: Path) -> None:
    missing = drawn(NOT_A_LETTER, tmp_path / "none.png")
    seen = [drawn(letter, tmp_path / "one.png") for letter in "A밤שش日"]
    assert all((one != missing).any() for one in seen)
    assert all((one != other).any() for number, one in enumerate(seen) for other in seen[:number])


def test_words_lie_on_their_side_of_the_anchor_and_take_the_width_that_is_said(tmp_path: Path) -> None:
    for anchor in (0.0, 0.5, 1.0):
        lit = np.flatnonzero((drawn("HאH", tmp_path / "words.png", anchor) > 100).any(0))
        width = width_of("HאH", SMALL)
        assert abs(lit[0] - (150 - anchor * width)) < 5 and abs(lit[-1] - (150 + (1 - anchor) * width)) < 5


def test_a_name_with_a_line_break_stays_on_its_line(tmp_path: Path) -> None:
    np.testing.assert_array_equal(drawn("one\ntwo", tmp_path / "broken.png"), drawn("one two", tmp_path / "line.png"))


def test_a_bar_has_its_colour_from_edge_to_edge_and_never_vanishes(tmp_path: Path) -> None:
    sheet = Sheet(100, 20)
    sheet.bar(10, 5, 30, 9, ORANGE)
    sheet.bar(50, 5, 50.2, 5.1, INK)
    sheet.save(tmp_path / "bars.png")
    picture = np.asarray(Image.open(tmp_path / "bars.png"))
    orange = (picture == np.array([int(ORANGE[i : i + 2], 16) for i in (1, 3, 5)])).all(-1)
    assert orange.sum() == 20 * 4 and orange[5:9, 10:30].all()
    assert (picture[5, 50] == [int(INK[i : i + 2], 16) for i in (1, 3, 5)]).all()
