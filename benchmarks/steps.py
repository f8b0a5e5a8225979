"""How many steps a second a training takes, by the size of its batch, and the largest batch that fits."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.memory import begin_peak, peak_gib, wait_for
from models.harmonic.config import HarmonicConfig
from models.memory import freed_memory_kept, is_out_of_memory, release
from models.rvc import S24
from models.signal import Floats32
from pipeline.listening.features import Features
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import EMBEDDED_BASES
from pipeline.sound.levels import Levels
from pipeline.training.base import Base, Learner, TrainOptions
from pipeline.training.data import TrainingData
from pipeline.training.h24 import HarmonicBase
from pipeline.training.recording import Recording
from pipeline.training.rvc import OfficialBase
from pipeline.training.s24 import SmallBase

WIDTHS = {"h24": HarmonicConfig().content_width, "s24": S24.content_dim}
RVC_WIDTH = 768
HEADLINE = 10_000
"""Steps of a whole training, as RVC counts."""
WARM, LEAST, TIMED_SECONDS = 2, 3, 3.0
EMBEDDING = 256


@dataclass(frozen=True)
class StepsRow:
    """A training with one size of batch."""

    base: str
    batch: int
    steps_per_second: float
    gib: float
    minutes: float
    """That HEADLINE steps take."""
    note: str = ""


def run_steps(
    name: str, place: str, threads: int, batches: tuple[int, ...], seconds: float, sound: float = 30.0
) -> list[StepsRow]:
    """With growing batches, until one does not fit or the seconds are over; from random weights where none ship."""
    torch.set_num_threads(threads)
    models, base = ModelPool(place), base_of(name)
    torch.manual_seed(0)
    data = base.data([recording(base.sampling_rate, WIDTHS.get(name, RVC_WIDTH), sound)], models)
    speaker = torch.nn.functional.normalize(torch.randn(EMBEDDING), dim=0)
    learner = base.learner(models, speaker, TrainOptions(from_base=name in EMBEDDED_BASES))
    rows: list[StepsRow] = []
    ends = time.monotonic() + seconds
    for batch in batches:
        if rows and time.monotonic() > ends:
            break
        try:
            rows.append(timed(name, learner, data, batch, models.device))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            rows.append(StepsRow(name, batch, 0.0, 0.0, 0.0, "does not fit"))
            break
        finally:
            release()
    return rows


@freed_memory_kept()
def timed(name: str, learner: Learner, data: TrainingData, batch: int, device: torch.device) -> StepsRow:
    """Some steps with this batch, after some that warm up."""
    generator = torch.Generator().manual_seed(0)
    begin_peak(device)
    for number in range(WARM):
        learner.step(data, batch, number, 0.0, generator)
    wait_for(device)
    began, taken = time.perf_counter(), 0
    while taken < LEAST or time.perf_counter() - began < TIMED_SECONDS:
        learner.step(data, batch, WARM + taken, 0.0, generator)
        wait_for(device)
        taken += 1
    rate = taken / (time.perf_counter() - began)
    return StepsRow(name, batch, rate, peak_gib(device), HEADLINE / rate / 60)


def base_of(name: str) -> Base:
    """What a training starts from."""
    embedded: dict[str, Base] = {"h24": HarmonicBase(), "s24": SmallBase()}
    return embedded.get(name) or OfficialBase(name)


def recording(rate: int, width: int, seconds: float) -> Recording:
    """A steady buzz of 150 Hz with random content: what a step costs does not depend on the sound."""
    frames = 2 * round(seconds * FRAME_RATE / 2)
    draw = np.random.default_rng(0)
    phase = np.arange(frames * rate // FRAME_RATE) * 150 / rate
    wav = 0.2 * np.sign(np.sin(2 * np.pi * phase)).astype(np.float32)

    def steady(value: float) -> Floats32:
        return np.full(frames, value, np.float32)

    content = draw.standard_normal((frames // 2, width)).astype(np.float32)
    features = Features(content, steady(150), steady(0.1), steady(5))
    silent = Levels(*[0.0] * len(Levels.__dataclass_fields__))
    return Recording(wav.astype(np.float32), features, silent, np.zeros((0, EMBEDDING), np.float32))
