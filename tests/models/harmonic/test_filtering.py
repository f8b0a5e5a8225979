import math

import torch
from torch import Tensor

from models.harmonic.filtering import MAX_LOG_GAIN, filtered


def columns() -> list[Tensor]:
    """Five of filters, some gains above the most, and the spectra of pulses and noise."""
    draw = torch.Generator().manual_seed(0)
    told = [4 * torch.randn(2, 5, 7, dtype=torch.float64, generator=draw) for _ in range(5)]
    told[0][0, 0, 0] = told[2][0, 0, 0] = told[3][0, 0, 0] = MAX_LOG_GAIN + 1
    spectra = [torch.randn(2, 5, 7, dtype=torch.complex128, generator=draw) for _ in range(2)]
    return [*(column.requires_grad_() for column in told), *spectra]


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
    return voiced + gains[1] * hiss + torch.polar(gains[2], free_phase)


def test_the_spectrum_and_its_gradient_are_those_of_the_definition() -> None:
    ours, plain = columns(), columns()
    made, known = filtered(*ours), by_definition(*plain)
    torch.testing.assert_close(made, known)
    for spectrum in (made, known):
        torch.view_as_real(spectrum).sin().sum().backward()  # type: ignore[no-untyped-call]
    for mine, theirs in zip(ours[:5], plain[:5], strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)
