"""The base: its clips, a few steps, the discriminator, what is converted, and the file that /train starts from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lab.corpus.clips import read_corpus
from lab.errors import CorpusError
from lab.pretrain import loop, voice_material
from lab.pretrain.config import Schedule
from lab.pretrain.voice import RATE, VoiceConfig, VoiceTask, export
from lab.pretrain.voice_material import LEVEL, VoiceClip, read_voice_clips
from models.content import whisper_text
from models.harmonic.voice import RECORDED_LEVEL
from models.harmonic.voice_base import load_base
from models.weights.integrity import WeightsError, digest
from pipeline.pool.model_pool import ModelPool
from pipeline.training.h24 import FRAMES
from pipeline.training.losses import band_limited

CONFIG = VoiceConfig(batch=2, convert_batch=1, convert_every=2, adversary_from=4, warm_steps=2, average=0.5)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("material")


@pytest.fixture(scope="module")
def clips(corpus: Path, models: ModelPool, material: Path, one_thread: None) -> list[VoiceClip]:
    return read_voice_clips(read_corpus(corpus), models, material)


@pytest.fixture
def task(clips: list[VoiceClip], models: ModelPool) -> VoiceTask:
    return VoiceTask(clips, models.speaker, CONFIG)


def test_a_clip_is_measured_in_frames_of_10_ms_at_one_level(clips: list[VoiceClip]) -> None:
    assert len(clips) == 8
    for one in clips:
        frames = len(one.f0)
        assert frames % 10 == 0 and len(one.wav) == frames * 240 and len(one.energy) == frames
        assert one.content.shape == (frames // 2, 128) and one.usable
        assert np.linalg.norm(one.speaker) == pytest.approx(1, abs=1e-3)
        assert 60 < one.median_f0 < 400 and 3 < one.level < 9
        level = np.sqrt(((one.wav.astype(np.float64) / 32767 * one.gain) ** 2).mean())
        assert level == pytest.approx(LEVEL, rel=0.1)


def test_what_was_measured_is_kept_but_for_the_text_features(
    corpus: Path, models: ModelPool, clips: list[VoiceClip], material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_material, "_measure", None)
    monkeypatch.setattr(models.text.map.out.bias, "data", models.text.map.out.bias.data + 1)
    again = read_voice_clips(read_corpus(corpus), models, material)
    for one, two in zip(clips, again, strict=True):
        np.testing.assert_array_equal(one.wav, two.wav)
        np.testing.assert_allclose(two.content - one.content, 1, atol=0.01)


def test_who_is_held_out_is_not_learnt_from(task: VoiceTask) -> None:
    assert {one.clip.speaker for one in task.clips} == {"libri-1688", "maxim", "af_heart"}
    assert {one.clip.speaker for one in task.held_out} == {"libri-533"}
    synthetic = torch.tensor([one.clip.synthetic for one in task.clips])
    assert float(task.weights[synthetic].sum()) == pytest.approx(1 - CONFIG.real_share)
    assert float(task.weights.sum()) == pytest.approx(1)


def test_a_window_is_at_the_level_that_the_decoder_is_told(task: VoiceTask) -> None:
    windows = task._draw(torch.Generator().manual_seed(0)).windows
    assert windows.wav.shape == (2, FRAMES * 240) and windows.content.shape == (2, FRAMES, 128)
    assert windows.f0.shape == windows.energy.shape == (2, FRAMES) and windows.speaker.shape == (2, 256, 1)
    assert windows.bandwidth.tolist() == pytest.approx([0.95 * 7000] * 2) or windows.bandwidth.max() > 7000
    for f0, energy in zip(windows.f0, windows.energy, strict=True):
        assert float(energy[f0 > 0].median()) == pytest.approx(RECORDED_LEVEL, abs=1.5)


def test_it_learns_then_the_discriminator_joins(task: VoiceTask, tmp_path: Path) -> None:
    before = task.validate()
    loop.run(task, tmp_path, Schedule(steps=6, log_every=2, validate_every=6))
    lines = loop.read_log(tmp_path)
    assert {"spectral", "speaker", "converted"} < lines[0].keys() and "adversarial" not in lines[1]
    assert lines[2]["adversarial"] > 0 and lines[2]["discriminator"] > 0 and lines[2]["feature"] > 0
    assert lines[2]["converted_adversarial"] > 0 and 0 < lines[0]["converted"] < CONFIG.speaker_weight * 2
    assert lines[2]["held_out_spectral"] < before["spectral"] and 0.2 < lines[2]["held_out_cosine"] < 0.95

    path = tmp_path / "h24_base.safetensors"
    export(task, path)
    assert path.stat().st_size < 11_000_000
    person, other = torch.nn.functional.normalize(torch.rand(2, 256, generator=torch.Generator().manual_seed(0)), dim=1)
    voice = load_base(person, whisper_text.MODEL_ID, path, digest(path)).voice
    assert torch.equal(voice.speaker, person)
    averaged = task.average.module.state_dict()
    assert all(
        torch.equal(tensor, averaged[name].half().float()) for name, tensor in voice.decoder.state_dict().items()
    )
    given = (torch.randn(1, 128, 20), torch.full((1, 20), 200.0), torch.full((1, 20), 6.0))
    with torch.no_grad():
        heard = [voice.decoder.filters(*given, 16 * one[None]).harmonic for one in (person, other)]
    assert not torch.allclose(heard[0], heard[1])  # what conditions on the speaker has left nothing behind
    with pytest.raises(WeightsError, match="was trained on"):
        load_base(person, "another encoder", path, digest(path))
    with pytest.raises(WeightsError, match="not the pinned file"):
        load_base(person, whisper_text.MODEL_ID, path, "0" * 64)


def test_what_was_killed_ends_with_the_same_weights(clips: list[VoiceClip], models: ModelPool, tmp_path: Path) -> None:
    config = replace(CONFIG, adversary_from=2)
    whole = VoiceTask(clips, models.speaker, config)
    loop.run(whole, tmp_path / "whole", Schedule(steps=4))
    for steps in (2, 3, 4):  # each with a new process's task
        again = VoiceTask(clips, models.speaker, config)
        assert loop.run(again, tmp_path / "killed", Schedule(steps=steps)) == steps
    for name, module in whole.modules.items():
        state = again.modules[name].state_dict()
        assert all(torch.equal(tensor, state[key]) for key, tensor in module.state_dict().items()), name


def test_the_rate_warms_up_then_falls_and_settles(clips: list[VoiceClip], models: ModelPool) -> None:
    config = replace(CONFIG, warm_steps=10, decay=1000, settle_from=2000, settle=100)
    task = VoiceTask(clips, models.speaker, config)

    def rates(number: int) -> list[float]:
        task._set_rates(number)
        return [group["lr"] / group["base"] for o in task.optimizers.values() for group in o.param_groups]

    assert rates(0) == pytest.approx([0.1] * 3, rel=0.01)
    assert rates(1000) == pytest.approx([0.5] * 3) and rates(2100) == pytest.approx([0.5**3.1] * 3)


def test_a_corpus_of_one_kind_is_refused(clips: list[VoiceClip], models: ModelPool) -> None:
    for synthetic in (True, False):
        with pytest.raises(CorpusError, match="real and synthetic clips"):
            VoiceTask([one for one in clips if one.clip.synthetic is synthetic], models.speaker, CONFIG)


def test_nothing_is_compared_above_a_recordings_bandwidth() -> None:
    seconds = torch.arange(9600) / RATE
    tones = torch.stack([torch.sin(2 * torch.pi * hz * seconds) for hz in (1000.0, 9000.0)])
    kept = band_limited(tones, torch.tensor([7000.0, 7000.0]), RATE).square().mean(1)
    assert kept[0] == pytest.approx(0.5, abs=0.01) and kept[1] < 1e-4
