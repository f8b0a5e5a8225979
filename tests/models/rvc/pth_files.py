"""Community voice files as tests write them: RVC's layout at a small size, and what strangers make of it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.rvc import RVCConfig, Synthesizer

RATES: dict[str, tuple[int, list[int], list[int], int]] = {  # spectrum, upsampling, its kernels, Hz
    "v1 32k": (513, [10, 4, 2, 2, 2], [16, 16, 4, 4, 4], 32000),
    "v1 40k": (1025, [10, 10, 2, 2], [16, 16, 4, 4], 40000),
    "v1 48k": (1025, [10, 6, 2, 2, 2], [16, 16, 4, 4, 4], 48000),
    "v2 32k": (513, [10, 8, 2, 2], [20, 16, 4, 4], 32000),
    "v2 40k": (1025, [10, 10, 2, 2], [16, 16, 4, 4], 40000),
    "v2 48k": (1025, [12, 10, 2, 2], [24, 20, 4, 4], 48000),
}


def config_list(kind: str = "v2 40k", speakers: int = 3) -> list[Any]:
    """The 18 items of a network that is a voice's but for its widths."""
    spectrum, rates, kernels, hz = RATES[kind]
    sizes = [spectrum, 32, 16, 16, 32, 2, 1, 3, 0, "1"]
    return [*sizes, [3, 7], [[1, 3, 5], [1, 3, 5]], rates, 64, kernels, speakers, 8, hz]


@cache
def network(kind: str = "v2 40k", f0: bool = True) -> Synthesizer:
    """A small network with random weights, loud enough to compare; nobody changes it."""
    torch.manual_seed(5)
    config = RVCConfig.from_list(config_list(kind), 256 if kind.startswith("v1") else 768, f0)
    made = Synthesizer(config).eval().requires_grad_(False)
    made.remove_posterior()
    for name, value in made.named_parameters():
        if name.startswith("dec.ups.") and name.endswith("weight_g"):
            value.mul_(3.0)
    return made


def weights_of(made: Synthesizer, dtype: torch.dtype = torch.float16) -> dict[str, Tensor]:
    return {name: value.detach().to(dtype) for name, value in made.state_dict().items()}


def contents(kind: str = "v2 40k", f0: bool = True, **other: Any) -> dict[str, Any]:
    """What RVC writes into a `.pth`, with `other` entries instead or besides."""
    held = {
        "weight": weights_of(network(kind, f0)),
        "config": config_list(kind),
        "info": "200epoch",
        "sr": kind[3:],
        "f0": int(f0),
        "version": kind[:2],
    }
    return held | other


def write(path: Path, held: Mapping[str, Any]) -> Path:
    torch.save(dict(held), path)
    return path


def sung(made: Synthesizer, frames: int = 20, hz: float = 220.0) -> Tensor:
    """What a network makes of one fixed input: (1, 1, samples)."""
    draw = torch.Generator().manual_seed(0)
    phone = torch.randn(1, frames, made.config.content_dim, generator=draw)
    pitch, f0 = torch.full((1, frames), round(hz / 5)), torch.full((1, frames), hz)
    return made.infer(phone, torch.tensor([frames]), pitch, f0, torch.tensor([1]), generator=draw)
