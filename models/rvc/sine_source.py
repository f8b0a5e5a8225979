"""The buzz that the decoder shapes into a voice: a sine at f0 where voiced, noise elsewhere."""

import torch
from torch import Tensor, nn

from models.rvc.sampling import gaussian_noise

SINE_AMPLITUDE = 0.1
NOISE_DEVIATION = 0.003
UNVOICED_DEVIATION = SINE_AMPLITUDE / 3


class HarmonicSource(nn.Module):
    """The source of the neural source-filter model (Wang et al. 2019), the fundamental alone."""

    def __init__(self, sampling_rate: int, hop: int) -> None:
        """Make `hop` samples a frame at `sampling_rate` Hz."""
        super().__init__()
        self.sampling_rate = sampling_rate
        self.hop = hop
        self.l_linear = nn.Linear(1, 1)

    def forward(
        self,
        f0: Tensor,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Sound f0 (B, T) in Hz, 0 where unvoiced, from a start phase in cycles (one, or one an item (B,)).

        `noise` (B, 1, T * hop), of deviation 1, is drawn from `generator` where it is not given. Returns the
        source (B, 1, T * hop) and the end phase (B,), with which the next chunk of the same song starts.
        """
        with torch.no_grad():
            turned, end_phase = cycles(f0, phase, self.hop, self.sampling_rate)
            voiced = (f0 > 0).to(f0.dtype).repeat_interleave(self.hop, dim=1)
            if noise is None:
                noise = gaussian_noise((len(f0), 1, voiced.shape[1]), f0, generator)
            deviation = torch.where(voiced > 0, NOISE_DEVIATION, UNVOICED_DEVIATION)
            wave = torch.sin(2 * torch.pi * turned) * SINE_AMPLITUDE * voiced + deviation * noise.squeeze(1)
        merged = torch.tanh(self.l_linear(wave.to(self.l_linear.weight.dtype).unsqueeze(-1)))
        return merged.mT, end_phase


class NoSource(nn.Module):
    """What a network without f0 has instead: nothing is heard of it, and it has no weights."""

    def __init__(self, hop: int) -> None:
        """Make `hop` samples a frame."""
        super().__init__()
        self.hop = hop

    def forward(
        self,
        f0: Tensor,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `HarmonicSource`, but silence (B, 1, T * hop); the phase stands still."""
        return f0.new_zeros(len(f0), 1, f0.shape[1] * self.hop), f0.new_zeros(len(f0), dtype=torch.float64)


def cycles(f0: Tensor, phase: float | Tensor, hop: int, sampling_rate: int) -> tuple[Tensor, Tensor]:
    """Count the cycles at each sample (B, T * hop), and after the last one (B,), of f0 (B, T) in Hz.

    Whole cycles are dropped frame by frame in float64, so that a song does not drift however long it is.
    """
    first = torch.as_tensor(phase, dtype=torch.float64, device=f0.device).expand(len(f0)).unsqueeze(1)
    ends = first + (f0.double() * (hop / sampling_rate)).cumsum(dim=1)
    bounds = torch.cat((first, ends), dim=1).remainder(1)
    steps = torch.arange(1, hop + 1, device=f0.device, dtype=torch.float32) / sampling_rate
    turned = bounds[:, :-1, None].float() + f0.float().unsqueeze(2) * steps
    return turned.flatten(1), bounds[:, -1]
