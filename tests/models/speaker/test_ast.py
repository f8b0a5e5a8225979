"""AST as singer encoder: our small config, strict loading, unit vectors whatever the length, singers by name."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.signal import SPEECH_RATE
from models.speaker import ast
from models.weights.integrity import WeightsError


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("ast") / "tiny.safetensors"
    ast.save(ast.build(hidden_size=48, num_hidden_layers=1, max_length=128), path, "AST tiny (random)")
    return path


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network with random weights that knows three singers."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("ast") / "named.safetensors"
    singers = ast.Singers(ast.SingerHead(48, 3), ("아이유", "B", "C"), 2.0)
    network = ast.build(hidden_size=48, num_hidden_layers=1, max_length=128)
    ast.save(network, path, "AST tiny (random)", singers, {"steps": 7})
    return path


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * SPEECH_RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [1.0, 1.3, 7.0])
def test_any_length_gives_a_unit_vector(saved: Path, seconds: float) -> None:
    vector = ast.load(saved).embed(noise(seconds))
    assert vector is not None and vector.shape == (48,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4)


def test_under_a_second_there_is_no_embedding(saved: Path) -> None:
    assert ast.load(saved).embed(noise(0.9)) is None


def test_what_is_saved_is_what_is_loaded(saved: Path) -> None:
    np.testing.assert_array_equal(ast.load(saved).embed(noise(2)), ast.load(saved).embed(noise(2)))


def test_two_trainings_have_two_ids_and_two_names(saved: Path, named: Path) -> None:
    first, second = ast.load(saved), ast.load(named)
    digest = hashlib.sha256(saved.read_bytes()).hexdigest()
    assert first.model_id == f"ast-{digest[:8]}" and first.name == f"AST tiny (random) ({digest[:8]})"
    assert first.model_id != second.model_id and first.name != second.name


def test_a_long_recording_is_encoded_in_batches(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, sizes = ast.load(saved), []
    encoder.network.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    whole = encoder.embed(noise(40))
    assert whole is not None
    assert sizes == [16, 16]
    monkeypatch.setattr(ast, "BATCH", 100)
    again = encoder.embed(noise(40))
    assert again is not None
    np.testing.assert_allclose(again, whole, atol=1e-5)


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_a_key_that_does_not_fit_is_loud(saved: Path, tmp_path: Path, change: str) -> None:
    with safe_open(saved, framework="pt") as file:
        meta = file.metadata()
    state = load_file(saved)
    key = next(iter(state))
    if change == "missing":
        del state[key]
    elif change == "unexpected":
        state["classifier.weight"] = torch.zeros(2)
    else:
        state[key] = torch.zeros(3)
    broken = tmp_path / "broken.safetensors"
    save_file(state, broken, meta)
    with pytest.raises(WeightsError, match=r"broken\.safetensors is not a whole AST"):
        ast.load(broken)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError):
        ast.load(tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="missing"):
        ast.load(tmp_path / "gone.safetensors")
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors", {"name": "a voice"})
    with pytest.raises(WeightsError, match="tells no config, as a file of another kind does not"):
        ast.load(tmp_path / "other.safetensors")


def test_a_damaged_file_is_refused_in_one_line(saved: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"^broken\.safetensors is not a whole AST: .{10,200}\.$"):
        ast.load(broken)
    with safe_open(saved, framework="pt") as file:
        meta = file.metadata()
    save_file({key: torch.full_like(tensor, torch.nan) for key, tensor in load_file(saved).items()}, broken, meta)
    with pytest.raises(WeightsError, match="values that are no numbers"):
        ast.load(broken)


def test_the_small_config_is_small() -> None:
    assert sum(p.numel() for p in ast.build().parameters()) < 3_000_000


def rewritten(path: Path, out: Path, **meta: str) -> Path:
    """The same tensors with other metadata."""
    with safe_open(path, framework="pt") as file:
        before = file.metadata()
    save_file(load_file(path), out, before | meta)
    return out


def test_a_file_with_singers_gives_their_probabilities_and_embeds_as_before(named: Path) -> None:
    encoder = ast.load(named)
    assert encoder.labels == ("아이유", "B", "C") and encoder.provenance["steps"] == 7
    shares = encoder.probabilities(noise(4))
    assert shares is not None and shares.shape == (3,)
    assert float(shares.sum()) == pytest.approx(1.0, abs=1e-5)
    vector = encoder.embed(noise(4))
    assert vector is not None and np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4)
    assert encoder.probabilities(noise(0.5)) is None


def test_probabilities_are_the_mean_log_probability_of_the_windows_over_the_temperature(named: Path) -> None:
    encoder = ast.load(named)
    assert encoder.singers is not None
    with torch.inference_mode():
        frames = ast.windows(ast.spectrum(ast.loud_parts(noise(3))), encoder.window)
        logits = encoder.singers.head(encoder.network(frames).pooler_output)
        expected = torch.softmax(torch.log_softmax(logits, -1).mean(0) / 2.0, 0)
    assert len(frames) == 3
    probabilities = encoder.probabilities(noise(3))
    assert probabilities is not None
    np.testing.assert_allclose(probabilities, expected.numpy(), atol=1e-6)


def test_probabilities_without_a_classification_head_raise(saved: Path) -> None:
    assert ast.load(saved).labels == ()
    with pytest.raises(WeightsError, match="knows no singers by name"):
        ast.load(saved).probabilities(noise(2))


@pytest.mark.parametrize(
    "stored",
    ['{"labels": ["A", "B"], "temperature": 1}', '{"labels": ["A", "B", "C"], "temperature": 0}', '["A"]', "{"],
)
def test_singers_that_do_not_fit_the_head_are_refused(named: Path, tmp_path: Path, stored: str) -> None:
    broken = rewritten(named, tmp_path / "broken.safetensors", singers=stored)
    with pytest.raises(WeightsError, match="not a whole AST"):
        ast.load(broken)


@pytest.mark.parametrize(
    "config",
    [
        '{"hidden_size": 30000000, "num_attention_heads": 3}',
        '{"num_hidden_layers": 1000000000}',
        '{"hidden_size": "wide"}',
        '{"vocab": 1}',
        "[]",
    ],
)
def test_a_config_that_its_tensors_do_not_have_costs_no_memory(saved: Path, tmp_path: Path, config: str) -> None:
    broken = rewritten(saved, tmp_path / "broken.safetensors", config=config)
    with pytest.raises(WeightsError, match="not a whole AST"):
        ast.load(broken)


def test_windows_cover_everything_and_repeat_what_is_short() -> None:
    frames = torch.arange(300.0)[:, None].expand(300, 128)
    laid = ast.windows(frames, 128)
    assert laid.shape == (3, 128, 128)
    assert {int(value) for value in laid[..., 0].flatten()} == set(range(300))
    short = ast.windows(frames[:50], 128)
    assert short.shape == (1, 128, 128) and float(short[0, 50, 0]) == 0.0
