"""Community voice files for tests: RVC's layout with a small network, also malformed."""

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
    """A small network with random weights, loud enough to compare. Cached: do not modify it."""
    torch.manual_seed(5)
    config = RVCConfig.from_list(config_list(kind), 256 if kind.startswith("v1") else 768, f0)
    synthesizer = Synthesizer(config).eval().requires_grad_(False)
    synthesizer.remove_posterior()
    for name, value in synthesizer.named_parameters():
        if name.startswith("dec.ups.") and name.endswith("weight_g"):
            value.mul_(3.0)
    return synthesizer


def weights_of(network: Synthesizer, dtype: torch.dtype = torch.float16) -> dict[str, Tensor]:
    return {name: value.detach().to(dtype) for name, value in network.state_dict().items()}


def contents(kind: str = "v2 40k", f0: bool = True, **other: Any) -> dict[str, Any]:
    """What RVC writes into a `.pth`, with `other` entries instead or besides."""
    content = {
        "weight": weights_of(network(kind, f0)),
        "config": config_list(kind),
        "info": "200epoch",
        "sr": kind[3:],
        "f0": int(f0),
        "version": kind[:2],
    }
    return content | other


def write(path: Path, content: Mapping[str, Any]) -> Path:
    torch.save(dict(content), path)
    return path


def output_of(network: Synthesizer, frames: int = 20, hz: float = 220.0) -> Tensor:
    """The network's output (1, 1, samples) for one fixed input."""
    generator = torch.Generator().manual_seed(0)
    phone = torch.randn(1, frames, network.config.content_dim, generator=generator)
    pitch, f0 = torch.full((1, frames), round(hz / 5)), torch.full((1, frames), hz)
    return network.infer(phone, torch.tensor([frames]), pitch, f0, torch.tensor([1]), generator=generator)
