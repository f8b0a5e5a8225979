"""What the README shows of the demo is what the run of its pictures measured."""

import json

from scripts.demo_figures import BLOCK, FIGURES, README, shown


def test_the_readmes_tables_are_those_of_the_demos_pictures() -> None:
    said = BLOCK.search(README.read_text("utf-8"))
    assert said is not None
    assert said.group() == shown(json.loads(FIGURES.read_text("utf-8")))
