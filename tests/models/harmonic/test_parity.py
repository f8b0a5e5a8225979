"""The decoder is hibari-tts': its filters against the package's graph, its waves against the package's code.

On purpose it differs in three things, which are left out here: where voice begins and ends its pitch is held, there is
no noise below it, and the part without excitation is silent where voiced and scattered where not
(`models/harmonic/network.py` says why).
"""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hibari import dsp
from numpy.typing import NDArray
from torch import Tensor, nn

from lab.corpus.graph import rewired
from lab.networks.hibari import Hibari
from models.harmonic.excitation import pulse_train
from models.harmonic.network import ENERGY_SCALE, F0_SCALE, UNVOICED, Filters, HarmonicDecoder
from tests.parity import Parity

TOLD = "/Concat_43_output_0"
"""What the graph's decoder is told: 128 features, f0 and energy (1, 130, T)."""
HEAD = "/Transpose_58_output_0"
OUTPUTS = ("lh", "theta", "ln", "lr", "phi")
PHONES = (0, *(50, 83, 54, 156, 57, 135, 3, 16, 65, 102, 4, 43, 56) * 2, 0)
"""It says nothing in particular, for 2 s."""


class Recorded:
    """A numpy generator that gives this noise."""

    def __init__(self, noise: NDArray[np.float32]) -> None:
        self.noise = noise

    def standard_normal(self, shape: tuple[int, int], dtype: type[np.float32]) -> NDArray[np.float32]:
        assert shape == self.noise.shape
        return self.noise.copy()


@pytest.fixture(scope="module")
def hibari() -> Hibari:
    return Hibari()


@pytest.fixture(scope="module")
def spoken(hibari: Hibari) -> tuple[Tensor, Tensor, Tensor, Filters]:
    """Content, f0 and energy that the package's graph speaks with, and the filters that it makes of them."""
    told = torch.from_numpy(session(hibari, [], [TOLD]).run(None, phones())[0])
    content, energy = told[:, :128], told[:, 129] * ENERGY_SCALE
    f0 = (told[:, 128] * F0_SCALE).expm1()
    f0 = torch.where(f0 > 40, f0, torch.zeros_like(f0))
    told = torch.cat([content, *(track[:, None] for track in scaled(f0, energy))], 1)
    made = session(hibari, [TOLD], []).run(OUTPUTS, {**phones(), TOLD: told.numpy()})
    assert 100 < f0.shape[1] < 300 and 0.3 < (f0 > 0).float().mean() < 0.9
    return content, f0, energy, Filters(*map(torch.from_numpy, made))


def phones() -> dict[str, NDArray[Any]]:
    return {"ids": np.array([PHONES], np.int64), "speed": np.ones(1, np.float32)}


def scaled(f0: Tensor, energy: Tensor) -> tuple[Tensor, Tensor]:
    """As the decoder's first layer wants them."""
    return torch.where(f0 > 0, f0, torch.full_like(f0, UNVOICED)).log1p() / F0_SCALE, energy / ENERGY_SCALE


def session(hibari: Hibari, inputs: list[str], outputs: list[str]) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(rewired(hibari.file, inputs, outputs), options, ["CPUExecutionProvider"])


def in_8_bits(_module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
    """What ONNX's DynamicQuantizeLinear leaves of a layer's input."""
    (x,) = args
    low, high = x.min().clamp(max=0), x.max().clamp(min=0)
    scale = (high - low) / 255
    zero = (-low / scale).round()
    return ((((x / scale).round() + zero).clamp(0, 255) - zero) * scale,)


@torch.no_grad()
def filters(decoder: HarmonicDecoder, spoken: tuple[Tensor, Tensor, Tensor, Filters]) -> Filters:
    content, f0, energy, _ = spoken
    return decoder.filters(content, f0, energy, torch.ones(1, decoder.config.speaker_width))


def test_its_filters_are_the_graphs_but_for_8_bit_sums(
    hibari: Hibari, spoken: tuple[Tensor, Tensor, Tensor, Filters], parity: Parity
) -> None:
    unvoiced = spoken[1][0] <= 0
    above = torch.arange(601)[:, None] * 20 >= spoken[1]
    for name, ours, theirs in zip(Filters._fields, filters(hibari.decoder(), spoken), spoken[3], strict=True):
        if name == "free":
            ours, theirs = ours[..., unvoiced], theirs[..., unvoiced]
        if name == "noise":
            ours, theirs = ours[:, above], theirs[:, above]
        parity("h24 decoder: hibari's graph, which sums in 8 bits", ours, theirs, 8e-2)
        assert (ours - theirs).abs().mean() < 0.1, name
        assert np.corrcoef(ours.flatten(), theirs.flatten())[0, 1] > 0.999, name


def test_each_block_is_the_graphs_if_it_sums_in_8_bits_too(
    hibari: Hibari, spoken: tuple[Tensor, Tensor, Tensor, Filters], parity: Parity
) -> None:
    decoder = hibari.decoder()
    for name, layer in decoder.named_modules():
        if isinstance(layer, nn.Linear) and "speaker" not in name:
            layer.register_forward_pre_hook(in_8_bits)
    inner = ["/dec_in/Conv_output_0", *(f"/dec.{n}/Add_1_output_0" for n in range(len(decoder.dec)))]
    told = torch.cat([spoken[0], *(track[:, None] for track in scaled(spoken[1], spoken[2]))], 1)
    feed = {**phones(), TOLD: told.numpy()}
    theirs = list(map(torch.from_numpy, session(hibari, [TOLD], [*inner, HEAD]).run([*inner, HEAD], feed)))
    with torch.no_grad():
        parity("h24 decoder's first layer: hibari's graph", decoder.dec_in(told), theirs[0], 1e-5)
        for block, x, y in zip(decoder.dec, theirs, theirs[1:], strict=False):
            parity("h24 decoder's blocks in 8 bits: hibari's graph", block(x), y, 2e-3)
        head = decoder.head(decoder.dec_norm(theirs[-2].mT)).mT
        parity("h24 decoder's head in 8 bits: hibari's graph", head, theirs[-1], 1e-4)


def test_its_wave_is_the_packages_of_the_same_filters_and_noise(
    hibari: Hibari, spoken: tuple[Tensor, Tensor, Tensor, Filters], parity: Parity
) -> None:
    made = spoken[3]
    frames, bins = spoken[1].shape[1], made.noise.shape[1]
    f0 = torch.linspace(90, 400, frames)[None]
    drawn = np.random.default_rng(0).standard_normal((bins, 2 * frames), dtype=np.float32)
    drawn[0, ::2], drawn[0, 1::2], drawn[-1, ::2] = 1, 0, 0  # nothing is turned, nothing is moved
    theirs = dsp.synth(*(part[0].numpy() for part in made), f0[0].numpy(), Recorded(drawn))
    noise = torch.from_numpy(drawn).view(bins, frames, 2).permute(2, 0, 1)[None]
    with torch.no_grad():
        ours = hibari.decoder().synthesize(made, f0, noise=noise)[0]
    parity("h24 decoder: hibari's synth", ours, torch.from_numpy(theirs), 1e-3)


def test_its_pulses_are_the_packages(parity: Parity) -> None:
    f0 = torch.cat([torch.linspace(90, 400, 120), torch.linspace(400, 60, 80)])[None]
    theirs = torch.from_numpy(dsp.pulses(f0[0].numpy()))
    parity("h24 decoder: hibari's pulses", pulse_train(f0, dsp.SR, dsp.HOP)[0], theirs, 1e-2)
