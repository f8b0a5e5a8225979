"""The embedded voice base, h24: a harmonic decoder that knows many speakers by their embeddings."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from files.atomic import atomic_write
from models.harmonic.discriminator import SpectrogramDiscriminator
from models.harmonic.network import HarmonicDecoder
from models.harmonic.voice import HarmonicVoice
from models.weights.integrity import WEIGHTS, WeightsError, verify

NAME = "h24 base (this project, from hibari-tts)"
UNTRAINED = f"{NAME}, untrained"
"""The base of a voice that is the base with its owner's embedding."""
FILE = WEIGHTS / "h24_base.safetensors"
JUDGE = "discriminator."
SHA256 = "b095970c6432d82442035dc60207594ae08015429b31d634e79d7e4e29d2b8df"


def save_base(
    path: Path, decoder: HarmonicDecoder, discriminator: SpectrogramDiscriminator, content_model: str
) -> None:
    """Write half-precision weights atomically. Raises DiskFull."""
    whole = decoder.state_dict() | {f"{JUDGE}{name}": tensor for name, tensor in discriminator.state_dict().items()}
    state = {name: tensor.detach().half().contiguous().cpu() for name, tensor in whole.items()}
    with atomic_write(path) as file:
        file.write(save(state, {"content_model": content_model}))


@dataclass(frozen=True)
class StartingVoice:
    """The base as one person's voice, untrained, and the discriminator that it was trained against."""

    voice: HarmonicVoice
    discriminator: SpectrogramDiscriminator


def load_base(speaker: torch.Tensor, content_model: str, path: Path = FILE, sha256: str = SHA256) -> StartingVoice:
    """The shipped base for a person with this unit embedding (256,). Raises WeightsError."""
    verify(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            trained_on = (file.metadata() or {}).get("content_model")
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        voice, discriminator = HarmonicVoice(speaker), SpectrogramDiscriminator()
        judge = {name: state.pop(name) for name in list(state) if name.startswith(JUDGE)}
        voice.decoder.load_state_dict(state)
        discriminator.load_state_dict({name.removeprefix(JUDGE): tensor for name, tensor in judge.items()})
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path.name} is not a whole voice base: {error}") from error
    if trained_on != content_model:
        raise WeightsError(f"{path.name} was trained on {trained_on}, not on {content_model}.")
    return StartingVoice(voice, discriminator)
