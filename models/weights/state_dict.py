"""Checkpoints, fitted to a network that takes no memory before every name and shape agrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.weights.integrity import WeightsError
from models.weights.torch_file import UNREADABLE, read_torch, unreadable

Shape = tuple[int, ...]
WRAPPERS = ("state", "state_dict", "model_state_dict", "model")
"""Under which names trainers put the weights beside their own notes."""


@dataclass(frozen=True)
class Misfit:
    """Where a state dict and a network differ, each in the network's or the file's own order."""

    missing: tuple[str, ...]
    """Keys of the network that the state dict has not."""
    unexpected: tuple[str, ...]
    misshapen: Mapping[str, tuple[Shape, Shape]]
    """By key: the shape in the state dict, the shape in the network."""


def misfit(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Misfit:
    """Compare a state dict with a network's own."""
    shapes = {key: (tuple(state[key].shape), tuple(wanted[key].shape)) for key in wanted if key in state}
    return Misfit(
        missing=tuple(key for key in wanted if key not in state),
        unexpected=tuple(key for key in state if key not in wanted),
        misshapen={key: pair for key, pair in shapes.items() if pair[0] != pair[1]},
    )


def check_fit(file: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise WeightsError that names the first key which is missing, of another shape, or left over."""
    difference = misfit(state, wanted)
    first = next((key for key in wanted if key in difference.missing or key in difference.misshapen), None)
    if first is not None and first in difference.misshapen:
        shape, needed = difference.misshapen[first]
        raise WeightsError(f"{file} does not fit its network: {first} has the shape {shape}, not {needed}.")
    if first is not None:
        raise WeightsError(f"{file} does not fit its network: {first} is missing.")
    if difference.unexpected:
        raise WeightsError(f"{file} does not fit its network: {difference.unexpected[0]} has no place in it.")


def fit(network: nn.Module, state: Mapping[str, Tensor], file: str, device: torch.device | str = "cpu") -> None:
    """Give a network that was built on the meta device its weights, as float32 on `device`.

    Raises WeightsError (`check_fit`), before any memory is taken.
    """
    check_fit(file, state, network.state_dict())
    loaded = {
        name: tensor.to(device, torch.float32 if tensor.is_floating_point() else None, copy=True)
        for name, tensor in state.items()
    }
    network.load_state_dict(loaded, assign=True)


def fill(network: nn.Module, path: Path, device: torch.device) -> None:
    """`fit` a file's weights for inference. Raises WeightsError: unreadable, or a name or shape differs."""
    fit(network, read(path), path.name, device)
    network.to(device).requires_grad_(False).eval()


def read(path: Path) -> dict[str, Tensor]:
    """A `.safetensors` file, or a torch file read with `weights_only=True`. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        stored = load_file(path) if path.suffix == ".safetensors" else read_torch(path)
    except (SafetensorError, *UNREADABLE) as error:
        raise unreadable(path, error) from error
    for wrapper in WRAPPERS:
        if isinstance(stored, Mapping) and isinstance(stored.get(wrapper), Mapping):
            stored = stored[wrapper]
    if not isinstance(stored, Mapping) or not all(isinstance(value, Tensor) for value in stored.values()):
        raise WeightsError(f"{path.name} holds something else than named tensors.")
    return {str(name): value for name, value in stored.items()}
