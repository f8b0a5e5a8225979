"""ContentVec, the content encoder of RVC's voices: 16 kHz → 50 frames/s, by transformers' `HubertModel`.

Qian et al., "ContentVec: An Improved Self-Supervised Speech Representation by Disentangling Speakers", 2022, on HuBERT
base (Hsu et al., 2021). v2 voices are conditioned on its last layer (768), v1 voices on the 9th, projected to
256. The waveform is not normalised and the features are not centred, as in the training of those voices.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.precision import AdaptivePrecision, adaptive_precision, precision
from models.signal import SPEECH_RATE
from models.weights import state_dict
from models.weights.integrity import WeightsError, digest, verify

MODEL_ID = "contentvec-768l12"
MODEL_ID_V1 = "contentvec-256l9"
BY_WIDTH = {768: MODEL_ID, 256: MODEL_ID_V1}
LAYER_V1 = 9
HOP = 320
REACH = 400  # samples: the receptive field of one frame
PITCH_HOP = 160
FILES = ("model.safetensors", "pytorch_model.bin")
UNUSED = {"masked_spec_embed"}
"""Used in training only; a file may lack it."""
SIZES = {  # config entry: its largest plausible value
    **dict.fromkeys(("hidden_size", "classifier_proj_size", "num_conv_pos_embeddings"), 2048),
    "intermediate_size": 8192,
    **dict.fromkeys(("num_hidden_layers", "num_attention_heads", "num_conv_pos_embedding_groups"), 64),
}
BASE: dict[str, Any] = {  # must be as in HuBERT base: the weights' shapes do not depend on it
    "model_type": "hubert",
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "do_stable_layer_norm": False,
    "feat_proj_layer_norm": True,
    "conv_pos_batch_norm": False,
}
PULL = "Fetch it with: discovervoice models pull contentvec"


class ContentVec(nn.Module):
    """HuBERT up to one layer, and for v1 voices the projection of that layer; built by `load`."""

    rate = SPEECH_RATE
    centred = False

    def __init__(
        self, hubert: Any, projection: nn.Linear | None, model_id: str, sha: str, bf16: bool | None = False
    ) -> None:
        """`bf16` is as in `adaptive_precision`."""
        super().__init__()
        self.hubert, self.final_proj = hubert, projection
        layer = f"layer {len(hubert.encoder.layers)}{', projected' if projection is not None else ''}"
        self.model_id, self.cache_id, self.name = model_id, f"{model_id}-{sha}", f"ContentVec ({layer}, {sha})"
        self.bf16 = bf16
        self.width: int = projection.out_features if projection is not None else hubert.config.hidden_size

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    @torch.inference_mode()
    def encode(self, wav: Tensor) -> Tensor:
        """(samples,) at 16 kHz → (frames, width): one frame for every two of f0; zeros are padded for the last."""
        frames = -(-(len(wav) // PITCH_HOP) // 2)
        if not frames:
            return wav.new_zeros(0, self.width)
        return self._features(F.pad(wav, (0, max(0, HOP * (frames - 1) + REACH - len(wav)))))[:frames]

    @cached_property
    def _features(self) -> AdaptivePrecision[Tensor]:
        return adaptive_precision(self.name, self._run, self.device, self.bf16)

    def _run(self, wav: Tensor, half: bool) -> Tensor:
        with precision(self.device, half):
            x: Tensor = self.hubert(wav[None]).last_hidden_state[0]
            x = x if self.final_proj is None else self.final_proj(x)
        return x.float()


def load(
    path: Path,
    model_id: str = MODEL_ID,
    device: torch.device | str = "cpu",
    sha256: str | None = None,
    *,
    bf16: bool | None = False,
) -> ContentVec:
    """The encoder of v2 or v1 voices, from a folder as transformers writes it, or the weights file of one.

    A `config.json` beside the weights is read; without one they must be of HuBERT base's own size. Raises WeightsError:
    no file, not the pinned one, another architecture, a weight missing or of another shape, no projection for v1.
    """
    file = _weights_file(path)
    if sha256 is not None:
        verify(file, sha256)
    state = _classic(_read(file))
    sha = digest(file)[:8]
    hubert = _hubert(_config(file.with_name("config.json")), state, file.name)
    projection = None
    if model_id == MODEL_ID_V1:
        projection = _projection(state, file.name)
        if len(hubert.encoder.layers) < LAYER_V1:
            raise WeightsError(f"{file.name} has {len(hubert.encoder.layers)} layers; v1 voices hear the 9th.")
        hubert.encoder.layers = hubert.encoder.layers[:LAYER_V1]
    elif model_id != MODEL_ID:
        raise WeightsError(f"ContentVec does not give the features {model_id}.")
    return ContentVec(hubert, projection, model_id, sha, bf16).eval().requires_grad_(False).to(device)


def _weights_file(path: Path) -> Path:
    for file in [path / name for name in FILES] if path.is_dir() else [path]:
        if file.is_file():
            return file
    raise WeightsError(f"ContentVec's weights are missing at {path.name}. {PULL}")


def _read(file: Path) -> Mapping[str, Tensor]:
    """Every tensor as float32."""
    try:
        return {name: tensor.float() for name, tensor in state_dict.read(file).items()}
    except WeightsError as error:
        raise WeightsError(f"{error} {PULL}") from error


def _classic(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same under the names of `HubertModel`, whichever class wrote them, with the newer weight norm."""
    norm = "encoder.pos_conv_embed.conv."
    newer = {
        f"{norm}weight_g": f"{norm}parametrizations.weight.original0",
        f"{norm}weight_v": f"{norm}parametrizations.weight.original1",
    }
    bare = {name.removeprefix("hubert."): tensor for name, tensor in state.items()}
    return {newer.get(name, name): tensor for name, tensor in bare.items()}


def _config(file: Path) -> dict[str, Any]:
    """The sizes in a `config.json`; empty where there is no such file."""
    if not file.is_file():
        return {}
    try:
        items = json.loads(file.read_text()) if file.stat().st_size < 1 << 20 else None
    except ValueError:
        items = None
    if not isinstance(items, dict):
        raise WeightsError(f"{file.name} is not ContentVec's config. {PULL}")
    other = [name for name, value in BASE.items() if items.get(name, value) != value]
    implausible = [name for name, most in SIZES.items() if not _plausible(items.get(name, 1), most)]
    widths = items.get("conv_dim", [1] * 7)
    if not isinstance(widths, list) or len(widths) != 7 or not all(_plausible(w, 2048) for w in widths):
        implausible.append("conv_dim")
    if other or implausible:
        raise WeightsError(f"{file.name} is of another kind than HuBERT base: {(other + implausible)[0]} differs.")
    accepted = (*SIZES, "conv_dim", "conv_bias", "layer_norm_eps")
    return {name: items[name] for name in accepted if name in items}


def _plausible(value: Any, limit: int) -> bool:
    return isinstance(value, int) and 0 < value <= limit


def _hubert(sizes: dict[str, Any], state: Mapping[str, Tensor], name: str) -> Any:
    """Build on the meta device, then assign the file's tensors once all names and shapes match."""
    from transformers import HubertConfig, HubertModel  # takes seconds to import

    try:
        with torch.device("meta"):
            hubert = HubertModel(HubertConfig(**sizes))
    except (ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{name}: its config.json describes no network that can be built.") from error
    own = hubert.state_dict()
    missing = sorted(own.keys() - state.keys() - UNUSED)
    shapes = sorted(key for key in own.keys() & state.keys() if own[key].shape != state[key].shape)
    if missing or shapes:
        what = f"{len(missing)} weights are missing" if missing else f"{len(shapes)} weights are of another shape"
        raise WeightsError(f"{name} is not a whole HuBERT base: {what}, such as {(missing or shapes)[0]}. {PULL}")
    loaded = {key: state.get(key, torch.zeros(value.shape)) for key, value in own.items()}
    hubert.load_state_dict(loaded, assign=True)
    return hubert


def _projection(state: Mapping[str, Tensor], name: str) -> nn.Linear:
    """HuBERT's own last projection, 768 → 256, on which v1 voices were trained."""
    weight, bias = state.get("final_proj.weight"), state.get("final_proj.bias")
    if weight is None or bias is None or weight.dim() != 2 or bias.shape != weight.shape[:1]:
        raise WeightsError(f"{name} has no final_proj, which v1 voices need. {PULL}")
    projection = nn.Linear(weight.shape[1], weight.shape[0])
    projection.load_state_dict({"weight": weight, "bias": bias})
    return projection
