"""Singer embedding by an Audio Spectrogram Transformer: Gong et al., "AST", Interspeech 2021.

The network is transformers' `ASTModel`, official or in our own small config. Weights are a safetensors file whose
metadata hold the config; loading fails loudly if a single key is missing. No trained one ships yet.
"""

import hashlib
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
    "intermediate_size": 576,
    "max_length": 256,
    "frequency_stride": 16,
    "time_stride": 16,
}
BANDS = 128
FRAME = RATE // 10
QUIET_DB = 35.0
"""A tenth of a second that lies this far below the loud ones is left out."""
LOUDNESS = 0.05

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SingerEncoder:
    """A warm network; `load` makes it."""

    network: torch.nn.Module
    window: int
    """Frames that it hears at once."""
    name: str
    model_id: str

    @torch.inference_mode()
    def embed(self, wav: Floats) -> Floats | None:
        """(samples,) at 16 kHz → unit vector (hidden_size,), the mean over windows; None under one second of sound."""
        sound = loud_parts(wav)
        if len(sound) < RATE:
            return None
        frames = spectrum(sound)
        frames = frames[torch.arange(max(len(frames), self.window)) % len(frames)]
        count = -(-len(frames) // self.window)
        starts = np.linspace(0, len(frames) - self.window, count).astype(int)
        windows = torch.stack([frames[start : start + self.window] for start in starts])
        device = next(self.network.parameters()).device
        vectors = torch.nn.functional.normalize(self.network(windows.to(device)).pooler_output, dim=-1)
        return torch.nn.functional.normalize(vectors.mean(0), dim=0).float().cpu().numpy()


def loud_parts(wav: Floats) -> Floats:
    """(samples,) at 16 kHz without its quiet tenths of a second, at one loudness: a rest of the music is no voice."""
    tenths = wav[: len(wav) // FRAME * FRAME].reshape(-1, FRAME)
    power = (tenths.astype(np.float64) ** 2).mean(1)
    if not power.any():
        return np.zeros(0, np.float32)
    sound = tenths[power > np.percentile(power, 95) * 10 ** (-QUIET_DB / 10)].ravel()
    return np.asarray(sound * (LOUDNESS / np.sqrt((sound.astype(np.float64) ** 2).mean())), np.float32)


def spectrum(wav: Floats) -> torch.Tensor:
    """(samples,) at 16 kHz → (T, 128) log-mel filterbank every 10 ms, as AST's feature extractor scales it."""
    filterbank = ASTFeatureExtractor(max_length=1 + (len(wav) - 400) // 160, mean=MEAN, std=DEVIATION)
    frames: torch.Tensor = filterbank(wav, sampling_rate=RATE, return_tensors="pt")["input_values"][0]
    return frames


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
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SingerEncoder(network.eval().to(device), network.config.max_length, meta["name"], f"ast-{digest[:8]}")
