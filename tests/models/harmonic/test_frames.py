"""From the pipeline's 10 ms to the decoder's 12.5 ms."""

import pytest
import torch
from torch import Tensor

from models.harmonic.frames import SPAN, decoder_f0, decoder_frames


def f0_of(*values: float) -> Tensor:
    """A track (1, T) with SPAN frames of each value."""
    return torch.tensor(values).repeat_interleave(SPAN)[None]


@pytest.mark.parametrize("spans", [2, 4, 30])
def test_five_frames_become_four(spans: int) -> None:
    frames = SPAN * spans
    made = decoder_frames(torch.randn(2, 7, frames // 2), torch.full((2, frames), 200.0), torch.randn(2, frames))
    wanted = frames * 4 // 5
    assert (made.content.shape, made.f0.shape, made.energy.shape) == ((2, 7, wanted), (2, wanted), (2, wanted))


def test_each_frame_keeps_its_time() -> None:
    seconds = (torch.arange(100) + 0.5)[None] / 100
    rows = (torch.arange(50) + 0.5)[None, None] / 50
    made = decoder_frames(rows, torch.full((1, 100), 200.0), seconds)
    centres = (torch.arange(80) + 0.5) / 80
    torch.testing.assert_close(made.energy[0], centres, atol=0.004, rtol=0)  # the ends repeat the first and last
    torch.testing.assert_close(made.content[0, 0, 1:-1], centres[1:-1], atol=1e-4, rtol=0)


def test_pitch_is_never_interpolated_across_what_is_unvoiced() -> None:
    made = decoder_f0(f0_of(200, 0, 300, 0, 0, 100))[0]
    assert all(min(abs(value - hertz) for hertz in (0, 100, 200, 300)) < 0.01 for value in made.tolist())
    assert (made > 0).sum() == 12 and made[:4].tolist() == pytest.approx([200] * 4)


def test_pitch_is_interpolated_on_a_logarithmic_scale() -> None:
    rising = 110 * 2 ** (torch.arange(100)[None] / 50)
    made = decoder_f0(rising)[0]
    ratio = made[1:] / made[:-1]
    assert float(ratio.std()) < 1e-5 and float(ratio.mean()) == pytest.approx(2 ** (1.25 / 50), rel=1e-5)


def test_a_window_has_the_frames_of_the_whole() -> None:
    whole = 100 + 200 * torch.rand(1, 40 * SPAN, generator=torch.Generator().manual_seed(0))
    whole[:, 33:48] = 0
    cut = decoder_f0(whole[:, 10 * SPAN : 20 * SPAN])
    torch.testing.assert_close(cut, decoder_f0(whole)[:, 40:80])
