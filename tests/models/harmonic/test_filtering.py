import math

import torch
from torch import Tensor

from models.harmonic.filtering import MAX_LOG_GAIN, filtered, waves


def columns() -> list[Tensor]:
    """Five of filters, some gains above the most, and the spectra of pulses and noise."""
    draw = torch.Generator().manual_seed(0)
    told = [4 * torch.randn(2, 5, 7, dtype=torch.float64, generator=draw) for _ in range(5)]
    told[0][0, 0, 0] = told[2][0, 0, 0] = told[3][0, 0, 0] = MAX_LOG_GAIN + 1
    pulses = torch.randn(2, 5, 7, dtype=torch.complex128, generator=draw)
    hiss = torch.randn(2, 2, 5, 7, dtype=torch.float64, generator=draw)
    return [*(column.requires_grad_() for column in told), pulses, hiss]


def by_definition(
    harmonic: Tensor,
    harmonic_phase: Tensor,
    noise: Tensor,
    free: Tensor,
    free_phase: Tensor,
    pulses: Tensor,
    hiss: Tensor,
) -> Tensor:
    gains = [log.clamp(max=MAX_LOG_GAIN).exp() for log in (harmonic, noise, free)]
    voiced = torch.polar(gains[0], math.pi * torch.tanh(harmonic_phase)) * pulses
    return voiced + gains[1] * torch.complex(hiss[:, 0], hiss[:, 1]) + torch.polar(gains[2], free_phase)


def test_the_spectrum_and_its_gradient_are_those_of_the_definition() -> None:
    ours, plain = columns(), columns()
    made, known = filtered(*ours), by_definition(*plain)
    torch.testing.assert_close(made, known)
    for spectrum in (made, known):
        torch.view_as_real(spectrum).sin().sum().backward()  # type: ignore[no-untyped-call]
    for mine, theirs in zip(ours[:5], plain[:5], strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


def test_a_wave_and_its_gradient_are_those_of_torchs_inverse_transform() -> None:
    draw, window = torch.Generator().manual_seed(0), torch.hann_window(16, dtype=torch.float64)
    ours, plain = (torch.randn(2, 6, 9, dtype=torch.complex128, generator=draw.manual_seed(0)) for _ in range(2))
    held = torch.cat([plain.requires_grad_(), plain[:, -1:]], 1).mT
    known = torch.istft(held, 16, 4, window=window, length=24)
    made = waves(ours.requires_grad_(), window, 4)
    torch.testing.assert_close(made, known)
    for wave in (made, known):
        wave.sin().sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(ours.grad, plain.grad)
