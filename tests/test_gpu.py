"""What runs on a GPU keeps to its rules: on a stand-in that refuses what CUDA refuses, and sounds as on the CPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.steps import base_of, recording
from benchmarks.whole_cover import magnitudes
from models.precision import agreement
from models.rvc import pretrained
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.covers.cover import make_cover
from pipeline.covers.cover_measures import measure_cover
from pipeline.listening.features import extract
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Selection
from pipeline.separation.registry import open_separator
from pipeline.sound.decode import NOTE, STEM, decode
from pipeline.training import rvc
from pipeline.training.base import TrainOptions
from pipeline.training.loop import TrainingLoop
from tests.models.rvc.base_files import SMALL, write_base
from tests.models.separation.separator_files import write_htdemucs, write_mdx23c, write_roformer
from tests.pipeline.covers.test_cover import of
from tests.stand_in import DEVICE, NAME, on_stand_in

pytestmark = pytest.mark.usefixtures("one_thread")
WIDTHS = {"h24": 128, "rvc-40k": 768}


def mistakes() -> list[str]:
    """What the stand-in says of each."""
    here, network = torch.ones(3, device=DEVICE), nn.Linear(3, 2).to(DEVICE)
    wrong: list[Callable[[], Any]] = [
        lambda: here + torch.ones(3),
        lambda: network(torch.ones(3)),
        lambda: torch.ones(3)[here.long()],
        lambda: torch.randn(3, device=DEVICE, generator=torch.Generator()),
        here.numpy,
        lambda: torch.histogram(here, 3),
        lambda: nn.LSTM(3, 2).to(DEVICE).eval()(here[None]),
    ]
    said = []
    for mistake in wrong:
        with pytest.raises(RuntimeError) as caught:
            mistake()
        said.append(str(caught.value))
    with torch.autocast(NAME, torch.bfloat16):
        made = network(here)
        said += [str(made.dtype), str(made.softmax(0).dtype), str((here[torch.tensor([0])] + 1).cpu().tolist())]
    return said


def test_the_stand_in_refuses_what_a_gpu_refuses() -> None:
    added, linear, indexed, drawn, seen, counted, recurrent, *dtypes = on_stand_in(mistakes)
    assert all("different devices" in said for said in (added, linear, indexed))
    assert "the generator is on the cpu" in drawn and "numpy" in seen
    assert "CUDA has no such operation" in counted and "only be called in training mode" in recurrent
    assert dtypes == ["torch.bfloat16", "torch.float32", "[2.0]"]


def cover(song: Path, voice: tuple[Path, Path], out: Path, device: str, precision: str) -> tuple[Floats32, list[float]]:
    """The converted vocals, and the cover's figures."""
    models = ModelPool(device, Selection(precision=precision))
    wanted = of(song, voice, out / "cache", out)
    report = make_cover(wanted, models)
    figures = measure_cover(wanted, report, models).figures
    told = [figures.cosine_source, figures.cosine_cover, figures.f0_correlation, figures.mos_source, figures.mos_cover]
    return decode(report.converted, MUSIC_RATE, channels=2, limits=STEM, name="converted"), told


@pytest.fixture(scope="module")
def exact(
    short_song: Path, voice_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Floats32, list[float]]:
    """What `cover` gives on the CPU."""
    return cover(short_song, voice_files, tmp_path_factory.mktemp("cpu"), "cpu", "float32")


@pytest.mark.parametrize(("precision", "least", "apart"), [("float32", 80.0, 0.001), ("auto", 20.0, 0.1)])
def test_a_cover_is_the_cpus(
    short_song: Path,
    voice_files: tuple[Path, Path],
    exact: tuple[Floats32, list[float]],
    tmp_path: Path,
    precision: str,
    least: float,
    apart: float,
) -> None:
    there, figures = on_stand_in(cover, short_song, voice_files, tmp_path, DEVICE, precision)
    here, expected = exact
    decibels = agreement(*(magnitudes(torch.from_numpy(sound)) for sound in (here, there)))
    print(f"{precision}: {decibels:.1f} dB; {figures} for {expected}")
    assert decibels > least
    assert figures == pytest.approx(expected, abs=apart)


def train(name: str, folder: Path) -> tuple[list[float], int]:
    """The losses before and after a step, and how many steps another attempt finds done."""
    models, base = ModelPool(DEVICE, Selection(voice_base=name)), base_of(name)
    models.locate = lambda _: write_base(folder)  # type: ignore[assignment]
    data = base.data([recording(base.sampling_rate, WIDTHS[name], 5.0)], models)
    options = TrainOptions(steps=1, measure_steps=1, batch=1, seconds=3600)
    first, again = (TrainingLoop(models, torch.ones(256) / 16, options, base) for _ in range(2))
    first.run(data, folder / "training.pt", lambda stage, fraction: None)
    again.resume(folder / "training.pt")
    return [moment.mel_loss for moment in first.curve], again.step


def trainings(folder: Path) -> dict[str, tuple[list[float], int]]:
    """From each base; RVC's at a small size."""
    with patch.dict(pretrained.BASES, {"rvc-40k": SMALL}), patch.object(rvc, "CLIP_FRAMES", 100):
        return {name: train(name, folder / name) for name in WIDTHS}


def test_a_training_learns_is_measured_and_can_be_taken_up(tmp_path: Path) -> None:
    for name in WIDTHS:
        (tmp_path / name).mkdir()
    for name, (losses, steps) in on_stand_in(trainings, tmp_path).items():
        print(f"{name}: {losses}")
        assert len(losses) == 2 and losses[1] < losses[0] and steps == 1, name


def separate(folder: Path, mix: Floats32, device: str) -> dict[str, Floats32]:
    """The vocals by each kind of network."""
    files = {
        "htdemucs": {"weights": write_htdemucs(folder / "a.safetensors")},
        "mdx23c": write_mdx23c(folder),
        "melband": write_roformer(folder, mel=True),
        "bsroformer": write_roformer(folder, mel=False),
    }
    made = {}
    for name in files:
        separator = open_separator(name, files.__getitem__, torch.device(device), bf16=False)
        made[name] = np.concatenate(list(separator.vocals([mix])), axis=1)
    return made


def test_every_separator_separates_as_on_the_cpu(tmp_path: Path) -> None:
    mix = np.random.default_rng(0).normal(0, 0.1, (2, 20_000)).astype(np.float32)
    there, here = on_stand_in(separate, tmp_path, mix, DEVICE), separate(tmp_path, mix, "cpu")
    for name, vocals in here.items():
        assert agreement(torch.from_numpy(vocals), torch.from_numpy(there[name])) > 80, name


def listen(note: Path, device: str) -> list[Floats32]:
    """What every encoder that ships makes of two seconds."""
    models = ModelPool(device, Selection(precision="float32"))
    wav = decode(note, SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 2 * SPEECH_RATE]
    heard = [extract(wav, encoder, models.pitch).content for encoder in (models.text, models.content)]
    return [*heard, *(np.asarray(encoder.embed(wav)) for encoder in (models.speaker, models.singer))]


def test_every_encoder_hears_what_it_hears_on_the_cpu(notes: list[Path]) -> None:
    there, here = on_stand_in(listen, notes[0], DEVICE), listen(notes[0], "cpu")
    for ours, theirs in zip(here, there, strict=True):
        assert agreement(torch.from_numpy(ours), torch.from_numpy(theirs)) > 80
