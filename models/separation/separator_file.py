"""A separator that was pruned or trained here: safetensors, whose metadata names the architecture and its widths.

An MDX23C's and a RoFormer's config lies beside it under the same name (`.yaml`), HTDemucs' arguments in its metadata as
demucs writes them. Reading one costs no memory before every name and shape is known to fit (`state_dict.fit`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from files.atomic import atomic_write
from models.separation.channels import narrow
from models.weights.integrity import WeightsError
from models.weights.state_dict import fit, read

KEY = "discovervoice.separator"
SUFFIX = ".safetensors"
LARGEST_NOTE = 2**20


@dataclass(frozen=True)
class SeparatorInfo:
    """What a file says of its network."""

    separator: str
    """The name of the published separator whose form it has."""
    widths: Mapping[str, int] = field(default_factory=dict)
    """Of the groups (`channels.groups`) that are narrower than the published ones."""
    made: str = ""
    """How it was made, for people."""


def read_info(path: Path) -> SeparatorInfo | None:
    """What the file says, None if it was not written here. Raises WeightsError: missing, corrupt, or no such notes."""
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path.name} is no readable weights file: {str(error).splitlines()[0]}") from error
    if text is None:
        return None
    try:
        info = SeparatorInfo(**json.loads(text)) if len(text) <= LARGEST_NOTE else None
    except (ValueError, TypeError, RecursionError):
        info = None
    if info is None or not isinstance(info.widths, dict) or not isinstance(info.separator, str):
        raise WeightsError(f"{path.name} does not say which network it holds; prune or train it again.")
    return info


def widths_of(path: Path) -> Mapping[str, int]:
    """The widths of the groups that are narrower in a file; none for one that was not written here."""
    info = read_info(path) if path.suffix == SUFFIX else None
    return info.widths if info else {}


def config_of(path: Path) -> Path:
    """Where the YAML of such a file lies."""
    return path.with_suffix(".yaml")


def load_narrowed(network: nn.Module, path: Path, device: torch.device | str = "cpu") -> None:
    """Bring a network on the meta device to the file's widths, and load it for inference. Raises WeightsError."""
    narrow(network, widths_of(path), path.name)
    fit(network, read(path), path.name, device)
    network.to(device).requires_grad_(False).eval()


def save_separator(
    path: Path,
    state: Mapping[str, Tensor],
    info: SeparatorInfo,
    *,
    more: Mapping[str, str] | None = None,
    half: bool = False,
) -> None:
    """Write a file atomically, in single or half precision; `more` is metadata of others. Raises DiskFull."""
    kind = torch.float16 if half else torch.float32
    tensors = {
        name: (tensor.detach().to(kind) if tensor.is_floating_point() else tensor).contiguous().cpu().clone()
        for name, tensor in state.items()
    }
    with atomic_write(path) as file:
        file.write(save(tensors, {**(more or {}), KEY: json.dumps(asdict(info), sort_keys=True)}))
