"""Distillation: targets are the teacher's, crops keep time, a few steps come nearer, the file loads as the encoder."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lab.corpus.clips import read_corpus
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from lab.pretrain.content import ContentConfig, ContentTask, export, projection
from models.content import student as content_model
from models.content.student import centred
from models.weights.integrity import load_tensors

CONFIG = ContentConfig(batch=4, seconds=2.0, warm_steps=5, learning_rate=2e-3, bf16=False, from_shipped=False)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the teacher's targets are kept, which take a second a clip."""
    return tmp_path_factory.mktemp("material")


@pytest.fixture(scope="module")
def task(corpus: Path, material: Path) -> ContentTask:
    return ContentTask(read_corpus(corpus), CONFIG, material)


def test_examples_are_of_voices_that_may_be_learnt_from(task: ContentTask) -> None:
    assert len(task.examples) == 5  # two clips of each of two voices, one of a third
    assert len(task.held_out) == 1
    for example in task.examples:
        assert len(example.target) == len(example.wav) // 320
        assert np.abs(example.target.astype(np.float32).mean(0)).max() < 0.01


def test_a_crop_at_another_speed_keeps_its_targets_in_time(task: ContentTask) -> None:
    example = task.examples[0]
    ramp = np.repeat(np.arange(len(example.target), dtype=np.float16)[:, None], 512, axis=1)
    sound = (np.arange(len(example.wav)) // 320).astype(np.int16)  # each sample holds its frame's number
    marked = type(example)(sound, ramp, example.phones)
    for seed in range(5):
        wav, target, _ = task._crop(marked, torch.Generator().manual_seed(seed))
        means = wav.reshape(-1, 320).mean(1) * 32768
        assert np.abs(means[2:-4] - target[2:-4, 0].numpy()).max() < 2.0  # frames


def test_a_few_steps_come_nearer_to_the_teacher(task: ContentTask, tmp_path: Path) -> None:
    before = task.validate()["distance"]
    loop.run(task, tmp_path, Schedule(steps=12, log_every=4))
    task.average.update_parameters(task.student)
    lines = loop.read_log(tmp_path)
    assert lines[-1]["distance"] < 0.95 * lines[0]["distance"]
    assert task.validate()["distance"] < before
    assert all(0 < line["phone"] < 6 for line in lines)


def test_features_are_half_whitened_components_of_the_estimate(task: ContentTask) -> None:
    weight = projection(task.student, task.examples)
    with torch.no_grad():
        mels = [task.student.log_mel(torch.from_numpy(example.wav / np.float32(32768))) for example in task.examples]
        frames = torch.cat([centred(task.student.hidden(mel[None]))[0] for mel in mels])
        features, estimate = frames @ weight.T, frames @ task.student.o.weight.T
    spread, of_estimate = features.std(0), torch.linalg.svdvals(estimate) / len(estimate) ** 0.5
    assert spread.square().mean() == pytest.approx(1, abs=0.05)
    ratio = (spread[:20] / of_estimate[:20].sqrt()).numpy()
    assert ratio.std() < 0.05 * ratio.mean()
    assert (features[:, 0] * features[:, 1]).mean().abs() < 0.02


def test_shipped_features_lose_little_and_go_on(corpus: Path, material: Path) -> None:
    config = ContentConfig(batch=4, seconds=2.0, bf16=False)
    task = ContentTask(read_corpus(corpus), config, material)
    assert config.from_shipped and task.validate()["distance"] < 1.2


def test_what_is_exported_is_an_encoder(task: ContentTask, tmp_path: Path) -> None:
    path = tmp_path / "content.safetensors"
    export(task, path)
    encoder = content_model.ContentStudent(CONFIG.width, CONFIG.layers)
    encoder.load_state_dict(load_tensors(path))
    assert encoder.encode(torch.zeros(16000)).shape == (50, CONFIG.width)
    assert not list(tmp_path.glob("*.part"))
