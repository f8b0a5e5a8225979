"""Training from RVC's bases, at a small size: both networks learn, it resumes, its voices sing and leave as `.pth`."""

import json
import resource
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import HubertConfig, HubertModel

from files.disk import DiskFull
from models.content import contentvec
from models.rvc import discriminator_loss, pretrained
from models.rvc.pth_file import read_pth
from models.voice_file import load_voice
from pipeline.errors import ModelUnusable
from pipeline.listening.features import Features
from pipeline.listening.features import load as load_features
from pipeline.listening.notes import Note
from pipeline.pool.availability import VOICE_BASES, ModelsUnavailable, open_models, refusals
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Selection
from pipeline.progress import Report, ignore
from pipeline.singing.convert import ConvertOptions, convert
from pipeline.sound.decode import NOTE, probe
from pipeline.sound.levels import Levels
from pipeline.training import loop as training_loop
from pipeline.training import rvc, step
from pipeline.training.crew import Crew
from pipeline.training.data import TrainingData
from pipeline.training.loop import TrainingLoop
from pipeline.training.recording import Recording
from pipeline.training.rvc import AdversarialLearner, OfficialBase
from pipeline.training.step import descend
from pipeline.training.train import TrainOptions, TrainReport, train_voice
from pipeline.voices.retrieval import load_index
from pipeline.voices.rvc_files import export_voice
from tests.models.rvc.base_files import SMALL, checkpoint, networks, write_base

pytestmark = pytest.mark.usefixtures("one_thread", "little_voice")

HUBERT: dict[str, Any] = {"hidden_size": 768, "num_hidden_layers": 1, "intermediate_size": 64, "conv_dim": [16] * 7}
FAST = TrainOptions(steps=12, batch=1, learning_rate=2e-3, measure_steps=6, seconds=300)


@pytest.fixture(scope="module", autouse=True)
def small() -> Any:
    """The base rvc-40k, and RVC's clips, at a size for tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(pretrained.BASES, "rvc-40k", SMALL)
        patch.setattr(rvc, "CLIP_FRAMES", 100)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """What the catalogue would locate: a small base and a small ContentVec."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(HubertModel(HubertConfig(**HUBERT)).state_dict(), folder / "contentvec.safetensors")
    (folder / "config.json").write_text(json.dumps(HUBERT))
    return {"rvc-40k": write_base(folder), "contentvec": {"weights": folder / "contentvec.safetensors"}}


@pytest.fixture(scope="module")
def chosen(files: dict[str, dict[str, Path]]) -> ModelPool:
    """The models of an operator with VOICE_BASE=rvc-40k."""
    pool = ModelPool("cpu", Selection(voice_base="rvc-40k"))
    pool.locate = files.__getitem__  # type: ignore[assignment]
    pool.contentvec = lru_cache(maxsize=2)(pool._contentvec)
    return pool


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def some(brief_notes: list[Path]) -> list[Note]:
    return [Note(path, path.name) for path in brief_notes]


@pytest.fixture(scope="module")
def trained(chosen: ModelPool, some: list[Note], work: Path) -> TrainReport:
    return train_voice(some, chosen, work, FAST)


def buzz(seconds: float, width: int = 768, rate: int = 40_000) -> Recording:
    """A recording of a steady voice, with random content."""
    frames = round(100 * seconds)
    draw = np.random.default_rng(0)
    features = Features(
        draw.standard_normal((frames // 2, width)).astype(np.float32),
        np.full(frames, 150, np.float32),
        np.full(frames, 0.1, np.float32),
        np.full(frames, 5.0, np.float32),
    )
    wav = np.sign(np.sin(np.arange(frames * rate // 100) * 2 * np.pi * 150 / rate)) * 0.2
    levels = Levels(*[0.0] * len(Levels.__dataclass_fields__))
    return Recording(wav.astype(np.float32), features, levels, np.zeros((0, 256), np.float32))


@pytest.fixture
def clips() -> TrainingData:
    return OfficialBase("rvc-40k").data([buzz(3.0), buzz(4.0)], ModelPool())


def begin(models: ModelPool, options: TrainOptions = FAST) -> AdversarialLearner:
    return OfficialBase("rvc-40k").learner(models, torch.zeros(256), options)


def test_a_few_steps_learn_and_leave_a_whole_voice(trained: TrainReport, files: dict[str, dict[str, Path]]) -> None:
    assert (trained.steps, trained.stopped) == (12, "steps")
    assert [moment.step for moment in trained.curve] == [0, 6, 12]
    assert trained.best.mel_loss < 0.8 * trained.curve[0].mel_loss
    assert trained.base.startswith("rvc-40k (RVC v2 base, f0G40k.pth, ")
    assert trained.voice == "RVC v2 40k" and trained.content.startswith("ContentVec (layer 1")
    voice, info = load_voice(trained.model)
    assert (info.content_model, info.base, info.steps) == (contentvec.MODEL_ID, trained.base, trained.best.step)
    before = pretrained.read_base(files["rvc-40k"], SMALL).generator.state_dict()
    state = voice.state_dict()
    assert {name for name in before if not name.startswith("enc_q.")} == state.keys()
    changed = {name.partition(".")[0] for name in state if not state[name].equal(before[name].half().float())}
    assert changed == {"enc_p", "flow", "dec", "emb_g"}
    assert state["emb_g.weight"].shape == (3, 8)
    assert state["emb_g.weight"][1:].sub(before["emb_g.weight"][1:]).abs().max() < 1e-3  # nobody but speaker 0 sang
    rows, speaker = load_index(trained.index)
    assert rows.shape[1] == 768 and len(rows) > 1000 and float(speaker.norm()) == pytest.approx(1.0, abs=1e-4)
    assert probe(trained.sample, NOTE, "sample").seconds == pytest.approx(10, abs=0.2)


def test_the_discriminator_learns_too(trained: TrainReport, work: Path, clips: TrainingData) -> None:
    stored = torch.load(work / "training.pt", weights_only=True)
    judges, (generator, untaught) = networks()[1], networks()
    judges.load_state_dict(stored["discriminator"])
    assert not any(judges.state_dict()[name].equal(tensor) for name, tensor in untaught.state_dict().items())
    generator.load_state_dict(stored["network"])
    windows = clips.draw(4, generator.speaker_vector(torch.zeros(1, dtype=torch.long)), torch.Generator())
    fake = generator.dec(torch.zeros(4, 16, 32), windows.f0[:, :32], windows.speaker, generator=torch.Generator())
    real = windows.wav[:, None, :12800]
    with torch.no_grad():
        losses = [float(discriminator_loss(which(real), which(fake))) for which in (untaught, judges)]
    assert losses[1] < 0.95 * losses[0], losses


def test_a_second_attempt_ends_where_an_uninterrupted_one_does(
    chosen: ModelPool, clips: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_loop, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(training_loop, "QUICK_SAVE", 60.0)

    class Killed(Exception):
        pass

    def die_at_half(stage: str, fraction: float) -> None:
        if fraction >= 0.5:
            raise Killed

    def attempt(checkpoint: Path, report: Report = ignore) -> TrainingLoop:
        options = replace(FAST, steps=4, measure_steps=2)
        loop = TrainingLoop(chosen, torch.zeros(256), options, OfficialBase("rvc-40k"))
        loop.resume(checkpoint)
        loop.run(clips, checkpoint, report)
        return loop

    once = attempt(tmp_path / "once.pt")
    with pytest.raises(Killed):
        attempt(tmp_path / "twice.pt", die_at_half)
    assert torch.load(tmp_path / "twice.pt", weights_only=True)["step"] == 2
    seen: list[float] = []
    twice = attempt(tmp_path / "twice.pt", lambda stage, fraction: seen.append(fraction))
    assert twice.step == 4 and len(seen) == 1 + 2
    assert [moment.mel_loss for moment in twice.curve] == [moment.mel_loss for moment in once.curve]
    theirs = once.learner.state()["discriminator"]
    assert all(value.equal(theirs[name]) for name, value in twice.learner.state()["discriminator"].items())
    assert all(value.equal(once.network.state_dict()[name]) for name, value in twice.network.state_dict().items())


def test_a_checkpoint_of_another_base_is_not_taken_up(
    trained: TrainReport, chosen: ModelPool, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_base(tmp_path)
    checkpoint(other["generator"], {name: 0.9 * value for name, value in networks()[0].state_dict().items()})
    loop = TrainingLoop(chosen, torch.zeros(256), FAST, OfficialBase("rvc-40k"))
    loop.resume(work / "training.pt")
    assert loop.step == 12
    monkeypatch.setattr(chosen, "locate", lambda name: other)
    loop = TrainingLoop(chosen, torch.zeros(256), FAST, OfficialBase("rvc-40k"))
    loop.resume(work / "training.pt")
    assert loop.step == 0


def test_saving_takes_a_twentieth_of_the_time_at_most(
    chosen: ModelPool, clips: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, saves = [0.0], list[float]()
    monkeypatch.setattr(training_loop, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    loop = TrainingLoop(chosen, torch.zeros(256), TrainOptions(seconds=1000.0), OfficialBase("rvc-40k"))

    def step(data: TrainingData, batch: int) -> None:
        clock[0] += 1.0
        loop.step += 1

    def save(path: Path) -> None:
        saves.append(clock[0])
        clock[0] += 4.0

    monkeypatch.setattr(loop, "_step", step)
    monkeypatch.setattr(loop, "_save", save)
    monkeypatch.setattr(loop, "patience", 1000)
    loop.run(clips, tmp_path / "training.pt", lambda stage, fraction: None)
    assert saves[0] == 20 and np.diff(saves[:-1]) == pytest.approx(80, abs=1)  # 4 s every 80 s, and once at the end
    assert len(saves) == 14


def test_a_disk_that_is_full_leaves_nothing_half_written(chosen: ModelPool, tmp_path: Path) -> None:
    loop = TrainingLoop(chosen, torch.zeros(256), FAST, OfficialBase("rvc-40k"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(DiskFull):
            loop._save(tmp_path / "training.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_memory_that_runs_out_while_the_generator_asks_freezes_nobody(
    chosen: ModelPool, clips: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, failures = begin(chosen), [True]
    judge = learner.discriminator.forward

    def short(wav: Tensor) -> Any:
        frozen = not any(parameter.requires_grad for parameter in learner.discriminator.parameters())
        if frozen and len(wav) > 1 and failures:
            failures.pop()
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return judge(wav)

    monkeypatch.setattr(learner.discriminator, "forward", short)
    loop = TrainingLoop(chosen, torch.zeros(256), TrainOptions(batch=2), OfficialBase("rvc-40k"))
    loop.learner = learner
    loop.batch.run(partial(loop._step, clips))
    assert (loop.step, loop.batch.size, failures) == (1, 1, [])
    assert all(parameter.requires_grad for parameter in learner.discriminator.parameters())


def test_in_bfloat16_it_learns_as_well_and_counts_in_float32(
    chosen: ModelPool, clips: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not begin(chosen)._half()._enabled  # on the CPU it stays off
    monkeypatch.setattr(AdversarialLearner, "_half", lambda self: torch.autocast("cpu", torch.bfloat16))
    learner, losses = begin(chosen), list[Tensor]()

    def recorded(optimizer: torch.optim.Optimizer, loss: Tensor, crew: Crew) -> None:
        losses.append(loss.detach())
        descend(optimizer, loss, crew)

    for module in (rvc, step):
        monkeypatch.setattr(module, "descend", recorded)
    for number in range(8):
        learner.step(clips, 2, number, 0.0, torch.Generator().manual_seed(number))
    assert {loss.dtype for loss in losses} == {torch.float32} and all(bool(loss.isfinite()) for loss in losses)
    discriminated, generated = torch.stack(losses[::2]), torch.stack(losses[1::2])
    assert discriminated[-2:].mean() < discriminated[:2].mean()
    assert generated[-2:].mean() < 0.9 * generated[:2].mean()
    assert all(parameter.dtype == torch.float32 for parameter in learner.network.parameters())


def test_a_note_shorter_than_a_clip_is_learnt_from_as_a_whole() -> None:
    data = OfficialBase("rvc-40k").data([buzz(0.5), buzz(8.0), buzz(0.2)], ModelPool())
    assert {number for number, _ in data.starts} == {0, 1}
    assert [start for number, start in data.starts if number == 0] == [0] * 50
    data.starts = data.starts[:50] + [(1, 7)] * 50
    drawn = data.draw(8, torch.zeros(1, 8, 1), torch.Generator().manual_seed(0))
    assert drawn.lengths is not None and set(drawn.lengths.tolist()) == {50, 100}
    assert drawn.wav.shape == (8, 100 * 400) and drawn.content.shape == (8, 100, 768)
    short = drawn.lengths == 50
    assert not drawn.wav[short, 50 * 400 :].any() and drawn.wav[~short, 50 * 400 :].any()


def test_from_nothing_is_another_start(chosen: ModelPool, clips: TrainingData) -> None:
    learner = begin(chosen, replace(FAST, from_base=False))
    assert learner.base == "from nothing" and learner.started_from != begin(chosen).started_from
    before = learner.network.state_dict()["dec.conv_pre.weight"].clone()
    learner.step(clips, 1, 0, 0.0, torch.Generator().manual_seed(0))
    assert not learner.network.state_dict()["dec.conv_pre.weight"].equal(before)


def test_the_learning_rate_falls_with_each_epoch(chosen: ModelPool, clips: TrainingData) -> None:
    learner = begin(chosen, TrainOptions())
    learner.drawn = 7998
    learner.step(clips, 2, 5, 0.0, torch.Generator().manual_seed(0))
    learner.step(clips, 1, 6, 0.0, torch.Generator().manual_seed(0))  # memory halved the batch: nothing is forgotten
    assert learner.state()["drawn"] == 8001
    epochs = 8000 * 100 / (clips.seconds * 100)
    for optimizer in learner.optimizers.values():
        assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-4 * 0.999875**epochs)
        assert optimizer.defaults["betas"] == (0.8, 0.99) and optimizer.defaults["eps"] == 1e-9


def test_a_note_is_drawn_as_often_as_it_sounds_whatever_its_length() -> None:
    """Clips have 100 frames here, pieces fewer: 0.9 to 1.2 s are on both sides of a clip's length."""
    notes = [buzz(seconds) for seconds in (0.9, 1.0, 1.02, 1.2)]
    data = OfficialBase("rvc-40k").data([*notes, buzz(8.0)], ModelPool())
    for number, note in enumerate(notes):
        starts = [start for which, start in data.starts if which == number]
        assert len(starts) == len(note.features)
        assert max(starts) == max(0, len(note.features) - 100) and min(starts) == 0


def test_the_voice_sings_contentvecs_features(trained: TrainReport, chosen: ModelPool, work: Path) -> None:
    synthesizer, info, retrieval, _ = chosen.voice(trained.model, trained.index)
    encoder = chosen.encoder(info.content_model)
    [features] = [load_features(path) for path in sorted(work.glob(f"note-1-{encoder.cache_id}+*.npz"))]
    features = replace(
        features,
        content=features.content[:150],
        **{name: getattr(features, name)[:300] for name in ("f0", "rms", "energy")},
    )
    wav = np.concatenate(list(convert(features, synthesizer, retrieval, ConvertOptions(key_shift=2))))
    assert len(wav) == len(features) * 400 and np.isfinite(wav).all()
    assert np.sqrt((wav**2).mean()) > 1e-3


def test_the_voice_leaves_as_a_pth_that_sings_the_same(trained: TrainReport, tmp_path: Path) -> None:
    exported = export_voice(trained.model, trained.index, tmp_path, "Anna")
    assert exported.index is not None and exported.index.stat().st_size > 1000
    back = read_pth(exported.model)
    assert (back.version, back.info) == ("v2", f"{trained.best.step} steps, DiscoverVoice")
    voice, _ = load_voice(trained.model)
    assert back.network.config.sampling_rate == 40000
    for name, tensor in voice.state_dict().items():
        assert back.network.state_dict()[name].equal(tensor), name


def test_what_is_absent_or_wrong_is_said_at_the_start(tmp_path: Path, files: dict[str, dict[str, Path]]) -> None:
    def refused(name: str) -> str:
        with pytest.raises(ModelsUnavailable) as caught:
            open_models("cpu", Selection(voice_base=name, weights=tmp_path))
        return str(caught.value)

    assert refused("rvc-40k") == (
        "To train from rvc-40k, rvc-40k and contentvec must be here; "
        "run `discovervoice models pull rvc-40k contentvec`."
    )
    assert ", ".join(VOICE_BASES) in refused("rvc-44k")
    (tmp_path / "rvc-40k").mkdir()
    for part, name in (("generator", "f0G40k.pth"), ("discriminator", "f0D40k.pth")):
        (tmp_path / "rvc-40k" / name).write_bytes(files["rvc-40k"][part].read_bytes())
    assert refused("rvc-40k") == (
        "f0G40k.pth of rvc-40k is not the pinned file; run `discovervoice models pull rvc-40k` to fetch it again."
    )
    assert open_models("cpu", Selection(weights=tmp_path)).selection.voice_base == "h24"


def test_a_training_without_its_base_refuses_before_it_reads_notes(tmp_path: Path) -> None:
    models = ModelPool("cpu", Selection(voice_base="rvc-48k", weights=tmp_path))
    gone = Note(tmp_path / "gone.ogg", "gone.ogg")
    with pytest.raises(ModelUnusable, match="discovervoice models pull rvc-48k contentvec"), refusals():
        train_voice([gone], models, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_base_that_is_not_whole_is_one_sentence(
    chosen: ModelPool, files: dict[str, dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = write_base(tmp_path)
    state = networks()[1].state_dict()
    checkpoint(broken["discriminator"], {name: value for name, value in state.items() if "conv_post" not in name})
    monkeypatch.setattr(chosen, "locate", lambda name: broken)
    with pytest.raises(ModelUnusable, match=r"f0D40k\.pth does not fit its network: .* is missing"), refusals():
        begin(chosen)
