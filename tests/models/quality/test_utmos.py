"""UTMOS beside DistillMOS: scores as its authors' code gives them, strict loading, no hub."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.quality import utmos
from models.signal import SPEECH_RATE
from models.weights.integrity import WeightsError
from tests.parity import Parity


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> utmos.UtmosPredictor:
    """The whole network (the package has one size), from a file of small random weights."""
    draw = torch.Generator().manual_seed(0)
    state = {
        key: torch.randn(tensor.shape, generator=draw).mul(0.02).half()
        for key, tensor in utmos._meta_network().state_dict().items()
    }
    state["feature_extractors.0.ssl_model.mask_emb"] = torch.zeros(768)
    path = tmp_path_factory.mktemp("utmos") / "utmos_state_dict.pt"
    torch.save(state, path)
    predictor = utmos.load(path)
    path.unlink()
    return predictor


def hollow() -> dict[str, torch.Tensor]:
    """Every tensor of the network, each of one stored zero: a whole file of a few kilobytes."""
    return {key: torch.zeros(1).expand(tensor.shape) for key, tensor in utmos._meta_network().state_dict().items()}


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * SPEECH_RATE)).astype(np.float32)


def test_a_window_scores_as_the_authors_code_scores_it(predictor: utmos.UtmosPredictor, parity: Parity) -> None:
    from utmos_pytorch import UTMOSScoreTorch

    theirs = UTMOSScoreTorch.__new__(UTMOSScoreTorch)
    torch.nn.Module.__init__(theirs)
    theirs.model = predictor.network
    scores = predictor.windows(noise(0.9))
    assert scores.shape == (1,) and scores.dtype == np.float32
    expected = torch.as_tensor(theirs.score(torch.from_numpy(noise(0.9)))).reshape(1)
    parity("UTMOS: utmos-pytorch", torch.from_numpy(scores), expected, 1e-5)
    assert scores[0] != pytest.approx(float(predictor.windows(noise(0.7))[0]), abs=1e-7)


def test_a_score_belongs_to_each_window_and_none_is_padded_much(predictor: utmos.UtmosPredictor) -> None:
    wav = noise(8.2)
    scores = predictor.windows(wav)
    assert scores.shape == (2,)
    assert scores[1] == predictor.windows(wav[utmos.WINDOW :])[0]
    assert np.isfinite(predictor.windows(noise(0.1))).all()


@pytest.mark.parametrize(
    "key", ["output_layers.1.net.3.bias", "feature_extractors.0.ssl_model.encoder.pos_conv.0.weight_g"]
)
def test_a_missing_key_is_loud(tmp_path: Path, key: str) -> None:
    state = hollow()
    del state[key]
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(WeightsError, match=rf"^x\.pt does not fit its network: {key} is missing\.$"):
        utmos.load(tmp_path / "x.pt")


def test_what_belongs_to_nothing_is_loud(tmp_path: Path) -> None:
    torch.save(hollow() | {"feature_extractors.2.weight": torch.zeros(1)}, tmp_path / "x.pt")
    with pytest.raises(
        WeightsError, match=r"^x\.pt does not fit its network: feature_extractors\.2\.weight has no place in it\.$"
    ):
        utmos.load(tmp_path / "x.pt")


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    path = tmp_path / "x.pt"
    with pytest.raises(WeightsError, match="missing"):
        utmos.load(path)
    for content in (b"", b"no weights", pickle.dumps({"a": Bomb()}, protocol=2)):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="is no readable weights file"):
            utmos.load(path)
    assert not (tmp_path / "exploded").exists()
    torch.save(hollow(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(WeightsError, match="is no readable weights file"):
        utmos.load(path)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="something else than named tensors"):
        utmos.load(path)
    with pytest.raises(WeightsError, match="not the pinned file"):
        utmos.load(path, sha256="0" * 64)
