"""Checkpoints, fitted to a network that takes no memory before every name and shape agrees."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.memory import is_out_of_memory
from models.weights.integrity import WeightsError

WRAPPERS = ("state", "state_dict", "model_state_dict", "model")
"""Under which names trainers put the weights beside their own notes."""


def fill(network: nn.Module, path: Path, device: torch.device) -> None:
    """Put a file's weights into a network made on the meta device, as float32 on `device`.

    Raises WeightsError: the file cannot be read, or a name or shape differs from the network's.
    """
    state = read(path)
    compare(path.name, state, network.state_dict())
    filled = {
        name: tensor.to(device, torch.float32 if tensor.is_floating_point() else None, copy=True)
        for name, tensor in state.items()
    }
    network.load_state_dict(filled, assign=True)
    network.to(device).requires_grad_(False).eval()


def read(path: Path) -> dict[str, Tensor]:
    """A `.safetensors` file, or a torch file read with `weights_only=True`. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        stored = load_file(path) if path.suffix == ".safetensors" else _read_torch(path)
    except (SafetensorError, UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        if is_out_of_memory(error):
            raise
        raise WeightsError(f"{path.name} is no readable weights file: {_first_line(error)}") from error
    for wrapper in WRAPPERS:
        if isinstance(stored, Mapping) and isinstance(stored.get(wrapper), Mapping):
            stored = stored[wrapper]
    if not isinstance(stored, Mapping) or not all(isinstance(value, Tensor) for value in stored.values()):
        raise WeightsError(f"{path.name} holds something else than named tensors.")
    return {str(name): value for name, value in stored.items()}


def compare(file: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise WeightsError that names the first key which is missing, left over or of another shape."""
    for name, tensor in wanted.items():
        if name not in state:
            raise WeightsError(f"{file} does not fit its network: {name} is missing.")
        if state[name].shape != tensor.shape:
            found, needed = tuple(state[name].shape), tuple(tensor.shape)
            raise WeightsError(f"{file} does not fit its network: {name} has the shape {found}, not {needed}.")
    if extra := [name for name in state if name not in wanted]:
        raise WeightsError(f"{file} does not fit its network: {extra[0]} has no place in it.")


def _read_torch(path: Path) -> object:
    if not zipfile.is_zipfile(path):
        return torch.load(path, map_location="cpu", weights_only=True)
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its parts are compressed, which torch never does")
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
