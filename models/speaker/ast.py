"""Singer embedding by an Audio Spectrogram Transformer: Gong et al., "AST", Interspeech 2021.

The network is transformers' `ASTModel`, official or in our own small config. Weights are a safetensors file whose
metadata hold the config; loading fails loudly if a single key is missing. `singers train` adds a head, so that the
file also knows its singers by name. No trained one ships.
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
from models.weights.integrity import SINGER_WEIGHTS, WeightsError, digest

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
"""A tenth of a second that lies this far below the loud ones is left out."""
LOUDNESS = 0.05
HEAD = "classifier."
MOST_LAYERS = 64
LONGEST_REASON = 200
WINDOWS_AT_ONCE = 16
"""So that a quarter of an hour takes no more memory than half a minute."""


class SingerHead(nn.Module):
    """From pooled vectors to a logit for each singer, as transformers' `ASTMLPHead` has it."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.layernorm = nn.LayerNorm(width, eps=1e-12)
        self.dense = nn.Linear(width, labels)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, C) → (B, labels) logits."""
        return self.dense(self.layernorm(pooled))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Singers:
    """The singers that a network was trained to tell apart."""

    head: SingerHead
    labels: tuple[str, ...]
    temperature: float
    """Of a whole recording, fitted on validation songs."""


@dataclass(frozen=True)
class SingerEncoder:
    """A warm network; `load` makes it."""

    network: torch.nn.Module
    window: int
    """Frames that it hears at once."""
    name: str
    """As its file tells, with the first digits of the file's sha256: two trainings on the same singers differ."""
    model_id: str
    """Holds those digits, too: no two files share it."""
    singers: Singers | None = None
    """None in a network that only embeds."""
    made: Mapping[str, Any] = field(default_factory=dict)
    """How it was made, as its file tells."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The singers that it knows by name, in the order of `probabilities`; empty if it only embeds."""
        return self.singers.labels if self.singers else ()

    @torch.inference_mode()
    def embed(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → unit vector (hidden_size,), the mean over windows; None under one second of sound."""
        pooled = self._pooled(wav)
        if pooled is None:
            return None
        vectors = nn.functional.normalize(pooled, dim=-1)
        return nn.functional.normalize(vectors.mean(0), dim=0).float().cpu().numpy()

    @torch.inference_mode()
    def probabilities(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → calibrated probabilities (labels,) that sum to 1; None under one second of sound.

        Log-probabilities are averaged over windows, then divided by the temperature. Somebody else than the labels is
        not among the answers. Raises WeightsError if the file holds no singers.
        """
        if self.singers is None:
            raise WeightsError(f"{self.name} knows no singers by name; train some with `discovervoice singers train`.")
        pooled = self._pooled(wav)
        if pooled is None:
            return None
        mean = nn.functional.log_softmax(self.singers.head(pooled).float(), dim=-1).mean(0)
        return nn.functional.softmax(mean / self.singers.temperature, dim=0).cpu().numpy()

    def _pooled(self, wav: Floats32) -> Tensor | None:
        """(windows, hidden_size) of the loud parts; None under one second of them."""
        sound = loud_parts(wav)
        if len(sound) < SPEECH_RATE:
            return None
        device = next(self.network.parameters()).device
        laid = windows(spectrum(sound), self.window)
        parts = [laid[start : start + WINDOWS_AT_ONCE] for start in range(0, len(laid), WINDOWS_AT_ONCE)]
        return torch.cat([self.network(part.to(device)).pooler_output for part in parts])


def loud_parts(wav: Floats32) -> Floats32:
    """(samples,) at 16 kHz without its quiet tenths of a second, at one loudness: a rest of the music is no voice."""
    tenths = wav[: len(wav) // FRAME * FRAME].reshape(-1, FRAME)
    power = (tenths.astype(np.float64) ** 2).mean(1)
    if not power.any():
        return np.zeros(0, np.float32)
    sound = tenths[power > np.percentile(power, 95) * 10 ** (-QUIET_DB / 10)].ravel()
    return np.asarray(sound * (LOUDNESS / np.sqrt((sound.astype(np.float64) ** 2).mean())), np.float32)


def spectrum(wav: Floats32) -> Tensor:
    """(samples,) at 16 kHz → (T, 128) log-mel filterbank every 10 ms, as AST's feature extractor scales it."""
    filterbank = ASTFeatureExtractor(max_length=1 + (len(wav) - 400) // 160, mean=MEAN, std=DEVIATION)
    frames: Tensor = filterbank(wav, sampling_rate=SPEECH_RATE, return_tensors="pt")["input_values"][0]
    return frames


def windows(frames: Tensor, length: int) -> Tensor:
    """(T, 128) → (n, length, 128): as few windows as cover it all, evenly laid; what is shorter is repeated."""
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
    made: Mapping[str, Any] | None = None,
) -> None:
    """Write half-precision weights with their config, and their singers if any, through a temporary name."""
    state = dict(network.state_dict())
    meta = {"config": json.dumps({key: getattr(network.config, key) for key in SMALL}), "name": name}
    meta["made"] = json.dumps(dict(made or {}), ensure_ascii=False)
    if singers is not None:
        state |= {HEAD + key: tensor for key, tensor in singers.head.state_dict().items()}
        told = {"labels": singers.labels, "temperature": singers.temperature}
        meta["singers"] = json.dumps(told, ensure_ascii=False)
    half = {key: tensor.detach().half().contiguous().cpu() for key, tensor in state.items()}
    with atomic_write(path) as file:
        file.write(serialize(half, meta))


def load(path: Path = SINGER_WEIGHTS, device: torch.device | str = "cpu") -> SingerEncoder:
    """A trained encoder. Raises WeightsError: no such file, unreadable, or a key missing or left over."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            _told(meta, "config", "name")
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        if not all(tensor.isfinite().all() for tensor in state.values()):
            raise ValueError("it holds values that are no numbers")
        network = _restored(json.loads(meta["config"]), state)
        singers = _singers(json.loads(meta["singers"]), state) if "singers" in meta else None
        if state:
            raise ValueError(f"{next(iter(state))} is left over")
        made = json.loads(meta.get("made", "{}"))
        sha = digest(path)[:8]
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        said = shorten(str(error), LONGEST_REASON, placeholder=" …").rstrip(".")
        raise WeightsError(f"{path.name} is not a whole AST: {said}.") from error
    if singers is not None:
        singers.head.to(device)
    warm = network.eval().to(device)
    name = f"{meta['name']} ({sha})"
    return SingerEncoder(warm, network.config.max_length, name, f"ast-{sha}", singers, made)


def _told(meta: Mapping[str, str], *keys: str) -> None:
    for key in keys:
        if key not in meta:
            raise ValueError(f"it tells no {key}, as a file of another kind does not")


def _restored(config: Any, state: dict[str, Tensor]) -> ASTModel:
    """The network of a file, its tensors taken out of `state`; no memory is spent on what they do not fit."""
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


def _singers(told: dict[str, Any], state: dict[str, Tensor]) -> Singers:
    labels, temperature = tuple(map(str, told["labels"])), float(told["temperature"])
    if not labels or not 0 < temperature < float("inf"):
        raise ValueError("its singers or its temperature cannot be right")
    own = {key.removeprefix(HEAD): state.pop(key) for key in list(state) if key.startswith(HEAD)}
    head = SingerHead(own["layernorm.weight"].numel(), len(labels))
    head.load_state_dict(own)
    return Singers(head.eval(), labels, temperature)
