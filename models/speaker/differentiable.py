"""Resemblyzer on waves that are being learnt: the same network, with a gradient to the samples.

A speaker consistency loss, as in YourTTS (Casanova et al., 2022): what is sung shall be heard as the person.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks

from models.magnitude import magnitudes
from models.signal import SPEECH_RATE
from models.speaker.resemblyzer import VOICES_DB, SpeakerEncoder

RATE = 24_000
FRAMES = 160
"""Of 10 ms: what the network was trained on."""
SAMPLES = FRAMES * RATE // 100
N_FFT, MELS = 400, 40
"""At 16 kHz."""


class DifferentiableSpeaker(nn.Module):
    """(B, SAMPLES) at 24 kHz → unit embeddings (B, 256). Its own weights get no gradient."""

    window: Tensor
    basis: Tensor

    def __init__(self, encoder: SpeakerEncoder) -> None:
        super().__init__()
        network = encoder.network.requires_grad_(False)
        self.lstm, self.linear = cast(nn.LSTM, network.lstm), cast(nn.Linear, network.linear)
        basis = melscale_fbanks(N_FFT // 2 + 1, 0.0, SPEECH_RATE / 2, MELS, SPEECH_RATE, "slaney", "slaney")
        self.register_buffer("window", torch.hann_window(N_FFT * RATE // SPEECH_RATE))
        self.register_buffer("basis", basis.T.contiguous())

    def forward(self, wav: Tensor) -> Tensor:
        """A longer transform with the same hop gives the bins of 40 Hz that the reference has at 16 kHz."""
        levelled = wav * (10 ** (VOICES_DB / 20) / wav.pow(2).mean(1, keepdim=True).add(1e-8).sqrt())
        size = len(self.window)
        found = magnitudes(levelled, self.window, RATE // 100)[:, :FRAMES, : N_FFT // 2 + 1]
        _, (hidden, _) = self.lstm(found.square() * (N_FFT / size) ** 2 @ self.basis.T)
        return F.normalize(self.linear(hidden[-1]).relu() + 1e-6, dim=1)
