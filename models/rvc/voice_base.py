"""The voice base: a small multi-speaker RVC network, conditioned on a speaker embedding."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from files.atomic import atomic_write
from models.rvc import S24, Synthesizer
from models.rvc.errors import UnfitWeights
from models.weights.integrity import WEIGHTS, WeightsError, verify

NAME = "s24 base (this project)"
FILE = WEIGHTS / "voice_base.safetensors"
SHA256 = "17967b00f36dcfc2bd7f14edd584ba717ba5cd3cfcf9501a92a7e5aa967fd696"
EMBEDDING = 256
QUIET_LOG_DEVIATION = -4.0
PITCH_SHARE = 0.1  # 255 random pitch embeddings of full size would dominate the content


class VoiceBase(nn.Module):
    """`network` has no posterior encoder; `speaker` turns an embedding into the vector that conditions it."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Synthesizer(S24)
        self.network.remove_posterior()
        self.speaker = nn.Linear(EMBEDDING, S24.gin_channels)

    def speaker_vector(self, embedding: Tensor) -> Tensor:
        """Resemblyzer embeddings (B, 256), unit length → speaker vectors (B, gin, 1)."""
        vector: Tensor = self.speaker(embedding * EMBEDDING**0.5 * 0.5)[..., None]
        return vector

    def voice(self, embedding: Tensor) -> Synthesizer:
        """The network with this embedding (256,) as its one speaker, in place."""
        with torch.no_grad():
            self.network.emb_g.weight[:] = self.speaker_vector(embedding[None])[0, :, 0]
        return self.network


def save_base(path: Path, base: VoiceBase, content_model: str) -> None:
    """Write half-precision weights atomically. Raises DiskFull."""
    state = {name: tensor.detach().half().contiguous().cpu() for name, tensor in base.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(state, {"content_model": content_model}))


def load_base(content_model: str, path: Path = FILE, sha256: str = SHA256) -> VoiceBase:
    """The shipped base, for voices trained on this content encoder. Raises WeightsError."""
    verify(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            trained_on = (file.metadata() or {}).get("content_model")
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        base = VoiceBase()
        base.load_state_dict(state)
    except (SafetensorError, RuntimeError, UnfitWeights) as error:
        raise WeightsError(f"{path.name} is not a whole voice base: {error}") from error
    if trained_on != content_model:
        raise WeightsError(f"{path.name} was trained on {trained_on}, not on {content_model}.")
    return base


@torch.no_grad()
def initialize(network: Synthesizer) -> None:
    """Prepare random weights for training from scratch, in place: a small pitch embedding, a prior of low variance."""
    network.enc_p.emb_pitch.weight.mul_(PITCH_SHARE)
    half, projection = network.config.inter_channels, network.enc_p.proj
    projection.weight[half:] = 0
    if projection.bias is not None:
        projection.bias[half:] = QUIET_LOG_DEVIATION
