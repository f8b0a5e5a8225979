"""Layers over a spectrogram (B, C, T, F) whose channels lie side by side in memory, as oneDNN likes them.

So they lie in inference on a CPU; elsewhere they come one after the other, and the layers are torch's. Torch (2.11)
sorts them one after the other for these layers, and oneDNN sorts them back for the convolutions between.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

COUNTED = 4
"""Frames whose statistics torch counts at once: it adds one number after the other, and over a piece loses 50 dB."""


def in_order(x: Tensor) -> Tensor:
    """(B, C, T, F), its channels side by side in inference mode on a CPU, else one after the other."""
    last = x.device.type == "cpu" and torch.is_inference_mode_enabled()
    return x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def _side_by_side(x: Tensor) -> bool:
    return torch.is_inference_mode_enabled() and x.is_contiguous(memory_format=torch.channels_last)


class InstanceNorm(nn.InstanceNorm2d):
    """`nn.InstanceNorm2d` with an affine map."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) → (B, C, T, F)."""
        if not _side_by_side(x):
            return super().forward(x)
        made = [self._normalised(one) for one in torch.split(x, 1)]
        return made[0] if len(made) == 1 else torch.cat(made)

    def _normalised(self, x: Tensor) -> Tensor:
        """(1, C, T, F) → (1, C, T, F)."""
        parts = torch.split(x, COUNTED if x.shape[2] % COUNTED == 0 else 1, dim=2)
        running = torch.zeros_like(self.weight), torch.ones_like(self.weight)  # not used, but float32: so are figures
        figures = [torch.batch_norm_update_stats(part, *running, 0.0) for part in parts]
        means, variances = (torch.stack(column) for column in zip(*figures, strict=True))
        variance = variances.mean(0) + means.var(0, correction=0)
        return F.batch_norm(x, means.mean(0), variance, self.weight, self.bias, eps=self.eps)


class GELU(nn.GELU):
    """`nn.GELU`; in inference in the place of what it is given, which nothing else may need."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) → (B, C, T, F)."""
        if not _side_by_side(x):
            return super().forward(x)
        torch.ops.aten.gelu_(x.permute(0, 2, 3, 1))  # in the order of memory: half of the time
        return x


class FrequencyLinear(nn.Linear):
    """A dense layer along frequency, without bias."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) → (B, C, T, F')."""
        if not _side_by_side(x):
            return super().forward(x)
        batch, channels, frames, bins = x.shape
        weight = self.weight.to(x.dtype)
        made = x.new_empty(batch * frames, len(weight), channels)
        # frame by frame: as one product torch copies the weight for each
        for frame, out in zip(x.permute(0, 2, 3, 1).reshape(-1, bins, channels), made, strict=True):
            torch.mm(weight, frame, out=out)
        return made.view(batch, frames, -1, channels).permute(0, 3, 1, 2)
