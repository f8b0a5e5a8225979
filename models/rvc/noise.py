"""Random draws that are the same on every device: made where the generator lives, then moved."""

from collections.abc import Sequence

import torch
from torch import Tensor


def gaussian_noise(shape: Sequence[int], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Normal noise of this shape, with the type and on the device of `like`.

    A generator draws only on its own device; a CPU one makes a voice sing the same on the CPU and on a GPU.
    """
    where = generator.device if generator is not None else like.device
    return torch.randn(tuple(shape), generator=generator, dtype=like.dtype, device=where).to(like.device)
