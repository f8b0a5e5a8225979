"""A step of h24: when the speaker encoder is asked."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Interrupted, Report, ignore
from pipeline.training import h24
from pipeline.training.base import TrainOptions
from pipeline.training.data import TrainingData
from pipeline.training.loop import TrainingLoop
from tests.pipeline.training.test_rvc import buzz


@pytest.fixture
def learner(models: ModelPool) -> h24.HarmonicLearner:
    speaker = nn.functional.normalize(torch.rand(256, generator=torch.Generator().manual_seed(0)), dim=0)
    return h24.HarmonicBase().learner(models, speaker, TrainOptions())


@pytest.fixture
def material() -> TrainingData:
    """Windows of 0.6 s."""
    return TrainingData([buzz(6.0, 128, 24_000)], 24_000, 60, even=True)


def step(learner: h24.HarmonicLearner, data: TrainingData, number: int) -> None:
    learner.step(data, 2, number, 0.1, torch.Generator().manual_seed(number))


def test_the_speaker_encoder_is_asked_every_fourth_step_and_counts_for_four(
    learner: h24.HarmonicLearner, material: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = list[float]()
    monkeypatch.setattr(h24, "descend", lambda optimizer, loss, crew: losses.append(float(loss.detach())))
    monkeypatch.setattr(h24, "ADVERSARY_WEIGHT", 0.0)
    for number in range(5):
        for likeness in (1.0, 0.0):
            heard = likeness * learner.trained.speaker[None]
            monkeypatch.setattr(learner.heard_as, "forward", lambda wav, heard=heard: heard)
            step(learner, material, number)
    alike, unlike = losses[::2], losses[1::2]
    costs = [other - one for one, other in zip(alike, unlike, strict=True)]
    assert costs == pytest.approx([4 * h24.SPEAKER_WEIGHT, 0, 0, 0, 4 * h24.SPEAKER_WEIGHT], rel=1e-3)


def test_a_training_taken_up_after_an_odd_number_of_steps_asks_in_the_same_ones(
    models: ModelPool, material: TrainingData, tmp_path: Path
) -> None:
    def attempt(checkpoint: Path, report: Report = ignore) -> TrainingLoop:
        options = TrainOptions(steps=3, measure_steps=3, batch=2, seconds=3600)
        loop = TrainingLoop(models, torch.ones(256) / 16, options, h24.HarmonicBase())
        loop.resume(checkpoint)
        loop.run(material, checkpoint, report)
        return loop

    def stop_after_one(stage: str, fraction: float) -> None:
        if fraction > 0:
            raise Interrupted

    once = attempt(tmp_path / "once.pt")
    with pytest.raises(Interrupted):
        attempt(tmp_path / "twice.pt", stop_after_one)
    assert torch.load(tmp_path / "twice.pt", weights_only=True)["step"] == 1
    twice = attempt(tmp_path / "twice.pt")
    learnt = once.learner.state()["network"]
    assert all(value.equal(learnt[name]) for name, value in twice.learner.state()["network"].items())
