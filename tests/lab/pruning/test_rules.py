"""The rules that zero weights: which they take, and that they take no more."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from lab.pruning import rules
from models.separation.spleeter import PublishedUNet


def dense(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(400, 300), nn.GELU(), nn.Linear(300, 200)).requires_grad_(False)


def forward(network: nn.Module, mix: Tensor) -> Tensor:
    out: Tensor = network(mix)
    return out


def test_dense_layers_are_touched_where_there_are_any_else_convolutions() -> None:
    mixed = nn.Sequential(nn.Conv1d(2, 3, 1), nn.Linear(4, 4))
    assert list(rules.layers(mixed)) == ["1"]
    assert len(rules.layers(PublishedUNet())) == 13


def test_magnitude_takes_the_smallest_of_all() -> None:
    network = dense()
    before = torch.cat([layer.weight.flatten() for layer in rules.layers(network).values()]).abs()
    rules.magnitude(network, 0.3)
    after = torch.cat([layer.weight.flatten() for layer in rules.layers(network).values()]).abs()
    assert rules.zeros(network) == pytest.approx(0.3, abs=1e-4)
    assert float(before[after == 0].max()) <= float(before[after != 0].min())
    rules.magnitude(network, 0.5)
    assert rules.zeros(network) == pytest.approx(0.5, abs=1e-4)


def test_the_first_rule_takes_a_tenth_of_a_normal_row_around_its_mean() -> None:
    torch.manual_seed(0)
    rows = torch.randn(50, 4000) * 0.3 + 2
    taken = rules.around_the_mean(rows)
    assert float(taken.float().mean()) == pytest.approx(0.1, abs=0.005)
    assert float((rows[taken] - 2).abs().max()) < 0.3 * 0.2


def test_the_second_rule_takes_positive_weights_but_negative_ones_where_the_output_rose() -> None:
    torch.manual_seed(0)
    rows = torch.randn(2, 4000)
    taken = rules.by_output(rows, torch.tensor([False, True]))
    assert taken[0].any() and taken[1].any()
    assert (rows[0][taken[0]] > 0).all() and (rows[1][taken[1]] < 0).all()


def test_both_rules_go_to_about_the_share_and_change_nothing_else() -> None:
    original = dense()
    network = deepcopy(original)
    mixes = (torch.randn(2, 5, 400, generator=torch.Generator().manual_seed(n)) for n in range(100))
    rules.band(network, 0.1, original, forward, mixes)
    assert rules.zeros(network) == pytest.approx(0.1, abs=0.06)
    rules.band(network, 0.3, original, forward, mixes)
    assert 0.25 < rules.zeros(network) < 0.45
    for name, layer in rules.layers(network).items():
        same = layer.weight == original.get_parameter(f"{name}.weight")
        assert bool((same | (layer.weight == 0)).all())
        assert layer.bias is not None and torch.equal(layer.bias, original.get_parameter(f"{name}.bias"))
