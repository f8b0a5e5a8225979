"""SwiftF0's network in Torch: f0 and voicing by convolutions over three spectrograms, from harmonic to harmonic.

Nieradzik, "SwiftF0", 2025. The weights are those that `swift-f0` carries for ONNX Runtime, whose every step is
followed; on one thread it takes some .6 of ONNX Runtime's time, and a GPU can have it.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.signal import Floats32
from models.weights.integrity import WEIGHTS, load_tensors

NAME = "SwiftF0 (swift-f0 0.3.0)"
FILE = WEIGHTS / "swift_f0.safetensors"
SHA256 = "067e4b676f48c4d9e319e0d14f982346c6713be3edc4714ab02d3d83d5328423"
HOP = 256
"""Samples at 16 kHz from one frame to the next, 16 ms."""
SIZES = (1024, 2048, 512)
"""Samples of the windows of the three spectrograms."""
BANDS, PITCHES = 128, 95
LOWEST, HIGHEST = 46.875, 2093.75
"""Hz of the first pitch and of the last; the others lie between on a log scale."""
WIDTH = 12
BLOCKS = ((7, 3, 1), (7, 1, 17), (5, 1, 27), (3, 1, 40), (3, 1, 48), (7, 3, 2))
"""Of each block's kernels: bands, frames, and how many bands lie between: octaves, fifths and the like."""
SILENCE = 1e-3
"""The peak of a frame's own samples below which it is not voiced: the network has never heard digital silence."""
BEFORE, AFTER = 11, 10
"""Frames beside a piece that what is heard of it depends on."""
AT_ONCE = 300
"""Frames that are heard at once: what becomes of them stays in a core's cache."""


class HarmonicBlock(nn.Module):
    """Two convolutions beside what they are given."""

    def __init__(self, bands: int, frames: int, dilation: int) -> None:
        super().__init__()
        padding = (dilation * (bands // 2), frames // 2)
        self.first, self.second = (
            nn.Conv2d(WIDTH, WIDTH, (bands, frames), padding=padding, dilation=(dilation, 1)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 12, bands, T) → the same shape."""
        return F.relu(x + self.second(F.relu(self.first(x))))


class Spectrogram(nn.Module):
    """Log magnitudes in bands, each frame's window centred at its first sample."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.bands = nn.Parameter(torch.empty(size // 2 + 1, BANDS))
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.window: Tensor

    def forward(self, wav: Tensor, frames: int) -> Tensor:
        """(samples,) → (T, bands)."""
        padded = F.pad(wav, (self.size // 2, self.size))
        spectrum = torch.fft.rfft(padded.unfold(0, self.size, HOP)[:frames] * self.window)
        return torch.log(spectrum.abs() @ self.bands + 1e-8)


class SwiftF0(nn.Module):
    """The network."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrograms = nn.ModuleList(Spectrogram(size) for size in SIZES)
        self.first = nn.Conv2d(len(SIZES), WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(HarmonicBlock(*kernel) for kernel in BLOCKS))
        self.narrow = nn.Conv2d(WIDTH, 4, 3, padding=(0, 1))
        self.pitch = nn.Conv2d(4, 1, 1)
        self.clues = nn.Conv2d(4, 4, (5, 1), padding=(2, 0))
        self.voicing = nn.Sequential(nn.Conv1d(5, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 1, 1))

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.pitch.weight.device

    def forward(self, wav: Tensor) -> tuple[Tensor, Tensor]:
        """(samples,) at 16 kHz → the pitches' scores (T, 95) and the confidence (T,) that there is one."""
        frames = max(1, len(wav) // HOP)
        heard = torch.stack([spectrogram(wav, frames) for spectrogram in self.spectrograms]).mT[None]
        x = heard.contiguous(memory_format=torch.channels_last)
        x = self.blocks(F.relu(self.first(x)))[:, :, : PITCHES + 1]
        x = F.relu(self.narrow(F.pad(x, (0, 0, 1, 0))))
        clues = torch.cat([self.clues(x).amax(2), heard.mean((1, 2))[:, None]], 1)
        return self.pitch(x)[0, 0].mT, self.voicing(clues)[0, 0].sigmoid()

    @torch.inference_mode()
    def hear(self, wav: Floats32) -> tuple[Floats32, Floats32]:
        """(samples,) at 16 kHz → Hz and confidence (0…1), each (samples // 256,), of anything at least one.

        It goes in pieces in which everything is heard as in the whole.
        """
        sound, total = torch.from_numpy(wav).to(self.device), max(1, len(wav) // HOP) if len(wav) else 0
        hertz, confidence = torch.zeros(total), torch.zeros(total)
        for start in range(0, total, AT_ONCE):
            stop, first = min(total, start + AT_ONCE), max(0, start - BEFORE)
            last = len(wav) if stop + AFTER >= total else (stop + AFTER) * HOP
            scores, sure = self(sound[first * HOP : last])
            own = slice(start - first, stop - first)
            hertz[start:stop], confidence[start:stop] = _hertz(scores[own].cpu()), sure[own].cpu()
        return hertz.numpy(), np.where(_silent(wav, total), np.float32(0), confidence.numpy())


def _hertz(scores: Tensor) -> Tensor:
    """Scores (T, 95) on the CPU → (T,) Hz: the best pitch and those beside it, each by its share."""
    scores = scores.double()
    places = scores.argmax(1, keepdim=True) + torch.arange(-1, 2)
    shares = F.pad(scores, (1, 1), value=-torch.inf).gather(1, places + 1).softmax(1)
    logs = torch.linspace(np.log(LOWEST), np.log(HIGHEST), PITCHES, dtype=torch.float64)
    return (shares * logs[places.clamp(0, PITCHES - 1)]).sum(1).exp().float()


def _silent(wav: Floats32, frames: int) -> NDArray[np.bool_]:
    """(T,) whether a frame's own samples rest."""
    own = wav[: frames * HOP]
    peaks = np.abs(np.pad(own, (0, frames * HOP - len(own)))).reshape(frames, HOP).max(1, initial=0.0)
    return np.asarray(peaks < SILENCE)


def load(device: torch.device | str = "cpu", path: Path = FILE, sha256: str = SHA256) -> SwiftF0:
    """The network, in evaluation mode. Raises WeightsError."""
    network = SwiftF0()
    network.load_state_dict(load_tensors(path, sha256), assign=True)
    network = network.eval().requires_grad_(False).to(device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
