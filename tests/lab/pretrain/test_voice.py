"""The base: its examples, a few steps, the discriminator, and the file that /train starts from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from lab.corpus.clips import read_corpus
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from lab.pretrain.voice import VoiceConfig, VoiceExample, VoiceTask, export, read_clips
from models.content import student as content_model
from models.rvc.voice_base import load_base
from models.weights.integrity import WeightsError
from pipeline.pool.model_pool import ModelPool
from pipeline.training.losses import band_limited

CONFIG = VoiceConfig(batch=2, adversary_from=4, warm_steps=2, bf16=False)


@pytest.fixture(scope="module")
def examples(corpus: Path, models: ModelPool, tmp_path_factory: pytest.TempPathFactory) -> list[VoiceExample]:
    return read_clips(read_corpus(corpus), models, tmp_path_factory.mktemp("material"))


def test_a_clip_is_extracted_in_frames_of_10_ms(examples: list[VoiceExample]) -> None:
    for one in examples:
        frames = len(one.signal.f0)
        assert len(one.signal.wav) == frames * 240 and one.content.shape == (2, frames // 2, 192)
        assert len(one.signal.loud) == frames and one.signal.loud.mean() > 0.5
        assert np.linalg.norm(one.signal.embedding) == pytest.approx(1, abs=1e-3)
        assert 60 < np.median(one.signal.f0[one.signal.f0 > 0]) < 400
    clean, warped = examples[0].content.astype(np.float32)
    assert 0.01 < np.abs(clean - warped).mean() < np.abs(clean).mean()


def test_it_learns_then_the_discriminator_joins(examples: list[VoiceExample], tmp_path: Path) -> None:
    task = VoiceTask(examples, CONFIG)
    loop.run(task, tmp_path, Schedule(steps=6, log_every=2, validate_every=6))
    lines = loop.read_log(tmp_path)
    assert lines[-1]["spectral"] < lines[0]["spectral"]
    assert "adversarial" not in lines[1] and lines[2]["adversarial"] > 0 and lines[2]["discriminator"] > 0
    assert 0 < lines[2]["held_out_mel"] < 5

    path = tmp_path / "voice_base.safetensors"
    export(task, path)
    assert path.stat().st_size < 9_000_000
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    base = load_base(content_model.MODEL_ID, path, sha256)
    voices = torch.nn.functional.normalize(torch.randn(2, 256), dim=1)
    assert not torch.allclose(*base.speaker_vector(voices))
    assert torch.allclose(base.voice(voices[0]).emb_g.weight[0], base.speaker_vector(voices[:1])[0, :, 0])
    with pytest.raises(WeightsError, match="was trained on"):
        load_base("another encoder", path, sha256)
    with pytest.raises(WeightsError, match="not the pinned file"):
        load_base(content_model.MODEL_ID, path, "0" * 64)


def test_nothing_is_compared_above_a_recordings_bandwidth() -> None:
    seconds = torch.arange(9600) / 24000
    tones = torch.stack([torch.sin(2 * torch.pi * hz * seconds) for hz in (1000.0, 9000.0)])
    kept = band_limited(tones, torch.tensor([7000.0, 7000.0]), 24000).square().mean(1)
    assert kept[0] == pytest.approx(0.5, abs=0.01) and kept[1] < 1e-4
