"""The embedded voice base, h24: a harmonic decoder that knows many speakers by their embeddings."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from files.atomic import atomic_write
from models.harmonic.network import HarmonicDecoder
from models.harmonic.voice import HarmonicVoice
from models.weights.integrity import WEIGHTS, WeightsError, verify

NAME = "h24 base (this project, from hibari-tts)"
FILE = WEIGHTS / "h24_base.safetensors"
SHA256 = "9e9714d24c3bb305d5b141c5c6ea1f517794d255b9fe4828dfe4d18f6ae8712f"


def save_base(path: Path, decoder: HarmonicDecoder, content_model: str) -> None:
    """Write half-precision weights atomically. Raises DiskFull."""
    state = {name: tensor.detach().half().contiguous().cpu() for name, tensor in decoder.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(state, {"content_model": content_model}))


def load_base(speaker: torch.Tensor, content_model: str, path: Path = FILE, sha256: str = SHA256) -> HarmonicVoice:
    """The shipped base as the voice of a person with this unit embedding (256,), untrained. Raises WeightsError."""
    verify(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            trained_on = (file.metadata() or {}).get("content_model")
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        voice = HarmonicVoice(speaker)
        voice.decoder.load_state_dict(state)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path.name} is not a whole voice base: {error}") from error
    if trained_on != content_model:
        raise WeightsError(f"{path.name} was trained on {trained_on}, not on {content_model}.")
    return voice
