"""RVC's own voice file, `.pth`: import (untrusted; v1 and v2, with and without f0) and export.

The layout is that of RVC's `process_ckpt.py`: `weight`, `config` (18 items), `info`, `sr`, `f0`, `version`. Of Applio's
further entries only `vocoder` and `embedder_model` matter: they identify architectures that are not supported here.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from files.atomic import atomic_write
from models.rvc.config import RVCConfig
from models.rvc.errors import ConfigError, RVCError
from models.rvc.synthesizer import Synthesizer
from models.weights.integrity import WeightsError
from models.weights.torch_file import write_torch
from models.weights.untrusted import load_untrusted

CONTENT_WIDTH = {"v1": 256, "v2": 768}
MAX_BYTES = 512 << 20
MAX_PARAMETERS = 200_000_000
"""The largest of RVC's networks has 29 million without its posterior encoder."""
FRAME_RATE = 100
SCALARS = {  # index in the config list: minimum, maximum
    0: (9, 4097),
    1: (1, 1024),
    **dict.fromkeys((2, 3), (2, 1024)),
    4: (1, 4096),
    5: (1, 16),
    6: (1, 24),
    7: (1, 15),
    8: (0, 1),
    13: (2, 2048),
    15: (1, 4096),
    16: (1, 1024),
    17: (8000, 96000),
}
LISTS = {10: (1, 31), 11: (1, 64), 12: (1, 64), 14: (1, 128)}
MOST_ITEMS = 8
NEWER = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
RATES = {"32k": 32000, "40k": 40000, "48k": 48000}


@dataclass(frozen=True)
class CommunityVoice:
    """A voice from a community `.pth` file."""

    network: Synthesizer
    """In evaluation mode, float32, without posterior encoder."""
    version: str
    """"v1" (content of 256) or "v2" (768)."""
    info: str
    """A remark of the program that trained it, such as "200epoch"; at most 80 characters."""


def read_pth(path: Path) -> CommunityVoice:
    """Read a community voice file; no code of it is executed.

    Raises WeightsError: as `load_untrusted`, no voice (a training checkpoint), an unsupported version, vocoder or
    embedder, a config out of bounds, weights that do not fit it or are not finite.
    """
    content = load_untrusted(path, MAX_BYTES)
    if not isinstance(content, dict):
        raise WeightsError(f"{path.name} holds no voice.")
    if "weight" not in content and "model" in content:
        raise WeightsError(f"{path.name} is a checkpoint of a training. Have RVC extract the small voice file from it.")
    weights, items = content.get("weight"), content.get("config")
    if not isinstance(weights, Mapping) or not isinstance(items, list | tuple):
        raise WeightsError(f"{path.name} holds no voice: weight or config is missing.")
    version, f0 = _kind(content, path.name)
    state = _state(weights, path.name)
    config = _config(items, CONTENT_WIDTH[version], f0, state.get("emb_g.weight"), path.name)
    return CommunityVoice(_network(config, state, path.name), version, _text(content.get("info"))[:80])


def write_pth(path: Path, network: Synthesizer, info: str) -> None:
    """Write a voice file for RVC and its forks, atomically: half precision, no posterior encoder.

    Raises WeightsError where RVC has no such network (another decoder, another content width), DiskFull, OSError.
    """
    config = network.config
    version = next((name for name, width in CONTENT_WIDTH.items() if width == config.content_dim), None)
    try:
        items = config.to_list()
    except ConfigError as error:
        raise WeightsError(f"RVC has no such network, so it cannot load this voice: {error}.") from error
    if version is None:
        raise WeightsError(f"RVC has no voices on content features of width {config.content_dim}.")
    content = {
        "weight": OrderedDict(
            (name, tensor.detach().half().contiguous().cpu())
            for name, tensor in network.state_dict().items()
            if not name.startswith("enc_q.")
        ),
        "config": items,
        "info": info,
        "sr": f"{config.sampling_rate // 1000}k",
        "f0": int(config.f0),
        "version": version,
    }
    with atomic_write(path) as file:
        write_torch(content, file)


def _kind(content: Mapping[Any, Any], name: str) -> tuple[str, bool]:
    """Return the version and whether it is conditioned on f0. Early files lack these entries: v1 with f0."""
    version = _text(content.get("version", "v1"))
    if version not in CONTENT_WIDTH:
        raise WeightsError(f"{name} is of version {version[:20]!r}; v1 and v2 are known here.")
    vocoder = _text(content.get("vocoder")) or "HiFi-GAN"
    if vocoder not in ("HiFi-GAN", "Default"):
        raise WeightsError(f"{name} has the decoder {vocoder[:20]!r}; only HiFi-GAN voices can be read.")
    embedder = _text(content.get("embedder_model")) or "contentvec"
    if embedder not in ("contentvec", "hubert_base", "contentvec_base"):
        raise WeightsError(f"{name} hears through {embedder[:40]!r}; only ContentVec is known here.")
    f0 = _text(content.get("f0", 1))
    if f0 not in ("0", "1", "False", "True"):
        raise WeightsError(f"{name} does not say whether it reads f0.")
    return version, f0 in ("1", "True")


def _text(value: Any) -> str:
    """A string (truncated) or small integer as text; empty for anything else."""
    if isinstance(value, str):
        return value[:200]
    return str(value) if isinstance(value, int) and abs(value) < 10**9 else ""


def _state(weights: Mapping[Any, Any], name: str) -> dict[str, Tensor]:
    """Dense float tensors under the classic names of weight norm, without the posterior encoder."""
    state: dict[str, Tensor] = {}
    for key, value in weights.items():
        if not isinstance(key, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
            raise WeightsError(f"{name} holds something that is no tensor among its weights.")
        if not value.is_floating_point():
            raise WeightsError(f"{name} holds a tensor of {value.dtype} among its weights.")
        for newer, classic in NEWER.items():
            key = key.replace(newer, classic)
        if key in state:
            raise WeightsError(f"{name} holds {key[:60]} twice.")
        if not key.startswith("enc_q."):
            state[key] = value
    return state


def _config(
    items: list[Any] | tuple[Any, ...], content_dim: int, f0: bool, speakers: Tensor | None, name: str
) -> RVCConfig:
    """Read the 18 items, each within bounds; the number of speakers is the speaker table's, as in RVC."""
    if len(items) != 18:
        raise WeightsError(f"{name} has a config of {len(items)} items, RVC's has 18.")
    if speakers is None or speakers.dim() != 2:
        raise WeightsError(f"{name} has no speaker table.")
    values = [*items[:15], speakers.shape[0], items[16], RATES.get(_text(items[17]), items[17])]
    invalid = [i for i, (low, high) in SCALARS.items() if not _within(values[i], low, high)]
    invalid += [i for i, (low, high) in LISTS.items() if not _list_within(values[i], low, high)]
    invalid += [9] if _text(values[9]) != "1" else []
    if invalid:
        raise WeightsError(f"{name} asks for a network that no voice has (item {invalid[0]} of its config).")
    try:
        config = RVCConfig.from_list(values, content_dim, f0)
    except RVCError as error:
        raise WeightsError(f"{name} cannot be built: {error}.") from error
    if config.hop * FRAME_RATE != config.sampling_rate:
        raise WeightsError(f"{name} upsamples to {config.hop * FRAME_RATE} Hz but says {config.sampling_rate} Hz.")
    return config


def _within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and low <= value <= high


def _list_within(value: Any, low: int, high: int, depth: int = 2) -> bool:
    if isinstance(value, list | tuple) and depth:
        return 0 < len(value) <= MOST_ITEMS and all(_list_within(item, low, high, depth - 1) for item in value)
    return _within(value, low, high) and depth < 2


def _network(config: RVCConfig, state: Mapping[str, Tensor], name: str) -> Synthesizer:
    """Build on the meta device; memory is allocated once the network's size is within bounds."""
    with torch.device("meta"):
        network = Synthesizer(replace(config, p_dropout=0.0))
    network.remove_posterior()
    count = sum(parameter.numel() for parameter in network.parameters())
    if count > MAX_PARAMETERS:
        raise WeightsError(f"{name} asks for a network of {count // 10**6} million numbers; no voice has so many.")
    try:
        network.to_empty(device="cpu").load_weights(state)
    except RVCError as error:
        reason = str(error)
        raise WeightsError(f"{name} does not fit its config: {reason[:200]}{'…' * (len(reason) > 200)}") from error
    if not all(bool(torch.isfinite(parameter).all()) for parameter in network.parameters()):
        raise WeightsError(f"{name} holds numbers that are not finite: its training went wrong.")
    return network.eval().requires_grad_(False)
