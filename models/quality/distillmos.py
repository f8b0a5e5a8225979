"""Neural MOS by DistillMOS: Stahl and Gamper, "Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment", 2025. On singing, use it only for paired comparisons.
"""

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.weights.integrity import packaged, verify

NAME = "DistillMOS 0.9.1"
SHA256 = "b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40"
WINDOW = 122880  # 7.68 s


@dataclass(frozen=True)
class MosPredictor:
    """A loaded predictor; see `load`."""

    network: torch.nn.Module
    name: str = NAME

    @torch.inference_mode()
    def windows(self, wav: NDArray[np.float32]) -> NDArray[np.float32]:
        """(samples,) at 16 kHz → a score 1…5 for each window of 7.68 s, the last one padded with zeros."""
        count = max(1, -(-len(wav) // WINDOW))
        padded = np.pad(wav, (0, count * WINDOW - len(wav))).astype(np.float32)
        device = next(self.network.parameters()).device
        scores = [self.network(torch.from_numpy(window)[None].to(device)) for window in padded.reshape(count, WINDOW)]
        return torch.cat(scores).flatten().float().cpu().numpy()


def load(device: torch.device | str = "cpu") -> MosPredictor:
    """The predictor with the weights of its package. Raises WeightsError."""
    from distillmos import ConvTransformerSQAModel

    verify(packaged("distillmos", "weights/distill_mos_v7.pt"), SHA256)
    with contextlib.redirect_stdout(io.StringIO()):  # its constructor prints
        network = ConvTransformerSQAModel(segmenting_in_forward=False)
    return MosPredictor(network.eval().to(device))
