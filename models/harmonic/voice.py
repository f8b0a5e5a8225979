"""One person's voice: the harmonic decoder with the speaker embedding that conditions it."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.harmonic.config import HarmonicConfig
from models.harmonic.excitation import start_phases
from models.harmonic.frames import PIPELINE_RATE, SPAN, decoder_frames
from models.harmonic.network import HarmonicDecoder
from models.precision import adaptive_precision, precision
from models.signal import Floats32, Floats64
from models.voice_network import Noise, VoiceFrames, most_voiced

LEVEL = 7.0
"""The median energy of voiced frames that the decoder is told: hibari's own voice, by its own measure."""
RECORDED_LEVEL = 4.8
"""The median energy of the waves that it makes then, by ours (16 kHz instead of 24)."""
SPEAKER_GAIN = 16.0
"""A unit vector of 256 numbers is brought to a deviation of 1."""
AROUND = 50
"""Frames of 10 ms before and after a part that its sound depends on."""


class HarmonicVoice(nn.Module):
    """It implements `VoiceNetwork`."""

    speaker: Tensor

    def __init__(self, speaker: Tensor, config: HarmonicConfig = HarmonicConfig()) -> None:
        """With random weights, for a person of this unit embedding (256,)."""
        super().__init__()
        self.config = config
        self.decoder = HarmonicDecoder(config)
        self.register_buffer("speaker", speaker.float())
        self.choose_precision(None)

    def choose_precision(self, bf16: bool | None) -> None:
        """How it sings from now on; `bf16` is as in `adaptive_precision`."""
        self._singing = adaptive_precision(self.kind, self._sung, self.device, bf16, part=most_voiced)

    @property
    def sampling_rate(self) -> int:
        """Hz."""
        return self.config.sampling_rate

    @property
    def kind(self) -> str:
        """For a card."""
        return f"h24, {self.sampling_rate // 1000} kHz"

    @property
    def follows_f0(self) -> bool:
        """Always."""
        return True

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.speaker.device

    def start_phases(self, f0: Floats32) -> Floats64:
        """The phase of a window that starts at each of T frames of 10 ms, (T,) in cycles."""
        return start_phases(f0, PIPELINE_RATE)

    @torch.no_grad()
    def sing(self, frames: VoiceFrames, noise: Noise) -> Tensor:
        """T frames → (T · 240,), as loud as the recording that they were measured on.

        The decoder is told energies as if the recording's median was LEVEL. The filters of a whole window of some 20 s
        are computed at once: they are convolutions, without attention. Of a long rest nothing is computed.
        """
        return self._singing((frames, noise))

    def _sung(self, given: tuple[VoiceFrames, Noise], half: bool) -> Tensor:
        frames, noise = given
        drawn = noise(2 * self.config.bins, self.config.frame_rate)
        hop = self.sampling_rate // PIPELINE_RATE
        phases = start_phases(frames.f0.cpu().numpy(), PIPELINE_RATE)
        waves = frames.f0.new_zeros(len(frames.f0) * hop)
        for start, stop in with_surroundings(frames):
            part = replace(
                frames,
                content=frames.content[start // 2 : -(-stop // 2)],
                f0=frames.f0[start:stop],
                energy=frames.energy[start:stop],
                phase=frames.phase + float(phases[start]),
            )
            waves[start * hop : stop * hop] = self._whole(
                part, drawn[:, start * self.config.frame_rate // PIPELINE_RATE :], half
            )
        return waves

    def _whole(self, frames: VoiceFrames, drawn: Tensor, half: bool) -> Tensor:
        """All T frames → (T · 240,)."""
        count = len(frames.f0)
        padded = pad_to_span(frames)
        columns = decoder_frames(padded.content.T[None], padded.f0[None], padded.energy[None] - frames.level + LEVEL)
        wanted = columns.f0.shape[1]
        drawn = drawn[:, :wanted].to(self.device)
        drawn = F.pad(drawn, (0, wanted - drawn.shape[1])).view(1, 2, self.config.bins, wanted)
        with precision(self.device, half):
            filters = self.decoder.filters(*columns, self.speaker[None] * SPEAKER_GAIN)
        wav = self.decoder.synthesize(filters, padded.f0[None], noise=drawn, phase=frames.phase)[0]
        return wav[: count * self.sampling_rate // PIPELINE_RATE] / wave_gain(frames.level)


def with_surroundings(frames: VoiceFrames) -> list[tuple[int, int]]:
    """The parts of T frames that are wanted, with what they depend on, on the grid of SPAN; all if that is not said."""
    count, grid = len(frames.f0), 2 * SPAN
    parts: list[tuple[int, int]] = []
    for start, stop in ((0, count),) if frames.wanted is None else frames.wanted:
        begin, end = max(0, (start - AROUND) // grid * grid), min(count, -(-(stop + AROUND) // grid) * grid)
        if parts and begin <= parts[-1][1]:
            begin, _ = parts.pop()
        parts.append((begin, end))
    return parts


def wave_gain(level: float) -> float:
    """The factor from a recording of this median energy to the waves that the decoder makes."""
    return math.exp((RECORDED_LEVEL - level) / 2)


def pad_to_span(frames: VoiceFrames) -> VoiceFrames:
    """The same with its end repeated up to a multiple of 2 · SPAN frames."""
    missing = -len(frames.f0) % (2 * SPAN)
    rows = (len(frames.f0) + missing) // 2 - len(frames.content)
    return replace(
        frames,
        content=F.pad(frames.content.T[None], (0, rows), mode="replicate")[0].T if rows else frames.content,
        f0=F.pad(frames.f0, (0, missing)),
        energy=F.pad(frames.energy[None, None], (0, missing), mode="replicate")[0, 0],
    )
