"""The shipped base: it loads, it belongs to the shipped encoder, it is small."""

import torch

from models.content import student
from models.rvc.voice_base import load_base
from models.weights.integrity import WEIGHTS


def test_what_ships_is_28_mb_at_most() -> None:
    assert sum(file.stat().st_size for file in WEIGHTS.glob("*.safetensors")) <= 28_000_000


def test_the_base_is_bound_to_its_encoder_and_conditioned_on_the_embedding() -> None:
    base = load_base(student.MODEL_ID)
    voices = torch.nn.functional.normalize(torch.rand(2, 256, generator=torch.Generator().manual_seed(0)), dim=1)
    first, second = base.speaker_vector(voices)
    assert (first - second).abs().mean().item() > 0.01 * first.abs().mean().item()
    assert all(bool(p.isfinite().all()) for p in base.parameters())
