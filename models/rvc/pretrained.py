"""RVC's official pretrained checkpoints (`pretrained_v2`): generator and discriminator to fine-tune a voice from.

Each file is RVC's own checkpoint, `{"model": state dict, …}`: the generator with its posterior encoder, in half
precision. Its sha256 is checked where the catalogue locates it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.rvc.config import DISCRIMINATOR_V2, RVC_32K, RVC_40K, RVC_48K, DiscriminatorConfig, RVCConfig
from models.rvc.discriminator import Discriminator
from models.rvc.pth_file import NEWER
from models.rvc.synthesizer import Synthesizer
from models.weights.integrity import WeightsError, digest
from models.weights.state_dict import check_fit, fit, read

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class BaseKind:
    """The dimensions of a base, which its files do not contain."""

    generator: RVCConfig
    discriminator: DiscriminatorConfig = DISCRIMINATOR_V2


@dataclass(frozen=True)
class Pretrained:
    """A base in float32 on the CPU, ready for fine-tuning."""

    generator: Synthesizer
    """With its posterior encoder and its whole speaker table."""
    discriminator: Discriminator
    file: str
    """The generator's file and the first eight digits of its sha256: "f0G40k.pth, 3b2c4403"."""
    digest: str
    """The sha256 of both files."""


BASES: dict[str, BaseKind] = {
    "rvc-32k": BaseKind(RVC_32K),
    "rvc-40k": BaseKind(RVC_40K),
    "rvc-48k": BaseKind(RVC_48K),
}
"""By their names in the catalogue. The discriminator is of the same shape at every rate."""


def read_base(files: Mapping[str, Path], kind: BaseKind) -> Pretrained:
    """Read `files["generator"]` and `files["discriminator"]`; no code of them is executed.

    Raises WeightsError: a file is missing or no such checkpoint, a key or shape differs from the network's, a number
    is not finite.
    """
    with torch.device("meta"):
        on_meta = Synthesizer(kind.generator), Discriminator(kind.discriminator)
    generator = _loaded(on_meta[0], files["generator"])
    discriminator = _loaded(on_meta[1], files["discriminator"])
    digests = [digest(files[part]) for part in ("generator", "discriminator")]
    file = f"{files['generator'].name}, {digests[0][:8]}"
    return Pretrained(generator, discriminator, file, " ".join(digests))


def _loaded(network: N, path: Path) -> N:
    """The network from the meta device with the file's weights, once every key and shape matches."""
    state = _read(path)
    check_fit(path.name, state, network.state_dict())
    if broken := next((name for name, tensor in state.items() if not bool(tensor.isfinite().all())), None):
        raise WeightsError(f"{path.name} holds numbers that are not finite, in {broken}.")
    fit(network, state, path.name)
    return network.train()


def _read(path: Path) -> dict[str, Tensor]:
    """The checkpoint's weights under the classic names of weight norm."""
    state: dict[str, Tensor] = {}
    for name, tensor in read(path).items():
        for newer, classic in NEWER.items():
            name = name.replace(newer, classic)
        state[name] = tensor
    return state
