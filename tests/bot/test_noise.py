"""Real noise goes through the bot and a worker's own steps: one sentence that says so, and nothing of it stays."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.errors import SoundError
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import ignore
from store import JobState, Singer, Store, library
from store.use_cases import take_next_job
from tests.bot.world import Worker, World, response_of
from tests.pipeline import sounds
from worker import child_tasks
from worker.child import Child, OnPreview, unheard
from worker.job_runner import work_on
from worker.messages import Done, End, Refused, Report, Task
from worker.settings import WorkerSettings

pytestmark = pytest.mark.usefixtures("quiet")
RATE = 48000


class HereChild(Child):
    """The child's work, done in this process by its models."""

    def __init__(self, models: ModelPool) -> None:
        super().__init__("cpu", 1)
        self.models = models

    async def run(
        self, task: Task, on_report: Callable[[Report], None] = lambda _: None, on_preview: OnPreview = unheard
    ) -> End:
        """As in Child."""
        try:
            return Done(await asyncio.to_thread(child_tasks.perform, task, self.models, lambda _: None, ignore))
        except SoundError as error:
            return Refused(error.code, error.params, str(error))


def white() -> Floats32:
    """Eight seconds in which every frequency is as loud."""
    return sounds.noise(8, RATE, channels=1, peak=0.3)


def fan() -> Floats32:
    """Eight seconds that are softer the higher, with the hum of a motor in them."""
    wave = np.random.default_rng(1).standard_normal(8 * RATE)
    bins = np.fft.rfft(wave)
    pink = np.fft.irfft(bins / np.sqrt(np.maximum(np.arange(len(bins)), 1)))
    hum = 0.3 * pink.std() * np.sin(2 * np.pi * 120 * np.arange(len(pink)) / RATE)
    return np.asarray(0.3 * (pink + hum) / np.abs(pink + hum).max(), np.float32)


@pytest.mark.parametrize(
    ("noise", "language", "sentence"),
    [
        (white, "en", "**Match failed.** fan.flac is noise: no voice stands out of it. Speak or sing close"),
        (fan, "ko", "fan.flac: 소음뿐이고 목소리가 들리지 않아요. 조용한 곳에서"),
    ],
)
async def test_noise_is_said_to_be_noise_with_a_next_step(
    world: World,
    worker: Worker,
    store: Store,
    tmp_path: Path,
    models: ModelPool,
    noise: Callable[[], Floats32],
    language: str,
    sentence: str,
) -> None:
    with store.write() as session:
        key = store.media.put_bytes(b"never read", "x.safetensors")
        library.put_singer(session, Singer(name="IU", embedding_model="m", embeddings_key=key, clips=3))
    world.bot.services.languages[world.guild.id] = language
    recorded = sounds.write(tmp_path / "fan.flac", noise(), RATE)
    sent = await world.alice.slash(world.channel, "match", note1=("fan.flac", recorded.read_bytes()))
    job = take_next_job(store, "w")
    assert job is not None
    await work_on(store, HereChild(models), job, WorkerSettings())
    await world.tick(5)
    assert worker.only().state is JobState.FAILED
    assert sentence in response_of(sent).content and "</notes:" in response_of(sent).content
    assert store.media.keys() == {key}
