"""Which weights become zero: the two rules of the project that this one follows, and magnitude.

A row is all weights of one output unit: a row of a dense layer, a filter of a convolution. As that project did, only
dense layers are touched; a network without any (Spleeter) has its convolutions touched.

The rules are DiscoverVoice/SuperDemucs' `weight_remover.py` and `concern_identification.py`, but for one thing: there
a row from which nothing was taken lost its bias.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

BAND = NormalDist().inv_cdf(0.55)
"""Half the width of the band around the row's mean, in its deviations: it holds a tenth of a normal distribution."""
LOW, HIGH = NormalDist().inv_cdf(0.1), NormalDist().inv_cdf(0.3)
"""Of the second rule's band, in deviations of the row below the mean of its weights of one sign."""
FIRST_SHARE, FIRST_ROUNDS, ROUNDS = 0.1, 10, 100
"""Until so many zeros the first rule works, and so often at most; so often the second one."""
Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d


def layers(network: nn.Module) -> dict[str, Layer]:
    """What the rules touch, by name: the dense layers, or the convolutions of a network without any."""
    named = dict(network.named_modules())
    touched = nn.Linear if any(isinstance(module, nn.Linear) for module in named.values()) else Layer
    return {name: module for name, module in named.items() if isinstance(module, touched)}


def zeros(network: nn.Module) -> float:
    """The share of zeros in the weights that the rules touch."""
    weights = [layer.weight for layer in layers(network).values()]
    return sum(int((weight == 0).sum()) for weight in weights) / max(1, sum(weight.numel() for weight in weights))


def masks(network: nn.Module) -> dict[str, Tensor]:
    """By parameter: where the weights that the rules touch are not zero."""
    return {f"{name}.weight": layer.weight.detach() != 0 for name, layer in layers(network).items()}


@torch.no_grad()
def magnitude(network: nn.Module, share: float) -> None:
    """Zero the smallest of all weights (Han et al. 2015), until that share of them is zero."""
    touched = [(layer, "weight") for layer in layers(network).values()]
    count = round(share * sum(layer.weight.numel() for layer, _ in touched))
    prune.global_unstructured(touched, prune.L1Unstructured, amount=count)
    for layer, name in touched:
        prune.remove(layer, name)  # type: ignore[no-untyped-call]


@torch.no_grad()
def band(
    network: nn.Module,
    share: float,
    original: nn.Module,
    run: Callable[[nn.Module, Tensor], object],
    mixes: Iterator[Tensor],
) -> None:
    """Zero weights by both rules in turn, until that share of every layer is zero or nothing is left to take.

    `run` sends a mix through a network; `mixes` are what the second rule looks at, a batch a round.
    """
    for _ in range(FIRST_ROUNDS):
        for layer in layers(network).values():
            if _zeros(layer) < min(share, FIRST_SHARE):
                _take(layer, around_the_mean(_rows(layer)))
    if share <= FIRST_SHARE:
        return
    before = layers(original)
    for _, mix in zip(range(ROUNDS), mixes, strict=False):
        open_layers = {name: layer for name, layer in layers(network).items() if _zeros(layer) < share}
        if not open_layers:
            return
        heard = _outputs(list(before.items()), original, run, mix)
        now = _outputs(list(open_layers.items()), network, run, mix)
        taken = 0
        for name, layer in open_layers.items():
            if name in heard and name in now:
                taken += _take(layer, by_output(_rows(layer), (now[name] > heard[name]).all(1)))
        if not taken:
            return


def around_the_mean(rows: Tensor) -> Tensor:
    """Where rows (units, weights) lie in the band around their mean."""
    scores = (rows - rows.mean(1, keepdim=True)) / rows.std(1, keepdim=True)
    return (scores >= -BAND) & (scores < BAND)


def by_output(rows: Tensor, rose: Tensor) -> Tensor:
    """Where rows (units, weights) are to become zero by what the first rule did to the outputs.

    `rose` (units,) says where every output lies above the unpruned network's. There the smaller negative weights go,
    elsewhere the smaller positive ones; the larger, where the mean of that sign lies below its median.
    """
    spread = rows.std(1, keepdim=True)
    up, down = torch.where(rows > 0, rows, torch.nan), torch.where(rows < 0, rows, torch.nan)
    above, below = up.nanmean(1, keepdim=True), down.nanmean(1, keepdim=True)
    high, low = (up - above) / spread, (down - below) / spread
    small_positive = torch.where(
        above < up.nanmedian(1, keepdim=True).values, high <= LOW, (high >= LOW) & (high < HIGH)
    )
    small_negative = torch.where(
        below < down.nanmedian(1, keepdim=True).values, (low < -LOW) & (low >= -HIGH), low >= -HIGH
    )
    return torch.where(rose[:, None], small_negative, small_positive)


def _outputs(
    touched: Sequence[tuple[str, Layer]],
    network: nn.Module,
    run: Callable[[nn.Module, Tensor], object],
    mix: Tensor,
) -> dict[str, Tensor]:
    """(units, rest) what each layer gives for the batch's first mix; layers that are not called are left out."""
    heard: dict[str, Tensor] = {}
    hooks = [layer.register_forward_hook(_listener(name, heard)) for name, layer in touched]
    try:
        run(network, mix[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return heard


def _listener(name: str, heard: dict[str, Tensor]) -> Callable[[nn.Module, object, Tensor], None]:
    def listen(layer: nn.Module, _: object, output: Tensor) -> None:
        units = output if isinstance(layer, nn.Linear) else output.movedim(1, -1)
        heard[name] = units.flatten(0, -2).T.float()

    return listen


def _rows(layer: Layer) -> Tensor:
    """(units, weights)."""
    turned = (
        layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d) else layer.weight
    )
    return turned.flatten(1)


def _take(layer: Layer, mask: Tensor) -> int:
    """Zero what a mask of rows holds; returns how many weights were not zero before."""
    turned = isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d)
    weight = layer.weight.data.transpose(0, 1) if turned else layer.weight.data
    shaped = mask.view(weight.shape)
    taken = int((shaped & (weight != 0)).sum())
    weight.masked_fill_(shaped, 0.0)
    return taken


def _zeros(layer: Layer) -> float:
    return float((layer.weight == 0).float().mean())
