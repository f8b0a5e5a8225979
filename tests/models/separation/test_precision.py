"""bfloat16 is used only where its estimates agree with float32's."""

import math

import pytest
import torch
from torch import Tensor

from models.separation.chunks import AdaptivePrecision, adaptive_precision, agreement, precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def network(gain: float) -> "AdaptivePrecision":
    """Two layers in a row that grow numbers by `gain` and take them back: the larger, the more bfloat16 loses."""
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(2, 2, generator=generator)
    back = torch.linalg.inv(first)

    def separate(mix: Tensor, half: bool) -> Tensor:
        with precision(CPU, half):
            x = torch.nn.functional.linear(mix.mT, first) + gain
            return torch.nn.functional.linear(x - gain, back).mT.float()

    return AdaptivePrecision("test", separate, None)


def voice(level: float = 0.1) -> Tensor:
    return level * torch.randn(1, 2, 4000, generator=torch.Generator().manual_seed(1))


def test_a_network_that_agrees_runs_in_bfloat16() -> None:
    chosen = network(gain=0.0)
    first = chosen(voice())
    assert chosen.bf16 is True
    torch.testing.assert_close(first, chosen(voice()), rtol=0, atol=0)  # the first chunk is as the others
    assert 30 < agreement(voice(), first) < 60


def test_a_network_that_does_not_agree_runs_in_float32(caplog: pytest.LogCaptureFixture) -> None:
    chosen = network(gain=100.0)
    with caplog.at_level("INFO"):
        estimate = chosen(voice())
    assert chosen.bf16 is False
    assert agreement(voice(), estimate) > 70 and agreement(voice(), chosen.separate(voice(), True)) < 30
    assert "using float32" in caplog.text


def test_silence_decides_nothing() -> None:
    chosen = network(gain=100.0)
    chosen(torch.zeros(1, 2, 4000))
    assert chosen.bf16 is None
    chosen(voice())
    assert chosen.bf16 is False


def test_numbers_that_are_not_finite_agree_with_nothing() -> None:
    broken = AdaptivePrecision("test", lambda mix, half: mix * (math.inf if half else 1.0), None)
    torch.testing.assert_close(broken(voice()), voice())
    assert broken.bf16 is False


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize(
    ("device", "asked", "used"),
    [(CPU, None, False), (CPU, True, True), (CUDA, None, None), (CUDA, False, False), (CUDA, True, True)],
)
def test_a_requested_precision_is_kept(
    device: torch.device, asked: bool | None, used: bool | None, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a GPU that only emulates it does not decide at all."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has)
    used = False if used is None and not has else used
    assert adaptive_precision("test", lambda mix, half: mix, device, asked).bf16 is used


def test_agreement_is_the_ratio_of_signal_to_difference() -> None:
    assert agreement(voice(), voice() * 1.01) == pytest.approx(40, abs=0.01)
    assert agreement(voice(), voice()) == math.inf
