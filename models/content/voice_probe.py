"""Whether what sounds is a voice: a linear probe on Whisper's layers, which tell a sung vowel from a flute.

Alain and Bengio, "Understanding intermediate layers using linear classifier probes", 2016. How it was fitted, and on
what: docs/weights.md.
"""

import numpy as np
import torch

from models.content.whisper_text import HeardLayers
from models.signal import Floats32
from models.weights.integrity import WEIGHTS, load_tensors

NAME = "voice probe on Whisper base, layers 4 and 6"
FILE = WEIGHTS / "voice_probe.safetensors"
SHA256 = "2e166769225230f896ee1ee29374623f270f57f106d4dd2a2c541a7376408adb"
MODEL_ID = f"voice-probe-{SHA256[:8]}"
RATE = 50
"""Probabilities in a second."""


def voice_probability(wav: Floats32, encoder: HeardLayers) -> Floats32:
    """(samples,) at 16 kHz → (ceil(samples // 160 / 2),): how likely it is that a voice sounds, 0 to 1.

    It says nothing of silence. Raises WeightsError.
    """
    probe = load_tensors(FILE, SHA256)
    peak = np.float32(max(float(np.abs(wav).max(initial=0.0)), 1e-4))
    heard = encoder.layers(torch.from_numpy(np.ascontiguousarray(wav / peak)).to(encoder.device)).float().cpu()
    return torch.sigmoid(heard @ probe["weight"] + probe["bias"]).numpy()
