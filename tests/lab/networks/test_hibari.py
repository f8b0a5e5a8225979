"""hibari-tts' weights in our decoder, and what its text encoder says; tests/models/harmonic has their parity."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lab.networks import hibari as module
from lab.networks.hibari import Hibari
from models.harmonic.config import HarmonicConfig
from models.harmonic.network import ConvNeXtBlock
from models.weights.integrity import WeightsError


@pytest.fixture(scope="module")
def hibari() -> Hibari:
    return Hibari()


def test_the_decoder_has_every_weight_of_the_package(hibari: Hibari) -> None:
    decoder = hibari.decoder()
    own = [name for name, _ in decoder.named_parameters() if ".speaker." not in name]
    sizes = dict(decoder.named_parameters())
    assert not decoder.training and sum(sizes[name].numel() for name in own) == pytest.approx(4_180_000, rel=0.01)
    norm, head = decoder.dec_norm.weight.detach().numpy(), decoder.head.weight.detach().numpy()
    np.testing.assert_array_equal(norm, hibari.weights["m.dec_norm.weight"])
    assert np.abs(head).max() < 10 and head.std() > 0.01
    steps = head.T / hibari.weights["/head/Transpose_output_0_scale"]
    np.testing.assert_allclose(steps, steps.round(), atol=1e-2)  # 8 bits


def test_who_speaks_begins_at_nothing(hibari: Hibari) -> None:
    decoder = hibari.decoder()
    draw = torch.Generator().manual_seed(0)
    content, energy = torch.randn(1, 128, 20, generator=draw), torch.full((1, 20), 6.0)
    f0 = torch.full((1, 20), 200.0)
    voices = torch.randn(2, 1, 256, generator=draw)
    with torch.no_grad():
        first, second = (decoder.filters(content, f0, energy, voice) for voice in voices)
        bare = hibari.decoder(HarmonicConfig(speaker_width=0)).filters(content, f0, energy, voices[0])
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(first, second, bare, strict=True))
    assert all(isinstance(block, ConvNeXtBlock) and block.speaker is not None for block in decoder.dec)


def test_its_text_is_one_row_a_phone_and_known_by_its_neighbours(hibari: Hibari) -> None:
    rows = hibari.text([0, 50, 83, 54, 0])
    assert rows.shape == (5, 128) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows, hibari.text([0, 50, 83, 54, 0]))
    other = hibari.text([0, 50, 57, 54, 0])
    changed = np.abs(rows - other).mean(1)
    assert changed.argmax() == 2 and changed[2] > 0.2 * np.abs(rows).mean()


def test_another_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    with pytest.raises(WeightsError, match=r"hibari\.onnx is not the pinned file"):
        Hibari().decoder()
    monkeypatch.setattr(module, "FILE", "assets/gone.onnx")
    with pytest.raises(WeightsError, match=r"hibari carries no assets/gone\.onnx"):
        Hibari().decoder()
