"""Speaker embedding by Resemblyzer (GE2E): Wan et al., "Generalized End-to-End Loss for Speaker
Verification", 2018.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torchaudio.functional import melscale_fbanks

from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import packaged, verify

NAME = "Resemblyzer 0.1.4"
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
MODEL_ID = "resemblyzer-39373b86"
WIDTH = 256
WINDOW, HOP, BINS = 400, 160, 40


@dataclass(frozen=True)
class SpeakerEncoder:
    """A loaded encoder; see `load`."""

    network: torch.nn.Module
    name: str = NAME
    model_id: str = MODEL_ID
    labels: tuple[str, ...] = ()
    """Empty: it only embeds."""

    def embed(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → unit vector (256,); None where voice activity detection leaves less than 1 s."""
        from resemblyzer import preprocess_wav

        if not wav.any():
            return None
        speech = preprocess_wav(wav)
        if len(speech) < SPEECH_RATE:
            return None
        vector = self._partials(speech).mean(0)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def _partials(self, speech: Floats32) -> Floats32:
        """(samples,) → (n, 256) of windows of 1.6 s, as the package's `embed_utterance` cuts them.

        Not by that function: its spectrogram loads librosa, which takes longer than a minute of speech.
        """
        network: Any = self.network
        samples, frames = network.compute_partial_slices(len(speech), rate=1.3, min_coverage=0.75)
        spectrogram = mel(np.pad(speech, (0, max(0, samples[-1].stop - len(speech)))))
        with torch.no_grad():
            windows = torch.stack([spectrogram[cut] for cut in frames]).to(network.device)
            return network(windows).cpu().numpy()  # type: ignore[no-any-return]


def mel(wav: Floats32) -> torch.Tensor:
    """(samples,) at 16 kHz → (frames, 40), the power (no logarithm) in mel bands that the network was trained on."""
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(wav, np.float32)),
        WINDOW,
        HOP,
        window=torch.hann_window(WINDOW),
        pad_mode="constant",
        return_complex=True,
    )
    bands: torch.Tensor = melscale_fbanks(
        WINDOW // 2 + 1, 0.0, SPEECH_RATE / 2, BINS, SPEECH_RATE, norm="slaney", mel_scale="slaney"
    )
    return (spectrum.real.square() + spectrum.imag.square()).T @ bands


def load(device: torch.device | str = "cpu") -> SpeakerEncoder:
    """The encoder with the weights of its package. Raises WeightsError."""
    from resemblyzer import VoiceEncoder

    verify(packaged("resemblyzer", "pretrained.pt"), SHA256)
    return SpeakerEncoder(VoiceEncoder(device=str(device), verbose=False))
