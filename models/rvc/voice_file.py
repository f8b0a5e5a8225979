"""A trained voice on disk: fp16 weights under RVC's keys and metadata, in one safetensors file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from files.atomic import atomic_write
from models.rvc import RVCConfig, Synthesizer
from models.weights.integrity import WeightsError

FORMAT = "discovervoice-voice-1"


@dataclass(frozen=True)
class VoiceInfo:
    """The metadata of a voice."""

    content_model: str
    """Id of the content encoder that it was trained on; it works with no other."""
    base: str
    """The weights that were fine-tuned."""
    median_f0: float
    """Hz, of its own recordings."""
    steps: int
    seconds: float
    """Of voice that it was trained on."""


def save_voice(path: Path, synthesizer: Synthesizer, info: VoiceInfo) -> None:
    """Write the voice atomically, without its posterior encoder. Raises DiskFull."""
    state = {
        name: tensor.detach().half().contiguous().cpu()
        for name, tensor in synthesizer.state_dict().items()
        if not name.startswith("enc_q.")
    }
    meta = {"format": FORMAT, "config": json.dumps(synthesizer.config.to_dict()), "info": json.dumps(vars(info))}
    with atomic_write(path) as file:
        file.write(save(state, meta))


def load_voice(path: Path, device: torch.device | str = "cpu") -> tuple[Synthesizer, VoiceInfo]:
    """The voice in evaluation mode, and its metadata. Raises WeightsError."""
    try:
        with safe_open(path, framework="pt") as file:
            meta: dict[str, Any] = file.metadata() or {}
            if meta.get("format") != FORMAT:
                raise WeightsError(f"{path.name} is not a voice file of this version.")
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        synthesizer = Synthesizer(RVCConfig.from_dict(json.loads(meta["config"])))
        info = VoiceInfo(**json.loads(meta["info"]))
        synthesizer.remove_posterior()
        synthesizer.load_weights(state)
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        raise WeightsError(f"{path.name} cannot be read as a voice: {error}") from error
    return synthesizer.eval().to(device), info
