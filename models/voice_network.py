"""The interface of a voice's network; RVC's synthesizer and the harmonic decoder implement it."""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from models.signal import Floats32, Floats64

TRIAL_FRAMES = 300


@dataclass(frozen=True)
class VoiceFrames:
    """T frames of 10 ms of what is to be sung; everything lies on the network's device."""

    content: Tensor
    """(ceil(T / 2), C) content features at 50 frames/s."""
    f0: Tensor
    """(T,) Hz, 0 where unvoiced."""
    energy: Tensor
    """(T,) by `models.harmonic.energy`."""
    level: float = 0.0
    """The median energy of the voiced frames of the whole recording that these are a part of."""
    phase: float = 0.0
    """Of the excitation before the first frame, in cycles: one of `start_phases`."""
    wanted: tuple[tuple[int, int], ...] | None = None
    """The parts (start, stop) whose sound is wanted, apart from each other and in order; None: all of it. What comes
    elsewhere may be anything, so that a network need not work for a rest."""


class Noise(Protocol):
    """Normal noise that belongs to these frames, however a recording is cut into windows."""

    def __call__(self, width: int, rate: int, stream: int = 0) -> Tensor:
        """(width, T · rate / 100), `rate` values a second; streams are independent of each other."""


class VoiceNetwork(Protocol):
    """A network that sings in one voice."""

    @property
    def sampling_rate(self) -> int:
        """Hz; a multiple of 100."""

    @property
    def kind(self) -> str:
        """The network in a few words, for a card."""

    @property
    def follows_f0(self) -> bool:
        """Whether it sings at the f0 that it is given, and in another key if that is shifted."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def start_phases(self, f0: Floats32) -> Floats64:
        """The `phase` of a window that starts at each of the T frames of a whole recording, (T,) in cycles."""

    def sing(self, frames: VoiceFrames, noise: Noise) -> Tensor:
        """T frames → (T · sampling_rate / 100,)."""


def most_voiced(given: tuple[VoiceFrames, Noise]) -> tuple[VoiceFrames, Noise]:
    """The same, but of the T frames only the three seconds with most voice are wanted: enough to hear a network by."""
    frames, noise = given
    if len(frames.f0) <= TRIAL_FRAMES:
        return given
    voiced_before = F.pad((frames.f0 > 0).cumsum(0), (1, 0))
    first = int((voiced_before[TRIAL_FRAMES:] - voiced_before[:-TRIAL_FRAMES]).argmax())
    parts = ((0, len(frames.f0)),) if frames.wanted is None else frames.wanted
    cut = [(max(start, first), min(stop, first + TRIAL_FRAMES)) for start, stop in parts]
    wanted = tuple((start, stop) for start, stop in cut if start < stop)
    return (replace(frames, wanted=wanted), noise) if wanted else given
