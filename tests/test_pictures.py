"""The pictures of the bot in the README: all there, in two languages and widths, with the figures they were made of."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
FIGURES: dict[str, Any] = json.loads((ROOT / "docs" / "images" / "bot-figures.json").read_text("utf-8"))


@pytest.mark.parametrize(("width", "scale"), [(390, 2), (960, 1)])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("flow", ["songs", "match", "consent", "cover", "jobs"])
def test_the_readme_shows_every_flow_in_both_languages_and_widths(
    flow: str, language: str, width: int, scale: int
) -> None:
    path = f"docs/images/bot-{flow}-{language}-{width}.png"
    assert f"]({path})" in README
    with Image.open(ROOT / path) as picture:
        assert picture.width == width * scale


def test_both_languages_show_the_same_figures_and_the_readme_says_them() -> None:
    assert FIGURES["en"] == FIGURES["ko"]
    match = FIGURES["en"]["match"]
    said = re.search(r"nobody in the library (\d+) %, a range from (\S+) to (\S+), (\d+) s of voice", README)
    assert said is not None
    shown = (f"{match['none']:.0%}"[:-1], match["range"]["low"], match["range"]["high"], f"{match['seconds']:.0f}")
    assert said.groups() == shown
