import pytest
import torch
from torch import Tensor

from models.magnitude import magnitudes


def wave(samples: int = 60) -> Tensor:
    return torch.randn(2, samples, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("size", "hop"), [(16, 4), (20, 6), (15, 15)], ids=["quarters", "uneven", "odd"])
@pytest.mark.parametrize("center", [True, False])
def test_magnitudes_and_their_gradient_are_those_of_torchs_transform(size: int, hop: int, center: bool) -> None:
    window = torch.hann_window(size, dtype=torch.float64)
    ours, plain = (wave().requires_grad_() for _ in range(2))
    made = magnitudes(ours, window, hop, center=center)
    known = torch.stft(plain, size, hop, window=window, center=center, return_complex=True).abs().mT
    torch.testing.assert_close(made, known)
    for magnitude in (made, known):
        magnitude.log1p().sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(ours.grad, plain.grad)


def test_silence_has_no_gradient() -> None:
    silent = torch.zeros(1, 64, requires_grad=True)
    magnitudes(silent, torch.hann_window(16), 4).sum().backward()  # type: ignore[no-untyped-call]
    assert silent.grad is not None and not silent.grad.any()


def test_samples_after_the_last_frame_have_no_gradient() -> None:
    heard = wave(22).requires_grad_()
    magnitudes(heard, torch.ones(16, dtype=torch.float64), 4, center=False).sum().backward()  # type: ignore[no-untyped-call]
    assert heard.grad is not None
    assert heard.grad[:, :20].all() and not heard.grad[:, 20:].any()
