"""Covers and single voices measured: every figure is there, what cannot be measured is a dash and a sentence."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import pyworld
import soundfile
import torch
from safetensors.torch import save_file
from transformers import HubertConfig, HubertModel

from lab.evaluate import world
from lab.evaluate.cover import clipped_share, evaluate_cover
from lab.evaluate.one_voice import OpenedVoice, evaluate_one_voice
from lab.evaluate.opinions import open_panel
from lab.evaluate.plan import EvaluationSource
from lab.evaluate.record import plain
from models.quality.distillmos import MosPredictor
from models.signal import Floats32
from pipeline.covers.cover import CoverInput, CoverOptions
from pipeline.pool.model_pool import ModelPool
from pipeline.voices.rvc_files import import_voice
from tests.lab.evaluate.conftest import RATE
from tests.models.rvc.pth_files import contents, write

SECONDS = 3
HUBERT = {"hidden_size": 768, "num_hidden_layers": 2, "intermediate_size": 64, "conv_dim": [16] * 7}


@pytest.fixture(autouse=True)
def quick_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """WORLD's faster tracker: what harvest finds beyond it plays no part here."""

    def track(x: world.Doubles, rate: int) -> tuple[world.Doubles, world.Doubles]:
        f0, times = pyworld.dio(x, rate, frame_period=world.FRAME_MS)
        return pyworld.stonemask(x, f0, times, rate), times

    monkeypatch.setattr(world, "track", track)


@pytest.fixture
def quick_mos(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed MOS: the network takes most of a test's time, and is asked in one of its own."""
    monkeypatch.setattr(MosPredictor, "windows", lambda self, wav: np.full(1, 3.0))


@pytest.fixture
def sung(tmp_path: Path, speech: Floats32) -> Path:
    """Three seconds of a reader, as vocals that need no separating."""
    soundfile.write(tmp_path / "sung.wav", speech, RATE)
    return tmp_path / "sung.wav"


def test_a_cover_has_every_figure_and_names_who_measured_it(
    sung: Path, voice_files: tuple[Path, Path], models: ModelPool, tmp_path: Path, one_thread: None, quick_mos: None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    model, index = voice_files
    order = CoverInput(
        song=sung,
        song_name="노래",
        model=model,
        index=index,
        voice_name="v",
        vocals_only=True,
        cache_dir=tmp_path / "cache",
        out_dir=out,
        options=CoverOptions(key_shift=12),
    )
    figures = evaluate_cover(order, models)
    assert (figures.song, figures.key_shift) == ("노래", 12) and figures.seconds == pytest.approx(SECONDS, abs=0.1)
    assert figures.f0_cents < 60 and figures.voicing_f1 > 0.8  # after the intended shift
    assert 0 < figures.content_cosine < 1 and 1 < figures.mcd_copy < figures.mcd
    assert figures.bleed_cover < -15 and figures.clipped_share == 0
    assert figures.lufs_cover == pytest.approx(figures.lufs_song, abs=1.5)
    assert [pair.model for pair in figures.mos] == ["DistillMOS 0.9.1", "DNSMOS P.808 (speechmos 0.0.1.1)"]
    assert figures.missing == (
        "UTMOS was not measured: its weights are not here; run `discovervoice models pull utmos`.",
    )
    stored = json.loads((out / "cover.json").read_text())
    assert stored["f0_cents"] == figures.f0_cents and stored["models"]["f0"].startswith("SwiftF0")


def test_a_predictor_is_asked_the_same_of_both_sides(models: ModelPool, speech: Floats32) -> None:
    low = speech[:32000]
    for pair in open_panel(models).compare([low], [low]):
        assert pair.before == pair.after and 1 <= pair.before <= 5


def test_a_window_is_heard_without_the_one_beside_it(models: ModelPool, speech: Floats32) -> None:
    parts = [speech[:16000], speech[20000:36000]]
    panel, silence = open_panel(models), np.zeros(16000, np.float32)
    for first, second, both in zip(
        panel.compare(parts[:1], parts[:1]),
        panel.compare(parts[1:], [silence]),
        panel.compare(parts, [silence, parts[1]]),
        strict=True,
    ):
        assert both.before == pytest.approx((first.before + second.before) / 2)
        assert both.after == second.before and math.isnan(second.after)  # where nothing sounds nothing is said


def test_one_voice_is_measured_on_sources_and_on_its_owner(
    voice_files: tuple[Path, Path],
    models: ModelPool,
    speech: Floats32,
    tmp_path: Path,
    one_thread: None,
    quick_mos: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lab.evaluate.trained_target.real_time_factor", lambda *_: 0.1)  # 40 s of conversion
    speech = speech[: 2 * RATE]
    model, index = voice_files
    source = EvaluationSource(
        name="a reader", speaker="r", wav=speech, rate=RATE, language="ko", kind="speech", text=""
    )
    voice = OpenedVoice("목소리", model, index)
    figures = evaluate_one_voice(voice, [source], [speech], RATE, models, tmp_path / "out")
    (row,) = figures.sources
    assert row.own.content_cosine == pytest.approx(1, abs=1e-4) and row.converted.f0_cents < 100
    assert math.isnan(row.converted.cer)  # nobody listens for words
    assert figures.own is not None and 0 < figures.own.mcd_copy < figures.own.mcd
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"voice.json", "목소리--a-reader.flac"}
    assert json.loads((tmp_path / "out" / "voice.json").read_text())["own"]["asked_seconds"] is None


def test_a_voice_that_was_imported_is_measured_without_its_owner(
    models: ModelPool,
    speech: Floats32,
    tmp_path: Path,
    one_thread: None,
    quick_mos: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RVC's file with weights by chance, and a ContentVec of its shape: nobody is understood in what it sings."""
    torch.manual_seed(0)
    weights = tmp_path / "contentvec.safetensors"
    save_file(HubertModel(HubertConfig(**HUBERT)).state_dict(), weights)
    (tmp_path / "config.json").write_text(json.dumps(HUBERT))
    locate = models.locate
    here = {"contentvec": {"weights": weights}}
    monkeypatch.setattr(models, "locate", lambda name: here.get(name) or locate(name))
    imported = import_voice(write(tmp_path / "v.pth", contents()), None, tmp_path)
    source = EvaluationSource(
        name="a reader", speaker="r", wav=speech[:RATE], rate=RATE, language="en", kind="speech", text=""
    )
    voice = OpenedVoice("Anna", imported.model, imported.index)
    figures = evaluate_one_voice(voice, [source], [], RATE, models, tmp_path / "out")
    (row,) = figures.sources
    assert figures.network == "RVC v2 40k" and figures.content.startswith("ContentVec") and figures.own is None
    assert math.isnan(row.cosine) and math.isnan(row.cosine_source)
    assert row.converted.content_cosine < 0.5 < row.copy.content_cosine


def test_samples_at_full_scale_are_counted_in_the_worse_channel(tmp_path: Path) -> None:
    wave = np.sin(2 * np.pi * 220 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "cut.wav", np.stack([0.5 * wave, np.clip(2 * wave, -1, 1)], 1), 44100)
    soundfile.write(tmp_path / "whole.wav", np.stack([0.5 * wave, 0.9 * wave], 1), 44100)
    assert clipped_share(tmp_path / "cut.wav") > 0.5 and clipped_share(tmp_path / "whole.wav") == 0


def test_what_could_not_be_measured_is_null() -> None:
    assert plain({"a": float("nan"), "b": (1.0, float("inf"))}) == {"a": None, "b": [1.0, None]}
