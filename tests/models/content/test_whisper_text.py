"""The content encoder of h24 voices: 50 frames a second of any length, the same in pieces, one kind of features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.content import whisper, whisper_text
from models.content.whisper_text import CONTEXT, PIECE, HeardLayers, WhisperText
from models.signal import SPEECH_RATE
from models.weights.integrity import WeightsError
from pipeline.sound.decode import NOTE, decode


@pytest.fixture(scope="module")
def encoder() -> WhisperText:
    return whisper_text.load()


@pytest.fixture(scope="module")
def wav(notes: list[Path]) -> Tensor:
    """40 s of one speaker."""
    read = [decode(note, SPEECH_RATE, channels=1, limits=NOTE, name="note") for note in notes[:2]]
    return torch.from_numpy(np.concatenate(read)[: 40 * SPEECH_RATE])


@pytest.mark.parametrize("samples", [160, 319, 320, 480, 16_000, 16_159, 16_160, 40_001])
def test_there_is_a_frame_for_every_two_of_the_pipelines(encoder: WhisperText, wav: Tensor, samples: int) -> None:
    features = encoder.encode(wav[:samples])
    assert features.shape == (-(-(samples // 160) // 2), encoder.width) and bool(features.isfinite().all())


def test_what_is_longer_than_30_s_goes_in_pieces_that_join(
    encoder: WhisperText, wav: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = wav[: whisper.MOST_SAMPLES - 2 * whisper.HOP]
    monkeypatch.setattr(whisper_text, "PIECE", 4 * PIECE)
    whole = encoder.encode(short)
    monkeypatch.setattr(whisper_text, "PIECE", 10 * SPEECH_RATE)
    pieces = encoder.encode(short)
    assert pieces.shape == whole.shape
    scale = whole.square().mean()
    assert (pieces - whole).square().mean() < 0.05 * scale  # attention reaches further than the context
    for joint in (500, 1000):
        near = slice(joint - 10, joint + 10)
        assert (pieces[near] - whole[near]).square().mean() < 0.15 * scale
        steps = [part[joint - 10 : joint + 10].diff(dim=0).square().mean() for part in (pieces, whole)]
        assert steps[0] < 1.5 * steps[1]


def test_a_long_recording_has_all_its_frames(encoder: WhisperText, wav: Tensor) -> None:
    assert len(wav) > PIECE + 2 * CONTEXT
    features = encoder.encode(wav)
    assert features.shape == (len(wav) // 320, 128)
    own = encoder.encode(wav[PIECE - CONTEXT :])[CONTEXT // 320 :]
    assert (features[PIECE // 320 :] - own).square().mean() < 1e-3 * own.square().mean()


def test_the_layers_are_whispers_and_the_map_is_over_them(encoder: WhisperText, wav: Tensor) -> None:
    heard = HeardLayers(encoder.whisper)
    layers = heard.encode(wav[: 2 * SPEECH_RATE])
    assert layers.shape == (100, heard.width) == (100, 1024)
    fourth = encoder.whisper.encode(torch.nn.functional.pad(wav[: 2 * SPEECH_RATE], (0, 640)), 4)[:100]
    torch.testing.assert_close(layers[:, :512], fourth, atol=1e-4, rtol=1e-3)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.map(layers[None])[0], encoder.encode(wav[: 2 * SPEECH_RATE]))


def test_it_is_known_by_its_weights(encoder: WhisperText) -> None:
    assert encoder.device == torch.device("cpu") and not encoder.centred
    assert encoder.model_id == encoder.cache_id == f"whisper-text-{whisper_text.SHA256[:8]}"
    assert HeardLayers(encoder.whisper).model_id == "whisper-4-6"


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(whisper_text.FILE.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"other\.safetensors is not the pinned file"):
        whisper_text.load(path=other)
    with pytest.raises(WeightsError, match=r"gone\.safetensors is missing"):
        whisper_text.load(path=tmp_path / "gone.safetensors")
