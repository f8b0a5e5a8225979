"""Training from the base: it learns, it resumes, it knows when to stop."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.content import whisper_text
from models.harmonic.voice_base import NAME, load_base
from models.rvc import S24, Synthesizer
from models.rvc.voice_base import initialize
from models.voice_file import load_voice
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Interrupted, Report
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.loudness import LoudnessMeter
from pipeline.training import loop
from pipeline.training.data import TrainingData, Windows
from pipeline.training.h24 import HarmonicBase
from pipeline.training.intake import prepare, sounding
from pipeline.training.loop import TrainingLoop
from pipeline.training.train import SAMPLE_LUFS, TrainOptions, TrainReport, audible, train_voice
from pipeline.voices.retrieval import load_index

pytestmark = pytest.mark.usefixtures("little_voice")

RATE = 24000


def as_notes(paths: list[Path]) -> list[Note]:
    return [Note(path, path.name) for path in paths]


@pytest.fixture(scope="module")
def heard(models: ModelPool, brief_notes: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with the features of two notes."""
    folder = tmp_path_factory.mktemp("heard")
    prepare(as_notes(brief_notes), RATE, models, folder)
    return folder


@pytest.fixture(scope="module")
def work(heard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(heard, tmp_path_factory.mktemp("trained") / "work")


@pytest.fixture(scope="module")
def trained(models: ModelPool, brief_notes: list[Path], work: Path) -> TrainReport:
    """A few steps."""
    return train_voice(as_notes(brief_notes), models, work, TrainOptions(steps=12, measure_steps=6, seconds=300))


@pytest.fixture
def retried(heard: Path, tmp_path: Path) -> Path:
    """The work folder of a training that was broken off before its first step."""
    return shutil.copytree(heard, tmp_path / "retried")


@pytest.mark.slow
def test_a_few_steps_learn_and_leave_a_whole_voice(trained: TrainReport, work: Path) -> None:
    assert (trained.steps, trained.stopped) == (12, "steps")
    assert [moment.step for moment in trained.curve] == [0, 6, 12]
    assert trained.best.mel_loss < trained.curve[0].mel_loss
    assert trained.best.similarity > 0.5
    assert trained.minutes == pytest.approx(0.3, abs=0.05)
    voice, info = load_voice(trained.model)
    rows, speaker = load_index(trained.index)
    shipped = load_base(speaker, info.content_model).voice.state_dict()
    changed = [key for key, tensor in voice.state_dict().items() if not tensor.equal(shipped[key].half().float())]
    assert "speaker" not in changed and len(changed) > 50  # whose voice it is stays
    assert info.base == NAME and info.steps == trained.best.step
    assert 100 < info.median_f0 < 220  # a man who speaks
    assert rows.shape[1] == whisper_text.WIDTH and 700 < len(rows) < 1100
    assert float(speaker.norm()) == pytest.approx(1.0, abs=1e-4)
    assert trained.model.stat().st_size < 11_000_000
    assert not list(work.glob("*.part"))


@pytest.mark.slow
def test_a_batch_that_does_not_fit_is_halved_and_training_goes_on(
    models: ModelPool, brief_notes: list[Path], retried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[int]()
    draw = TrainingData.draw

    def crowded(self: TrainingData, batch: int, *rest: torch.Tensor) -> Windows:
        tried.append(batch)
        if batch > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return draw(self, batch, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingData, "draw", crowded)
    trained = train_voice(as_notes(brief_notes), models, retried, TrainOptions(steps=2, measure_steps=10, seconds=300))
    assert (trained.steps, tried) == (2, [4, 2, 1, 1])


@pytest.mark.parametrize(
    ("gain", "click", "peak"), [(0.01, 0.0, 0.141), (1.0, 0.0, 0.141), (0.001, 0.1, 0.8), (0.0, 0.0, 0.0)]
)
def test_a_sample_is_as_loud_as_expected_and_never_above_its_peak(gain: float, click: float, peak: float) -> None:
    wav = (gain * np.sin(2 * np.pi * 997 * np.arange(48000) / 24000)).astype(np.float32)
    wav[5000] += np.float32(click)
    assert np.abs(audible(wav, 24000)).max() == pytest.approx(peak, rel=0.02)


@pytest.mark.slow
def test_the_sample_is_ten_seconds_in_the_voice(models: ModelPool, trained: TrainReport) -> None:
    wav = decode(trained.sample, 16000, channels=1, limits=NOTE, name="sample")
    assert 9.9 < len(wav) / 16000 < 10.2
    meter = LoudnessMeter(16000, 1)
    meter.add(wav[None])
    assert meter.integrated() == pytest.approx(SAMPLE_LUFS, abs=0.5) or np.abs(wav).max() == pytest.approx(0.8, abs=0.1)
    assert np.abs(wav).max() < 0.95  # MP3 overshoots
    heard = models.speaker.embed(wav)
    assert heard is not None and float(heard @ load_index(trained.index)[1].numpy()) > 0.5


@pytest.mark.slow
def test_a_training_that_gave_way_and_was_killed_ends_bit_equal_to_one_that_was_not(
    models: ModelPool, brief_notes: list[Path], retried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def stop_at(step: int, error: type[Exception]) -> Report:
        def report(stage: str, fraction: float) -> None:
            if stage == "training" and fraction >= step / options.steps:
                raise error

        return report

    def saved() -> int:
        step: int = torch.load(retried / "training.pt", weights_only=True)["step"]
        return step

    options = TrainOptions(steps=4, seconds=3000)  # so that only the steps say how far it is
    whole_work = shutil.copytree(retried, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train_voice(as_notes(brief_notes), models, retried, options, stop_at(1, Interrupted))
    assert saved() == 1
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(loop, "QUICK_SAVE", 60.0)
    with pytest.raises(Killed):
        train_voice(as_notes(brief_notes), models, retried, options, stop_at(2, Killed))
    assert saved() == 2
    seen: list[tuple[str, float]] = []
    trained = train_voice(as_notes(brief_notes), models, retried, options, lambda s, f: seen.append((s, f)))
    assert trained.steps == 4
    assert seen == [("listening", 1.0), *(("training", step / 4) for step in (2, 3, 4))]  # only what was missing
    whole = train_voice(as_notes(brief_notes), models, whole_work, options)
    once, twice = (load_voice(report.model)[0].state_dict() for report in (whole, trained))
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_time_is_a_limit_too(models: ModelPool, brief_notes: list[Path], retried: Path) -> None:
    trained = train_voice(as_notes(brief_notes), models, retried, TrainOptions(seconds=0.01))
    assert trained.steps <= 1 and trained.stopped == "time"


def test_it_ends_when_nothing_gets_better_and_the_best_moment_wins(
    models: ModelPool, brief_notes: list[Path], retried: Path
) -> None:
    options = TrainOptions(steps=100, seconds=300, learning_rate=0.1, measure_steps=1, patience=3)  # far too fast
    trained = train_voice(as_notes(brief_notes), models, retried, options)
    assert trained.stopped == "no progress" and trained.steps < 100
    assert trained.best is max(trained.curve, key=lambda moment: moment.score) and trained.best.step < trained.steps
    base = HarmonicBase()
    again = TrainingLoop(models, load_index(trained.index)[1], options, base)
    again.network.load_state_dict(load_voice(trained.model)[0].state_dict())
    data = base.data(prepare(as_notes(brief_notes), RATE, models, retried, encoder=models.text), models)
    again._measure(data)
    assert again.curve[0].mel_loss == pytest.approx(trained.best.mel_loss, abs=0.02)  # half precision on disk


def test_a_fresh_network_follows_f0_before_its_first_step(models: ModelPool) -> None:
    torch.manual_seed(0)
    network = Synthesizer(S24)
    initialize(network)
    frames = 200
    wav = (
        network.eval()
        .infer(
            torch.randn(1, frames, S24.content_dim),
            torch.tensor([frames]),
            torch.full((1, frames), 60),
            torch.full((1, frames), 170.0),
            torch.zeros(1, dtype=torch.long),
            generator=torch.Generator().manual_seed(0),
        )[0, 0]
        .numpy()
    )
    from pipeline.sound.resample import resample

    f0, sure = models.pitch.voicing(resample(wav / np.abs(wav).max() * 0.5, RATE, 16000))
    assert (sure >= 0.5).mean() > 0.8
    assert np.median(f0[sure >= 0.5]) == pytest.approx(170, rel=0.01)


def test_breaths_stay_and_silence_goes(models: ModelPool, brief_notes: list[Path], retried: Path) -> None:
    recordings = prepare(as_notes(brief_notes), RATE, models, retried)
    for recording in recordings:
        assert len(recording.wav) == len(recording.features) * RATE // 100
        sounds_at = sounding(recording.features)
        assert recording.features.voiced[sounds_at].sum() == recording.features.voiced.sum()
        assert sounds_at.mean() > 0.7
