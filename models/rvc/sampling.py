"""Reproducible random numbers: Gaussian noise, and the random segments that a training step decodes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.draws import own_rows


def gaussian_noise(shape: Sequence[int], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise of this shape, with the type and on the device of `like`.

    It is drawn on the generator's device: with a CPU generator, a voice sounds the same on the CPU and on a GPU.
    """
    where = generator.device if generator is not None else like.device

    def draw(rows: int) -> Tensor:
        return torch.randn((rows, *shape[1:]), generator=generator, dtype=like.dtype, device=where)

    return own_rows(draw, shape[0], generator).to(like.device)


def slice_segments(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Cut `size` steps of the last axis, from each item's own start.

    x is (B, T) or (B, C, T) and starts (B,); returns (B, size) or (B, C, size).
    """
    if x.shape[-1] < size:
        raise ValueError(f"cannot cut {size} steps out of {x.shape[-1]}")
    index = starts.unsqueeze(1) + torch.arange(size, device=x.device)
    if x.dim() == 3:
        index = index.unsqueeze(1).expand(-1, x.shape[1], -1)
    return x.gather(-1, index)


def rand_starts(lengths: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw uniform starts of segments of `size` steps: lengths (B,) → starts (B,), 0 where too short."""
    where = generator.device if generator is not None else lengths.device
    drawn = own_rows(lambda rows: torch.rand(rows, generator=generator, device=where), len(lengths), generator)
    return (drawn.to(lengths.device) * (lengths - size + 1).clamp(min=1)).long()


def rand_slice_segments(
    x: Tensor, lengths: Tensor, size: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Cut `size` steps of each item at random, within its length.

    x is (B, T) or (B, C, T) and lengths (B,); returns the segments and their starts (B,).
    """
    starts = rand_starts(lengths, size, generator)
    return slice_segments(x, starts, size), starts
