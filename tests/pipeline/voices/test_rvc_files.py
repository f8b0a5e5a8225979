"""Voices in and out: a community voice sings through ContentVec, and comes out as it went in."""

import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import HubertConfig, HubertModel

from files.disk import DiskFull
from models.content import contentvec, whisper_text
from models.content.contentvec import ContentVec
from models.harmonic.config import HarmonicConfig
from models.harmonic.voice import HarmonicVoice
from models.rvc.faiss_index import read_index, write_index
from models.rvc.pth_file import read_pth
from models.signal import Floats32
from models.voice_file import VoiceInfo, load_voice, save_voice
from models.weights.integrity import WeightsError
from pipeline.listening import features as features_module
from pipeline.listening.features import extract, extract_stream
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import ConvertOptions, convert
from pipeline.voices.retrieval import Retrieval, load_index
from pipeline.voices.rvc_files import export_voice, import_voice
from tests.models.rvc.pth_files import contents, output_of, write

SIZES = {
    "hidden_size": 768,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 8,
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ContentVec:
    """A small ContentVec with random weights that gives 768 features."""
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("contentvec")
    save_file(HubertModel(HubertConfig(**SIZES)).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(SIZES))
    return contentvec.load(folder)


@pytest.fixture(scope="module")
def rows() -> Floats32:
    return np.random.default_rng(0).normal(size=(120, 768)).astype(np.float32)


@pytest.fixture
def given(tmp_path: Path, rows: Floats32) -> tuple[Path, Path]:
    """A `.pth` and an `.index` as somebody published them."""
    write_index(tmp_path / "given.index", rows)
    return write(tmp_path / "given.pth", contents()), tmp_path / "given.index"


def vowel(seconds: float, hz: float = 220.0) -> Floats32:
    t = np.arange(round(seconds * 16000)) / 16000
    return np.asarray(sum(0.2 / k * np.sin(2 * np.pi * hz * k * t) for k in range(1, 12)), np.float32)


@pytest.mark.parametrize("f0", [True, False])
def test_an_imported_voice_sings(
    tmp_path: Path, given: tuple[Path, Path], encoder: ContentVec, models: ModelPool, f0: bool
) -> None:
    pth = given[0] if f0 else write(tmp_path / "nono.pth", contents(f0=False))
    converted = import_voice(pth, given[1], tmp_path)
    network, info = load_voice(converted.model)
    rows, _ = load_index(converted.index)
    assert info.content_model == encoder.model_id and len(rows) == 120
    decoded = extract(vowel(1.0), encoder, models.pitch)
    assert decoded.content.shape == (50, 768)
    wav = np.concatenate(list(convert(decoded, network, Retrieval(rows), ConvertOptions())))
    assert len(wav) == 40000 and np.isfinite(wav).all()
    assert np.sqrt((wav**2).mean()) > 1e-3


def test_contentvecs_features_are_used_as_they_are(
    encoder: ContentVec, models: ModelPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav = vowel(2.0)
    decoded = extract(wav, encoder, models.pitch)
    streamed = extract_stream([wav], encoder, models.pitch, 2.0)
    np.testing.assert_allclose(streamed.content[:80], decoded.content[:80], atol=0.05)
    assert np.abs(decoded.content.mean(0)).max() > 0.1  # centred features have no mean
    monkeypatch.setattr(encoder, "centred", True)
    assert np.abs(extract(wav, encoder, models.pitch).content.mean(0)).max() < 0.1


def test_silence_is_not_encoded(encoder: ContentVec, models: ModelPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features_module, "BLOCK_SECONDS", 1)
    decoded = extract_stream([np.zeros(64000, np.float32), vowel(1.0)], encoder, models.pitch, 5.0).content
    assert decoded.shape == (250, 768) and not decoded[:50].any() and decoded[-50:].any()


def test_a_voice_comes_out_as_it_went_in(tmp_path: Path, given: tuple[Path, Path], rows: Floats32) -> None:
    (tmp_path / "ours").mkdir()
    converted = import_voice(*given, tmp_path / "ours")
    assert converted.title == "RVC v2 40k" and "200epoch" in converted.info.base
    out = export_voice(converted.model, converted.index, tmp_path / "out", "My/../Voice")
    assert out.model == tmp_path / "out" / "My_Voice.pth" and out.index == tmp_path / "out" / "My_Voice.index"
    before, after = read_pth(given[0]).network, read_pth(out.model).network
    assert torch.equal(output_of(before), output_of(after)) and output_of(before).abs().mean() > 1e-4
    np.testing.assert_allclose(read_index(out.index, 768), rows, atol=2e-3)  # kept in half precision


def test_a_voice_without_an_index_is_drawn_to_nothing(
    tmp_path: Path, given: tuple[Path, Path], encoder: ContentVec, models: ModelPool
) -> None:
    converted = import_voice(given[0], None, tmp_path)
    rows, speaker = load_index(converted.index)
    assert (converted.rows, rows.shape, bool(speaker.any())) == (0, (0, 768), False)
    network, _ = load_voice(converted.model)
    decoded = extract(vowel(0.5), encoder, models.pitch)
    alone = np.concatenate(list(convert(decoded, network, None, ConvertOptions(index_rate=0.0))))
    np.testing.assert_array_equal(
        np.concatenate(list(convert(decoded, network, Retrieval(rows), ConvertOptions()))), alone
    )
    assert export_voice(converted.model, converted.index, tmp_path / "out", "v").index is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["v.pth"]


def test_v1_voices_want_v1s_features(tmp_path: Path) -> None:
    converted = import_voice(write(tmp_path / "v.pth", contents("v1 48k")), None, tmp_path)
    assert converted.info.content_model == contentvec.MODEL_ID_V1 and converted.title == "RVC v1 48k"


def test_an_index_of_another_voice_is_refused_and_nothing_is_left(tmp_path: Path, given: tuple[Path, Path]) -> None:
    (tmp_path / "ours").mkdir()
    v1 = write(tmp_path / "v1.pth", contents("v1 40k"))
    with pytest.raises(WeightsError, match="768 numbers, the voice's content features have 256"):
        import_voice(v1, given[1], tmp_path / "ours")
    assert list((tmp_path / "ours").iterdir()) == []


def test_numbers_that_half_precision_cannot_hold_are_refused(tmp_path: Path) -> None:
    weight = {name: value.float() for name, value in contents()["weight"].items()}
    weight["emb_g.weight"] = torch.full((3, 8), 1e6)
    with pytest.raises(WeightsError, match="too large for half precision"):
        import_voice(write(tmp_path / "v.pth", contents(weight=weight)), None, tmp_path)


def test_what_a_stranger_wrote_cannot_steer_a_terminal(tmp_path: Path) -> None:
    pth = write(tmp_path / "v.pth", contents(info="\x1b[2J\n200\u202eepoch"))
    assert import_voice(pth, None, tmp_path).info.base == "imported, RVC v2 40k ([2J 200 epoch)"


def test_our_own_decoder_cannot_become_a_pth(tmp_path: Path, s24_voice_files: tuple[Path, Path]) -> None:
    with pytest.raises(WeightsError, match=r"RVC has neither its network \(RVC v2 s24, 24 kHz\)"):
        export_voice(*s24_voice_files, tmp_path / "out", "Carlo")
    assert not (tmp_path / "out").exists()


def test_a_harmonic_voice_cannot_either(tmp_path: Path, voice_files: tuple[Path, Path]) -> None:
    model = tmp_path / "voice.safetensors"
    info = VoiceInfo(whisper_text.MODEL_ID, "h24", median_f0=150.0, steps=0, seconds=60.0)
    save_voice(model, HarmonicVoice(torch.ones(8), HarmonicConfig(width=8, hidden=8, blocks=1, speaker_width=8)), info)
    with pytest.raises(WeightsError, match=r"neither its network \(h24, 24 kHz\) nor its content features \(whisper-"):
        export_voice(model, voice_files[1], tmp_path / "out", "Carlo")


def test_a_folder_that_cannot_be_written_gets_nothing(tmp_path: Path, given: tuple[Path, Path]) -> None:
    (tmp_path / "ours").mkdir()
    converted = import_voice(*given, tmp_path / "ours")
    bare = import_voice(given[0], None, tmp_path)
    for out in (tmp_path / "given.pth", Path("/proc")):  # a file; a folder in which even root makes nothing
        for voice in (converted, bare):
            with pytest.raises(OSError):
                export_voice(voice.model, voice.index, out, "v")
    (tmp_path / "out" / "v.index").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        export_voice(converted.model, converted.index, tmp_path / "out", "v")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["v.index"]


def test_a_disk_that_is_full_keeps_nothing_of_an_export(tmp_path: Path, given: tuple[Path, Path]) -> None:
    converted = import_voice(*given, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(DiskFull):
            export_voice(converted.model, converted.index, tmp_path / "out", "mine")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_pth_that_the_system_does_not_let_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^x{300} cannot be read: File name too long\.$"):
        import_voice(tmp_path / ("x" * 300), None, tmp_path)
