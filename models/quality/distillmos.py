"""Neural MOS by DistillMOS: Stahl and Gamper, "Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment", 2025. On singing, use it only for paired comparisons.
"""

import contextlib
import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.precision import AdaptivePrecision, adaptive_precision, precision
from models.weights.integrity import packaged, verify

NAME = "DistillMOS 0.9.1"
SHA256 = "b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40"
WINDOW = 122880  # 7.68 s


@dataclass(frozen=True)
class MosPredictor:
    """A loaded predictor; see `load`."""

    network: torch.nn.Module
    name: str = NAME
    bf16: bool | None = False
    """As in `adaptive_precision`."""

    @torch.inference_mode()
    def windows(self, wav: NDArray[np.float32]) -> NDArray[np.float32]:
        """(samples,) at 16 kHz → a score 1…5 for each window of 7.68 s.

        The last one reaches back into the one before it, and what is shorter than a window is repeated: silence after
        a voice, which the package adds, takes a point and more from it.
        """
        filled = wav if len(wav) >= WINDOW else np.resize(wav, WINDOW)
        starts = [min(start, len(filled) - WINDOW) for start in range(0, len(filled), WINDOW)]
        windows = [np.asarray(filled[start : start + WINDOW], np.float32) for start in starts]
        device = next(self.network.parameters()).device
        scores = [self._score(torch.from_numpy(window)[None].to(device)) for window in windows]
        return torch.cat(scores).flatten().float().cpu().numpy()

    @cached_property
    def _score(self) -> AdaptivePrecision[Tensor]:
        return adaptive_precision(self.name, self._run, next(self.network.parameters()).device, self.bf16)

    def _run(self, window: Tensor, half: bool) -> Tensor:
        """The package's `forward`, in which the convolutions alone, its costly part, may be in bfloat16.

        A score in bfloat16 would be a multiple of 1/64.
        """
        network: Any = self.network
        loudest = window.abs().amax(1, keepdim=True)
        with precision(window.device, half):
            features = network.cnn(window / (loudest + 1e-8))
        score: Tensor = 1 + 4 * network.transformer_pool_attn(features.float().permute(0, 2, 1))
        return score


def load(device: torch.device | str = "cpu", *, bf16: bool | None = False) -> MosPredictor:
    """The predictor with the weights of its package; `bf16` is as in `adaptive_precision`. Raises WeightsError."""
    from distillmos import ConvTransformerSQAModel

    verify(packaged("distillmos", "weights/distill_mos_v7.pt"), SHA256)
    with contextlib.redirect_stdout(io.StringIO()):  # its constructor prints
        network = ConvTransformerSQAModel(segmenting_in_forward=False)
    return MosPredictor(network.eval().to(device), bf16=bf16)
