"""Parity of MDX23C with the reference (`tests/data/mdx23c`); its files are read safely or refused with a sentence."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.separation import mdx23c
from models.separation.config import MDX23CConfig, read_mdx23c
from models.separation.mdx23c import MDX23C
from models.weights.integrity import WeightsError
from tests.models.separation.separator_files import MDX23C_YAML, fill, write_mdx23c
from tests.parity import Parity

DATA = Path(__file__).parents[2] / "data" / "mdx23c"
TOLERANCE = 1e-4


pytestmark = pytest.mark.usefixtures("one_thread")


def golden_config(size: str) -> MDX23CConfig:
    meta = json.loads((DATA / "mdx23c_meta.json").read_text())[size]["config"]
    audio, model = meta["audio"], meta["model"]
    return MDX23CConfig(
        n_fft=audio["n_fft"],
        hop=audio["hop_length"],
        bins=audio["dim_f"],
        subbands=model["num_subbands"],
        channels=model["num_channels"],
        growth=model["growth"],
        scales=model["num_scales"],
        scale=tuple(model["scale"]),
        blocks=model["num_blocks_per_scale"],
        bottleneck=model["bottleneck_factor"],
        stems=len(meta["instruments"]),
    )


@pytest.mark.parametrize("size", ["small", "full"])
def test_the_state_dict_has_the_references_names_order_and_shapes(size: str) -> None:
    with torch.device("meta"):
        network = MDX23C(golden_config(size))
    expected = json.loads((DATA / f"mdx23c_{size}_state_dict.json").read_text())
    assert [[name, list(value.shape)] for name, value in network.state_dict().items()] == expected
    meta = json.loads((DATA / "mdx23c_meta.json").read_text())[size]
    assert sum(p.numel() for p in network.parameters()) == meta["params"]


def test_the_stems_agree_with_the_references(parity: Parity) -> None:
    network = fill(MDX23C(golden_config("small")))
    with np.load(DATA / "mdx23c.npz") as file, torch.inference_mode():
        stems, expected = network(torch.from_numpy(file["small/mix"])), torch.from_numpy(file["small/stems"])
    parity("MDX23C: golden stems of the reference", stems, expected, TOLERANCE)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "state"])
@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_a_checkpoint_gives_the_vocals_of_its_network(tmp_path: Path, suffix: str, wrapper: str | None) -> None:
    files = write_mdx23c(tmp_path)
    state = torch.load(files["weights"], weights_only=True)
    weights = tmp_path / f"other{suffix}"
    if suffix == ".safetensors":
        save_file(state, weights)
    else:
        torch.save({wrapper: state, "epoch": 3} if wrapper else state, weights)
    separator = mdx23c.load(weights, files["config"])
    chunks = torch.randn(2, 2, separator.chunks.length, generator=torch.Generator().manual_seed(1))

    settings = read_mdx23c(files["config"])
    assert isinstance(settings.network, MDX23CConfig)
    network = fill(MDX23C(settings.network))
    with torch.inference_mode():
        expected = network(chunks)[:, 1]  # the config names the vocals second
    torch.testing.assert_close(separator.vocals(chunks), expected)
    assert not torch.allclose(expected, network(chunks)[:, 0])


def test_half_precision_weights_run_in_single_precision(tmp_path: Path) -> None:
    files = write_mdx23c(tmp_path)
    whole = mdx23c.load(files["weights"], files["config"])
    state = torch.load(files["weights"], weights_only=True)
    torch.save({name: tensor.half() for name, tensor in state.items()}, tmp_path / "half.ckpt")
    half = mdx23c.load(tmp_path / "half.ckpt", files["config"])
    chunks = torch.randn(1, 2, whole.chunks.length, generator=torch.Generator().manual_seed(1))
    assert half.vocals(chunks).dtype == torch.float32
    torch.testing.assert_close(half.vocals(chunks), whole.vocals(chunks), rtol=0.05, atol=0.01)


def test_bfloat16_stays_near(tmp_path: Path) -> None:
    files = write_mdx23c(tmp_path)
    chunks = torch.randn(1, 2, 7936, generator=torch.Generator().manual_seed(1))
    exact, rough = (mdx23c.load(files["weights"], files["config"], bf16=bf16).vocals(chunks) for bf16 in (False, True))
    error = float((rough - exact).square().sum() / exact.square().sum())
    assert 0 < error < 10**-2.5


def test_the_chunks_are_the_configs(tmp_path: Path) -> None:
    files = write_mdx23c(tmp_path)
    chunks = mdx23c.load(files["weights"], files["config"]).chunks
    assert (chunks.length, chunks.step, chunks.fade, chunks.batch) == (7936, 1984, 793, 2)


def change(state: dict[str, Any], how: str) -> dict[str, Any]:
    if how == "missing":
        del state["bottleneck_block.blocks.0.tdf.2.weight"]
    elif how == "extra":
        state["head.weight"] = torch.zeros(1)
    else:
        state["first_conv.weight"] = torch.zeros(4, 17, 1, 1)
    return state


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "bottleneck_block.blocks.0.tdf.2.weight is missing."),
        ("extra", "head.weight has no place in it."),
        ("shape", "first_conv.weight has the shape (4, 17, 1, 1), not (4, 16, 1, 1)."),
    ],
)
def test_weights_of_another_network_are_refused_by_the_first_key(tmp_path: Path, how: str, message: str) -> None:
    files = write_mdx23c(tmp_path)
    torch.save(change(torch.load(files["weights"], weights_only=True), how), files["weights"])
    with pytest.raises(WeightsError) as caught:
        mdx23c.load(files["weights"], files["config"])
    assert str(caught.value) == f"mdx23c.ckpt does not fit its network: {message}"


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {TRAP}",)


TRAP = "/tmp/discovervoice-trap"


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    files = write_mdx23c(tmp_path)
    torch.save({"state_dict": {}, "hyper_parameters": Trap()}, files["weights"])
    with pytest.raises(WeightsError, match=r"mdx23c.ckpt is no readable weights file"):
        mdx23c.load(files["weights"], files["config"])
    assert not Path(TRAP).exists()


def test_a_cut_a_packed_and_an_absent_checkpoint_are_refused(tmp_path: Path) -> None:
    files = write_mdx23c(tmp_path)
    whole = files["weights"].read_bytes()
    files["weights"].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="no readable weights file"):
        mdx23c.load(files["weights"], files["config"])

    files["weights"].write_bytes(whole)
    with zipfile.ZipFile(files["weights"]) as plain, zipfile.ZipFile(tmp_path / "packed.ckpt", "w") as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry), zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="compressed"):
        mdx23c.load(tmp_path / "packed.ckpt", files["config"])

    with pytest.raises(WeightsError, match=r"^absent.ckpt is missing.$"):
        mdx23c.load(tmp_path / "absent.ckpt", files["config"])
    torch.save([1, 2], files["weights"])
    with pytest.raises(WeightsError, match="something else than named tensors"):
        mdx23c.load(files["weights"], files["config"])


DAMAGED = ("!!int x", '!!int ""', "!!float x", "!!bool x", "!!timestamp x", "2024-13-45", "{[1]: 2}", "[1", "\\x00: :")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "num_channels: 4",
            "num_channels: 1000000",
            "model.num_channels is 1000000, not a whole number from 1 to 1024",
        ),
        ("n_fft: 1024", "n_fft: 1099511627776", "audio.n_fft is 1099511627776"),
        ("chunk_size: 7936", "chunk_size: 99999999999", "audio.chunk_size is 99999999999"),
        ("num_scales: 2", "num_scales: yes", "model.num_scales is True"),
        ("num_scales: 2", "num_scales: 6", "32 frames of 32 bins cannot be halved 6 times"),
        ("sample_rate: 44100", "sample_rate: 48000", "audio.sample_rate is 48000"),
        ("act: gelu", "act: mish", "model.act is mish, not built here (there is gelu, relu)"),
        ("act: gelu", "act: gelu\n  attention: 4", "model.attention is 4, an option that is not built here"),
        ("  - Vocals", "  - Drums", "among the stems (instrumental, drums) are no vocals"),
        ("target_instrument: null", "target_instrument: other", "among the stems (other) are no vocals"),
        ("lr: 9.0e-05", "lr: !!python/object/apply:os.system ['true']", "is no safe YAML"),
        *(("lr: 9.0e-05", f"lr: {damaged}", "is no safe YAML") for damaged in DAMAGED),
        ("audio:\n", "sound:\n", "mdx23c.yaml has no section audio"),
    ],
)
def test_a_config_that_asks_for_too_much_or_for_something_else_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    files = write_mdx23c(tmp_path)
    assert old in MDX23C_YAML
    files["config"].write_text(MDX23C_YAML.replace(old, new))
    with pytest.raises(WeightsError) as caught:
        mdx23c.load(files["weights"], files["config"])
    assert message in str(caught.value)


def test_a_large_network_is_compared_before_it_takes_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest that the bounds allow has 10¹⁰ parameters: it would not fit, and is refused by the first shape."""
    files = write_mdx23c(tmp_path)
    big = MDX23C_YAML.replace("num_channels: 4", "num_channels: 1024").replace("growth: 4", "growth: 512")
    files["config"].write_text(big.replace("num_blocks_per_scale: 1", "num_blocks_per_scale: 16"))
    allocations: list[str] = []
    monkeypatch.setattr(nn.Module, "to", lambda module, *_, **__: allocations.append("memory"))
    with pytest.raises(WeightsError, match=r"first_conv\.weight has the shape"):
        mdx23c.load(files["weights"], files["config"])
    assert allocations == []
