"""A training step: pieces, losses, and a small network that learns."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.rvc import (
    DISCRIMINATOR_SMALL,
    S24,
    Discriminator,
    DiscriminatorOutput,
    Synthesizer,
    discriminator_loss,
    feature_loss,
    generator_loss,
    kl_loss,
    rand_slice_segments,
    slice_segments,
)

SMALL = replace(S24, decoder="hifigan", upsample_initial_channel=128, segment_frames=40)
"""RVC's own decoder at a size that a test can train."""


pytestmark = pytest.mark.usefixtures("one_thread")


def spectrum(wav: Tensor) -> Tensor:
    """Linear magnitudes of (B, 1, samples): (B, 513, T)."""
    wav = F.pad(wav, ((SMALL.n_fft - SMALL.hop) // 2,) * 2, "reflect").squeeze(1)
    window = torch.hann_window(SMALL.n_fft)
    return torch.stft(wav, SMALL.n_fft, SMALL.hop, window=window, center=False, return_complex=True).abs()


def batch(size: int, frames: int) -> dict[str, Tensor]:
    """Return clips of a buzz with eight overtones, and all that a training step wants to know of them."""
    draw = torch.Generator().manual_seed(1)
    f0 = 150 + 20 * torch.arange(size).unsqueeze(1) + 30 * torch.sin(torch.arange(frames) / 10)
    phase = (f0.repeat_interleave(SMALL.hop, dim=1) / SMALL.sampling_rate).cumsum(dim=1)
    wav = sum(torch.sin(2 * torch.pi * k * phase) / k for k in range(1, 9)) * 0.2
    assert isinstance(wav, Tensor)
    return {
        "phone": torch.randn(size, frames, SMALL.content_dim, generator=draw),
        "phone_lengths": torch.full((size,), frames),
        "pitch": (f0 / 4).long(),
        "f0": f0,
        "spec": spectrum(wav.unsqueeze(1)),
        "spec_lengths": torch.full((size,), frames),
        "speaker": torch.arange(size),
        "wav": wav.unsqueeze(1),
    }


def log_distance(wav: Tensor, target: Tensor) -> Tensor:
    ours, theirs = (torch.log(spectrum(x) + 1e-2) for x in (wav, target))
    return F.l1_loss(ours, theirs)


def test_s24_learns() -> None:
    torch.manual_seed(1)
    model, clips = Synthesizer(SMALL), batch(2, 64)
    target = clips.pop("wav")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.8, 0.99))
    losses = []
    for _ in range(12):
        out = model(**clips)
        piece = slice_segments(target, out.starts * SMALL.hop, SMALL.segment_size)
        distance = log_distance(out.wav, piece)
        kl = kl_loss(out.z_p, out.logs_q, out.m_p, out.logs_p, out.spec_mask)
        optimizer.zero_grad()
        torch.autograd.backward(45 * distance + kl)
        optimizer.step()
        losses.append(float(distance.detach()))
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3]), f"the loss does not fall: {losses}"
    idle = [name for name, p in model.named_parameters() if p.grad is None]
    assert idle == [], "these parameters take no part in the training"


def test_the_discriminator_learns_and_its_gradient_reaches_the_waveform() -> None:
    torch.manual_seed(2)
    discriminator, real = Discriminator(DISCRIMINATOR_SMALL), batch(2, 20)["wav"]
    fake = torch.nn.Parameter(0.1 * torch.randn_like(real))
    optimizer = torch.optim.AdamW(discriminator.parameters(), lr=1e-3)
    losses = []
    for _ in range(15):
        loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0], f"the discriminator does not learn: {losses}"

    judged = discriminator(fake)
    loss = generator_loss(judged) + feature_loss(discriminator(real), judged)
    (gradient,) = torch.autograd.grad(loss, fake)
    with torch.no_grad():
        moved = discriminator(fake - 1e-3 * gradient / gradient.abs().max())
        after = generator_loss(moved) + feature_loss(discriminator(real), moved)
    assert float(after) < float(loss.detach())


def test_the_piece_lies_within_each_clip_and_is_drawn_from_the_generator() -> None:
    torch.manual_seed(3)
    model, clips = Synthesizer(SMALL).eval(), batch(3, 150)
    del clips["wav"]
    clips["phone_lengths"] = clips["spec_lengths"] = torch.tensor([150, 100, 30])
    with torch.no_grad():
        outs = [model(**clips, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    out = outs[0]
    assert out.wav.shape == (3, 1, SMALL.segment_size)
    assert out.z.shape == out.m_p.shape == (3, 96, 150)
    assert out.spec_mask.sum(dim=(1, 2)).tolist() == [150, 100, 30]
    assert torch.equal(out.wav, outs[1].wav)
    assert not torch.equal(out.starts, outs[2].starts)
    assert out.starts[0] <= 110 and out.starts[1] <= 60 and out.starts[2] == 0


def test_the_decoded_piece_is_the_recordings_piece() -> None:
    """The decoder is given the f0 of the frames at `starts`: its source has the pitch of that moment."""
    torch.manual_seed(4)
    model, clips = Synthesizer(SMALL).eval(), batch(2, 150)
    del clips["wav"]
    excited: list[Tensor] = []
    model.dec.m_source.register_forward_pre_hook(lambda _, given: excited.append(given[0]))
    with torch.no_grad():
        out = model(**clips)
    assert torch.equal(excited[0], slice_segments(clips["f0"], out.starts, SMALL.segment_frames))


def test_training_without_posterior_encoder_raises() -> None:
    model, clips = Synthesizer(SMALL), batch(1, 64)
    del clips["wav"]
    model.remove_posterior()
    with pytest.raises(RuntimeError, match="no posterior encoder"):
        model(**clips)


def test_segments_are_cut_at_each_items_start_and_within_its_length() -> None:
    x = torch.arange(40).view(2, 1, 20)
    assert slice_segments(x, torch.tensor([3, 16]), 4).tolist() == [[[3, 4, 5, 6]], [[36, 37, 38, 39]]]
    assert slice_segments(x[:, 0], torch.tensor([0, 1]), 2).tolist() == [[0, 1], [21, 22]]
    draw = torch.Generator().manual_seed(1)
    starts = torch.stack([rand_slice_segments(x, torch.tensor([20, 7]), 5, draw)[1] for _ in range(200)], dim=1)
    assert set(starts[0].tolist()) == set(range(16))
    assert set(starts[1].tolist()) == {0, 1, 2}
    with pytest.raises(ValueError, match="cannot cut 21 steps out of 20"):
        slice_segments(x, torch.tensor([0, 0]), 21)


def test_kl_is_the_divergence_of_two_gaussians_over_real_frames() -> None:
    draw = torch.Generator().manual_seed(5)
    m_p, m_q = torch.tensor(0.3), torch.tensor(-0.4)
    logs_p, logs_q = torch.tensor(0.2), torch.tensor(-0.5)
    shape = (1, 4, 50_000)
    z = m_q + logs_q.exp() * torch.randn(shape, generator=draw)
    mask = torch.ones(1, 1, 50_000)
    expected = 4 * float(
        torch.distributions.kl_divergence(
            torch.distributions.Normal(m_q, logs_q.exp()), torch.distributions.Normal(m_p, logs_p.exp())
        )
    )
    of_posterior, mean, of_prior = (x.expand(shape) for x in (logs_q, m_p, logs_p))
    assert float(kl_loss(z, of_posterior, mean, of_prior, mask)) == pytest.approx(expected, rel=0.02)
    half = mask.clone()
    half[..., 25_000:] = 0
    spoiled = torch.where(half.bool(), z, 100.0)
    assert float(kl_loss(spoiled, of_posterior, mean, of_prior, half)) == pytest.approx(expected, rel=0.02)


def test_the_adversarial_losses_are_least_squares() -> None:
    def outputs(score: float, feature: float) -> list[DiscriminatorOutput]:
        return [(torch.full((2, 3), score), [torch.full((2, 5), feature)])] * 2

    real, fake = outputs(0.5, 1.0), outputs(0.25, 3.0)
    assert float(discriminator_loss(real, fake)) == pytest.approx(2 * (0.25 + 0.0625))
    assert float(generator_loss(fake)) == pytest.approx(2 * 0.5625)
    assert float(feature_loss(real, fake)) == pytest.approx(2 * 2.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_feature_matching_has_the_derivative_of_a_mean_absolute_difference(dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 4, 6, 5, generator=draw).to(dtype) for _ in range(2)]
    ours, plain = (maps[1].to(memory_format=torch.channels_last).requires_grad_() for _ in range(2))
    found = 3 * feature_loss([(maps[0], [maps[0]])], [(ours, [ours])])
    known = 3 * (plain.float() - maps[0].float()).abs().mean()
    torch.testing.assert_close(found, known, rtol=1e-2 if dtype is torch.bfloat16 else 1e-5, atol=0)
    for loss in (found, known):
        loss.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(ours.grad, plain.grad)
    assert ours.grad is not None and ours.grad.is_contiguous(memory_format=torch.channels_last)
