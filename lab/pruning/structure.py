"""Whole channels, hidden units and heads taken out, so that the network really is smaller and faster."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from lab.errors import PruningError
from models.separation.channels import groups, keep, saliency


def take_units(
    network: nn.Module,
    share: float,
    full: Mapping[str, int],
    loss: Callable[[nn.Module, Tensor], Tensor],
    batches: Iterable[Tensor],
) -> None:
    """Leave of every group (1 − share) of its full width, at least one unit: those on which the loss depends most.

    Saliencies are summed over the batches. Raises PruningError: a network without groups.
    """
    found = groups(network)
    if not found:
        raise PruningError("This network has no channels, hidden units or heads that can be taken out whole.")
    network.requires_grad_(True)
    scores = {group.name: torch.zeros(group.count) for group in found}
    for batch in batches:
        network.zero_grad()
        torch.autograd.backward(loss(network, batch))
        for group in found:
            scores[group.name] += saliency(network, group)
    network.zero_grad()
    for name, score in scores.items():
        group = next(group for group in groups(network) if group.name == name)  # others have moved its units
        left = min(group.count, max(1, round((1 - share) * full[name])))
        keep(network, group, sorted(score.topk(left).indices.tolist()))
