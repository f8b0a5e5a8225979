"""A voice's file: either network comes back as it was saved; what is no voice is one sentence."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from models.content import whisper_text
from models.harmonic import voice_base
from models.harmonic.config import HarmonicConfig
from models.harmonic.voice import HarmonicVoice
from models.rvc import S24, Synthesizer
from models.voice_file import VoiceInfo, load_voice, save_voice
from models.voice_network import VoiceFrames
from models.weights.integrity import WeightsError
from pipeline.singing.noise import SongNoise

INFO = VoiceInfo(whisper_text.MODEL_ID, voice_base.NAME, median_f0=140.5, steps=700, seconds=61.5)
FRAMES = VoiceFrames(
    torch.randn(50, 128, generator=torch.Generator().manual_seed(0)), torch.full((100,), 200.0), torch.full((100,), 5.0)
)


@pytest.fixture(scope="module")
def voice() -> HarmonicVoice:
    return voice_base.load_base(torch.full((256,), 1 / 16), whisper_text.MODEL_ID).voice.eval()


def test_a_harmonic_voice_comes_back_as_it_was_saved(voice: HarmonicVoice, tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, voice, INFO)
    again, info = load_voice(path)
    assert isinstance(again, HarmonicVoice) and not again.training
    assert info == INFO and again.config == voice.config and again.kind == "h24, 24 kHz"
    assert torch.equal(again.speaker, voice.speaker)  # 1 / 16 is whole in half precision
    for name, tensor in voice.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor.half().float()), name
    first, second = (one.sing(FRAMES, SongNoise(0, 100)) for one in (voice, again))
    assert torch.equal(first, second) and path.stat().st_size < 11_000_000
    assert [file.name for file in tmp_path.iterdir()] == ["voice.safetensors"]


def test_its_dimensions_are_in_the_file(tmp_path: Path) -> None:
    small = HarmonicVoice(torch.ones(8) / 8, HarmonicConfig(width=16, hidden=32, blocks=2, speaker_width=8))
    save_voice(tmp_path / "small", small, INFO)
    again, _ = load_voice(tmp_path / "small")
    assert again.config == small.config and again.speaker.shape == (8,)


def test_a_file_that_names_no_network_is_rvcs(s24_voice_files: tuple[Path, Path], tmp_path: Path) -> None:
    with safe_open(s24_voice_files[0], framework="pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert metadata.pop("network") == "rvc"
    save_file(state, tmp_path / "old", metadata)
    old, info = load_voice(tmp_path / "old")
    assert isinstance(old, Synthesizer) and old.config == S24
    assert info == load_voice(s24_voice_files[0])[1]
    assert all(torch.equal(old.state_dict()[name], tensor.float()) for name, tensor in state.items())


def test_what_is_no_whole_voice_is_one_sentence(voice: HarmonicVoice, tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, voice, INFO)
    whole = path.read_bytes()
    for body in (whole[: len(whole) // 2], whole[:20], b""):
        path.write_bytes(body)
        with pytest.raises(WeightsError, match=r"^voice\.safetensors cannot be read as a voice: "):
            load_voice(path)
    with pytest.raises(WeightsError, match=r"^gone cannot be read as a voice: "):
        load_voice(tmp_path / "gone")
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"^voice\.safetensors is not a voice file of this version\.$"):
        load_voice(path)


def test_a_voice_without_a_tensor_or_with_anothers_dimensions_is_refused(voice: HarmonicVoice, tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, voice, INFO)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for changed in (
        {name: tensor for name, tensor in state.items() if name != "decoder.head.bias"},
        {name: tensor for name, tensor in state.items() if name != "speaker"},
        state | {"decoder.head.bias": torch.zeros(3)},
    ):
        save_file(changed, path, metadata)
        with pytest.raises(WeightsError, match="cannot be read as a voice"):
            load_voice(path)


def test_the_metadata_is_the_voices(voice: HarmonicVoice, tmp_path: Path) -> None:
    save_voice(tmp_path / "voice", voice, replace(INFO, steps=0, base="untrained"))
    info = load_voice(tmp_path / "voice")[1]
    assert (info.steps, info.base, info.content_model) == (0, "untrained", whisper_text.MODEL_ID)
