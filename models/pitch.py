"""Pitch trackers that installed packages carry: FCPE for f0, SwiftF0 for voicing.

FCPE: Luo et al., "FCPE: A Fast Context-based Pitch Estimation Model", 2025. SwiftF0: Nieradzik, 2025.
"""

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .checkpoint import packaged, verify

FCPE_NAME = "FCPE (torchfcpe 0.0.4)"
FCPE_SHA256 = "b9aeaeb673436eeda50ceafd632aa681aa63417e52eae4207503d180c9b10015"
SWIFT_NAME = "SwiftF0 (swift-f0 0.3.0)"
SWIFT_SHA256 = "6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22"
MODEL_ID = "fcpe-b9aeaeb6+swift-6385e8c2"
RATE = 16000
HOP = 160  # 10 ms
VOICED_CONFIDENCE = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PitchTrackers:
    """Two warm trackers; `load` makes them."""

    fcpe: torch.nn.Module
    swift: object

    def f0(self, wav: Floats) -> Floats:
        """(samples,) at 16 kHz → (samples // 160 + 1,) Hz every 10 ms; a value also where unvoiced."""
        peak = float(np.abs(wav).max(initial=0.0))
        level = torch.from_numpy(wav / peak if peak > 0 else wav)
        f0 = self.fcpe.infer(  # type: ignore[operator]
            level[None, :, None].to(next(self.fcpe.parameters()).device),
            sr=RATE,
            decoder_mode="local_argmax",
            threshold=0.006,
        )
        return f0[0, :, 0].float().cpu().numpy()  # type: ignore[no-any-return]

    def voicing(self, wav: Floats) -> tuple[Floats, Floats]:
        """(samples,) at 16 kHz → f0 in Hz and confidence (0…1) every 16 ms, by SwiftF0."""
        result = self.swift.detect(wav, RATE)  # type: ignore[attr-defined]
        return result.pitch_hz.astype(np.float32), result.confidence.astype(np.float32)


def load(device: torch.device | str = "cpu", threads: int = 1) -> PitchTrackers:
    """Both trackers from their packages, checked by sha256. Raises WeightsError."""
    from swift_f0 import SwiftF0
    from torchfcpe import spawn_bundled_infer_model

    verify(packaged("torchfcpe", "assets/fcpe_c_v001.pt"), FCPE_SHA256)
    verify(packaged("swift_f0", "model.onnx"), SWIFT_SHA256)
    with contextlib.redirect_stdout(io.StringIO()):  # its loader prints
        fcpe = spawn_bundled_infer_model(device=str(device))
    return PitchTrackers(fcpe, SwiftF0(threads=threads, spin=False))
