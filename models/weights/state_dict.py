"""State dicts: read from checkpoint files, compared with a network's own, and loaded into it.

Networks are built on the meta device first: no memory is allocated before every key and shape matches.
"""

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
"""The keys under which training programs nest the state dict in a checkpoint."""


@dataclass(frozen=True)
class Mismatch:
    """The differences of a state dict from a network's own."""

    missing: tuple[str, ...]
    """Keys of the network that the state dict lacks."""
    unexpected: tuple[str, ...]
    reshaped: Mapping[str, tuple[Shape, Shape]]
    """Keys whose shapes differ: the shape in the state dict, the shape in the network."""


def mismatch(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Mismatch:
    """Compare a state dict with a network's own."""
    shapes = {key: (tuple(state[key].shape), tuple(expected[key].shape)) for key in expected if key in state}
    return Mismatch(
        missing=tuple(key for key in expected if key not in state),
        unexpected=tuple(key for key in state if key not in expected),
        reshaped={key: pair for key, pair in shapes.items() if pair[0] != pair[1]},
    )


def check_fit(file: str, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise WeightsError, naming the first key that is missing, of another shape, or unexpected."""
    difference = mismatch(state, expected)
    first = next((key for key in expected if key in difference.missing or key in difference.reshaped), None)
    if first is not None and first in difference.reshaped:
        shape, needed = difference.reshaped[first]
        raise WeightsError(f"{file} does not fit its network: {first} has the shape {shape}, not {needed}.")
    if first is not None:
        raise WeightsError(f"{file} does not fit its network: {first} is missing.")
    if difference.unexpected:
        raise WeightsError(f"{file} does not fit its network: {difference.unexpected[0]} has no place in it.")


def fit(network: nn.Module, state: Mapping[str, Tensor], file: str, device: torch.device | str = "cpu") -> None:
    """Load a state dict into a network that was built on the meta device, as float32 on `device`.

    Raises WeightsError (`check_fit`), before any memory is allocated.
    """
    check_fit(file, state, network.state_dict())
    loaded = {
        name: tensor.to(device, torch.float32 if tensor.is_floating_point() else None, copy=True)
        for name, tensor in state.items()
    }
    network.load_state_dict(loaded, assign=True)


def load_checkpoint(network: nn.Module, path: Path, device: torch.device) -> None:
    """Read a checkpoint file and `fit` it, for inference. Raises WeightsError: corrupt, or a key or shape differs."""
    fit(network, read(path), path.name, device)
    network.to(device).requires_grad_(False).eval()


def read(path: Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint: a safetensors file, or torch's (`weights_only=True`). Raises WeightsError."""
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
