"""What is taken out of a network is gone from every tensor, and what is left computes as before."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.separation import mdx23c, roformer
from models.separation.channels import Group, groups, keep, narrow, saliency, widths
from models.separation.config import MDX23CConfig, RoformerConfig, read_mdx23c, read_roformer
from models.separation.spleeter import PublishedUNet, StemPair
from models.weights.integrity import WeightsError
from tests.models.separation.separator_files import HTDEMUCS, write_mdx23c, write_roformer

pytestmark = pytest.mark.usefixtures("one_thread")


def spleeter_pair(folder: Path) -> tuple[nn.Module, Tensor]:
    return StemPair(PublishedUNet(), PublishedUNet()), torch.rand(1, 2, 64, 64)


def small_mdx23c(folder: Path) -> tuple[nn.Module, Tensor]:
    settings = read_mdx23c(write_mdx23c(folder)["config"])
    assert isinstance(settings.network, MDX23CConfig)
    return mdx23c.MDX23C(settings.network), torch.rand(1, 2, settings.chunks.length)


def small_roformer(folder: Path) -> tuple[nn.Module, Tensor]:
    settings = read_roformer(write_roformer(folder, mel=True)["config"], mel=True)
    assert isinstance(settings.network, RoformerConfig)
    return roformer.Roformer(settings.network), torch.rand(1, 2, settings.chunks.length)


def small_htdemucs(folder: Path) -> tuple[nn.Module, Tensor]:
    from demucs.htdemucs import HTDemucs

    network: nn.Module = HTDemucs(**HTDEMUCS)
    return network, torch.rand(1, 2, 22050)


NETWORKS = (spleeter_pair, small_mdx23c, small_roformer, small_htdemucs)
MIXED = {"small_mdx23c": (".tdf",), "small_htdemucs": (".dconv.",)}
"""Groups whose units a normalisation mixes: there a unit that nothing reads still matters."""


def silenced(network: nn.Module, group: Group) -> None:
    """Nothing reads the second half of a group any more."""
    dead = torch.arange(group.count // 2, group.count)
    for place in group.places:
        weight = dict(network.named_parameters()).get(place.tensor)
        reads = weight is not None and weight.dim() > 1 and place != group.places[0] and place.parts == 1
        if reads and weight is not None:
            rows = place.start + (dead[:, None] * place.size + torch.arange(place.size)).flatten()
            weight.data.movedim(place.dim, 0)[rows] = 0


@pytest.mark.parametrize("make", NETWORKS)
def test_units_that_nothing_reads_can_be_taken_out(
    make: Callable[[Path], tuple[nn.Module, Tensor]], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)
    network, x = make(tmp_path)
    network.eval()
    chosen = [g for g in groups(network) if not any(part in g.name for part in MIXED.get(make.__name__, ()))]
    assert len(chosen) >= 5
    for group in chosen:
        silenced(network, group)
    with torch.no_grad():
        before = network(x)
        parameters = sum(p.numel() for p in network.parameters())
        for name in [group.name for group in chosen]:
            group = next(group for group in groups(network) if group.name == name)
            keep(network, group, range(group.count // 2))
        after = network(x)
    torch.backends.mha.set_fastpath_enabled(True)
    assert sum(p.numel() for p in network.parameters()) < parameters * 0.97
    assert float(before.abs().max()) > 0.01
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


def test_the_unit_on_which_the_loss_depends_most_is_known() -> None:
    network = PublishedUNet().requires_grad_(True)
    group = next(group for group in groups(network) if group.name == "down.2")
    first = network.get_parameter("down.2.weight")
    first.data[:] = 1e-3
    first.data[17] = 1.0
    torch.autograd.backward(network.eval()(torch.rand(1, 2, 64, 64)).square().sum())
    assert int(saliency(network, group).argmax()) == 17


def test_a_file_cannot_ask_for_widths_that_its_network_does_not_have() -> None:
    with torch.device("meta"):
        network = PublishedUNet()
    full = widths(network)["down.3"]
    for narrower in ({"down.3": full + 1}, {"down.3": 0}, {"down.3": 3.5}, {"down.3": True}):
        with pytest.raises(WeightsError, match=r"down\.3 has .* units, which is not from 1 to 128"):
            narrow(network, narrower, "bad.safetensors")
    with pytest.raises(WeightsError, match=r"bad\.safetensors was pruned in layer\.9, which its network does not have"):
        narrow(network, {"layer.9": 3}, "bad.safetensors")
    narrow(network, {"down.3": 5}, "good.safetensors")
    assert network.get_parameter("down.4.weight").shape[1] == 5
