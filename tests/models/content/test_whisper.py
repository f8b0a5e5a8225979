"""Whisper: our encoder on CTranslate2's weights gives what CTranslate2 gives."""

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import torch
from faster_whisper.feature_extractor import FeatureExtractor

from models.content import whisper
from models.weights.integrity import WeightsError, packaged
from pipeline.sound.decode import NOTE, decode


@pytest.fixture(scope="module")
def wav(notes: list[Path]) -> np.ndarray:
    return decode(notes[0], 16000, channels=1, limits=NOTE, name="note")


def test_the_encoder_equals_ctranslate2s(wav: np.ndarray, tmp_path: Path) -> None:
    halves = b"".join(half.read_bytes() for half in whisper.halves())
    (tmp_path / "model.bin").write_bytes(halves)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes(packaged(whisper.PACKAGES[0], f"data/{name}").read_bytes())
    reference = ctranslate2.models.Whisper(str(tmp_path), compute_type="float32", intra_threads=2)
    wav = np.pad(wav, (0, 30 * 16000 - len(wav)))
    mel = FeatureExtractor()(wav, padding=0)[None, :, :3000]
    theirs = np.array(reference.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel, np.float32))))[0]
    values = dict(whisper._variables(halves))
    scale, shift = (
        torch.from_numpy(values[f"encoder/layer_norm/{part}"].astype(np.float32)) for part in ("gamma", "beta")
    )
    ours = torch.nn.functional.layer_norm(whisper.load().encode(torch.from_numpy(wav), 6), (512,), scale, shift)
    assert np.abs(ours.numpy() - theirs).max() < 0.02 * np.abs(theirs).max()
    assert np.corrcoef(ours.flatten(), theirs.flatten())[0, 1] > 0.9999


def test_frames_are_20_ms(wav: np.ndarray) -> None:
    teacher = whisper.load()
    for seconds in (1, 3):
        assert teacher.encode(torch.from_numpy(wav[: seconds * 16000]), 5).shape == (50 * seconds, 512)


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first, (name, _) = whisper.HALVES
    monkeypatch.setattr(whisper, "HALVES", (first, (name, "0" * 64)))
    with pytest.raises(WeightsError, match="not the pinned file"):
        whisper.load()


def test_a_half_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "PACKAGES", (whisper.PACKAGES[0], "no_such_half"))
    with pytest.raises(WeightsError, match="no_such_half carries no"):
        whisper.load()
