"""The singer encoder's training: it learns from real clips, resumes to the same weights, and its export loads."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lab.corpus.clips import read_corpus
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from lab.pretrain.mel_augment import augment_mel
from lab.pretrain.singers import SingerEncoderConfig, SingerEncoderTask, export
from lab.pretrain.synthetic_music import synthesize_music
from models.separation import spleeter
from models.signal import MUSIC_RATE, SPEECH_RATE
from models.speaker import ast, resemblyzer

TINY = SingerEncoderConfig(
    width=64, layers=1, frames=128, batch=8, seconds=3.0, learning_rate=3e-3, warm_steps=3, pieces=2
)


@pytest.fixture(scope="module")
def prepared(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("lessons")
    SingerEncoderTask(read_corpus(corpus), TINY, folder)
    return folder


@pytest.fixture
def task(corpus: Path, prepared: Path) -> SingerEncoderTask:
    return SingerEncoderTask(read_corpus(corpus), TINY, prepared)


def test_what_is_held_out_is_not_learnt_from(task: SingerEncoderTask) -> None:
    assert not any(example.clip.held_out for example in task.examples)
    assert {example.clip.speaker for example in task.held_out} <= {"libri-533", "bf_emma"}
    assert set(task.speakers.tolist()) == {0, 1, 2}


def test_a_few_steps_bring_it_nearer_to_the_teacher(task: SingerEncoderTask, tmp_path: Path) -> None:
    before = task.validate()["distance"]
    loop.run(task, tmp_path, Schedule(steps=30, log_every=10))
    lines = loop.read_log(tmp_path)
    assert lines[-1]["distance"] < 0.8 * lines[0]["distance"]
    assert lines[-1]["speaker"] < lines[0]["speaker"]
    assert np.isfinite(before)


def test_what_resumes_ends_with_the_weights_of_an_uninterrupted_run(
    corpus: Path, prepared: Path, task: SingerEncoderTask, tmp_path: Path
) -> None:
    loop.run(task, tmp_path / "whole", Schedule(steps=6))
    for steps in (3, 6):
        again = SingerEncoderTask(read_corpus(corpus), TINY, prepared)
        loop.run(again, tmp_path / "parts", Schedule(steps=steps))
    for name in ("student", "average"):
        whole, parts = (t.modules[name].state_dict() for t in (task, again))
        assert all(torch.equal(whole[key], parts[key]) for key in whole)


def test_the_export_is_a_singer_encoder(task: SingerEncoderTask, tmp_path: Path) -> None:
    export(task, tmp_path / "x.safetensors")
    encoder = ast.load(tmp_path / "x.safetensors")
    vector = encoder.embed(task.held_out[0].clip.read(SPEECH_RATE))
    assert vector is not None and vector.shape == (64,)
    assert encoder.name.startswith("AST") and encoder.model_id.startswith("ast-")


def test_the_full_size_stays_within_its_budget() -> None:
    config = SingerEncoderConfig()
    network = ast.build(
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        intermediate_size=3 * config.width,
        max_length=config.frames,
    )
    assert sum(p.numel() for p in network.parameters()) < 1_700_000


def test_the_targets_keep_the_cosines_of_the_teacher(task: SingerEncoderTask) -> None:
    own = torch.from_numpy(np.stack([example.embedding for example in task.examples]))
    turned = torch.nn.functional.normalize(own @ task.rotation, dim=-1)
    assert torch.allclose(turned @ turned.T, own @ own.T, atol=0.02)


def test_augmentation_changes_the_frames_but_not_their_loudness(task: SingerEncoderTask) -> None:
    voice = torch.from_numpy(task.examples[0].frames[:128]).float()[None].repeat(6, 1, 1)
    music = torch.from_numpy(task.music[0][:128]).float()[None].repeat(6, 1, 1)
    augmented = augment_mel(voice, music, 1.0, torch.Generator().manual_seed(0))
    assert augmented.shape == voice.shape and bool(augmented.isfinite().all())
    assert not torch.allclose(augmented[0], augmented[1])
    power = (augmented * 2 * ast.DEVIATION + ast.MEAN).exp().sum((1, 2)) / (
        voice * 2 * ast.DEVIATION + ast.MEAN
    ).exp().sum((1, 2))
    assert bool(((power.log10() * 10).abs() < 12).all())


def test_a_band_is_of_its_seed_and_loud_enough() -> None:
    piece = synthesize_music(3.0, 1)
    assert piece.shape == (2, 3 * MUSIC_RATE)
    assert float(np.sqrt((piece**2).mean())) == pytest.approx(0.1, rel=0.01)
    assert np.array_equal(piece, synthesize_music(3.0, 1)) and not np.array_equal(piece, synthesize_music(3.0, 2))


def test_really_separated_clips_are_kept_and_used(corpus: Path, tmp_path: Path) -> None:
    clips = [clip for clip in read_corpus(corpus) if clip.speaker == "maxim"]
    config = SingerEncoderConfig(width=64, layers=1, frames=128, batch=4, seconds=2.0, separate_every=2, pieces=1)
    task = SingerEncoderTask(clips, config, tmp_path)
    kept = list((tmp_path / spleeter.MODEL_ID).glob("*.npz"))
    assert len(kept) == 1 and sum(bool(len(example.separated)) for example in task.examples) == 1
    written = kept[0].stat().st_mtime_ns
    SingerEncoderTask(clips, config, tmp_path)
    assert kept[0].stat().st_mtime_ns == written
    assert np.isfinite(task.step(0, torch.Generator().manual_seed(0))["distance"])
    assert (tmp_path / resemblyzer.model_id(resemblyzer.SINGERS_DB)).is_dir()
