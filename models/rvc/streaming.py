"""The base class of decoders: the excitation is computed once, then the latents are decoded at once or in tiles."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Context = tuple[int, int]
"""Frames before and after those that are wanted."""


class StreamingDecoder(nn.Module):
    """A decoder with an excitation (`m_source`) and a receptive field of `context_frames` on either side.

    Whole songs are decoded in tiles (`decode_tiles`) in constant memory.
    """

    m_source: nn.Module
    context_frames = 12

    def __init__(self, sampling_rate: int, hop: int) -> None:
        """Build for `hop` samples per frame at `sampling_rate` Hz."""
        super().__init__()
        self.sampling_rate, self.hop = sampling_rate, hop

    def forward(
        self,
        z: Tensor,
        f0: Tensor,
        g: Tensor,
        *,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Decode latents (B, inter, T), f0 (B, T) in Hz and speaker g (B, gin, 1) to a waveform (B, 1, T * hop).

        `phase`, `generator` and `noise` are `source`'s.
        """
        source, _ = self.source(f0, phase, generator, noise)
        return self.decode(z, source, g, f0)

    def source(
        self,
        f0: Tensor,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Synthesise the excitation (B, channels, T * hop) of f0 (B, T) in Hz; and its end phase (B,)."""
        excitation: tuple[Tensor, Tensor] = self.m_source(f0, phase, generator, noise)
        return excitation

    def decode(self, z: Tensor, source: Tensor, g: Tensor, f0: Tensor, context: Context = (0, 0)) -> Tensor:
        """Decode latents (B, inter, T) with their excitation (B, channels, T * hop) at once, without the context's."""
        raise NotImplementedError

    def decode_tiles(
        self,
        z: Tensor,
        f0: Tensor,
        g: Tensor,
        tile_seconds: float = 1.0,
        context_frames: int | None = None,
        *,
        phase: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
        wanted: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """Do what `forward` does, tile by tile; the excitation is computed once for the whole.

        Of parts (start, stop) that are `wanted`, only these frames are decoded, and the rest is 0. Each tile is decoded
        with `context_frames` of context on either side. The default is the receptive field, so
        the result is that of `forward` but for rounding.
        """
        context = self.context_frames if context_frames is None else context_frames
        source, _ = self.source(f0, phase, generator, noise)
        frames = z.shape[-1]
        tile = max(1, round(tile_seconds * self.sampling_rate / self.hop))
        tiles = [
            (start, min(start + tile, stop))
            for begin, stop in ([(0, frames)] if wanted is None else wanted)
            for start in range(begin, stop, tile)
        ]
        waves = source.new_zeros(len(z), 1, frames * self.hop)
        for start, end in tiles:
            left, right = max(0, start - context), min(frames, end + context)
            piece = source[..., left * self.hop : right * self.hop]
            beside = start - left, right - end
            waves[..., start * self.hop : end * self.hop] = self.decode(
                z[..., left:right], piece, g, f0[:, left:right], beside
            )
        return waves


def without(x: Tensor, context: Context, steps: int) -> Tensor:
    """(…, T * steps) without the context's frames of `steps` each."""
    return x[..., context[0] * steps : x.shape[-1] - context[1] * steps]
