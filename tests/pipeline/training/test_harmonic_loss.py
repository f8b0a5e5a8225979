"""The spectral loss of h24, with its derivative, by its definition and Torch's own transform."""

import torch
from torch import Tensor

from pipeline.training.harmonic_loss import FLOOR, LINEAR_WEIGHT, MEL_FLOOR, HarmonicLoss, Resolution


def waves() -> tuple[Tensor, Tensor]:
    """One predicted and one recorded, silent for a while each."""
    draw = torch.Generator().manual_seed(0)
    fake, real = 0.1 * torch.randn(2, 2, 9600, dtype=torch.float64, generator=draw)
    fake[:, 2000:5000] = real[:, 4000:8000] = 0
    return fake, real


def by_definition(one: Resolution, fake: Tensor, real: Tensor, bandwidth: Tensor) -> Tensor:
    size = len(one.window)
    a, b = (torch.stft(wav, size, one.hop, window=one.window, return_complex=True).abs().mT for wav in (fake, real))
    a, b = a.clamp_min(FLOOR), b.clamp_min(FLOOR)
    mel_a, mel_b = ((magnitude @ one.basis).clamp_min(MEL_FLOOR) for magnitude in (a, b))
    heard = (one.frequency < bandwidth[:, None])[:, None].expand_as(a)
    mels = (one.top < bandwidth[:, None])[:, None].expand_as(mel_a)
    share = (a - b).abs()[heard].sum() / b[heard].sum()
    logs = [(x.log() - y.log()).abs()[where].mean() for x, y, where in ((a, b, heard), (mel_a, mel_b, mels))]
    return LINEAR_WEIGHT * share + logs[0] + logs[1]


def test_it_and_its_derivative_are_those_of_the_definition_below_each_bandwidth() -> None:
    loss, bandwidth = HarmonicLoss().double(), torch.tensor([12_000.0, 5000.0])
    fake, real = waves()
    ours, plain = (fake.clone().requires_grad_() for _ in range(2))
    found = loss(ours, real, bandwidth)
    each = [by_definition(one, plain, real, bandwidth) for one in loss.resolutions if isinstance(one, Resolution)]
    known = torch.stack(each).mean()
    torch.testing.assert_close(found, known)
    for error in (found, known):
        error.backward()
    torch.testing.assert_close(ours.grad, plain.grad)
    assert ours.grad is not None and ours.grad.isfinite().all()


def test_what_lies_above_the_bandwidth_of_a_recording_teaches_nothing() -> None:
    fake, real = waves()
    fake.requires_grad_()
    HarmonicLoss().double()(fake, real, torch.tensor([0.0, 12_000.0])).backward()
    assert fake.grad is not None and not fake.grad[0].any() and fake.grad[1].any()
