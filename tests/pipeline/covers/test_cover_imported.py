"""A cover in an imported voice: heard by ContentVec; without its weights, one sentence."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import HubertConfig, HubertModel

from models.content import contentvec
from models.weights import catalog
from pipeline.covers.cover import CoverInput, make_cover
from pipeline.covers.cover_measures import measure_cover
from pipeline.errors import EncoderMissing
from pipeline.pool.model_pool import ModelPool
from pipeline.voices.rvc_files import import_voice
from tests.models.rvc.pth_files import contents, write

SIZES = {"hidden_size": 768, "num_hidden_layers": 2, "intermediate_size": 64, "conv_dim": [16] * 7}


def test_an_imported_voice_covers_a_song(
    tmp_path: Path, short_song: Path, models: ModelPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = import_voice(write(tmp_path / "v.pth", contents()), None, tmp_path)
    cover = CoverInput(
        song=short_song,
        song_name="song",
        model=made.model,
        index=made.index,
        voice_name="Anna",
        cache_dir=tmp_path / "cache",
        out_dir=tmp_path,
    )
    monkeypatch.setattr(models, "locate", partial(catalog.locate, folder=tmp_path / "none"))
    with pytest.raises(EncoderMissing, match=r"contentvec-768l12 is missing\. .* discovervoice models pull contentvec"):
        make_cover(cover, models)
    assert not (tmp_path / "cache").exists()

    torch.manual_seed(0)
    weights = tmp_path / "contentvec.safetensors"
    save_file(HubertModel(HubertConfig(**SIZES)).state_dict(), weights)
    (tmp_path / "config.json").write_text(json.dumps(SIZES))
    monkeypatch.setattr(models, "locate", lambda name: {"weights": weights})
    report = make_cover(cover, models)
    figures = measure_cover(cover, report, models).figures
    assert report.mix.seconds == pytest.approx(4.0, abs=0.1) and report.cover.stat().st_size > 10_000
    assert report.voice == "RVC v2 40k" and report.content.startswith("ContentVec (layer 2")
    assert figures.cosine_cover != figures.cosine_cover  # nobody has heard the person
    assert report.key_shift == 0 and "imported" in report.base
    cached = {path.name for path in (tmp_path / "cache").rglob("*.npz")}
    encoded = {name.partition("+")[0].rpartition("-")[0] for name in cached if not name.startswith("heard-")}
    assert encoded == {contentvec.MODEL_ID}
