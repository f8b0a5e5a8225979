"""The source-filter decoder: pulses at f0, filters that do what they say, tiles that agree."""

import numpy as np
import pytest
import torch

from models.rvc import S24
from models.rvc.source_filter import BANDS, PulseSource, SourceFilter, _minimum_phase

RATE, HOP = S24.sampling_rate, S24.hop


@pytest.fixture(scope="module")
def decoder() -> SourceFilter:
    torch.manual_seed(0)
    return SourceFilter(S24).eval().requires_grad_(False)


def spectrum(wav: torch.Tensor) -> torch.Tensor:
    magnitude: torch.Tensor = torch.fft.rfft(wav * torch.hann_window(len(wav))).abs()
    return magnitude


def test_pulses_have_every_harmonic_alike_and_none_above_nyquist() -> None:
    f0 = torch.full((1, 100), 200.0)
    sound, end = PulseSource(RATE, HOP)(f0, noise=torch.zeros(1, 1, 100 * HOP))
    pulses = sound[0, 0]
    assert float(pulses.square().mean()) == pytest.approx(1.0, abs=0.02)
    lines = spectrum(pulses)[200:12000:200]  # one second: a bin is 1 Hz
    assert float(lines.min() / lines.max()) > 0.9
    between = spectrum(pulses)[300:12000:200]
    assert float(between.max()) < 0.01 * float(lines.max())
    assert float(end[0]) == pytest.approx(0.0, abs=1e-6)  # 200 whole cycles


def test_where_nothing_is_voiced_there_are_no_pulses() -> None:
    f0 = torch.tensor([[0.0] * 10 + [150.0] * 10])
    sound, _ = PulseSource(RATE, HOP)(f0, generator=torch.Generator().manual_seed(0))
    assert float(sound[0, 0, : 10 * HOP].abs().max()) == 0 and float(sound[0, 0, 10 * HOP :].abs().max()) > 1
    assert float(sound[0, 1].square().mean()) == pytest.approx(1.0, abs=0.05)


def test_a_filter_of_minimum_phase_keeps_its_gains_and_comes_first() -> None:
    torch.manual_seed(0)
    level = torch.nn.functional.interpolate(torch.randn(1, 1, 12), 513, mode="linear")[0, 0]
    response = _minimum_phase(level)
    assert torch.allclose(response.abs(), level.exp(), rtol=0.02)
    impulse = torch.fft.irfft(response, 1024)
    energy = impulse.square().cumsum(0) / impulse.square().sum()
    assert float(energy[100]) > 0.95


def test_level_bands_become_gains_in_db(decoder: SourceFilter) -> None:
    """With flat filters the wave is the source at that gain."""
    f0 = torch.full((1, 100), 200.0)
    source, _ = decoder.source(f0, noise=torch.zeros(1, 1, 100 * HOP))
    flat = torch.full((1, 100, BANDS), -2.0) @ decoder.spread
    wav = decoder._filtered(source, _minimum_phase(flat), torch.zeros(1, 100, 513))[0]
    middle = slice(20 * HOP, 80 * HOP)
    assert torch.allclose(wav[middle], source[0, 0, middle] * np.exp(-2.0), atol=1e-3)


def test_it_follows_f0_untrained_and_tiles_agree(decoder: SourceFilter) -> None:
    f0 = torch.full((1, 150), 170.0)
    z, g, noise = torch.randn(1, 96, 150), torch.randn(1, 256, 1), torch.randn(1, 1, 150 * HOP)
    whole = decoder(z, f0, g, noise=noise)
    tiles = decoder.decode_tiles(z, f0, g, 0.4, noise=noise)
    assert whole.shape == (1, 1, 150 * HOP)
    assert float((whole - tiles).abs().max()) < 1e-5 * float(whole.abs().max())
    lines = spectrum(whole[0, 0, :RATE])
    assert abs(int(lines[100:250].argmax()) + 100 - 170) <= 1


def test_gradients_reach_the_latents() -> None:
    torch.manual_seed(0)
    decoder = SourceFilter(S24)
    z = torch.randn(2, 96, 40, requires_grad=True)
    torch.autograd.backward(decoder(z, torch.full((2, 40), 120.0), torch.randn(2, 256, 1)).square().mean())
    assert z.grad is not None and bool(z.grad.abs().sum(1).gt(0).all())
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in decoder.parameters())
