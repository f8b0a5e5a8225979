"""A trained voice on disk: fp16 weights and metadata in one safetensors file; RVC's under RVC's keys."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from files.atomic import atomic_write
from models.harmonic.config import HarmonicConfig
from models.harmonic.voice import HarmonicVoice
from models.rvc import RVCConfig, Synthesizer
from models.weights.integrity import LONGEST_REASON, WeightsError

FORMAT = "discovervoice-voice-1"
RVC, HARMONIC = "rvc", "harmonic"
"""Kinds of networks; a file that names none holds RVC's."""


@dataclass(frozen=True)
class VoiceInfo:
    """The metadata of a voice."""

    content_model: str
    """Id of the content encoder that it was trained on; it works with no other."""
    base: str
    """The weights that were fine-tuned."""
    median_f0: float
    """Hz, of its own recordings; 0 where it is not known."""
    steps: int
    seconds: float
    """Of voice that it was trained on."""


def save_voice(path: Path, network: Synthesizer | HarmonicVoice, info: VoiceInfo) -> None:
    """Write the voice atomically, without a posterior encoder. Raises DiskFull."""
    state = {
        name: tensor.detach().half().contiguous().cpu()
        for name, tensor in network.state_dict().items()
        if not name.startswith("enc_q.")
    }
    meta = {"format": FORMAT, "config": json.dumps(asdict(network.config)), "info": json.dumps(vars(info))}
    meta["network"] = HARMONIC if isinstance(network, HarmonicVoice) else RVC
    with atomic_write(path) as file:
        file.write(save(state, meta))


def load_voice(
    path: Path, device: torch.device | str = "cpu", *, bf16: bool | None = None
) -> tuple[Synthesizer | HarmonicVoice, VoiceInfo]:
    """The voice in evaluation mode, and its metadata; `bf16` is as in `adaptive_precision`. Raises WeightsError."""
    try:
        with safe_open(path, framework="pt") as file:
            meta: dict[str, Any] = file.metadata() or {}
            if meta.get("format") != FORMAT:
                raise WeightsError(f"{path.name} is not a voice file of this version.")
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        config = json.loads(meta["config"])
        info = VoiceInfo(**json.loads(meta["info"]))
        network = _harmonic(config, state) if meta.get("network", RVC) == HARMONIC else _synthesizer(config, state)
    except (SafetensorError, KeyError, ValueError, TypeError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"{path.name} cannot be read as a voice: {shorten(str(error), LONGEST_REASON, placeholder=' …')}"
        ) from error
    network.eval().to(device)
    network.choose_precision(bf16)
    return network, info


def _synthesizer(config: dict[str, Any], state: dict[str, Tensor]) -> Synthesizer:
    synthesizer = Synthesizer(RVCConfig.from_dict(config))
    synthesizer.remove_posterior()
    synthesizer.load_weights(state)
    return synthesizer


def _harmonic(config: dict[str, Any], state: dict[str, Tensor]) -> HarmonicVoice:
    voice = HarmonicVoice(state["speaker"], HarmonicConfig(**config))
    voice.load_state_dict(state)
    return voice
