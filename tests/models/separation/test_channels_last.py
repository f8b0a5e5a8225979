"""Layers whose channels lie side by side give what torch's give, and leave them so."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from models.precision import agreement
from models.separation.channels_last import GELU, FrequencyLinear, InstanceNorm, in_order
from models.separation.config import MDX23CConfig
from models.separation.mdx23c import MDX23C

BATCH, CHANNELS, BINS = 2, 3, 8
LAYERS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "norm": (lambda: InstanceNorm(CHANNELS, affine=True), lambda: nn.InstanceNorm2d(CHANNELS, affine=True)),
    "gelu": (GELU, nn.GELU),
    "dense": (lambda: FrequencyLinear(BINS, 5, bias=False), lambda: nn.Linear(BINS, 5, bias=False)),
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def filled(layer: nn.Module, like: nn.Module) -> None:
    for number, (own, other) in enumerate(zip(layer.parameters(), like.parameters(), strict=True)):
        own.data = other.data = drawn(*own.shape, seed=number + 1)


@pytest.mark.parametrize("frames", [6, 8])
@pytest.mark.parametrize("name", LAYERS)
@torch.inference_mode()
def test_a_layer_gives_what_torchs_gives_and_keeps_the_order(name: str, frames: int) -> None:
    layer, torchs = (make() for make in LAYERS[name])
    filled(layer, torchs)
    x = 2 + drawn(BATCH, CHANNELS, frames, BINS)
    expected = torchs(x)
    made = layer(in_order(x.clone()))
    torch.testing.assert_close(made, expected)
    assert made.is_contiguous(memory_format=torch.channels_last) and not made.is_contiguous()


@torch.inference_mode()
def test_a_long_pieces_statistics_are_counted_as_exactly_as_its_numbers() -> None:
    x = 1 + drawn(1, 2, 256, 1024)
    exact = nn.InstanceNorm2d(2, affine=True).double()(x.double())
    assert agreement(exact, InstanceNorm(2, affine=True)(in_order(x))) > 120


@pytest.mark.parametrize("norm", ["InstanceNorm", "BatchNorm"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_a_network_runs_as_it_learnt(norm: str, activation: str) -> None:
    config = MDX23CConfig(
        n_fft=512,
        hop=64,
        bins=128,
        subbands=2,
        channels=4,
        growth=2,
        scales=2,
        scale=(2, 2),
        blocks=2,
        bottleneck=4,
        norm=norm,
        activation=activation,
    )
    torch.manual_seed(0)
    network = MDX23C(config).eval()
    mix = drawn(BATCH, 2, 15 * 64)
    learning = network(mix)
    with torch.inference_mode():
        torch.testing.assert_close(network(mix), learning.detach(), rtol=1e-4, atol=1e-5)
    assert learning.requires_grad
