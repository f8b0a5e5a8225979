"""HTDemucs from files in the package's own format: the numbers of the package, and no class but HTDemucs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from demucs.apply import apply_model
from demucs.hf import load_safetensors_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.separation import htdemucs
from models.separation.chunks import ChunkSeparator
from models.weights.integrity import WeightsError
from pipeline.separation.chunked import chunked_vocals
from tests.models.separation.separator_files import write_htdemucs
from tests.parity import Parity

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_htdemucs(tmp_path_factory.mktemp("htdemucs") / "htdemucs.safetensors")


@pytest.fixture(scope="module")
def separator(file: Path) -> ChunkSeparator:
    return htdemucs.load(file)


@pytest.fixture(scope="module")
def mix() -> torch.Tensor:
    """1.6 s that get louder, and lie off zero."""
    draw = torch.Generator().manual_seed(2)
    return torch.randn(2, 70_000, generator=draw) * torch.linspace(0.02, 0.2, 70_000) + 0.05


def test_the_vocals_are_those_of_the_package_on_the_whole_song(
    file: Path, separator: ChunkSeparator, mix: torch.Tensor, parity: Parity
) -> None:
    """The package normalises by the whole song and has no borders: it is given the reflected mix, on our grid."""
    chunks = separator.chunks
    assert (chunks.length, chunks.step) == (22050, 16537)
    border = chunks.length - chunks.step
    count = -(-(mix.shape[1] + border - chunks.step) // chunks.step) + 1
    after = (count - 1) * chunks.step + chunks.length - border - mix.shape[1]
    padded = torch.from_numpy(np.pad(mix.numpy(), ((0, 0), (border, after)), "reflect"))
    mean, deviation = mix.mean(0).mean(), mix.mean(0).std()
    model = load_safetensors_model(file).eval()
    stems = apply_model(model, (padded[None] - mean) / deviation, shifts=0, overlap=0.25)[0]
    expected = (stems[3] * deviation + mean)[:, border : border + mix.shape[1]]
    ours = np.concatenate(list(chunked_vocals([mix.numpy()], separator)), axis=1)
    parity("HTDemucs: demucs' apply_model over the whole mix", torch.from_numpy(ours), expected, 2e-4)


def test_a_quieter_mix_has_vocals_as_much_quieter(separator: ChunkSeparator, mix: torch.Tensor) -> None:
    chunk = mix[None, :, :22050]
    torch.testing.assert_close(separator.vocals(chunk * 1e-3) * 1e3, separator.vocals(chunk), atol=1e-4, rtol=1e-4)


def test_an_inverted_channel_is_no_silence(separator: ChunkSeparator, mix: torch.Tensor) -> None:
    one = mix[0, :22050]
    chunk = torch.stack([one, -one])[None]
    quieter = separator.vocals(chunk * 1e-2) * 1e2
    torch.testing.assert_close(quieter, separator.vocals(chunk), atol=1e-4, rtol=1e-4)
    assert float(separator.vocals(chunk).abs().max()) < 100


def test_silence_stays_silent(separator: ChunkSeparator) -> None:
    assert float(separator.vocals(torch.zeros(1, 2, 22050)).abs().max()) < 1e-6


def test_every_run_gives_the_same(file: Path, separator: ChunkSeparator, mix: torch.Tensor) -> None:
    chunk = mix[None, :, :22050]
    assert torch.equal(separator.vocals(chunk), htdemucs.load(file).vocals(chunk))


def test_bfloat16_stays_near(file: Path, separator: ChunkSeparator, mix: torch.Tensor) -> None:
    chunk = mix[None, :, :22050]
    exact, rough = separator.vocals(chunk), htdemucs.load(file, bf16=True).vocals(chunk)
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).square().sum() / exact.square().sum()) < 10**-3.5


def rewritten(
    file: Path, out: Path, change: dict[str, Any], drop: str = "", metadata: dict[str, str] | None = None
) -> Path:
    """The same file with other arguments, without a tensor, or with other metadata."""
    with safe_open(file, framework="pt") as opened:
        before = opened.metadata()
    kwargs = json.loads(before["kwargs"]) | change
    state = {name: tensor for name, tensor in load_file(file).items() if name != drop}
    save_file(state, out, before | {"kwargs": json.dumps(kwargs)} | (metadata or {}))
    return out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 10_000_000}, "channels is 10000000, more than any HTDemucs has"),
        ({"channels": 50_000}, "has the shape"),
        ({"t_layers": 10**9}, "t_layers is 1000000000"),
        ({"segment": 1e9}, "asks for chunks of 1000000000.0 s"),
        ({"segment": float("nan")}, "asks for chunks of nan s"),
        ({"samplerate": 48000}, "is not for stereo at 44.1 kHz"),
        ({"sources": ["drums", "bass"]}, "its stems hold no vocals"),
        ({"sources": ["drums", "vocals"]}, "has the shape"),
        ({"t_layers": 4}, "is missing"),
        ({"nfft": "x"}, "describes no HTDemucs that can be built"),
    ],
)
def test_arguments_that_are_no_htdemucs_of_this_file_are_refused(
    file: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(WeightsError) as caught:
        htdemucs.load(rewritten(file, tmp_path / "other.safetensors", change))
    assert str(caught.value).startswith("other.safetensors") and message in str(caught.value)


@pytest.mark.parametrize(
    "metadata", [{"klass": "os.system"}, {"klass": "demucs.demucs.Demucs"}, {"structure": '{"_class": "os.system"}'}]
)
def test_another_class_is_refused_and_not_called(file: Path, tmp_path: Path, metadata: dict[str, str]) -> None:
    if metadata.get("klass") == "os.system":
        metadata |= {"args": json.dumps([f"touch {tmp_path / 'ran'}"]), "kwargs": "{}"}
    with pytest.raises(WeightsError, match=r"not a plain demucs.htdemucs.HTDemucs\.$"):
        htdemucs.load(rewritten(file, tmp_path / "other.safetensors", {}, metadata=metadata))
    assert not (tmp_path / "ran").exists()


def test_a_file_without_a_tensor_cut_or_absent_is_refused(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    with pytest.raises(WeightsError, match=r"^other.safetensors does not fit its network: \S+ is missing.$"):
        htdemucs.load(rewritten(file, other, {}, drop="encoder.0.conv.weight"))
    other.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(WeightsError, match=r"^other.safetensors is no readable weights file"):
        htdemucs.load(other)
    with pytest.raises(WeightsError, match=r"^gone.safetensors is missing.$"):
        htdemucs.load(tmp_path / "gone.safetensors")
