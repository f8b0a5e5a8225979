"""A preview comes from a song's loudest sung seconds to the card of whoever has one, and goes with the job's end."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.covers import preview
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import STEM, measure
from store import JobState, Store, previews, voices
from store.use_cases import CoverRequest, Requester, request_cover, save_files, take_next_job
from tests.worker.conftest import MEMBER, read
from worker import child_tasks
from worker.child import Child, OnPreview, unheard
from worker.job_runner import work_on
from worker.messages import Done, End, Preview, Task
from worker.settings import WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


class Sung:
    """A child that performs a cover in this process; `seen` is called after each preview."""

    def __init__(self, models: ModelPool, seen: Callable[[], None]) -> None:
        self.models, self.seen = models, seen

    async def run(self, task: Task, _: Any, on_preview: OnPreview = unheard) -> End:
        told: list[Preview] = []
        outcome = child_tasks.perform(task, self.models, lambda _: None, lambda *_: None, told.append)
        for one in told:
            await on_preview(one)
            self.seen()
        return Done(outcome)


@pytest.mark.parametrize(("token", "count"), [("token", 1), (None, 0)])
def test_a_long_song_is_heard_before_its_cover_by_whoever_has_a_card(
    store: Store,
    models: ModelPool,
    voice_files: tuple[Path, Path],
    short_song: Path,
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    count: int,
) -> None:
    monkeypatch.setattr(preview, "SECONDS", 2)
    monkeypatch.setattr(preview, "LEAST_SONG", 3.5)
    keys = [store.media.put_file(path) for path in voice_files]
    with store.write() as session:
        voices.finish(session, voices.create(session, MEMBER, "mine", None, None), keys[0], keys[1], {})
    (file,) = save_files(store, [(short_song, "song.wav")])
    request_cover(store, Requester(MEMBER, channel_id=5, reply_token=token), CoverRequest("mine", file))
    job = take_next_job(store, "w")
    assert job is not None
    heard: list[float] = []

    def seen() -> None:
        path = previews.of_job(store, read(store, job))
        heard.extend([measure(path, STEM, "preview")] if path else [])

    asyncio.run(work_on(store, cast(Child, Sung(models, seen)), job, WorkerSettings()))
    assert heard == [pytest.approx(2.0, abs=0.1)] * count
    assert read(store, job).state is JobState.RENDERED and not (store.work_dir / job.id).exists()
