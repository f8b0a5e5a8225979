"""Training a singer classifier on real clips, at a tiny size: it trains, resumes, stops, and its figures are right."""

import json
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from cli.song_folder import LabelledSong
from lab.classifiers import crops
from lab.classifiers.fit import fit, judge
from lab.classifiers.prepare import PreparationOptions
from lab.classifiers.start import begin
from lab.classifiers.task import SingerConfig, SingerTask, SongExample, log_probabilities
from lab.classifiers.train import settings, train_singers
from lab.errors import SingersError
from lab.pretrain import loop
from lab.pretrain.config import Schedule, read_config
from models.signal import SPEECH_RATE
from models.speaker import ast
from models.weights.integrity import WeightsError
from pipeline.pool.model_pool import ModelPool
from pipeline.separation.registry import Separator
from tests.conftest import LIBRARY

TINY = SingerConfig(
    width=64, layers=1, frames=128, batch=8, learning_rate=3e-3, warm_steps=3, decay=1000, crops_to_validate=2
)
SHORT = Schedule(steps=40, log_every=10, validate_every=20)
SINGERS = {"libri-533": "Heart", "libri-1688": "박효신", "maxim": "Максим"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen clips of three voices, and every kind of file that cannot be used."""
    songs = tmp_path_factory.mktemp("songs with spaces")
    for voice, singer in SINGERS.items():
        for number, clip in enumerate(sorted((LIBRARY / voice).glob("*.ogg"))):
            written = unicodedata.normalize("NFD" if number % 2 else "NFC", singer)
            shutil.copyfile(clip, songs / f"{written} - song {number}.ogg")
    shutil.copyfile(songs / "Heart - song 0.ogg", songs / "Heart - the same again.ogg")
    shutil.copyfile(songs / "Heart - song 0.ogg", songs / "no dash.ogg")
    shutil.copyfile(songs / "Heart - song 0.ogg", songs / "Once - only song.ogg")
    (songs / "Heart - empty.ogg").touch()
    (songs / "Heart - unreadable.mp3").write_text("not a sound")
    return songs


@pytest.fixture(scope="module")
def trained(folder: Path, models: ModelPool, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a finished training, and what it said."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out")
    said: list[str] = []
    train_singers(folder, out, TINY, SHORT, PreparationOptions(separated=True), ModelPool(), say=said.append)
    return out, said


def invented(count: int, singers: int, length: int = 200, music: int = 0) -> list[SongExample]:
    """Songs that any network tells apart: each singer has a band of its own."""
    draw = np.random.default_rng(0)
    songs = []
    for number in range(count):
        singer = number % singers
        crop = draw.normal(-0.5, 0.3, (length, 128)).astype(np.float16)
        crop[:, 12 * singer : 12 * singer + 12] += 1
        noise = draw.normal(0, 0.3, (music, 128)).astype(np.float16)
        songs.append(SongExample(LabelledSong(Path(f"{number}"), f"{singer}", "", f"{number}"), singer, (crop,), noise))
    return songs


def task(config: SingerConfig = TINY, singers: int = 3, **kwargs: int) -> SingerTask:
    learn = invented(12, singers, **kwargs)
    names = [f"{number}" for number in range(singers)]
    return SingerTask(begin(None, config, 0), names, learn, invented(6, singers), config)


def test_everything_that_is_promised_is_written(trained: tuple[Path, list[str]]) -> None:
    out, _ = trained
    card, report = (json.loads((out / f"{name}.json").read_text()) for name in ("card", "report"))
    assert card["singers"] == ["Heart", "Максим", "박효신"]
    assert card["made"]["steps"] == 40 and card["made"]["stopped"] == "steps"
    assert sum(amount["songs"] for amount in card["amounts"].values()) == 18
    assert {row["singer"] for row in report["singers"]} == set(card["singers"])
    assert report["crops"]["count"] == card["amounts"]["test"]["crops"] == np.sum(report["confusion"])
    assert 0 <= report["songs"]["calibration_error_scaled"] <= 1 and report["songs"]["temperature"] > 0
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    for name in ("card.md", "report.md"):
        assert "박효신" in (out / name).read_text()


def test_what_cannot_be_used_is_one_sentence_each(trained: tuple[Path, list[str]]) -> None:
    said = trained[1]
    assert len(said) == 5
    for start in (
        "no dash.ogg has no",
        "Once has 1 song, fewer than 5",
        "Heart - empty.ogg is empty",
        "Heart - unreadable.mp3 is not audio",
        "Heart - the same again is the same sound as Heart - song 0",
    ):
        assert any(sentence.startswith(start) and sentence.endswith("left out.") for sentence in said), start


def test_the_weights_load_and_know_the_singers(trained: tuple[Path, list[str]], folder: Path) -> None:
    encoder = ast.load(trained[0] / "singers.safetensors")
    assert encoder.labels == ("Heart", "Максим", "박효신") and encoder.provenance["separator"].startswith("none")
    wav = np.random.default_rng(0).normal(0, 0.1, 3 * SPEECH_RATE).astype(np.float32)
    shares = encoder.probabilities(wav)
    assert shares is not None and float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert encoder.embed(wav) is not None


def test_a_second_run_repeats_nothing_and_other_songs_are_refused(
    trained: tuple[Path, list[str]], folder: Path, models: ModelPool, tmp_path: Path
) -> None:
    out, _ = trained
    weights = load_file(out / "singers.safetensors")
    kept = {path: path.stat().st_mtime_ns for path in (out / "cache").rglob("*.np*")}
    train_singers(folder, out, TINY, SHORT, PreparationOptions(separated=True), ModelPool(), say=lambda _: None)
    assert kept and {path: path.stat().st_mtime_ns for path in (out / "cache").rglob("*.np*")} == kept
    again = load_file(out / "singers.safetensors")
    assert again.keys() == weights.keys() and all(torch.equal(again[key], weights[key]) for key in weights)
    with pytest.raises(SingersError, match="holds a training with other config"):
        train_singers(
            folder,
            out,
            replace(TINY, batch=4),
            SHORT,
            PreparationOptions(separated=True),
            ModelPool(),
            say=lambda _: None,
        )
    fewer = tmp_path / "fewer"
    shutil.copytree(folder, fewer, ignore=shutil.ignore_patterns("*song 3.ogg"))
    with pytest.raises(SingersError, match="holds a training with other sides"):
        train_singers(
            fewer,
            out,
            TINY,
            SHORT,
            PreparationOptions(separated=True),
            ModelPool(),
            cache=out / "cache",
            say=lambda _: None,
        )


def test_another_separator_or_another_cut_is_refused(
    trained: tuple[Path, list[str]], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(separated: bool) -> None:
        choice, models = PreparationOptions(separated), ModelPool()
        models.separator = Separator("takes nothing out", "nothing-0", iter)
        train_singers(folder, trained[0], TINY, SHORT, choice, models, cache=tmp_path, say=lambda _: None)

    with pytest.raises(SingersError, match=r"holds a training with other separator\."):
        again(separated=False)
    assert not list(tmp_path.rglob("*.np*")), "songs were separated for a training that is refused"
    monkeypatch.setattr(crops, "CUT_ID", "crops0")
    with pytest.raises(SingersError, match=r"holds a training with other cut\."):
        again(separated=True)


def test_it_learns_what_can_be_learnt(tmp_path: Path) -> None:
    trainee = task()
    steps, stopped = fit(trainee, tmp_path, replace(SHORT, steps=60))
    assert (steps, stopped) == (60, "steps")
    verdict = judge(trainee, invented(6, 3), invented(9, 3))
    assert verdict.crops.top1 == 1.0 and verdict.songs.count == 9
    assert verdict.confusion.tolist() == [[3, 0, 0], [0, 3, 0], [0, 0, 3]]


def test_what_resumes_ends_with_the_weights_of_an_uninterrupted_run(tmp_path: Path) -> None:
    config, schedule = replace(TINY, dropout=0.3), Schedule(steps=9, log_every=2, validate_every=4)
    whole = task(config)
    fit(whole, tmp_path / "whole", schedule)
    for steps in (3, 5, 9):
        parts = task(config)
        fit(parts, tmp_path / "parts", replace(schedule, steps=steps))
    for name in ("network", "head", "best"):
        ours, theirs = (trainee.modules[name].state_dict() for trainee in (whole, parts))
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert [line["step"] for line in loop.read_log(tmp_path / "parts")] == [2, 4, 6, 8]


def test_training_ends_when_validation_gets_no_better_and_keeps_the_best(tmp_path: Path) -> None:
    config = replace(TINY, learning_rate=0.3, patience=2, warm_steps=1)
    trainee = task(config)
    steps, stopped = fit(trainee, tmp_path, Schedule(steps=200, log_every=5, validate_every=5))
    assert stopped == "no better validation" and steps < 200
    lines = [line["held_out_cross_entropy"] for line in loop.read_log(tmp_path)]
    assert float(trainee.best.cross_entropy) == pytest.approx(min(lines), abs=1e-4)
    assert min(lines) not in lines[-2:]
    logs = log_probabilities(
        trainee.best.network, trainee.best.head, [crop for crop, _ in trainee.held_out], trainee.pieces
    )
    truth = torch.tensor([singer for _, singer in trainee.held_out])
    assert float(torch.nn.functional.nll_loss(logs, truth)) == pytest.approx(min(lines), abs=1e-4)


def test_the_limit_of_time_ends_it(tmp_path: Path) -> None:
    steps, stopped = fit(task(), tmp_path, replace(SHORT, steps=10_000, seconds=0.5))
    assert stopped == "time" and 0 < steps < 10_000


def test_batches_are_balanced_however_many_songs_a_singer_has() -> None:
    learn = [*invented(30, 3)[::3], *invented(3, 3)]  # singer 0 has eleven songs, the others one
    trainee = SingerTask(begin(None, TINY, 0), ["0", "1", "2"], learn, invented(3, 3), replace(TINY, batch=300))
    _, singers = trainee.draw(torch.Generator().manual_seed(0))
    assert all(70 <= int((singers == number).sum()) <= 130 for number in range(3))


def test_a_song_is_never_mixed_with_its_own_accompaniment() -> None:
    trainee = task(music=150)
    song = trainee.songs[0][0]
    for seed in range(40):
        assert trainee._other(song, torch.Generator().manual_seed(seed)) is not song.music


def test_layers_near_the_input_learn_more_slowly() -> None:
    config = replace(TINY, layers=3, layer_decay=0.5, learning_rate=1.0)
    trainee = task(config)
    rates = {id(p): group["base"] for group in trainee.optimizers["adam"].param_groups for p in group["params"]}
    assert len(rates) == len([*trainee.network.parameters(), *trainee.head.parameters()])
    assert rates[id(trainee.head.dense.weight)] == 1.0
    assert [rates[id(layer.mlp.fc1.weight)] for layer in trainee.network.layers] == [0.125, 0.25, 0.5]
    assert rates[id(trainee.network.embeddings.position_embeddings)] == 0.0625


def test_short_memory_halves_the_pieces_and_changes_no_gradient() -> None:
    config = replace(TINY, dropout=0.0)
    plain, short = task(config), task(config)
    forward = short.network.forward

    def narrow(frames: torch.Tensor) -> object:
        if len(frames) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(frames)

    short.network.forward = narrow
    ours, theirs = (trainee.step(0, torch.Generator().manual_seed(1)) for trainee in (plain, short))
    assert short.pieces.size == 2 and plain.pieces.size == 8
    assert theirs["cross_entropy"] == pytest.approx(ours["cross_entropy"], rel=1e-5)
    for one, other in zip(plain.head.parameters(), short.head.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_bf16_learns_nearly_the_same() -> None:
    full, half = task(TINY), task(replace(TINY, precision="bf16"))
    assert half.bf16 and not full.bf16
    ours, theirs = (trainee.step(0, torch.Generator().manual_seed(1))["cross_entropy"] for trainee in (full, half))
    assert theirs == pytest.approx(ours, rel=0.02) and theirs != ours


def test_it_starts_from_one_of_ours_or_refuses_it(trained: tuple[Path, list[str]], tmp_path: Path) -> None:
    weights = trained[0] / "singers.safetensors"
    network = begin(weights, TINY, 0)
    assert network.config.hidden_size == 64 and next(network.parameters()).requires_grad
    with pytest.raises(WeightsError, match="hears 128 frames at once"):
        begin(weights, replace(TINY, frames=256), 0)
    assert settings(weights).name == settings(None).name == "small.toml"
    assert settings(tmp_path).name == "official.toml"


def test_from_nothing_every_patch_knows_its_band_and_time_from_the_first_step() -> None:
    config = replace(TINY, frames=256)
    network = begin(config=config, start=None, seed=0)
    places = network.embeddings.position_embeddings[0, 2:]
    assert len(torch.unique(places.round(decimals=4), dim=0)) == len(places) == 8 * 16
    near, far = (places[16 * 0] - places[16 * band] for band in (1, 7))
    assert float(near.detach().norm()) < float(far.detach().norm())
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), begin(None, config, 0).parameters(), strict=True)
    )


@pytest.mark.parametrize("start", [None, Path("model.safetensors")])
def test_the_shipped_settings_can_be_read(start: Path | None) -> None:
    config, schedule = read_config(settings(start), SingerConfig)
    assert schedule.validate_every % schedule.log_every == 0
    assert config.layer_decay < 1 if start else config.layer_decay == 1
