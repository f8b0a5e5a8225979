"""RVC's official bases as tests write them: its own checkpoints, at a size that a test can train."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from models.rvc import DISCRIMINATOR_V2, Discriminator, RVCConfig, Synthesizer
from models.rvc.pretrained import BaseKind
from models.rvc.voice_base import initialize
from tests.models.rvc.pth_files import config_list

SMALL = BaseKind(RVCConfig.from_list(config_list("v2 40k")), DISCRIMINATOR_V2.scaled(1 / 32))


def networks(kind: BaseKind = SMALL) -> tuple[Synthesizer, Discriminator]:
    """A generator that sounds and a discriminator, the same each time."""
    torch.manual_seed(3)
    generator, discriminator = Synthesizer(kind.generator), Discriminator(kind.discriminator)
    initialize(generator)
    return generator, discriminator


def checkpoint(path: Path, state: Mapping[str, Tensor]) -> Path:
    """A file as RVC publishes it: half precision, and what its trainer noted."""
    half = {name: tensor.detach().half() for name, tensor in state.items()}
    torch.save({"model": half, "iteration": 100, "optimizer": None, "learning_rate": 1e-4}, path)
    return path


def write_base(folder: Path, kind: BaseKind = SMALL, rate: str = "40k") -> dict[str, Path]:
    """Both files of a base, under RVC's names, by their part."""
    generator, discriminator = networks(kind)
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "generator": checkpoint(folder / f"f0G{rate}.pth", generator.state_dict()),
        "discriminator": checkpoint(folder / f"f0D{rate}.pth", discriminator.state_dict()),
    }
