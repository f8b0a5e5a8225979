"""The parts and figures of a cover whose worker ended come from the next one, to the cover that its member has."""

import asyncio
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlmodel import select

from models.signal import Floats32
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import SONG, decode
from store import JobState, Outbox, Store, previews, voices
from store.results import cover_result
from store.use_cases import CoverRequest, Requester, request_cover, save_files, take_next_job, take_up_result
from tests.worker.conftest import MEMBER, read
from worker import child_tasks
from worker.child import Child, OnPreview, unheard
from worker.errors import ChildDied
from worker.job_runner import work_on
from worker.messages import CoverTask, Done, End, JobOutcome, RestTask, Task
from worker.settings import WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


class Dying:
    """A child that performs in this process, and dies over so many pieces of what is to be added."""

    def __init__(self, models: ModelPool, pieces: int) -> None:
        self.models, self.pieces, self.tasks = models, pieces, list[Task]()

    async def run(self, task: Task, _: Any, on_preview: OnPreview = unheard) -> End:
        self.tasks.append(task)
        if isinstance(task, RestTask):
            self.pieces -= 1
            if self.pieces < 0:
                raise ChildDied("It was killed.")
        outcome = child_tasks.perform(task, self.models, lambda _: None, lambda *_: None, lambda _: None)
        if isinstance(outcome, JobOutcome) and isinstance(task, CoverTask):
            stems = (outcome.files[role] for role in ("vocals", "instrumental", "converted"))
            self.peak = max(float(np.abs(sound_of(path)).max()) for path in stems)
        return Done(outcome)


def sound_of(path: Path) -> Floats32:
    """Stereo at 44.1 kHz."""
    return decode(path, 44100, channels=2, limits=SONG, name=path.name)


def message_of(store: Store) -> Outbox:
    """The only one."""
    with store.read() as session:
        return session.exec(select(Outbox)).one()


def test_parts_and_figures_follow_to_the_same_cover(
    store: Store, models: ModelPool, voice_files: tuple[Path, Path], short_song: Path
) -> None:
    keys = [store.media.put_file(path) for path in voice_files]
    with store.write() as session:
        voices.finish(session, voices.create(session, MEMBER, "mine", None, None), keys[0], keys[1], {})
    (file,) = save_files(store, [(short_song, "song.wav")])
    request_cover(store, Requester(MEMBER, channel_id=5, reply_token="t"), CoverRequest("mine", file, vocal_level=3))
    job = take_next_job(store, "a")
    assert job is not None
    first = Dying(models, 2)
    asyncio.run(work_on(store, cast(Child, first), job, WorkerSettings()))
    before, row = message_of(store), read(store, job)
    assert [file["name"] for file in before.files] == ["cover.mp3", "voice-message.ogg", "vocals.ogg"]
    assert row.being_measured and not cover_result(row.result).measured and row.result["waveform"]

    again = take_up_result(store, "b")
    assert again is not None
    second = Dying(models, 9)
    asyncio.run(work_on(store, cast(Child, second), again, WorkerSettings()))
    after, done = message_of(store), read(store, job)
    assert len(second.tasks) == 3  # the cover, its instrumental, its figures
    assert isinstance(second.tasks[0], CoverTask) and not second.tasks[0].preview
    assert previews.of_job(store, done) is None and done.state is JobState.RENDERED and not done.being_measured
    assert [file["name"] for file in after.files[:3]] == [file["name"] for file in before.files]
    assert [file["key"] for file in after.files[:3]] == [file["key"] for file in before.files]
    assert [file["name"] for file in after.files[3:]] == ["instrumental.ogg", "cover.png"]
    result = cover_result(done.result)
    assert result.measured and 0.0 < (result.cosine_cover or 0.0) < 1.0 and result.waveform == row.result["waveform"]
    assert result.vocal_level == 3
    assert (result.lufs, result.encoding, result.key_shift) == tuple(
        row.result[name] for name in ("lufs", "encoding", "key_shift")
    )
    assert result.stem_peak == pytest.approx(first.peak, abs=2**-20) == pytest.approx(second.peak)
    cover, vocals, instrumental = (sound_of(store.media.path(after.files[number]["key"])) for number in (0, 2, 3))
    assert cover.shape[1] == pytest.approx(instrumental.shape[1], abs=441)
    least = min(sound.shape[1] for sound in (cover, vocals, instrumental))
    summed = (vocals[:, :least] + instrumental[:, :least])[:, 4410:-4410].ravel()
    mixed = cover[:, :least][:, 4410:-4410].ravel()
    cosine = float(np.dot(summed, mixed) / np.linalg.norm(summed) / np.linalg.norm(mixed))
    assert cosine > 0.98
    assert not (store.work_dir / job.id).exists()
