"""A slow average of a network's weights, which sounds better than the last step's."""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def ema(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential average that begins at the network's weights; `update_parameters` moves it."""
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
