"""Whatever dies, hangs or is locked and whenever: each job ends once, is told once, and leaves nothing behind."""

import os
from pathlib import Path

import pytest

from tests.chaos.runs import run, seeds, summed, table_of, told
from tests.chaos.scene import Scene, furnish

SAMPLE = 50
pytestmark = [pytest.mark.slow, pytest.mark.timeout(12 * 3600)]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder to begin with."""
    scene = Scene(tmp_path_factory.mktemp("scene"))
    furnish(scene)
    return scene.settings.data_dir


def test_nothing_is_lost_doubled_or_left_behind(furnished: Path, tmp_path: Path) -> None:
    table = table_of() if "CHAOS" in os.environ else None
    outcomes = []
    for outcome in run(seeds(SAMPLE), furnished, tmp_path, table):
        outcomes.append(outcome)
        print(told(outcome), flush=True)
    print(summed(outcomes))
    assert not [outcome.seed for outcome in outcomes if outcome.breaches]
