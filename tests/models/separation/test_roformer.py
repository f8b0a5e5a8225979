"""Both RoFormers say what the reference and `pymss-core` say (`tests/data/roformer`)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.separation import roformer
from models.separation.config import DEFAULT_BANDS, RoformerConfig, read_roformer
from models.separation.roformer import Roformer
from models.weights.integrity import WeightsError
from tests.models.separation.separator_files import BSROFORMER_YAML, MELBAND_YAML, fill, write_roformer
from tests.parity import Parity

DATA = Path(__file__).parents[2] / "data" / "roformer"
TOLERANCE = 1e-5
KINDS = ["melband", "bsroformer"]
TITLES = {"melband": "Mel-Band RoFormer", "bsroformer": "BS-RoFormer"}
FULL = {
    "melband": RoformerConfig(bands=60, dim=384, depth=6),
    "bsroformer": RoformerConfig(bands=DEFAULT_BANDS, dim=512, depth=12),
}


pytestmark = pytest.mark.usefixtures("one_thread")


def golden_config(kind: str) -> tuple[RoformerConfig, dict[str, Any]]:
    meta = json.loads((DATA / "roformer_meta.json").read_text())[kind]
    bands = meta["num_bands"] if kind == "melband" else tuple(meta["freqs_per_bands"])
    config = RoformerConfig(
        bands=bands,
        dim=meta["dim"],
        depth=meta["depth"],
        heads=meta["heads"],
        head_dim=meta["dim_head"],
        time_depth=meta["time_transformer_depth"],
        freq_depth=meta["freq_transformer_depth"],
        mask_depth=meta["mask_estimator_depth"],
        n_fft=meta["stft_n_fft"],
        hop=meta["stft_hop_length"],
        window=meta["stft_win_length"],
        stems=meta["num_stems"],
    )
    return config, meta


def names_and_shapes(network: torch.nn.Module) -> list[list[Any]]:
    return [[name, list(value.shape)] for name, value in network.state_dict().items()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_dict_has_the_references_names_order_and_shapes(kind: str) -> None:
    for size, config in (("small", golden_config(kind)[0]), ("full", FULL[kind])):
        with torch.device("meta"):
            network = Roformer(config)
        assert names_and_shapes(network) == json.loads((DATA / f"{kind}_{size}_state_dict.json").read_text())


def test_the_published_melband_file_has_the_size_of_this_network() -> None:
    with torch.device("meta"):
        state = Roformer(FULL["melband"]).state_dict()
    assert 0 < 913_106_900 - sum(4 * tensor.numel() for tensor in state.values()) < 600 * len(state)


@pytest.mark.parametrize("kind", KINDS)
def test_the_stems_agree_with_the_references(kind: str, parity: Parity) -> None:
    network = fill(Roformer(golden_config(kind)[0]))
    with np.load(DATA / "roformer.npz") as file, torch.inference_mode():
        stems = network(torch.from_numpy(file["mix"]))
        expected = torch.from_numpy(file[kind]).reshape(stems.shape)
    parity(f"{TITLES[kind]}: golden stems of the reference", stems, expected, TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("zero_dc", [False, True])
def test_the_stems_agree_with_pymss_core(kind: str, skip: bool, zero_dc: bool, parity: Parity) -> None:
    bs_roformer = pytest.importorskip("pymss_core.modules.bs_roformer")
    meta = golden_config(kind)[1] | {"skip_connection": skip, "zero_dc": zero_dc}
    if kind == "melband":
        meta |= {"mlp_hidden_layers": 2}  # its own default would not fit the published weights
    theirs = (bs_roformer.MelBandRoformer if kind == "melband" else bs_roformer.BSRoformer)(**meta)
    config, _ = golden_config(kind)
    ours = Roformer(RoformerConfig(**{**vars(config), "skip": skip, "zero_dc": zero_dc}))
    fill(ours)
    theirs.load_state_dict(ours.state_dict())
    mix = torch.randn(2, 2, 64 * 30, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        stems = ours(mix)
        expected = theirs.eval()(mix).reshape(stems.shape)
    parity(f"{TITLES[kind]}: pymss-core", stems, expected, TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_gives_the_vocals_of_its_network(tmp_path: Path, kind: str) -> None:
    files = write_roformer(tmp_path, mel=kind == "melband")
    separator = roformer.load(files["weights"], files["config"], mel=kind == "melband")
    config = read_roformer(files["config"], kind == "melband").network
    assert isinstance(config, RoformerConfig)
    chunks = torch.randn(2, 2, separator.chunks.length, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = fill(Roformer(config))(chunks)[:, 0]
    torch.testing.assert_close(separator.vocals(chunks), expected)
    assert (separator.chunks.length, separator.chunks.step, separator.chunks.batch) == (8000, 4000, 4)

    rough = roformer.load(files["weights"], files["config"], mel=kind == "melband", bf16=True).vocals(chunks)
    assert 0 < float((rough - expected).square().sum() / expected.square().sum()) < 1e-3


def test_the_checkpoint_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    melband, bsroformer = write_roformer(tmp_path, mel=True), write_roformer(tmp_path, mel=False)
    with pytest.raises(WeightsError, match=r"bsroformer.ckpt does not fit its network: \S+ is missing."):
        roformer.load(bsroformer["weights"], melband["config"], mel=True)


@pytest.mark.parametrize(
    ("mel", "old", "new", "message"),
    [
        (True, "depth: 1", "depth: 1000000000", "model.depth is 1000000000, not a whole number from 1 to 64"),
        (True, "num_bands: 8", "num_bands: 100000", "model.num_bands is 100000"),
        (True, "heads: 2", "heads: 2\n  use_pope: true", "model.use_pope is True, an option that is not built here"),
        (True, "stereo: true", "stereo: false", "only stereo networks"),
        (True, "num_stems: 1", "num_stems: 2", "only stereo networks with a mask for each of their stems"),
        (True, "target_instrument: vocals", "target_instrument: drums", "among the stems (drums) are no vocals"),
        (False, "[1, 4, 12, 48, 64]", "[1, 4, 12, 48, 65]", "model.freqs_per_bands must sum to 129 bins"),
        (False, "[1, 4, 12, 48, 64]", "[1, 4, 12, 48, -64]", "model.freqs_per_bands is [1, 4, 12, 48, -64]"),
        (False, "dim_head: 8", "dim_head: 7", "model.dim_head"),
        (False, "stft_n_fft: 256", "stft_n_fft: 1e18", "model.stft_n_fft is 1e18"),
    ],
)
def test_a_config_that_asks_for_too_much_or_for_something_else_is_refused(
    tmp_path: Path, mel: bool, old: str, new: str, message: str
) -> None:
    files = write_roformer(tmp_path, mel)
    text = MELBAND_YAML if mel else BSROFORMER_YAML
    assert old in text
    files["config"].write_text(text.replace(old, new, 1))
    with pytest.raises(WeightsError) as caught:
        roformer.load(files["weights"], files["config"], mel=mel)
    assert message in str(caught.value)
