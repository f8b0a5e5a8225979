"""Whatever dies, hangs or is locked and whenever: each job ends once, is told once, and leaves nothing behind."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.chaos.runs import run, seeds, summed, table_of, told
from tests.chaos.scene import Scene, furnish
from tests.chaos.schedule import SAMPLE
from tests.postgresql import postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(12 * 3600)]


@pytest.fixture(scope="module", params=os.environ.get("DATABASES", "sqlite").split(","))
def backend(request: pytest.FixtureRequest) -> str:
    """SQLite, unless DATABASES says otherwise."""
    return str(request.param)


@pytest.fixture(scope="module")
def furnished(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder to begin with, and its database."""
    scene = Scene(tmp_path_factory.mktemp("scene"))
    with postgres_server() if backend == "postgresql" else nullcontext() as server:
        if server is not None:
            scene.database.write_text(server.url(server.copy()))
        furnish(scene)
        yield scene.settings.data_dir


def test_nothing_is_lost_doubled_or_left_behind(backend: str, furnished: Path, tmp_path: Path) -> None:
    table = table_of(backend) if "CHAOS" in os.environ else None
    outcomes = []
    for outcome in run(seeds(SAMPLE), furnished, tmp_path, table):
        outcomes.append(outcome)
        print(told(outcome), flush=True)
    print(summed(outcomes))
    assert not [outcome.seed for outcome in outcomes if outcome.breaches]
