"""Channels, hidden units and attention heads that can be taken out of a network whole, so that it really shrinks.

A unit's numbers lie in several tensors: the layer that makes it, its normalisation, the layers that read it. A `Group`
says where. Removing the same units from all of them leaves a smaller network of the same form. What the residual
connections of a network share keeps its width.

Which numbers belong together is written down for each kind of layer, not traced: torch-pruning 1.6.1, which traces,
manages Spleeter's U-Net, but neither MDX23C (dense layers along frequency) nor HTDemucs (attention).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from models.attention import MultiheadAttention
from models.weights.integrity import WeightsError


@dataclass(frozen=True)
class Units:
    """Where a group's units lie in one tensor: along `dim`, from `start` on, `size` numbers for each.

    With `parts` above one the dimension holds so many runs of all units, one after the other: queries, keys, values.
    """

    tensor: str
    dim: int = 0
    start: int = 0
    size: int = 1
    parts: int = 1


@dataclass(frozen=True)
class Group:
    """Units that can be taken out of a network one by one; the first tensor is the layer that makes them."""

    name: str
    count: int
    places: tuple[Units, ...]


@runtime_checkable
class Narrowable(Protocol):
    """A module that knows its groups."""

    def unit_groups(self, name: str) -> Iterator[Group]:
        """The groups of a module of this name, at its present width."""
        ...


def groups(network: nn.Module) -> list[Group]:
    """Every group of a network, at its present width; empty for one that has none that is known here."""
    found: list[Group] = []
    for name, module in network.named_modules():
        prefix = f"{name}." if name else ""
        if isinstance(module, Narrowable):
            found += module.unit_groups(name)
        elif isinstance(module, nn.MultiheadAttention | MultiheadAttention):
            found += _attention(prefix, module)
        elif type(module).__name__ == "DConv":  # demucs' own, whose package takes a second to import
            found += _dconv(prefix, module)
        elif isinstance(first := getattr(module, "linear1", None), nn.Linear) and isinstance(
            getattr(module, "linear2", None), nn.Linear
        ):
            places = (
                Units(f"{prefix}linear1.weight"),
                Units(f"{prefix}linear1.bias"),
                Units(f"{prefix}linear2.weight", 1),
            )
            found.append(Group(f"{prefix}linear1", first.weight.shape[0], places))
    return found


def keep(network: nn.Module, group: Group, units: Sequence[int]) -> None:
    """Leave only these units of a group, in their order, in every tensor that they lie in."""
    for place in group.places:
        module, attribute = _owner(network, place.tensor)
        if isinstance(module, nn.MultiheadAttention):
            module = _replace_attention(network, place.tensor)
        old = getattr(module, attribute)
        if old is None:
            continue
        index = _remaining(place, group.count, units, old.shape[place.dim]).to(old.device)
        new = old.detach().index_select(place.dim, index)
        setattr(module, attribute, nn.Parameter(new, old.requires_grad) if isinstance(old, nn.Parameter) else new)
        _refresh(module)


def widths(network: nn.Module) -> dict[str, int]:
    """How many units each group has."""
    return {group.name: group.count for group in groups(network)}


def narrow(network: nn.Module, narrower: Mapping[str, object], file: str) -> None:
    """Bring a network, which may lie on the meta device, to the widths that a file names.

    Raises WeightsError: no such group, or a width that is not from 1 to the network's own.
    """
    for name, width in narrower.items():
        group = next((group for group in groups(network) if group.name == name), None)
        if group is None:
            raise WeightsError(f"{file} was pruned in {str(name)[:60]}, which its network does not have.")
        if type(width) is not int or not 1 <= width <= group.count:
            raise WeightsError(f"{file}: {name} has {str(width)[:20]} units, which is not from 1 to {group.count}.")
        keep(network, group, range(width))


def saliency(network: nn.Module, group: Group) -> Tensor:
    """(count,) by how much the loss would change without each unit, squared, by the gradients that the network holds.

    The first-order estimate of Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning" (eq. 8): the
    sum of weight times gradient over what makes the unit.
    """
    first = group.places[0]
    made = [place for place in group.places if place.tensor.rpartition(".")[0] == first.tensor.rpartition(".")[0]]
    total = torch.zeros(group.count)
    for place in made:
        weight = network.get_parameter(place.tensor)
        if weight.grad is not None:
            product = (weight.detach() * weight.grad).movedim(place.dim, 0)
            taken = product.reshape(len(product), -1).sum(1).cpu()[_inside(place, group.count, range(group.count))]
            total += taken.reshape(place.parts, group.count, place.size).sum((0, 2))
    return total.square()


def _inside(place: Units, count: int, units: Sequence[int]) -> Tensor:
    """The numbers along the dimension that these units take."""
    chosen = (torch.tensor(list(units))[:, None] * place.size + torch.arange(place.size)).flatten()
    return torch.cat([place.start + part * count * place.size + chosen for part in range(place.parts)])


def _remaining(place: Units, count: int, units: Sequence[int], length: int) -> Tensor:
    """The numbers along the dimension that stay, those that belong to no unit of the group included."""
    after = place.start + place.parts * count * place.size
    return torch.cat([torch.arange(place.start), _inside(place, count, units), torch.arange(after, length)])


def _attention(prefix: str, module: nn.MultiheadAttention | MultiheadAttention) -> Iterator[Group]:
    weight = module.in_proj_weight
    if isinstance(weight, Tensor):  # None where keys or values have widths of their own
        size = module.head_dim
        rows = [Units(f"{prefix}in_proj_{kind}", size=size, parts=3) for kind in ("weight", "bias")]
        count = weight.shape[0] // (3 * size)
        yield Group(f"{prefix}in_proj", count, (*rows, Units(f"{prefix}out_proj.weight", 1, size=size)))


def _dconv(prefix: str, module: nn.Module) -> Iterator[Group]:
    """The narrow middles of the residual branches; only of plain ones (convolution, norm, activation, convolution)."""
    layers = module.layers
    assert isinstance(layers, nn.ModuleList)
    for number, layer in enumerate(layers):
        assert isinstance(layer, nn.Sequential)
        if isinstance(layer[0], nn.Conv1d) and isinstance(layer[3], nn.Conv1d):
            at = f"{prefix}layers.{number}."
            makes = [Units(f"{at}0.weight"), Units(f"{at}0.bias"), Units(f"{at}1.weight"), Units(f"{at}1.bias")]
            makes = makes if isinstance(layer[1], nn.GroupNorm) else makes[:2]
            yield Group(f"{at}0", layer[0].weight.shape[0], (*makes, Units(f"{at}3.weight", 1)))


def _owner(network: nn.Module, tensor: str) -> tuple[nn.Module, str]:
    name, _, attribute = tensor.rpartition(".")
    return network.get_submodule(name), attribute


def _replace_attention(network: nn.Module, tensor: str) -> nn.Module:
    name = tensor.rpartition(".")[0]
    above, _, attribute = name.rpartition(".")
    before = network.get_submodule(name)
    assert isinstance(before, nn.MultiheadAttention)
    setattr(network.get_submodule(above), attribute, MultiheadAttention(before))
    return network.get_submodule(name)


def _refresh(module: nn.Module) -> None:
    """Bring what a layer says of its own width in line with its tensors."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor):
        return
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = weight.shape
    elif isinstance(module, nn.modules.conv._ConvTransposeNd):
        module.in_channels, module.out_channels = weight.shape[:2]
    elif isinstance(module, nn.modules.conv._ConvNd):
        module.out_channels, module.in_channels = weight.shape[:2]
    elif isinstance(module, nn.GroupNorm):
        module.num_channels = weight.shape[0]
    elif isinstance(module, nn.modules.batchnorm._NormBase):
        module.num_features = weight.shape[0]
