"""Training a separator: it learns, a killed one ends the same to the bit, and several processes end as one does."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lab.errors import PruningError
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from lab.separators.settings import read_settings
from lab.separators.stems import StemSides, read_sides
from lab.separators.task import SeparatorConfig
from lab.separators.train import WEIGHTS, train_separator
from lab.separators.trainable import TrainableSeparator
from pipeline.progress import Interrupted
from tests.lab.separators.stem_songs import small, write_songs

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = SeparatorConfig(batch=2, learning_rate=3e-3, warm_steps=1, checked=2)
STEPS = 6


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> StemSides:
    return read_sides(write_songs(tmp_path_factory.mktemp("songs")), ("rest", "vocals"))


@pytest.fixture
def trainable(tmp_path: Path) -> TrainableSeparator:
    return small("mdx23c", tmp_path)


def test_it_learns_and_a_killed_training_ends_the_same_to_the_bit(
    trainable: TrainableSeparator, sides: StemSides, tmp_path: Path
) -> None:
    schedule = Schedule(STEPS, log_every=2, save_seconds=0.0)
    whole = train_separator(trainable, sides, CONFIG, schedule, tmp_path / "whole")
    assert whole is not None and whole.steps == STEPS and whole.after < whole.before

    def kill(stage: str, done: float) -> None:
        if done > 0.4:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_separator(trainable, sides, CONFIG, schedule, tmp_path / "killed", report=kill)
    assert not (tmp_path / "killed" / WEIGHTS).exists()
    train_separator(trainable, sides, CONFIG, schedule, tmp_path / "killed")
    first, second = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "killed"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [line["step"] for line in loop.read_log(tmp_path / "killed" / "training")] == [2, 4, 6]
    with pytest.raises(PruningError, match=r"holds a training with other learning_rate\. Choose another --out"):
        train_separator(trainable, sides, replace(CONFIG, learning_rate=1.0), schedule, tmp_path / "killed")


def test_a_teacher_alone_teaches_nothing_new_to_itself(
    trainable: TrainableSeparator, sides: StemSides, tmp_path: Path
) -> None:
    config = replace(CONFIG, distilled=1.0, batch=1)
    outcome = train_separator(trainable, sides, config, Schedule(1), tmp_path / "out", teacher=trainable)
    assert outcome is not None
    before, after = trainable.network.state_dict(), load_file(outcome.path)
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in after)
    other = small("htdemucs", tmp_path)
    with pytest.raises(PruningError, match="they give other stems, or other lengths"):
        train_separator(trainable, sides, config, Schedule(1), tmp_path / "other", teacher=other)


def test_the_shipped_settings_are_read() -> None:
    task, schedule = read_settings(None)
    assert task.batch == 4 and schedule.steps == 2000
