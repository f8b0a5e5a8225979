"""Singer embedding by an Audio Spectrogram Transformer: Gong et al., "AST", Interspeech 2021.

The network is transformers' `ASTModel`, official or in our own small config. Weights are a safetensors file whose
metadata hold the config; every key is checked. `singers train` adds a classification head over its singers. No trained
network ships.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor, nn
from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

from files.atomic import atomic_write
from models.memory import is_out_of_memory
from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import LONGEST_REASON, SINGER_WEIGHTS, WeightsError, digest

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
PATCH = 16
FRAME = SPEECH_RATE // 10
QUIET_DB = 35.0
"""Frames of 0.1 s that lie this far below the 95th percentile of power are dropped."""
LOUDNESS = 0.05
"""The root mean square that the rest is normalised to."""
HEAD = "classifier."
MOST_LAYERS = 64
BATCH = 16
"""Windows; bounds the memory for long recordings."""


class SingerHead(nn.Module):
    """The classification head: layer norm and a linear layer, as in transformers' `ASTMLPHead`."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.layernorm = nn.LayerNorm(width, eps=1e-12)
        self.dense = nn.Linear(width, labels)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, C) → (B, labels) logits."""
        return self.dense(self.layernorm(pooled))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Singers:
    """The classes of a singer classifier: its head, labels and calibration."""

    head: SingerHead
    labels: tuple[str, ...]
    temperature: float
    """Temperature scaling of a whole recording's logits, fitted on validation songs."""


@dataclass(frozen=True)
class SingerEncoder:
    """A loaded encoder, with a classification head if it was trained with one; see `load`."""

    network: torch.nn.Module
    window: int
    """Frames of one input."""
    name: str
    """The name in its file, with the first digits of the file's sha256: two trainings on the same singers differ."""
    model_id: str
    """Contains those digits, too: unique to the file."""
    singers: Singers | None = None
    """None in a network that only embeds."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """How it was trained, from its file's metadata."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The class labels in the order of `probabilities`; empty if it only embeds."""
        return self.singers.labels if self.singers else ()

    @torch.inference_mode()
    def embed(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → unit vector (hidden_size,), the mean over windows; None for less than 1 s of sound."""
        pooled = self._pooled(wav)
        if pooled is None:
            return None
        vectors = nn.functional.normalize(pooled, dim=-1)
        return nn.functional.normalize(vectors.mean(0), dim=0).float().cpu().numpy()

    @torch.inference_mode()
    def probabilities(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → calibrated probabilities (labels,), of sum 1; None for less than 1 s of sound.

        Log-probabilities are averaged over windows, then divided by the temperature. The classification is closed-set:
        there is no class for other singers. Raises WeightsError if the file has no classification head.
        """
        if self.singers is None:
            raise WeightsError(f"{self.name} knows no singers by name; train some with `discovervoice singers train`.")
        pooled = self._pooled(wav)
        if pooled is None:
            return None
        mean = nn.functional.log_softmax(self.singers.head(pooled).float(), dim=-1).mean(0)
        return nn.functional.softmax(mean / self.singers.temperature, dim=0).cpu().numpy()

    def _pooled(self, wav: Floats32) -> Tensor | None:
        """(windows, hidden_size) pooled outputs for the loud parts; None for less than one second of them."""
        sound = loud_parts(wav)
        if len(sound) < SPEECH_RATE:
            return None
        device = next(self.network.parameters()).device
        inputs = windows(spectrum(sound), self.window)
        parts = [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]
        return torch.cat([self.network(part.to(device)).pooler_output for part in parts])


def loud_parts(wav: Floats32) -> Floats32:
    """(samples,) at 16 kHz without quiet frames of 0.1 s (residue of the separation), normalised in level."""
    frames = wav[: len(wav) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames.astype(np.float64) ** 2).mean(1)
    if not power.any():
        return np.zeros(0, np.float32)
    sound = frames[power > np.percentile(power, 95) * 10 ** (-QUIET_DB / 10)].ravel()
    return np.asarray(sound * (LOUDNESS / np.sqrt((sound.astype(np.float64) ** 2).mean())), np.float32)


def spectrum(wav: Floats32) -> Tensor:
    """(samples,) at 16 kHz → (T, 128) log-mel filterbank every 10 ms, as normalised by AST's feature extractor."""
    filterbank = ASTFeatureExtractor(max_length=1 + (len(wav) - 400) // 160, mean=MEAN, std=DEVIATION)
    frames: Tensor = filterbank(wav, sampling_rate=SPEECH_RATE, return_tensors="pt")["input_values"][0]
    return frames


def windows(frames: Tensor, length: int) -> Tensor:
    """(T, 128) → (n, length, 128): the fewest evenly spaced windows that cover it; shorter input is repeated."""
    frames = frames[torch.arange(max(len(frames), length)) % len(frames)]
    starts = np.linspace(0, len(frames) - length, -(-len(frames) // length)).astype(int)
    return torch.stack([frames[start : start + length] for start in starts])


def build(**config: Any) -> ASTModel:
    """A network with random weights in the small config, or with changes to it."""
    return ASTModel(ASTConfig(**{**SMALL, **config}))


def save(
    network: ASTModel,
    path: Path,
    name: str,
    singers: Singers | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write half-precision weights atomically, with their config, provenance and classification head, if any.

    Raises DiskFull.
    """
    state = dict(network.state_dict())
    meta = {"config": json.dumps({key: getattr(network.config, key) for key in SMALL}), "name": name}
    meta["made"] = json.dumps(dict(provenance or {}), ensure_ascii=False)
    if singers is not None:
        state |= {HEAD + key: tensor for key, tensor in singers.head.state_dict().items()}
        classes = {"labels": singers.labels, "temperature": singers.temperature}
        meta["singers"] = json.dumps(classes, ensure_ascii=False)
    half = {key: tensor.detach().half().contiguous().cpu() for key, tensor in state.items()}
    with atomic_write(path) as file:
        file.write(serialize(half, meta))


def load(path: Path = SINGER_WEIGHTS, device: torch.device | str = "cpu") -> SingerEncoder:
    """A trained encoder. Raises WeightsError: no such file, corrupt, or a key missing or unexpected."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            _require(meta, "config", "name")
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        if not all(tensor.isfinite().all() for tensor in state.values()):
            raise ValueError("it holds values that are no numbers")
        network = _network(json.loads(meta["config"]), state)
        singers = _singers(json.loads(meta["singers"]), state) if "singers" in meta else None
        if state:
            raise ValueError(f"{next(iter(state))} is left over")
        provenance = json.loads(meta.get("made", "{}"))
        sha = digest(path)[:8]
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        reason = shorten(str(error), LONGEST_REASON, placeholder=" …").rstrip(".")
        raise WeightsError(f"{path.name} is not a whole AST: {reason}.") from error
    if singers is not None:
        singers.head.to(device)
    ready = network.eval().to(device)
    name = f"{meta['name']} ({sha})"
    return SingerEncoder(ready, network.config.max_length, name, f"ast-{sha}", singers, provenance)


def _require(meta: Mapping[str, str], *keys: str) -> None:
    for key in keys:
        if key not in meta:
            raise ValueError(f"it tells no {key}, as a file of another kind does not")


def _network(config: Any, state: dict[str, Tensor]) -> ASTModel:
    """Build the network on the meta device and move its tensors out of `state` into it. Raises ValueError."""
    if not isinstance(config, dict) or config.keys() - SMALL.keys():
        raise ValueError("its config is not one of an AST")
    if not all(type(value) is int and value > 0 for value in config.values()):
        raise ValueError("its config is not one of an AST")
    if config.get("num_hidden_layers", 1) > MOST_LAYERS:
        raise ValueError(f"it asks for more than {MOST_LAYERS} layers")
    with torch.device("meta"):
        network = build(**config)
    own = {key: state.pop(key) for key in network.state_dict() if key in state}
    network.load_state_dict(own, assign=True)
    return network


def _singers(stored: dict[str, Any], state: dict[str, Tensor]) -> Singers:
    labels, temperature = tuple(map(str, stored["labels"])), float(stored["temperature"])
    if not labels or not 0 < temperature < float("inf"):
        raise ValueError("its singers or its temperature cannot be right")
    own = {key.removeprefix(HEAD): state.pop(key) for key in list(state) if key.startswith(HEAD)}
    head = SingerHead(own["layernorm.weight"].numel(), len(labels))
    head.load_state_dict(own)
    return Singers(head.eval(), labels, temperature)
