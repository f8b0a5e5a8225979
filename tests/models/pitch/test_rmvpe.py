"""Parity of RMVPE with the reference (`tests/data/rmvpe`), also in chunks; only its own weights are accepted."""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.memory import AdaptiveSize
from models.pitch import trackers
from models.pitch.rmvpe import (
    BINS,
    E2E,
    GRID,
    HOP,
    MELS,
    RMVPE,
    E2EConfig,
    LogMel,
    decode,
    load,
    mel_basis,
    predict_salience,
)
from models.signal import SPEECH_RATE
from models.weights.integrity import WeightsError
from tests.parity import Parity, error

DATA = Path(__file__).parents[2] / "data" / "rmvpe"
TOLERANCE = 1e-4
SMALL = E2EConfig(width=2, blocks=1, inner=1, hidden=16)


@pytest.fixture(autouse=True, scope="module")
def two_threads() -> Iterator[None]:
    """As the reference ran: with one thread convolutions add up in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


def fill(module: nn.Module) -> None:
    """Set every weight to the fixed function of its own name with which the golden values were computed.

    In place where it can be: there are 90 M of them, and another order of rounding gives other weights.
    """
    state = module.state_dict()
    numbers = torch.arange(max(p.numel() for p in state.values()), dtype=torch.float64)
    for name, p in state.items():
        k, i = zlib.crc32(name.encode()) % 9973, numbers[: p.numel()]
        v = (0.7 * i).add_(k).sin_()
        v += (0.0137 * i).mul_(1 + k % 7).add_(0.1 * k).sin_().mul_(0.5)
        if name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            v = torch.full_like(v, float(name.endswith("running_var")))
        elif p.dim() == 1:
            v = v.mul_(0.05).add_(float(name.endswith(".weight")))
        else:
            v *= (1.5 / p[0].numel()) ** 0.5
        p.copy_(v.reshape(p.shape))


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    with np.load(DATA / "rmvpe.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


class Loudest(nn.Module):
    """In the network's place: each frame's loudest mel band as a pitch, so that time and Hz can be checked."""

    def __init__(self) -> None:
        super().__init__()
        centres = torch.from_numpy(np.linspace(0, SPEECH_RATE / 2, 513)[mel_basis().argmax(1)])
        bins = ((1200 * torch.log2(centres / 10) - 1997.3794084376191) / 20).round()
        self.band = nn.functional.one_hot(bins.long().clamp(0, BINS - 1), BINS).float()
        self.seen = list[int]()

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 128, T) → (B, T, 360)."""
        self.seen.append(mel.shape[-1])
        return torch.softmax(10 * mel.transpose(1, 2), -1) @ self.band


def tracker(network: nn.Module, **changes: object) -> RMVPE:
    return replace(RMVPE(network, LogMel(), "test"), **changes)  # type: ignore[arg-type]


@pytest.fixture
def small() -> E2E:
    torch.manual_seed(0)
    return E2E(SMALL).eval()


def sweep(seconds: float) -> np.ndarray:
    """A tone that rises by an octave, from 400 Hz."""
    t = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    phase = 2 * np.pi * np.cumsum(400 * 2 ** (t / seconds)) / SPEECH_RATE
    return (0.3 * np.sin(phase)).astype(np.float32)


def test_the_state_dict_has_the_references_names_order_and_shapes() -> None:
    with torch.device("meta"):
        network = E2E()
    expected = json.loads((DATA / "rmvpe_state_dict.json").read_text())
    assert [[name, list(value.shape)] for name, value in network.state_dict().items()] == expected


def test_mel_and_decoding_agree(golden: dict[str, Tensor], parity: Parity) -> None:
    mel = LogMel()(golden["wav"])
    parity("RMVPE: golden mel", mel.exp(), golden["mel"].exp(), 1e-6)
    # The golden logarithm is 1.5e-6 off float64: quiet bands carry the FFT's rounding, which differs by processor.
    parity("RMVPE: golden log-mel", mel, golden["mel"], 3e-6)
    f0 = decode(golden["salience"])
    parity("RMVPE: golden f0 from the salience", f0, golden["f0"], 1e-6)
    assert torch.equal(f0 == 0, golden["f0"] == 0) and (f0 == 0).any()


def test_the_network_agrees(golden: dict[str, Tensor], parity: Parity) -> None:
    """Frame by frame: these weights drive the U-Net to 1e30, and the GRU's gates to 0 or 1.

    Where a gate lies near its edge, rounding decides: the reference's float32 is off from its own float64 in 12 of 64
    frames. On the processor kind that computed the golden values all 64 agree to the bit; a wrong network has none.
    """
    with torch.device("meta"):
        empty = E2E().eval()
    network = empty.to_empty(device="cpu")
    with torch.no_grad():
        fill(network)
        salience = predict_salience(network, LogMel()(golden["wav"]))[0]
    off = (salience - golden["hidden"]).abs().amax(1) / golden["hidden"].max()
    assert salience.shape == (64, BINS)
    alike = off.argsort()[: round(0.8 * len(off))]
    parity("RMVPE: golden salience, the better 80 % of frames", salience[alike], golden["hidden"][alike], TOLERANCE)


def test_every_weight_has_a_say(small: E2E) -> None:
    small(torch.randn(1, MELS, GRID, generator=torch.Generator().manual_seed(1))).square().sum().backward()
    silent = [name for name, p in small.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


def test_the_network_sees_time_filled_up_by_reflection(small: E2E) -> None:
    mel = torch.randn(1, MELS, 2 * GRID - 14, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        salience = predict_salience(small, mel)
        by_hand = torch.cat([mel, mel[..., -15:-1].flip(-1)], -1)
        assert by_hand.shape[-1] == 2 * GRID
        torch.testing.assert_close(salience, small(by_hand)[:, : mel.shape[-1]])
        zeros = small(nn.functional.pad(mel, (0, 14)))[:, : mel.shape[-1]]
    assert error(zeros, salience) > 1e-4


def test_a_rising_tone_has_its_pitch_at_its_time_also_across_pieces() -> None:
    wav = sweep(9)
    network = Loudest()
    f0 = tracker(network, chunk=AdaptiveSize("blocks", 4)).f0(wav)
    assert len(f0) == len(wav) // HOP + 1 and len(network.seen) == 8
    expected = 400 * 2 ** (np.arange(len(f0)) * HOP / len(wav))
    cents = 1200 * np.log2(f0[10:-10] / expected[10:-10])
    assert np.abs(cents).max() < 70  # a mel band is as wide
    np.testing.assert_allclose(tracker(Loudest()).f0(wav), f0, rtol=1e-5)


def test_chunks_of_the_real_network_give_the_f0_of_the_whole(small: E2E) -> None:
    wav = sweep(12) + 0.01 * np.random.default_rng(0).standard_normal(12 * SPEECH_RATE).astype(np.float32)
    whole, pieces = tracker(small).f0(wav), tracker(small, chunk=AdaptiveSize("blocks", 10)).f0(wav)
    assert len(whole) == len(pieces) == 1201
    assert (np.abs(pieces - whole) < 1e-3 * whole).mean() > 0.95


@pytest.mark.parametrize("samples", [0, 1, 400, 2559, 2561, 16000])
def test_a_short_sound_has_as_many_frames_as_any(small: E2E, samples: int) -> None:
    f0 = tracker(small).f0(np.zeros(samples, np.float32))
    assert f0.shape == (samples // HOP + 1,) and f0.dtype == np.float32 and np.isfinite(f0).all()


def test_short_memory_halves_the_chunks_and_they_stay_so(small: E2E) -> None:
    class Narrow(E2E):
        def forward(self, mel: Tensor) -> Tensor:
            if mel.shape[-1] > 1000:
                raise torch.OutOfMemoryError("Tried to allocate 20.00 MiB.")
            return super().forward(mel)

    network = Narrow(SMALL).eval()
    network.load_state_dict(small.state_dict())
    shrunk, wav = tracker(network), sweep(12)
    f0 = shrunk.f0(wav)
    assert shrunk.chunk.size == 19  # of the 38 in the input; 8 more are context
    np.testing.assert_array_equal(f0, tracker(small, chunk=AdaptiveSize("blocks", 19)).f0(wav))
    shrunk.f0(wav)
    assert shrunk.chunk.size == 19


def stored(path: Path, state: object) -> str:
    torch.save(state, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_in_half_precision_loads_and_is_used_in_full(tmp_path: Path, small: E2E) -> None:
    path = tmp_path / "rmvpe.pt"
    sha256 = stored(path, small.half().state_dict())
    loaded = load(path, sha256=sha256, config=SMALL)
    assert loaded.model_id == f"rmvpe-{sha256[:8]}" and not loaded.network.training
    assert {p.dtype for p in loaded.network.parameters()} == {torch.float32}
    np.testing.assert_allclose(loaded.f0(sweep(1)), tracker(small.float()).f0(sweep(1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cnn.bias": None}, "cnn.bias"),
        ({"cnn.extra": torch.zeros(1)}, "cnn.extra"),
        ({"fc.1.bias": torch.zeros(361)}, "fc.1.bias"),
    ],
)
def test_a_tensor_that_is_missing_left_over_or_of_another_shape_is_named(
    tmp_path: Path, small: E2E, change: dict[str, Tensor | None], message: str
) -> None:
    state = {name: value for name, value in (small.state_dict() | change).items() if value is not None}
    sha256 = stored(tmp_path / "rmvpe.pt", state)
    with pytest.raises(WeightsError, match=message.replace(".", r"\.")):
        load(tmp_path / "rmvpe.pt", sha256=sha256, config=SMALL)


def test_another_file_than_the_pinned_one_is_refused_and_nothing_in_it_is_run(tmp_path: Path, small: E2E) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "run",)

    path = tmp_path / "rmvpe.pt"
    sha256 = stored(path, {"cnn.bias": Bomb()})
    with pytest.raises(WeightsError, match="not the pinned file"):
        trackers.load(name="rmvpe", weights=path)
    with pytest.raises(WeightsError, match=r"rmvpe\.pt"):
        load(path, sha256=sha256, config=SMALL)
    assert not (tmp_path / "run").exists()
    with pytest.raises(WeightsError, match="models pull rmvpe"):
        trackers.load(name="rmvpe")
    with pytest.raises(WeightsError, match="swift, fcpe, rmvpe"):
        trackers.load(name="crepe")


def test_what_the_trackers_find_is_kept_apart(small: E2E) -> None:
    embedded, fcpe = trackers.load(), trackers.load(name="fcpe")
    beside = replace(embedded, tracker=tracker(small))
    assert len({embedded.model_id, fcpe.model_id, beside.model_id}) == 3 and beside.model_id == "test"
    assert embedded.names == {"f0": trackers.SWIFT_NAME, "voicing": trackers.SWIFT_NAME}
    assert fcpe.names == {"f0": trackers.FCPE_NAME, "voicing": trackers.SWIFT_NAME}
    assert beside.names == {"f0": "RMVPE", "voicing": "RMVPE"}
