"""The child's task for a job, from its rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import StoreSettings, open_store
from store.missing import FileGone
from store.use_cases import give_back_job, take_up_result
from tests.store.use_cases.at_work import cover_to_measure, train_anew
from tests.store.use_cases.scene import MEMBER, Scene
from worker.job_task import task_of
from worker.messages import CoverTask
from worker.settings import WorkerSettings


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Jobs over a store of this test's own."""
    store = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield Scene(store, tmp_path, MEMBER)
    store.engine.dispose()


def test_a_cover_is_made_again_by_the_voice_that_sang_it_or_not_at_all(scene: Scene) -> None:
    """That is trained anew after a worker has taken the cover up."""
    give_back_job(scene.store, cover_to_measure(scene), lost=False)
    again = take_up_result(scene.store, "b")
    assert again is not None
    task = task_of(scene.store, again, WorkerSettings())
    assert isinstance(task, CoverTask) and task.made is not None
    train_anew(scene)
    with pytest.raises(FileGone):
        task_of(scene.store, again, WorkerSettings())
