"""Pitch trackers: SwiftF0, FCPE (from an installed package) or RMVPE estimate f0; SwiftF0 decides FCPE's voicing.

FCPE: Luo et al., "FCPE: A Fast Context-based Pitch Estimation Model", 2025. SwiftF0 and RMVPE: see there.
"""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from models.convolution import replace_convolutions
from models.pitch import rmvpe, swift_f0
from models.pitch.level import at_full_scale
from models.pitch.subharmonics import without_subharmonics
from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import WeightsError, packaged, verify

FCPE_NAME = "FCPE (torchfcpe 0.0.4)"
FCPE_SHA256 = "b9aeaeb673436eeda50ceafd632aa681aa63417e52eae4207503d180c9b10015"
SWIFT_NAME = swift_f0.NAME
FCPE_ID, SWIFT_ID = "fcpe-b9aeaeb6", "swift-6385e8c2-s1"
HOP = 160  # 10 ms
SWIFT_HOP = swift_f0.HOP
VOICED_CONFIDENCE = 0.5
LOWEST, HIGHEST = 40.0, 2093.75
"""Hz, what a song may have: a soprano sings above the 1100 Hz that speech models stop at, and a bass below their 50."""

NAMES = ("swift", "fcpe", "rmvpe")
"""The first is the default: on voices of known f0 it is as good as FCPE or better (benchmarks/pitch.py)."""


Voicing = tuple[Floats32, Floats32]
"""F0 in Hz and confidence (0…1) every 16 ms, by SwiftF0."""


class Tracker(Protocol):
    """An estimator of f0."""

    @property
    def name(self) -> str:
        """The name printed beside figures."""

    @property
    def model_id(self) -> str:
        """Identifies its weights."""

    @property
    def own_voicing(self) -> bool:
        """Whether its f0 is 0 where unvoiced; else SwiftF0 decides voicing, and replaces f0 where the two disagree."""

    def f0(self, wav: Floats32) -> Floats32:
        """(samples,) at 16 kHz → (samples // 160 + 1,) Hz every 10 ms."""


@dataclass(frozen=True)
class FCPE:
    """The other embedded tracker; its f0 has a value also where unvoiced."""

    network: torch.nn.Module
    name: str = FCPE_NAME
    model_id: str = FCPE_ID
    own_voicing: bool = False

    def f0(self, wav: Floats32) -> Floats32:
        """(samples,) at 16 kHz → (samples // 160 + 1,) Hz every 10 ms; a value also where unvoiced."""
        level = torch.from_numpy(at_full_scale(wav))
        f0 = self.network.infer(  # type: ignore[operator]
            level[None, :, None].to(next(self.network.parameters()).device),
            sr=SPEECH_RATE,
            decoder_mode="local_argmax",
            threshold=0.006,
        )
        return f0[0, :, 0].float().cpu().numpy()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Swift:
    """The embedded tracker."""

    network: swift_f0.SwiftF0
    name: str = SWIFT_NAME
    model_id: str = SWIFT_ID
    own_voicing: bool = True

    def detect(self, wav: Floats32) -> Voicing:
        """What it hears in (samples,) at 16 kHz.

        By itself it misses a tenth of the voiced frames at −30 dBFS, and all of them at −60; and it takes a voice that
        growls for one an octave lower, or for none.
        """
        level = at_full_scale(wav)
        f0, confidence = self.network.hear(level)
        return without_subharmonics(level, f0, confidence, hop=SWIFT_HOP, sure=VOICED_CONFIDENCE, highest=HIGHEST)

    def f0(self, wav: Floats32) -> Floats32:
        """(samples,) at 16 kHz → (samples // 160 + 1,) Hz every 10 ms; see `every_10_ms`."""
        return every_10_ms(self.detect(wav), len(wav))


def every_10_ms(heard: Voicing, samples: int) -> Floats32:
    """What SwiftF0 heard in so many samples → (samples // 160 + 1,) Hz, between voiced estimates on a log scale."""
    f0, confidence = heard
    wanted = np.arange(samples // HOP + 1) * HOP
    voiced = (confidence >= VOICED_CONFIDENCE) & (f0 >= LOWEST) & (f0 <= HIGHEST)
    if not voiced.any():
        return np.zeros(len(wanted), np.float32)
    own = np.arange(len(f0)) * SWIFT_HOP
    smooth = np.exp(np.interp(wanted, own[voiced], np.log(f0[voiced])))
    nearest = np.minimum(np.round(wanted / SWIFT_HOP).astype(int), len(f0) - 1)
    return np.where(voiced[nearest], smooth, 0).astype(np.float32)


@dataclass(frozen=True)
class PitchTrackers:
    """Two loaded trackers, one for f0 and SwiftF0 for voicing; they may be the same. See `load`."""

    tracker: Tracker
    swift: Swift

    @property
    def own_voicing(self) -> bool:
        """Whether `f0` is 0 where unvoiced. Else it has a value everywhere, and `voicing` decides where it is valid."""
        return self.tracker.own_voicing

    @property
    def model_id(self) -> str:
        """Identifies all weights that a song's f0 depends on: its cache key."""
        return self.tracker.model_id if self.own_voicing else f"{self.tracker.model_id}+{SWIFT_ID}"

    @property
    def names(self) -> dict[str, str]:
        """The trackers of a song's f0 and of its voicing."""
        return {"f0": self.tracker.name, "voicing": self.tracker.name if self.own_voicing else SWIFT_NAME}

    def f0(self, wav: Floats32, heard: Voicing | None = None) -> Floats32:
        """(samples,) at 16 kHz → (samples // 160 + 1,) Hz every 10 ms; see `own_voicing`.

        `heard` is what `voicing` gives of the same sound, if it was asked before.
        """
        if heard is not None and self.tracker is self.swift:
            return every_10_ms(heard, len(wav))
        return self.tracker.f0(wav)

    def voicing(self, wav: Floats32) -> Voicing:
        """What SwiftF0, which evaluates all covers, hears in (samples,) at 16 kHz."""
        return self.swift.detect(wav)


def load(device: torch.device | str = "cpu", name: str = NAMES[0], weights: Path | None = None) -> PitchTrackers:
    """SwiftF0 and the tracker of this name, `swift`, `fcpe` or `rmvpe`, checked by sha256; `weights` is RMVPE's file.

    Raises WeightsError.
    """
    swift = Swift(swift_f0.load(device))
    return PitchTrackers(swift if name == "swift" else _tracker(name, weights, device), swift)


def _tracker(name: str, weights: Path | None, device: torch.device | str) -> Tracker:
    if name == "fcpe":
        return _fcpe(device)
    if name != "rmvpe":
        raise WeightsError(f"There is no pitch tracker {name}. There are: {', '.join(NAMES)}.")
    if weights is None:
        raise WeightsError("RMVPE's weights are not here. Fetch them with: discovervoice models pull rmvpe")
    return rmvpe.load(weights, device)


def _fcpe(device: torch.device | str) -> FCPE:
    from torchfcpe import spawn_bundled_infer_model

    verify(packaged("torchfcpe", "assets/fcpe_c_v001.pt"), FCPE_SHA256)
    with contextlib.redirect_stdout(io.StringIO()):  # its loader prints
        network = spawn_bundled_infer_model(device=str(device))
    replace_convolutions(network)
    return FCPE(network)
