"""AST as singer encoder: our small config, strict loading, unit vectors whatever the length."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models import ast
from models.checkpoint import WeightsError


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("ast") / "tiny.safetensors"
    ast.save(ast.build(hidden_size=48, num_hidden_layers=1, max_length=128), path, "AST tiny (random)")
    return path


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * ast.RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [1.0, 1.3, 7.0])
def test_any_length_gives_a_unit_vector(saved: Path, seconds: float) -> None:
    vector = ast.load(saved).embed(noise(seconds))
    assert vector is not None and vector.shape == (48,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4)


def test_under_a_second_there_is_no_embedding(saved: Path) -> None:
    assert ast.load(saved).embed(noise(0.9)) is None


def test_what_is_saved_is_what_is_loaded(saved: Path) -> None:
    np.testing.assert_array_equal(ast.load(saved).embed(noise(2)), ast.load(saved).embed(noise(2)))
    assert ast.load(saved).name == "AST tiny (random)"


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_a_key_that_does_not_fit_is_loud(saved: Path, tmp_path: Path, change: str) -> None:
    from safetensors import safe_open

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


def test_the_small_config_is_small() -> None:
    assert sum(p.numel() for p in ast.build().parameters()) < 3_000_000
