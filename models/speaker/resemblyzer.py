"""Speaker embedding by Resemblyzer (GE2E): Wan et al., "Generalized End-to-End Loss for Speaker
Verification", 2018.
"""

from dataclasses import dataclass

import numpy as np
import torch

from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import packaged, verify

NAME = "Resemblyzer 0.1.4"
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
MODEL_ID = "resemblyzer-39373b86"
WIDTH = 256


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
        return self.network.embed_utterance(speech).astype(np.float32)  # type: ignore[operator,no-any-return]


def load(device: torch.device | str = "cpu") -> SpeakerEncoder:
    """The encoder with the weights of its package. Raises WeightsError."""
    from resemblyzer import VoiceEncoder

    verify(packaged("resemblyzer", "pretrained.pt"), SHA256)
    return SpeakerEncoder(VoiceEncoder(device=str(device), verbose=False))
