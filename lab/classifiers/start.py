"""The initial network of a training: random, an AST of ours, or the official AudioSet checkpoint."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import ASTModel

from lab.classifiers.task import SingerConfig
from lab.networks import audioset
from models.speaker import ast
from models.weights.integrity import WeightsError

HEAD_WIDTH = 64
"""Of an attention head, in a network that starts from nothing."""
PLACE, SLOWEST = 0.2, 100.0
"""Size of the first position embeddings, and the length of their slowest wave in patches, over 2π."""


def begin(start: Path | None, config: SingerConfig, seed: int) -> ASTModel:
    """The network, for windows of `config.frames`; a random one has the config's size.

    Raises WeightsError: what `lab.networks.audioset.load` and `models.speaker.ast.load` raise.
    """
    if start is None:
        torch.manual_seed(seed)
        network = ast.build(
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=max(1, config.width // HEAD_WIDTH),
            intermediate_size=3 * config.width,
            max_length=config.frames,
        )
        with torch.no_grad():
            network.embeddings.position_embeddings[:, 2:] = PLACE * waves(*audioset.grid(vars(network.config)), config)
        return network
    if not is_ours(start):
        return audioset.load(start, config.frames)
    network = ast.load(start).network
    assert isinstance(network, ASTModel)
    if network.config.max_length == config.frames:
        return network
    raise WeightsError(f"{start.name} hears {network.config.max_length} frames at once; set `frames` to that.")


def waves(bands: int, columns: int, config: SingerConfig) -> Tensor:
    """First position embeddings (1, bands · columns, width): sines of the band in one half, of the time in the other.

    transformers initialises them with zeros, which do not encode whether a patch is high or low.
    """
    speeds = SLOWEST ** -torch.linspace(0, 1, config.width // 4)
    turns = [torch.arange(count)[:, None] * speeds for count in (bands, columns)]
    band, time = (torch.cat([turn.sin(), turn.cos()], dim=1) for turn in turns)
    band, time = band[:, None].expand(-1, columns, -1), time[None].expand(bands, -1, -1)
    return torch.cat([band, time], dim=-1).reshape(1, bands * columns, config.width)


def is_ours(path: Path) -> bool:
    """Whether a file was written by `models.speaker.ast.save`."""
    if not (path.is_file() and path.suffix == ".safetensors"):
        return False
    try:
        with safe_open(path, framework="pt") as file:
            return "config" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False
