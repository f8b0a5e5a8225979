"""The official AST as a start: both ages of names load, positions follow the length, anything missing is loud."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import ASTConfig, ASTForAudioClassification

from lab.networks import audioset
from models.speaker import ast
from models.weights.integrity import WeightsError
from tests.parity import Parity

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_length": 256,
    "frequency_stride": 10,
    "time_stride": 10,
}


def old_name(key: str) -> str:
    """A name of transformers 5 as version 4 has it."""
    key = key.replace("transformer.layers.", "transformer.encoder.layer.")
    key = re.sub(r"attention\.(q|k|v)_proj", lambda m: "attention.attention." + NAMES[m[1]], key)
    key = key.replace("attention.o_proj", "attention.output.dense").replace("mlp.fc1", "intermediate.dense")
    return key.replace("mlp.fc2", "output.dense")


NAMES = {"q": "query", "k": "key", "v": "value"}


@pytest.fixture(scope="module")
def official() -> dict[str, Tensor]:
    """A tiny network in the official layout, with random weights and positions."""
    torch.manual_seed(0)
    network = ASTForAudioClassification(ASTConfig(**TINY, num_labels=5))
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    positions = "audio_spectrogram_transformer.embeddings.position_embeddings"
    state[positions] = torch.randn(state[positions].shape)
    return state


def write(folder: Path, state: dict[str, Tensor], name: str = "model.safetensors", **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(TINY | {"architectures": ["x"]} | config))
    if name.endswith(".bin"):
        torch.save(state, folder / name)
    else:
        save_file(state, folder / name)
    return folder


@pytest.mark.parametrize("name", audioset.NAMES)
@pytest.mark.parametrize("age", ["old", "new"])
def test_both_ages_of_names_give_the_reference_output(
    official: dict[str, Tensor], tmp_path: Path, name: str, age: str, parity: Parity
) -> None:
    state = {old_name(key): tensor for key, tensor in official.items()} if age == "old" else official
    assert any("encoder.layer" in key for key in state) == (age == "old")
    network = audioset.load(write(tmp_path / "hf", state, name)).eval()
    reference = ASTForAudioClassification(ASTConfig(**TINY, num_labels=5)).eval()
    reference.load_state_dict(official)
    frames = torch.randn(2, 256, 128)
    with torch.inference_mode():
        expected = reference.audio_spectrogram_transformer(frames).pooler_output
        parity("AST: ASTForAudioClassification", network(frames).pooler_output, expected, 1e-6)


def test_a_file_is_taken_as_its_folder_and_its_hash_is_held(official: dict[str, Tensor], tmp_path: Path) -> None:
    file = write(tmp_path / "hf", official) / "model.safetensors"
    assert audioset.load(file).config.hidden_size == 32
    with pytest.raises(WeightsError, match="not the pinned file"):
        audioset.load(file, sha256="0" * 64)


@pytest.mark.parametrize(
    "key",
    ["layers.1.attention.q_proj.weight", "embeddings.position_embeddings", "layernorm.bias", "layers.0.mlp.fc2.bias"],
)
def test_any_missing_tensor_is_loud(official: dict[str, Tensor], tmp_path: Path, key: str) -> None:
    state = {name: tensor for name, tensor in official.items() if not name.endswith(f"transformer.{key}")}
    assert len(state) == len(official) - 1
    with pytest.raises(WeightsError, match=rf"(?s)not a whole AST.*{re.escape(key)}"):
        audioset.load(write(tmp_path / "hf", state), frames=128)


def test_only_the_classifier_may_miss(official: dict[str, Tensor], tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in official.items() if not name.startswith("classifier.")}
    assert audioset.load(write(tmp_path / "hf", state)).config.max_length == 256
    with pytest.raises(WeightsError, match=r"(?s)not a whole AST.*surplus"):
        audioset.load(write(tmp_path / "hf", official | {"surplus": torch.zeros(1)}))


def test_weights_of_another_size_than_the_config_are_refused(official: dict[str, Tensor], tmp_path: Path) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"hidden_size": 64},
        {"num_hidden_layers": 3},
        {"max_length": 1024},
        {"time_stride": 16},
    )
    for change in changes:
        with pytest.raises(WeightsError, match="not a whole AST"):
            audioset.load(write(tmp_path / "hf", official, **change))
    with pytest.raises(WeightsError, match="another patch_size"):
        audioset.load(write(tmp_path / "hf", official, patch_size=8))
    (tmp_path / "hf" / "config.json").unlink()
    with pytest.raises(WeightsError, match="not a whole AST"):  # AudioSet's own size is meant
        audioset.load(tmp_path / "hf")


def test_a_config_that_no_network_can_have_is_one_sentence(official: dict[str, Tensor], tmp_path: Path) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"num_attention_heads": 3},
        {"intermediate_size": 10**25},
        {"hidden_size": 1},
        {"time_stride": 2**70},
    )
    for change in changes:
        with pytest.raises(WeightsError, match=r"model\.safetensors is not a whole AST: .") as caught:
            audioset.load(write(tmp_path / "hf", official, **change))
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    with pytest.raises(WeightsError, match=r"config\.json beside the weights cannot be read"):
        audioset.load(write(tmp_path / "hf", official, hidden_size=float("inf")))


@pytest.mark.parametrize("shape", [(), (40,), (1, 40), (1, 40, 32, 1)])
def test_positions_that_are_no_table_are_one_sentence(
    official: dict[str, Tensor], tmp_path: Path, shape: tuple[int, ...]
) -> None:
    state = official | {"audio_spectrogram_transformer.embeddings.position_embeddings": torch.zeros(shape)}
    with pytest.raises(WeightsError, match=r"not a whole AST: .") as caught:
        audioset.load(write(tmp_path / "hf", state), frames=128)
    assert "\n" not in str(caught.value)


def test_a_pickle_with_code_in_it_runs_nothing(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Bomb()}, protocol=2))
    with pytest.raises(WeightsError, match="is no readable weights file"):
        audioset.load(tmp_path)
    assert not (tmp_path / "exploded").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match=r"holds neither model\.safetensors nor pytorch_model\.bin"):
        audioset.load(tmp_path / "empty")


def test_positions_of_the_same_grid_are_identical(official: dict[str, Tensor], tmp_path: Path) -> None:
    positions = torch.randn(1, 2 + 12 * 101, 8)
    assert audioset.resized(positions, (12, 101), (12, 101)) is positions
    assert audioset.grid(audioset.OFFICIAL) == (12, 101)
    folder = write(tmp_path / "hf", official)
    stored = official["audio_spectrogram_transformer.embeddings.position_embeddings"]
    assert torch.equal(audioset.load(folder, frames=256).embeddings.position_embeddings, stored)


def test_positions_of_a_shorter_input_follow_time_and_keep_bands() -> None:
    time = torch.linspace(0, 1, 101).expand(12, 101)
    band = torch.linspace(0, 1, 12)[:, None].expand(12, 101)
    positions = torch.cat([torch.randn(1, 2, 2), torch.stack([time, band], -1).reshape(1, 12 * 101, 2)], 1)
    columns = audioset.grid(audioset.OFFICIAL | {"max_length": 512})[1]
    short = audioset.resized(positions, (12, 101), (12, columns))
    assert columns == 50 and short.shape == (1, 2 + 12 * 50, 2)
    assert torch.equal(short[:, :2], positions[:, :2])
    across, up = short[0, 2:].reshape(12, 50, 2).unbind(-1)
    steps = across.diff(dim=1)
    assert bool((steps > 0).all()) and float(steps.max()) < 2 * float(steps.mean())
    torch.testing.assert_close(up, band[:, :50])


def test_a_shorter_network_hears_shorter_inputs(official: dict[str, Tensor], tmp_path: Path) -> None:
    network = audioset.load(write(tmp_path / "hf", official), frames=100).eval()
    with torch.inference_mode():
        assert network(torch.randn(1, 100, 128)).pooler_output.shape == (1, 32)
    ast.save(network, tmp_path / "ours.safetensors", "from the official one")
    assert ast.load(tmp_path / "ours.safetensors").window == 100
