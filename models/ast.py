"""Singer embedding by an Audio Spectrogram Transformer: Gong et al., "AST", Interspeech 2021.

The network is transformers' `ASTModel`, official or in our own small config. Weights are a safetensors file whose
metadata hold the config; loading fails loudly if a single key is missing. No trained one ships yet.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

from .checkpoint import SINGER_WEIGHTS, WeightsError

RATE = 16000
MEAN, DEVIATION = -4.2677393, 4.5689974
SMALL: dict[str, int] = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 768,
    "max_length": 512,
}

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SingerEncoder:
    """A warm network with its filterbank; `load` makes it."""

    network: torch.nn.Module
    filterbank: Any
    name: str
    model_id: str

    @torch.inference_mode()
    def embed(self, wav: Floats) -> Floats | None:
        """(samples,) at 16 kHz → unit vector (hidden_size,), the mean over windows; None under one second."""
        if len(wav) < RATE:
            return None
        window = self.filterbank.max_length * RATE // 100
        pieces = [wav[i : i + window] for i in range(0, max(1, len(wav) - window // 2), window)]
        spectra = self.filterbank(pieces, sampling_rate=RATE, return_tensors="pt")["input_values"]
        device = next(self.network.parameters()).device
        pooled = self.network(spectra.to(device)).pooler_output.mean(0)
        return torch.nn.functional.normalize(pooled, dim=0).float().cpu().numpy()


def build(**config: Any) -> ASTModel:
    """A network with random weights in the small config, or with changes to it."""
    return ASTModel(ASTConfig(**{**SMALL, **config}))


def save(network: ASTModel, path: Path, name: str) -> None:
    """Write half-precision weights with their config, through a temporary name."""
    state = {key: tensor.half().contiguous() for key, tensor in network.state_dict().items()}
    draft = path.with_name(path.name + ".part")
    save_file(state, draft, {"config": json.dumps({key: getattr(network.config, key) for key in SMALL}), "name": name})
    draft.replace(path)


def load(path: Path = SINGER_WEIGHTS, device: torch.device | str = "cpu") -> SingerEncoder:
    """A trained encoder. Raises WeightsError: no such file, unreadable, or a key missing or left over."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        network = build(**json.loads(meta["config"]))
        network.load_state_dict(state)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path.name} is not a whole AST: {error}") from error
    filterbank = ASTFeatureExtractor(max_length=network.config.max_length, mean=MEAN, std=DEVIATION)
    return SingerEncoder(network.eval().to(device), filterbank, meta["name"], f"ast-{path.stem}")
