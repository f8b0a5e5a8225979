"""bfloat16 is used only where its estimates agree with float32's."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from models.precision import AdaptivePrecision, adaptive_precision, agreement, asked_precision, precision
from models.quality import distillmos
from models.separation import spleeter
from pipeline.pool.availability import ModelsUnavailable, open_models
from pipeline.pool.selection import Selection

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def network(gain: float) -> AdaptivePrecision[Tensor]:
    """Two layers in a row that grow numbers by `gain` and take them back: the larger, the more bfloat16 loses."""
    generator = torch.Generator().manual_seed(0)
    first = torch.linalg.qr(torch.randn(2, 2, generator=generator)).Q
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
    assert agreement(voice(), estimate) > 70 and agreement(voice(), chosen.run(voice(), True)) < 30
    assert "using float32" in caplog.text


def test_silence_decides_nothing() -> None:
    chosen = network(gain=100.0)
    chosen(torch.zeros(1, 2, 4000))
    assert chosen.bf16 is None
    chosen(voice())
    assert chosen.bf16 is False


@pytest.mark.parametrize("gain", [0.0, 100.0])
def test_a_part_is_enough_to_decide_by_and_the_whole_is_made_once(gain: float) -> None:
    made: list[tuple[int, bool]] = []
    plain = network(gain)

    def separate(mix: Tensor, half: bool) -> Tensor:
        made.append((mix.shape[2], half))
        return plain.run(mix, half)

    chosen = AdaptivePrecision("test", separate, None, part=lambda mix: mix[..., :500])
    estimate = chosen(voice())
    assert made == [(500, False), (500, True), (4000, chosen.bf16)] and chosen.bf16 is (gain == 0)
    torch.testing.assert_close(estimate, plain(voice()), rtol=0, atol=0)
    silent = AdaptivePrecision("test", separate, None, part=lambda mix: mix[..., :500] * 0)
    assert silent(voice()).shape == (1, 2, 4000) and silent.bf16 is None


def test_numbers_that_are_not_finite_agree_with_nothing() -> None:
    def separate(mix: Tensor, half: bool) -> Tensor:
        return mix * (math.inf if half else 1.0)

    broken = AdaptivePrecision("test", separate, None)
    torch.testing.assert_close(broken(voice()), voice())
    assert broken.bf16 is False


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("device", [CPU, CUDA])
@pytest.mark.parametrize("asked", [None, False, True])
def test_a_requested_precision_is_kept(
    device: torch.device, asked: bool | None, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a device that only emulates it does not decide at all."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    used = (None if has else False) if asked is None else asked
    assert adaptive_precision("test", lambda mix, half: mix, device, asked).bf16 is used


@pytest.mark.parametrize(("name", "bf16"), [("auto", None), ("float32", False), ("bfloat16", True)])
def test_an_operator_chooses_by_name(name: str, bf16: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert asked_precision(name, CPU) is bf16


def test_what_a_processor_lacks_is_refused_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    with pytest.raises(ModelsUnavailable, match=r"^PRECISION=bfloat16 would be slow here: .* Set auto or float32\.$"):
        open_models("cpu", Selection(precision="bfloat16"), ())
    with pytest.raises(ModelsUnavailable, match="There are: auto, float32, bfloat16"):
        open_models("cpu", Selection(precision="half"), ())


def test_spleeter_listens_in_bfloat16_where_it_is_asked_to() -> None:
    magnitude = torch.rand(1, 2, 64, spleeter.BINS, generator=torch.Generator().manual_seed(0)) * 20
    with torch.inference_mode():
        exact, rough = (spleeter.load(bf16=bf16)[0](magnitude) for bf16 in (False, True))
    assert rough.dtype == torch.float32
    assert 35 < agreement(exact, rough) < 70


def test_agreement_is_the_ratio_of_signal_to_difference() -> None:
    assert agreement(voice(), voice() * 1.01) == pytest.approx(40, abs=0.01)
    assert agreement(voice(), voice()) == math.inf


def test_the_neural_mos_is_no_multiple_of_what_bfloat16_can_count() -> None:
    wav = np.random.default_rng(0).normal(0, 0.1, distillmos.WINDOW).astype(np.float32)
    (exact,), (rough,) = (distillmos.load(bf16=bf16).windows(wav) for bf16 in (False, True))
    assert rough != exact and rough == pytest.approx(exact, abs=0.05)
    assert rough * 64 % 1 != 0
