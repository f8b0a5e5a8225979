"""The decoder in pieces is the decoder at once, and the source neither drifts nor breaks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from models.rvc import RVC_40K, S24, Generator, RVCConfig
from models.rvc.sine_source import HarmonicSource
from models.rvc.weight_norm import NormedConvTranspose1d

SMALL = replace(S24, decoder="hifigan", upsample_initial_channel=128, segment_frames=40)
"""RVC's own decoder at a size that a test can train."""


pytestmark = pytest.mark.usefixtures("one_thread")


def build(config: RVCConfig) -> Generator:
    """Return a decoder with random weights that is loud enough for differences to show."""
    torch.manual_seed(7)
    decoder = Generator(config).eval().requires_grad_(False)
    assert isinstance(decoder.m_source, HarmonicSource)
    decoder.m_source.l_linear.weight.fill_(8.0)
    for up in decoder.ups:
        assert isinstance(up, NormedConvTranspose1d)
        up.weight_g.mul_(3.0)
    decoder.conv_post.weight.mul_(2.0)
    return decoder


def clip(config: RVCConfig, frames: int, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Return latents, an f0 that glides and pauses, and a speaker."""
    draw = torch.Generator().manual_seed(seed)
    f0 = 220 + 80 * torch.sin(torch.arange(frames) / 9)
    f0[frames // 3 : frames // 3 + 6] = 0
    z = torch.randn(1, config.inter_channels, frames, generator=draw)
    return z, f0[None], torch.randn(1, config.gin_channels, 1, generator=draw)


@pytest.fixture(scope="module")
def s24() -> Generator:
    return build(SMALL)


@pytest.mark.parametrize(("config", "frames"), [(SMALL, 250), (RVC_40K, 75)], ids=["s24", "40k"])
def test_tiles_are_the_whole(config: RVCConfig, frames: int) -> None:
    decoder = build(config)
    z, f0, g = clip(config, frames)
    noise = torch.randn(1, 1, frames * config.hop)
    seconds = 1.0 if config is SMALL else 0.35
    whole = decoder(z, f0, g, phase=0.3, noise=noise)
    tiles = decoder.decode_tiles(z, f0, g, seconds, phase=0.3, noise=noise)
    bare = decoder.decode_tiles(z, f0, g, seconds, context_frames=0, phase=0.3, noise=noise)

    assert whole.shape == tiles.shape == (1, 1, frames * config.hop)
    assert whole.std() > 0.01, "the decoder is too quiet to compare"
    difference = float((whole - tiles).abs().max())
    assert difference <= 1e-5, f"the tiles differ by {difference:.1e}"
    assert (whole - bare).abs().max() > 1e-3, "context makes no difference: this test proves nothing"


def test_twelve_frames_are_all_that_the_decoder_sees(s24: Generator) -> None:
    z, f0, g = clip(SMALL, 40)
    changed = z.clone()
    changed[..., 20] += 1
    noise = torch.zeros(1, 1, 40 * SMALL.hop)
    changed_samples = (s24(z, f0, g, noise=noise) - s24(changed, f0, g, noise=noise))[0, 0].abs() > 1e-7
    reach = torch.nonzero(changed_samples) / SMALL.hop - 20
    assert -12 < reach.min() < -1
    assert 1 < reach.max() < 13


def test_the_carried_phase_joins_two_chunks(s24: Generator) -> None:
    _, f0, _ = clip(SMALL, 120)
    noise = torch.randn(1, 1, 120 * SMALL.hop)
    cut = 50 * SMALL.hop
    whole, end = s24.source(f0, 0.25, noise=noise)
    first, between = s24.source(f0[:, :50], 0.25, noise=noise[..., :cut])
    second, last = s24.source(f0[:, 50:], between, noise=noise[..., cut:])
    broken, _ = s24.source(f0[:, 50:], 0.0, noise=noise[..., cut:])

    torch.testing.assert_close(torch.cat((first, second), dim=-1), whole, atol=1e-6, rtol=0)
    torch.testing.assert_close(last, end, atol=1e-9, rtol=0)
    assert (broken - second).abs().max() > 0.1, "the phase makes no difference: this test proves nothing"


def test_the_source_is_a_sine_at_f0_that_does_not_drift_in_a_song(s24: Generator) -> None:
    seconds, f0 = 240, torch.full((1, 24_000), 441.3)
    source, end = s24.source(f0, 0.25, noise=torch.zeros(1, 1, seconds * 24000))
    last = np.arange((seconds - 1) * 24000, seconds * 24000) + 1
    cycles = 0.25 + float(f0[0, 0]) * last / 24000
    assert isinstance(s24.m_source, HarmonicSource)
    linear = s24.m_source.l_linear
    expected = np.tanh(float(linear.weight) * 0.1 * np.sin(2 * np.pi * cycles) + float(linear.bias))
    np.testing.assert_allclose(source[0, 0, -24000:].numpy(), expected, atol=1e-4)
    assert float(end) == pytest.approx(cycles[-1] % 1, abs=1e-6)


def test_where_unvoiced_there_is_noise_and_no_sine(s24: Generator) -> None:
    f0 = torch.full((1, 100), 220.0)
    f0[:, 50:] = 0
    source, _ = s24.source(f0, generator=torch.Generator().manual_seed(1))
    quiet, _ = s24.source(f0, noise=torch.zeros(1, 1, 100 * SMALL.hop))
    half = 50 * SMALL.hop
    assert quiet[..., half:].std() == 0
    assert quiet[..., :half].std() > 0.3
    noise = torch.atanh(source[..., half:]) / 8
    assert float(noise.std()) == pytest.approx(0.1 / 3, rel=0.05)


def test_a_generator_makes_the_noise_repeatable(s24: Generator) -> None:
    _, f0, _ = clip(SMALL, 20)
    first, again, other = (s24.source(f0, generator=torch.Generator().manual_seed(s))[0] for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
