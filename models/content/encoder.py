"""The interface of a content encoder; the embedded student and ContentVec implement it."""

from typing import Protocol

import torch
from torch import Tensor


class ContentEncoder(Protocol):
    """Encodes speech or singing into content features: what is said, with little of who says it."""

    centred: bool
    """Whether voices are trained on its features minus their mean over time, or on the features as they are."""
    width: int
    """Channels of the features."""
    model_id: str
    """The kind of features: a voice works only with the kind that it was trained on."""
    cache_id: str
    """The kind of features and the weights: cached features are filed under it."""
    name: str
    """For the reader of a figure."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def encode(self, wav: Tensor) -> Tensor:
        """(samples,) at 16 kHz → (ceil(samples // 160 / 2), width) at 50 frames/s."""
