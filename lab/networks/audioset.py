"""The official AST as the initial network of fine-tuning: Gong et al., "AST", Interspeech 2021, trained on AudioSet.

Files are those of `MIT/ast-finetuned-audioset-10-10-0.4593` as transformers writes them, with the names of version 4 or
5. Every tensor must be there but the classifier's, which fine-tuning replaces.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import ASTConfig, ASTModel

from models.speaker import ast
from models.weights import state_dict
from models.weights.integrity import WeightsError, verify

NAMES = ("model.safetensors", "pytorch_model.bin")
PREFIX = "audio_spectrogram_transformer."
CLASSIFIER = "classifier."
OFFICIAL: dict[str, int] = {key: getattr(ASTConfig(), key) for key in ast.SMALL}
"""768 wide, 12 layers, 1024 frames of 10 ms, patches every 10 frames and bands."""
FIXED = ("patch_size", "num_mel_bins", "qkv_bias", "hidden_act", "layer_norm_eps")
"""What a config.json may not change."""
RENAMED: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^encoder\.layer\.", "layers."),
    (r"\.attention\.attention\.(query|key|value)\.", lambda match: f".attention.{match[1][0]}_proj."),
    (r"\.attention\.output\.dense\.", ".attention.o_proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(layers\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
)
"""Names of transformers 4 → 5."""
REASON = 500
"""Characters of another program's reason that a sentence repeats."""


def load(path: Path, frames: int | None = None, sha256: str | None = None) -> ASTModel:
    """The network of a folder or file, for inputs of `frames` × 10 ms (its own number if not given).

    A config.json beside the weights is read; without one they are AudioSet's. Raises WeightsError: no such file, not
    the pinned one, unreadable, a config that no network can have, or any tensor but the classifier's missing, left over
    or of another shape.
    """
    file = _file(path)
    config = _config(file.with_name("config.json"))
    state = {_renamed(key): tensor for key, tensor in _read(file, sha256).items()}
    state = {key: tensor for key, tensor in state.items() if not key.startswith(CLASSIFIER)}
    wanted = dict(config, max_length=frames or config["max_length"])
    try:
        key = "embeddings.position_embeddings"
        if key in state:
            state[key] = resized(state[key], grid(config), grid(wanted))
        with torch.device("meta"):
            network = ast.build(**wanted)
        network.load_state_dict(state, assign=True)
    except (RuntimeError, ValueError, TypeError, IndexError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:REASON]
        raise WeightsError(f"{file.name} is not a whole AST: {reason}") from error
    return network


def grid(config: dict[str, int]) -> tuple[int, int]:
    """Patches in frequency and in time; (12, 101) for the official network."""
    bands = (ast.BANDS - ast.PATCH) // config["frequency_stride"] + 1
    return bands, (config["max_length"] - ast.PATCH) // config["time_stride"] + 1


def resized(positions: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Position embeddings (1, 2 + F·T, C) for another grid (F, T): bilinear; the two of the tokens stay.

    Raises RuntimeError or IndexError if they are not of the old grid.
    """
    if old == new:
        return positions
    patches = positions[:, 2:].reshape(1, *old, positions.shape[-1]).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, new, mode="bilinear", align_corners=False)
    return torch.cat([positions[:, :2], patches.flatten(2).mT], dim=1)


def _file(path: Path) -> Path:
    files = [path / name for name in NAMES if (path / name).is_file()] if path.is_dir() else [path]
    if not files:
        raise WeightsError(f"{path.name} holds neither {' nor '.join(NAMES)}.")
    if not files[0].is_file():
        raise WeightsError(f"{path.name} is missing.")
    return files[0]


def _config(path: Path) -> dict[str, int]:
    if not path.is_file():
        return OFFICIAL
    try:
        stored = json.loads(path.read_text("utf-8"))
        config = {key: int(stored.get(key, value)) for key, value in OFFICIAL.items()}
        usual = {key: getattr(ASTConfig(), key) for key in FIXED}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise WeightsError(f"{path.name} beside the weights cannot be read: {error}") from error
    if other := [key for key, value in usual.items() if stored.get(key, value) != value]:
        raise WeightsError(f"{path.name} has another {other[0]} than an AST that is known here.")
    if min(config.values()) < 1 or config["num_hidden_layers"] > ast.MOST_LAYERS:
        raise WeightsError(f"{path.name} is not the config of an AST.")
    return config


def _read(path: Path, sha256: str | None) -> dict[str, Tensor]:
    if sha256 is not None:
        verify(path, sha256)
    return {name: tensor.float() for name, tensor in state_dict.read(path).items()}


def _renamed(key: str) -> str:
    key = key.removeprefix(PREFIX)
    for old, new in RENAMED:
        key = re.sub(old, new, key)
    return key
