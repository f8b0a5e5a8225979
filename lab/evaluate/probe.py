"""A linear probe: what a straight line can read from single frames."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.signal import Floats32

Classes = NDArray[np.int64]
DECAY = 1e-4
STEPS = 60


def probe_accuracy(train: tuple[Floats32, Classes], test: tuple[Floats32, Classes]) -> float:
    """Share of test frames whose class a linear softmax classifier finds.

    Frames (N, C) are standardised by the training frames' mean and deviation; cross entropy with weight decay 1e-4
    is minimised by L-BFGS from zero, so the figure has no seed.
    """
    frames, classes = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    mean, deviation = frames.mean(0), frames.std(0) + 1e-6
    frames = (frames - mean) / deviation
    probe = nn.Linear(frames.shape[1], int(max(train[1].max(), test[1].max())) + 1)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer = torch.optim.LBFGS(
        probe.parameters(), max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(probe(frames), classes) + DECAY * (probe.weight**2).sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        found = probe((torch.from_numpy(test[0]) - mean) / deviation).argmax(1).numpy()
    return float((found == test[1]).mean())
