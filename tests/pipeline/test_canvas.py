"""Pictures: what people call their songs is written as it is."""

from pathlib import Path

import pytest

from pipeline.canvas import canvas


@pytest.mark.parametrize("title", ["A$AP $ong", r"$\nothing{", "$x^", "노래 – Ünï", "100% _a_ {b}"])
def test_no_title_is_a_formula(tmp_path: Path, title: str) -> None:
    with canvas(tmp_path / "picture.png", 3, 2) as figure:
        axes = figure.subplots()
        axes.set_title(title)
        axes.set_yticks([0], [title])
    assert (tmp_path / "picture.png").stat().st_size > 1000
