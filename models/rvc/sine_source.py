"""The decoder's excitation: a sine at f0 where voiced, noise elsewhere."""

import torch
from torch import Tensor, nn

from models.rvc.sampling import gaussian_noise

SINE_AMPLITUDE = 0.1
NOISE_DEVIATION = 0.003
UNVOICED_DEVIATION = SINE_AMPLITUDE / 3


class HarmonicSource(nn.Module):
    """The source of the neural source-filter model (Wang et al. 2019), the fundamental alone."""

    def __init__(self, sampling_rate: int, hop: int) -> None:
        """Build for `hop` samples per frame at `sampling_rate` Hz."""
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
        """Synthesise the excitation of f0 (B, T) in Hz, 0 where unvoiced, from a phase in cycles (scalar or (B,)).

        `noise` (B, 1, T * hop), of deviation 1, is drawn from `generator` unless given. Returns the
        excitation (B, 1, T * hop) and the end phase (B,), the start phase of the song's next chunk.
        """
        with torch.no_grad():
            phases, end_phase = cycles(f0, phase, self.hop, self.sampling_rate)
            voiced = (f0 > 0).to(f0.dtype).repeat_interleave(self.hop, dim=1)
            if noise is None:
                noise = gaussian_noise((len(f0), 1, voiced.shape[1]), f0, generator)
            deviation = torch.where(voiced > 0, NOISE_DEVIATION, UNVOICED_DEVIATION)
            wave = torch.sin(2 * torch.pi * phases) * SINE_AMPLITUDE * voiced + deviation * noise.squeeze(1)
        merged = torch.tanh(self.l_linear(wave.to(self.l_linear.weight.dtype).unsqueeze(-1)))
        return merged.mT, end_phase


class NoSource(nn.Module):
    """The placeholder in a network without f0: a silent excitation, without weights."""

    def __init__(self, hop: int) -> None:
        """Build for `hop` samples per frame."""
        super().__init__()
        self.hop = hop

    def forward(
        self,
        f0: Tensor,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `HarmonicSource`, but silence (B, 1, T * hop); the phase stays 0."""
        return f0.new_zeros(len(f0), 1, f0.shape[1] * self.hop), f0.new_zeros(len(f0), dtype=torch.float64)


def cycles(f0: Tensor, phase: float | Tensor, hop: int, sampling_rate: int) -> tuple[Tensor, Tensor]:
    """Integrate f0 (B, T) in Hz to the phase in cycles at each sample (B, T * hop) and after the last one (B,).

    The phase wraps at each frame in float64, so that rounding errors do not accumulate over a song.
    """
    first = torch.as_tensor(phase, dtype=torch.float64, device=f0.device).expand(len(f0)).unsqueeze(1)
    ends = first + (f0.double() * (hop / sampling_rate)).cumsum(dim=1)
    bounds = torch.cat((first, ends), dim=1).remainder(1)
    steps = torch.arange(1, hop + 1, device=f0.device, dtype=torch.float32) / sampling_rate
    phases = bounds[:, :-1, None].float() + f0.float().unsqueeze(2) * steps
    return phases.flatten(1), bounds[:, -1]
